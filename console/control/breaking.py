"""Breakers held by hand: recorded first, then held, like every other change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backends.breaker import Forced
from backends.breaker_file import BreakerFile
from backends.credentials import without_credentials
from backends.journal.entries import Draft
from console.control import events
from console.control.actions import ActionKind
from console.control.errors import Refused
from console.control.post import Post
from console.control.state import ControlState


class Breaking(Post):
    """Holding what is called outside open or closed, and letting it go."""

    def hold_breaker(
        self, name: str, *, open_: bool, until: datetime, reason: str, key: str, environment: str, owner: str | None = None
    ) -> None:
        """Hold the breaker `name` open (no call is made) or closed (every call is), until its owner decides anew.

        `until` is of the clock on the wall. The same key again changes nothing more. Raises Refused, BackendError (it is on record,
        but not done: the same key does it) or JournalUnavailable (nothing was changed).
        """
        self._may(name, reason, environment)
        now = self.clock.real_now()
        if until <= now:
            raise Refused("the time to ask again has passed already: give a later one")
        body = {
            "name": name,
            "held": "open" if open_ else "closed",
            "owner": owner or self.actor.who,
            "reason": without_credentials(reason),
            "set_at": now.isoformat(),
            "until": until.isoformat(),
        }
        self._move(events.BREAKER_HELD, name, key, body)

    def let_breaker_go(self, name: str, *, reason: str, key: str, environment: str) -> None:
        """Make the breaker `name` automatic again. Raises Refused, BackendError or JournalUnavailable, as `hold_breaker` does."""
        self._may(name, reason, environment)
        self._move(events.BREAKER_LET_GO, name, key, {"name": name, "reason": without_credentials(reason)})

    def _move(self, kind: str, name: str, key: str, body: dict[str, Any]) -> None:
        """Record it, unless that was done already; then do what is on record last."""
        entry = f"{kind}/{key}"

        def decision(state: ControlState) -> tuple[list[Draft], None]:
            known = entry in state.recorded
            return [] if known else [self._ledger.draft(entry, kind, f"breaker {name}", body)], None

        self._ledger.decide(decision)
        breakers = BreakerFile(self.paths.breakers, self.clock.real_now)
        done = ""
        # Somebody else may record another wish between the look and the doing: what is on record last is what stands in the end.
        while (last := self._ledger.state().breakers[name])["key"] != done:
            if "held" in last:
                moments = datetime.fromisoformat(last["set_at"]), datetime.fromisoformat(last["until"])
                breakers.hold(name, Forced(last["held"] == "open", last["owner"], last["reason"], *moments))
            else:
                breakers.let_go(name)
            done = last["key"]

    def _may(self, name: str, reason: str, environment: str) -> None:
        self._require_standing()
        self._require_role(ActionKind.KILL, environment, name)
        if not reason.strip():
            raise Refused("say why: it is kept in the audit, and whoever is asked at its end reads it")
