"""What a rule answers beside an alert: only a record, or a proposal that a person confirms. Nothing is moved here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backends.journal.entries import Draft, moment_text
from console.control import events
from console.control.errors import NotFound
from console.control.ledger import Ledger
from console.control.records import RuleResponse
from console.control.state import ControlState


def record_response(ledger: Ledger, response: RuleResponse) -> None:
    """Record what a rule answers, once for each alert; the first answer stays."""

    def decision(state: ControlState) -> tuple[Sequence[Draft], None]:
        if response.id in state.responses:
            return [], None
        body = {"response": response.model_dump(mode="json"), "text": response.text.raw}
        return [ledger.draft(f"response/{response.id}", events.RESPONDED, response.id, body)], None

    ledger.decide(decision)


def end_logged(ledger: Ledger, identifier: str, ended_at: datetime) -> None:
    """Record that what a rule only records is over. Raises NotFound."""

    def decision(state: ControlState) -> tuple[Sequence[Draft], None]:
        known = state.responses.get(identifier)
        if known is None:
            raise NotFound(f"nothing was recorded under {identifier}")
        if known.alert.closed_at is not None:
            return [], None
        return [ledger.draft(f"response/{identifier}/ended", events.LOGGED_OVER, identifier, {"closed_at": moment_text(ended_at)})], None

    ledger.decide(decision)
