"""What an action is, before, while and after it happens.

Life: planned (nothing is written) -> intended (on disk before anything moves) -> sent -> effective (read back) | failed (nothing
moved) | refused | in doubt (may or may not have happened: recheck) -> watched (did it help?).
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.records import SAFETY_ORDER, Digest, Moment, Name, Reader, State, SwitchState, digest_of
from backends.text import Untrusted
from console.control.retention_terms import RetentionTerms
from console.control.rollout import RolloutTerms, RolloutWish

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A number that a record can carry."""

SERVING_ALIAS: Final = "production"
"""The alias that says which version serves."""

CHALLENGER_ALIAS: Final = "challenger"
"""The alias of the version that may replace the one that serves; it serves nobody itself."""

REASON_LENGTH: Final = 2000


class ActionKind(StrEnum):
    """Everything that a person can do through control."""

    ROLLBACK = "rollback"
    PROMOTE = "promote"
    DEGRADE = "degrade"
    FALLBACK = "fallback"
    KILL = "kill"
    RESTORE = "restore"
    SHIFT = "shift"
    """Traffic between the version that serves and a candidate: begin a rollout, a step, a share, pause, resume."""
    ABORT = "abort"
    """End a rollout: the version that served answers everything again."""
    HOLD = "hold"
    """Keep the jobs of a model's pipelines from running: batch scoring above all."""
    RELEASE_HOLD = "release-hold"
    RETRAIN = "retrain"
    """Ask a pipeline for a training run. What it makes is a version like any other: it serves only by a promotion."""
    RETAIN = "apply-retention"
    """Deleting the rows of a model that the retention rules of the workspace no longer keep."""
    ASK = "ask"
    APPROVE = "approve"
    REJECT = "reject"
    REVIEW = "review"
    TAKE = "take"
    ACKNOWLEDGE = "acknowledge"
    NOTE = "note"
    HAND_OVER = "hand-over"
    CLOSE = "close"
    PLAYBOOK = "playbook"
    """Starting a playbook and taking its run further."""
    SETTLE = "settle"
    """Finding out, or saying, how an action in doubt ended."""
    ELEVATE = "elevate"
    """Doing what a read-only environment keeps back."""


SWITCH_STATES: Final = {
    ActionKind.DEGRADE: SwitchState.DEGRADED,
    ActionKind.FALLBACK: SwitchState.FALLBACK,
    ActionKind.KILL: SwitchState.KILLED,
    ActionKind.RESTORE: SwitchState.NORMAL,
}
ALIAS_KINDS: Final = frozenset({ActionKind.ROLLBACK, ActionKind.PROMOTE})
TRAFFIC_KINDS: Final = frozenset({ActionKind.SHIFT, ActionKind.ABORT})
SERVING_KINDS: Final = ALIAS_KINDS | frozenset(SWITCH_STATES) | TRAFFIC_KINDS
"""Kinds that change what answers requests."""
HOLD_KINDS: Final = frozenset({ActionKind.HOLD, ActionKind.RELEASE_HOLD})
PIPELINE_KINDS: Final = HOLD_KINDS | {ActionKind.RETRAIN}
MOVING_KINDS: Final = SERVING_KINDS | PIPELINE_KINDS | {ActionKind.RETAIN}
"""Kinds that change something outside the journal."""

NEEDS_FACTS: Final = frozenset({ActionKind.PROMOTE, ActionKind.SHIFT, ActionKind.RETRAIN, ActionKind.RETAIN})
"""Kinds that let a version in, which is judged by its gates, or that ask for one, which waits for "real or a bug?", or that delete what was
counted; a shift that lets in nothing goes on without them all the same."""

KIND_OF_STATE: Final = {state: kind for kind, state in SWITCH_STATES.items()}

Danger = Literal["safer", "routine", "dangerous"]


class ActionState(StrEnum):
    """Where an action is in its life."""

    INTENDED = "intended"
    SENT = "sent"
    EFFECTIVE = "effective"
    FAILED = "failed"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    WAITING = "waiting"
    """An approval was asked for; nothing was sent."""
    DONE = "done"
    """Recorded; there was nothing to send."""


ENDED: Final = frozenset({ActionState.EFFECTIVE, ActionState.FAILED, ActionState.REFUSED, ActionState.DONE})

_EXIT_CODES: Final = {ActionState.FAILED: 4, ActionState.REFUSED: 3, ActionState.IN_DOUBT: 6, ActionState.INTENDED: 6, ActionState.SENT: 6}


class Frozen(BaseModel):
    """Base of every model of control: immutable, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ActionRequest(Frozen):
    """What somebody wants done."""

    kind: ActionKind
    environment: Name = "production"
    model: Name
    to: Name | None = None
    """Version for rollback (default: the one that served before), promote and the beginning of a rollout; person for hand-over; the
    switch kinds imply it."""
    wish: RolloutWish | None = None
    """How `shift` is to move the traffic."""
    subject: Name | None = None
    """What take, acknowledge, note, hand-over and close are about: an incident or alert id; default: the model. Of a hold the pipeline;
    default: every one; of a retrain the pipeline, default: the one that trains the model."""
    reason: str = Field(default="", max_length=REASON_LENGTH)
    until: Moment | None = None
    """When the owner of a switch or a hold is asked again."""
    owner: Name | None = None
    """Who is asked then; default: whoever acts."""
    key: Name | None = None
    """Idempotency key; default: a new one."""
    incident: Name | None = None
    run: Name | None = None
    suggested: str | None = None
    """What a playbook or plan suggested, kept beside what was chosen."""
    bulk: int = Field(default=1, ge=1)
    """How many models this is one of, when somebody acts on several at once."""
    bulk_index: int = Field(default=0, ge=0)
    """How many of them come before this one."""
    break_glass: bool = False
    """Go on without the approval that it needs; somebody else reviews it afterwards."""


class Candidate(Frozen):
    """One row of "would it help?"."""

    name: Name
    metrics: dict[str, Finite | None]
    last_served: Untrusted = Untrusted("")
    needs: str = ""
    current: bool = False
    best: bool = False


class WouldHelp(Frozen):
    """Whether the target is in fact better on the data at hand."""

    question: Untrusted = Untrusted("")
    rows: int | None = None
    candidates: tuple[Candidate, ...] = ()
    verdict: Untrusted
    state: State = State.UNKNOWN
    """`ok` when it is expected to help, `warning` when not, `unknown` when that cannot be computed."""
    best: Name | None = None


class Gate(Frozen):
    """One gate and its result."""

    name: Name
    state: State
    before: str = ""
    after: str = ""
    limit: str = ""
    detail: Untrusted = Untrusted("")
    waiver: str | None = None

    @property
    def bound(self) -> tuple[str, str, str | None]:
        """What an approval holds on to; the measured values may move on while the result stays."""
        return self.state.value, self.limit, self.waiver


class Judgement(Frozen):
    """What a step of a rollout has shown so far."""

    state: State
    """`ok`: nothing is worse than beside it; `critical`: something is; `unknown`: that cannot be told yet."""
    sentence: Untrusted
    lines: tuple[Untrusted, ...] = ()
    """One metric a line."""


class Retraining(Frozen):
    """Whether a retrain is advised, by whom it would be run, and on which rows."""

    pipelines: tuple[Name, ...] = ()
    """Those that are recorded as training the model."""
    state: State
    """`ok`: no bug was seen; `warning`, `critical`: one is suspected, so it is looked for first; `unknown`: that cannot be told yet."""
    verdict: Untrusted
    """What was seen, or what to do first."""
    first: Moment | None = None
    """The labelled rows that are proposed begin here."""
    last: Moment | None = None
    """Labels are complete up to here."""
    scored: int | None = None
    labelled: int | None = None
    verb: str = ""
    """What a person looks at first, without the program's name."""


class PlanFacts(Frozen):
    """What the caller knows of the world and the executor does not: read from the store, never by control itself."""

    target: tuple[Untrusted, ...] = ()
    """Lines about the target: what it was trained on, how many inputs are present, whether its artifact matches."""
    would_help: WouldHelp | None = None
    readers: tuple[Reader, ...] = ()
    scores_per_day: Finite | None = None
    seen_by: Untrusted | None = None
    """How and when serving notices: `score-server polls every 2 s`."""
    will_not_change: tuple[Untrusted, ...] = ()
    artifact_digest: Digest | None = None
    evaluation_digest: Digest | None = None
    gates: tuple[Gate, ...] = ()
    trained_by: Name | None = None
    """Who started the run that made the target, where a run record says so."""
    unread: str = ""
    """Why what an approval would be bound to could not be read; empty when it was."""
    policy_digest: Digest | None = None
    """Of the gate policy; default: of the executor's own policy."""
    refusal: str | None = None
    """Why the target cannot be used at all: its artifact is gone, its digest does not match."""
    judged: Judgement | None = None
    """What the step of the rollout under way has shown; None: it was not looked at."""
    retraining: Retraining | None = None
    """Of a retrain: "real or a bug?", and the rows; None: it was not looked at."""
    retention: RetentionTerms | None = None
    """What is due of the model; None: it was not looked at."""
    shown: dict[str, Any] = Field(default_factory=dict)
    """Anything else that the screen showed, for the audit; JSON."""


class Change(Frozen):
    """One line of "will change": `alias production`, `v2 -> v1`, `registry local, expected from: v2`."""

    what: str
    movement: str
    note: str = ""


class ActionPlan(Frozen):
    """A dry run: everything a person must see before deciding. Making one changes nothing."""

    action_id: Name
    key: Name
    kind: ActionKind
    danger: Danger
    environment: Name
    model: Name
    alias: Name | None = None
    subject: Name | None = None
    from_: Name | None = None
    """Value in force when the plan was drawn; execution refuses when it is another one by then."""
    to: Name | None = None
    title: str
    will_change: tuple[Change, ...] = ()
    will_not_change: tuple[str | Untrusted, ...] = ()
    target: tuple[Untrusted, ...] = ()
    served_until: Moment | None = None
    """When the target last served; None: it never did, or does now."""
    would_help: WouldHelp | None = None
    readers: tuple[Reader, ...] = ()
    seen_by: Untrusted | None = None
    undo: str = ""
    wish: RolloutWish | None = None
    terms: RolloutTerms | None = None
    """What a shift of traffic publishes."""
    rollout: str | None = None
    """The value of the rollout that was under way when an alias is moved; None: there was none, the move is direct."""
    judged: Judgement | None = None
    retraining: Retraining | None = None
    retention: RetentionTerms | None = None
    """What is deleted."""
    calls: tuple[str, ...] = ()
    needs: str = ""
    typed_name: Name | None = None
    """What must be typed before it can be confirmed: the model's or the environment's name, or of several
    models how many they are; None: nothing."""
    amounts_to: tuple[ActionKind, ...] = ()
    """What guardrails take it for: its kind first, then what it comes to as things stand."""
    guardrails: tuple[str, ...] = ()
    """The rules that match, one line each, with what they ask."""
    agreement: tuple[str, ...] = ()
    """Who must agree, one line each: how many and who may, which rule asks for it, until when or who has; empty: nobody."""
    guarded: bool = False
    """True where the environment is read-only for it: whoever carries it out is elevated."""
    afterwards: str | None = None
    """Who carries it out once it is approved, where whoever asks may not: `ines or otto may`; None: whoever asks."""
    bulk: int = 1
    bulk_index: int = 0
    until: Moment | None = None
    owner: Name | None = None
    """Who is asked at `until`; None: whoever carries the plan out."""
    step: Literal["act", "ask"] = "act"
    """`ask`: confirming files a request for approval and sends nothing."""
    approval: Name | None = None
    """The approved request that executing would use up, or the open one that waits."""
    allowed: bool
    refusal: str | None = None
    warnings: tuple[str, ...] = ()
    verb: str
    """The headless twin, without the program's name."""
    drawn_at: Moment
    reason: str = ""
    incident: Name | None = None
    run: Name | None = None
    suggested: str | None = None
    at_once: bool = False
    """True where it waits for an approval and the glass may be broken instead."""
    break_glass: bool = False
    """True when it goes on without an approval or an elevation that it needs: a review is opened with it."""
    without: str = ""
    """What it does without: `2 approvals by other people and elevation`."""
    artifact_digest: Digest | None = None
    evaluation_digest: Digest | None = None
    gates: tuple[Gate, ...] = ()
    trained_by: Name | None = None
    policy_digest: Digest
    shown: dict[str, Any] = Field(default_factory=dict)
    digest: str = ""
    """Of everything above: what was shown is what is executed."""

    @property
    def safer(self) -> bool:
        return self.danger == "safer"

    @property
    def renewal(self) -> bool:
        """Whether a switch or a hold stays as it is and only its owner and the time at which they are asked change."""
        return self.kind in {*SWITCH_STATES, ActionKind.HOLD} and self.from_ is not None and self.from_ == self.to

    @property
    def released(self) -> str | None:
        """What an approval of this names as its target: the version that is released, or the state of a switch or a hold."""
        return self.to if self.terms is None else self.terms.candidate

    @property
    def approved_as(self) -> ActionKind:
        """The kind under which it is approved: every way back up of a switch is a restore, letting a version in by steps a promotion,
        keeping it out the end of its rollout."""
        if self.kind in SWITCH_STATES:
            return self.kind if self.safer else ActionKind.RESTORE
        if self.kind is ActionKind.SHIFT:
            return ActionKind.ABORT if self.safer else ActionKind.PROMOTE
        return self.kind

    @property
    def found(self) -> str | None:
        """What an approval of this names as being in force: the version that the alias names, or the state of the switch."""
        return self.from_ if self.terms is None else self.terms.stable

    @property
    def expected(self) -> str | None:
        """The compare-and-set value: `from_`."""
        return self.from_

    def content_digest(self) -> Digest:
        """`sha256:` of the plan without its own digest."""
        return digest_of(self.model_dump(mode="json", exclude={"digest"}))


class Confirmation(Frozen):
    """What the person gave to go ahead."""

    typed_name: str | None = None
    reason: str = Field(default="", max_length=REASON_LENGTH)
    key: Name | None = None


class Call(Frozen):
    """One call as it was made: `set_alias arrival-delay production=1 if 2`, `ok`, 41.2."""

    call: str
    result: str
    ms: float


class Moved(Frozen):
    """Who put the value that is in force where it is."""

    who: str
    at: Moment
    key: Name
    action: Name
    """Id of the action that has this key; one made elsewhere has an id that nobody here knows."""

    @classmethod
    def by(cls, who: str, at: datetime, key: str) -> Moved | None:
        """None where the backend says nothing about it."""
        return cls(who=who, at=at, key=key, action=action_id_of(key)) if who and key else None

    def told(self) -> str:
        """`set by otto@bastion 2013-04-26 22:03:14 UTC, A-7f31...`."""
        return f"set by {self.who} {self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {self.action}"


class ActionOutcome(Frozen):
    """How it ended, said without claiming more than was seen."""

    action_id: Name
    key: Name
    kind: ActionKind
    environment: Name
    model: Name
    state: ActionState
    message: str
    from_: str | None = None
    to: str | None = None
    after: str | None = None
    """What was read back."""
    calls: tuple[Call, ...] = ()
    seconds: float | None = None
    """From the written intent to the effect being seen."""
    approval: Name | None = None
    difference: tuple[str, ...] = ()
    """What had changed since the plan was drawn or the approval was given."""
    moved: Moved | None = None
    """Who moved it meanwhile, when that is why it did not go on."""
    awaits: str = ""
    """What has to happen elsewhere before it is in effect, where it was sent and that was read back; empty: nothing."""
    gap: str | None = None
    """Why the journal does not hold this yet."""
    repeated: bool = False
    """True when the key had been used before: this is the outcome of that time, nothing was done again."""

    @property
    def exit_code(self) -> int:
        """Exit code of the verb: 0 ok, 3 refused, 4 failed, 6 in doubt."""
        return 0 if self.awaits and self.state is ActionState.SENT else _EXIT_CODES.get(self.state, 0)


def new_key() -> str:
    """A key that nobody else has."""
    return uuid.uuid4().hex


def action_id_of(key: str) -> str:
    """`A-` and twelve hex digits: short enough to read out, and given by the key."""
    return f"A-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def is_safer(found: SwitchState, wanted: SwitchState) -> bool:
    """Whether a switch moves downwards, or stays, in the order normal, degraded, fallback, killed."""
    return found in SAFETY_ORDER and SAFETY_ORDER.index(wanted) >= SAFETY_ORDER.index(found)


def version_label(version: str | None) -> str:
    """`v2` for the version `2`; other names as they are; `none` for no version."""
    if version is None:
        return "none"
    return f"v{version}" if version.isdigit() else version


def said_duration(seconds: float) -> str:
    """`4 ms` below a tenth of a second, `0.2 s` above."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.1f} s"
