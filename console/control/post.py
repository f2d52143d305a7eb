"""What everything done at the desk has in common: who, where, under which rules, with which journal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from backends.journal.entries import JournalError, JournalUnavailable
from backends.journal.outside import OutsideHeads
from backends.store.paths import WorkspacePaths
from console.clock import Clock
from console.control.actions import ActionKind
from console.control.elevation import standing
from console.control.errors import NotFound, Refused
from console.control.fact_landing import FactLanding
from console.control.folding import fold
from console.control.holders import with_doubts
from console.control.identity import Actor
from console.control.ledger import Ledger
from console.control.reach import Reach
from console.control.records import ActionRecord
from console.control.roles import Policy
from console.control.state import ControlState
from console.control.terminal import Terminal

KEEP_UNASKED: Final = 10_000
"""Entries since the last snapshot above which whoever acts keeps one, because no watch does."""


class Post:
    """One actor in one workspace. Use as a context manager, or `close()` it. Safe to use from several threads.

    `read_only` refuses everything; `elevated` lets this person do what a read-only environment keeps back, as does an elevation that
    stands on `terminal`.
    """

    def __init__(
        self,
        paths: WorkspacePaths,
        clock: Clock,
        actor: Actor,
        *,
        policy: Policy,
        read_only: bool = False,
        elevated: bool = False,
        reach: Reach | None = None,
        pause: Callable[[float], None] = time.sleep,
        outside: OutsideHeads | None = None,
        terminal: Terminal | None = None,
        after: Self | None = None,
    ) -> None:
        """`after`: a desk of this workspace that did `stand_by`, whose open journal this one goes on with."""
        self.paths = paths
        self.clock = clock
        self.actor = actor
        self.policy = policy
        self.read_only = read_only
        self.elevated = elevated
        self.terminal = terminal
        self._reach = reach or Reach.local(paths)
        self._pause = pause
        self._ledger = Ledger(paths, clock, actor, outside)
        if after is not None:
            self._ledger.go_on_with(after._ledger)
        self._landing = FactLanding(paths, actor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Wait for the facts that are being landed and close the journal. The desk opens it again when it is used again."""
        self._landing.finish()
        self.keep_state(after=KEEP_UNASKED)
        self._ledger.close()

    def stand_by(self) -> None:
        """Have the journal ready, so that who acts later does not wait for that. One that cannot be opened is tried again then."""
        if self._standing() is None:
            with contextlib.suppress(JournalError):
                self._ledger.stand_by()

    def keep_state(self, *, after: int) -> bool:
        """Keep what the journal adds up to, once `after` entries came since that was last done; without it acting only takes longer."""
        try:
            return self._ledger.keep(after)
        except (JournalError, OSError):
            return False

    def refusal(self, kind: ActionKind, environment: str, model: str) -> str | None:
        """Why this person may not do `kind` there now, before any plan: for keys that are shown dim."""
        return self._standing() or self.policy.refusal(self.actor.name, kind, environment, model)

    def standing_refusal(self) -> str | None:
        """Why nothing at all may be done at this desk; None when it may."""
        return self._standing()

    def _state(self) -> tuple[ControlState, str | None]:
        """The state with its spool, and why the journal cannot be used when it cannot."""
        problems: list[str] = []

        def read() -> ControlState:
            spooled = self._ledger.spooled_entries()
            try:
                state = self._ledger.state()
            except JournalUnavailable as error:
                problems.append(str(error))
                state = ControlState()
            try:
                return fold([entry for entry in spooled if entry.key not in state.late], state)
            except ValueError as error:
                problems.append(f"the spool cannot be read: {error}")
                return state

        return with_doubts(read), problems[0] if problems else None

    def _elevated(self, environment: str, state: ControlState) -> bool:
        """Whether what a read-only environment keeps back may be done there now."""
        return self.elevated or standing(state, self.actor.name, environment, self.terminal, self.clock.real_now()) is not None

    def _standing(self) -> str | None:
        if self.clock.kind == "past":
            return "you look at the past, where nothing acts: go back to now first"
        if self.read_only:
            return "this session is read-only (--read-only): nothing acts"
        if self.actor.played and self.clock.kind != "sim":
            return f"{self.actor.name} is a played person: only a workspace with a simulated clock accepts one"
        return None

    def _require_standing(self) -> None:
        standing = self._standing()
        if standing is not None:
            raise Refused(standing)

    def _require_role(self, kind: ActionKind, environment: str, model: str) -> None:
        refusal = self.policy.refusal(self.actor.name, kind, environment, model)
        if refusal is not None and not self.actor.program:
            raise Refused(refusal)

    def _found(self, state: ControlState, action_id: str) -> ActionRecord:
        action = state.action(action_id)
        if action is None:
            raise NotFound(f"there is no action {action_id}: see `actions`")
        return action
