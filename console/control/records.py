"""What control remembers, as models: actions, notes, runs, gaps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from backends.records import Alert, Moment, Name, State
from backends.text import Untrusted
from console.control.actions import ENDED, ActionKind, ActionState, Call, Frozen, Moved
from console.control.identity import Actor


class Holder(Frozen):
    """The process that is carrying an action out."""

    host: Name
    pid: int
    started: str = ""
    """Start of the process as its system counts it, so that a reused number is not taken for it."""


class EffectWatch(Frozen):
    """Did it help?"""

    verdict: Literal["watching", "helped", "no effect", "worse", "unknown"]
    message: str
    at: Moment


class Recheck(Frozen):
    """A look at an action in doubt that could not settle it; a retry asks for one that came after the last call."""

    at: Moment
    who: str
    message: str
    seen: str | None = None
    """What was in force; None when it could not be read."""


class RuleResponse(Frozen):
    """What a rule answers when it fires: it was only recorded, or something is proposed. It has moved nothing."""

    id: Name
    """Of the alert; where it is only recorded, the id that its alert would have had."""
    response: Literal["log", "retrain", "roll back"]
    alert: Alert
    """As it fired; with its end where it is only recorded, since no alert has that then."""
    at: Moment
    state: State
    """`ok`: a gain is expected of it, or no bug was seen before a retrain; `warning`: rather not; `unknown`: nobody can tell."""
    text: Untrusted
    first: Moment | None = None
    """Where a retrain is proposed: its labelled rows begin here."""
    last: Moment | None = None
    """Labels are complete up to here."""
    scored: int | None = None
    labelled: int | None = None
    since_alert: int | None = None
    """Labelled rows from when the alert opened on: what the world is like now."""
    verb: str | None = None
    """What a person does next, without the program's name."""


class ActionRecord(Frozen):
    """An action as the journal knows it."""

    id: Name
    key: Name
    kind: ActionKind
    environment: Name
    model: Name
    alias: Name | None = None
    subject: Name | None = None
    from_: str | None = None
    to: str | None = None
    reason: str = ""
    actor: Actor
    state: ActionState
    intended_at: Moment
    sent_at: Moment | None = None
    finished_at: Moment | None = None
    ended_seq: int | None = None
    """Number of the entry that ended it; 0 while that waits in the spool."""
    seconds: float | None = None
    after: str | None = None
    message: str = ""
    calls: tuple[Call, ...] = ()
    difference: tuple[str, ...] = ()
    moved: Moved | None = None
    """Who moved it meanwhile."""
    approval: Name | None = None
    incident: Name | None = None
    run: Name | None = None
    suggested: str | None = None
    until: Moment | None = None
    owner: Name | None = None
    safer: bool = False
    holder: Holder | None = None
    awaits: str = ""
    """What has to happen elsewhere before it is in effect, once it was sent and read back; empty: nothing, or it has ended."""
    in_flight: bool = False
    """True while the process that carries it out is alive."""
    settled_by: str | None = None
    """Who found out how it ended, when that was not the process itself."""
    recheck: Recheck | None = None
    """The newest look that left it in doubt, None once the call was made again."""
    retries: int = 0
    """How often the same call was made again with the same key."""
    watch: EffectWatch | None = None
    spooled: bool = False
    """True when it was noted outside the journal first."""
    entries: tuple[int, ...] = ()
    """Numbers of its journal entries."""
    plan: dict[str, Any] | None = None
    """What the screen showed, as it was confirmed."""
    break_glass: bool = False
    published: int | None = None
    """Which version of the published file the call was made upon; None: not on record."""

    @property
    def open(self) -> bool:
        """Whether somebody still has to find out how it ended."""
        return self.state not in ENDED and self.state is not ActionState.WAITING


class Review(Frozen):
    """A broken glass, and what somebody else found afterwards."""

    id: Name
    action: Name
    environment: Name
    model: Name
    actor: Actor
    """Who broke it: the review is anybody else's."""
    reason: str
    opened_at: Moment
    closed_at: Moment | None = None
    closed_by: Actor | None = None
    verdict: Literal["justified", "not justified"] | None = None
    text: str = ""
    solo: bool = False
    """True when the one who broke it reviewed it: only in a workspace of one person."""

    @property
    def open(self) -> bool:
        return self.closed_at is None


def review_id(action_id: str, taken: Mapping[str, Review]) -> str:
    """`REV-` and six digits of the action's id, all of them where another action begins alike: known without counting."""
    short, long = review_ids(action_id)
    known = taken.get(short)
    return long if known is not None and known.action != action_id else short


def review_ids(action_id: str) -> tuple[str, str]:
    """The ids that the review of an action may have, the one that is tried first before the other."""
    digits = action_id.removeprefix("A-")
    return f"REV-{digits[:6]}", f"REV-{digits}"


class Note(Frozen):
    """A remark about an incident, a model, an action."""

    seq: int
    at: Moment
    actor: Actor
    subject: Name
    text: str


class RunEvent(Frozen):
    """One step event of a playbook run; its body belongs to the runner."""

    seq: int
    run: Name
    name: Name
    at: Moment
    actor: Actor
    body: dict[str, Any]
    key: Name


class Gap(Frozen):
    """Notes that were written outside the journal and are not in it yet."""

    since: datetime
    entries: int
    reason: str
