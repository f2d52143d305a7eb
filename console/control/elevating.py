"""Beginning and ending an elevation, each with an entry in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from backends.credentials import without_credentials
from backends.journal.entries import Draft
from console.control import events
from console.control.actions import ActionKind
from console.control.elevation import Elevation, longest, standing, subject_of
from console.control.errors import Refused
from console.control.guardrails import said_length
from console.control.post import Post
from console.control.roles import ANY
from console.control.state import ControlState
from console.control.terminal import Terminal


class Elevating(Post):
    """Beginning and ending an elevation on the terminal of this process."""

    def elevation(self, environment: str) -> Elevation | None:
        """What stands here now."""
        return standing(self._state()[0], self.actor.name, environment, self.terminal, self.clock.real_now())

    def elevate(self, length: timedelta, *, reason: str, environment: str, key: str) -> Elevation:
        """Be elevated for `length` from now; another one here ends. Raises Refused, or JournalUnavailable (nothing was changed)."""
        self._require_standing()
        if self.terminal is None:
            raise Refused("there is no terminal to be elevated on: --elevate with a verb is for that one action")
        if environment not in self.policy.read_only:
            raise Refused(f"{environment} is not read-only: there is nothing to be elevated for")
        self._require_role(ActionKind.ELEVATE, environment, ANY)
        if not reason.strip():
            raise Refused("say why: it is kept in the audit")
        limit, why = longest(self.policy, environment)
        if not timedelta() < length <= limit:
            raise Refused(f"between a second and {said_length(limit)} ({why})")
        now = self.clock.real_now()
        body = {
            "person": self.actor.name,
            "environment": environment,
            "terminal": self.terminal.model_dump(mode="json"),
            "since": now.isoformat(),
            "until": (now + length).isoformat(),
            "reason": without_credentials(reason),
        }
        self._write(events.ELEVATED, environment, self.terminal, key, body)
        found = self.elevation(environment)
        if found is None:
            raise Refused("the clock on the wall moved while it was written: try again")
        return found

    def drop_elevation(self, *, environment: str, key: str) -> bool:
        """End the elevation here; False when there was none. Raises Refused or JournalUnavailable."""
        if self.terminal is None or self.elevation(environment) is None:
            return False
        self._write(events.LOWERED, environment, self.terminal, key, {"person": self.actor.name, "environment": environment})
        return True

    def _write(self, kind: str, environment: str, terminal: Terminal, key: str, body: Mapping[str, object]) -> None:
        subject = subject_of(self.actor.name, environment, terminal)
        entry = f"{kind}/{key}"

        def decision(state: ControlState) -> tuple[list[Draft], None]:
            known = entry in state.recorded
            return [] if known else [self._ledger.draft(entry, kind, f"elevation {environment}", {**body, "of": subject})], None

        self._ledger.decide(decision)
