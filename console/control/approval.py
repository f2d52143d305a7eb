"""An approval: what exactly was asked for, and what became of it.

The payload is what people sign: any change of it is another payload. States: pending, approved, vetoed, expired, void,
executed; the last four are final.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import Field

from backends.records import Digest, Moment, Name, canonical_json, digest_of_bytes
from console.control.actions import ActionKind, Frozen, Gate, version_label
from console.control.identity import Actor
from console.control.terms import Distinct, Signing

PAYLOAD_SCHEMA: Final = "quarterdeck/approval/3"

_SINCE_2: Final = {"trained_by", "different_from", "signature"}
"""What requests of the first format do not have: their bytes stay what was asked for."""

_SINCE_3: Final = {"journal"}
"""What those of the second do not have either."""


class ApprovalState(StrEnum):
    """Where a request stands; everything but pending and approved is final."""

    PENDING = "pending"
    APPROVED = "approved"
    VETOED = "vetoed"
    EXPIRED = "expired"
    VOID = "void"
    EXECUTED = "executed"


class World(Frozen):
    """The facts that an approval is bound to, as they are at one moment."""

    from_: Name | None
    artifact_digest: Digest | None
    evaluation_digest: Digest | None
    gates: tuple[Gate, ...]
    policy_digest: Digest
    trained_by: Name | None = None


class ApprovalPayload(Frozen):
    """Exactly what is approved; signed as its canonical JSON."""

    format: Literal["quarterdeck/approval/1", "quarterdeck/approval/2", "quarterdeck/approval/3"] = PAYLOAD_SCHEMA
    approval_id: Name
    action: ActionKind
    environment: Name
    model: Name
    alias: Name
    from_: Name | None
    to: Name
    artifact_digest: Digest | None
    evaluation_digest: Digest | None
    gates: tuple[Gate, ...]
    policy_digest: Digest
    requester: Name
    trained_by: Name | None = None
    """Who started the run that made the target; None: not recorded."""
    different_from: tuple[Distinct, ...] = ("requester",)
    """Whom an approver must not be."""
    signature: Signing = "none"
    """Whether each vote carries a signature by SSH key."""
    requested_at: Moment
    approve_by: Moment
    execute_by: Moment
    needed: int = Field(ge=1)
    reason: str
    nonce: Name
    journal: Name | None = None
    """The entry that it was asked for after, by number and hash: no other journal has it, so what is signed here counts nowhere else."""

    def signed_bytes(self) -> bytes:
        """Canonical JSON: one sequence of bytes for one payload."""
        left_out = {PAYLOAD_SCHEMA: None, "quarterdeck/approval/2": _SINCE_3, "quarterdeck/approval/1": _SINCE_2 | _SINCE_3}[self.format]
        return canonical_json(self.model_dump(mode="json", exclude=left_out)).encode()

    @property
    def digest(self) -> Digest:
        return digest_of_bytes(self.signed_bytes())

    @property
    def world(self) -> World:
        return World(
            from_=self.from_,
            artifact_digest=self.artifact_digest,
            evaluation_digest=self.evaluation_digest,
            gates=self.gates,
            policy_digest=self.policy_digest,
            trained_by=self.trained_by,
        )


class Vote(Frozen):
    """One person's approval of one payload."""

    person: Name
    actor: Actor
    at: Moment
    reason: str
    payload_digest: Digest
    solo: bool = False
    """True when the requester approved: only in a workspace of one person."""
    signed_at: Moment
    """By the wall clock, whatever the workspace's own says: keys are valid in real time."""
    signature: str | None = None
    """Armoured SSH signature over the payload, where it was asked for."""
    fingerprint: str | None = None
    """Of the key that signed."""
    signers: Digest | None = None
    """Of the file that said whose key it was."""


class Approval(Frozen):
    """A request and everything that happened to it."""

    id: Name
    payload: ApprovalPayload
    payload_digest: Digest
    asked_by: Actor
    votes: tuple[Vote, ...] = ()
    ended: Literal["vetoed", "void", "executed"] | None = None
    ended_at: Moment | None = None
    ended_by: Name | None = None
    ended_reason: str = ""
    difference: tuple[str, ...] = ()
    """Why it is void: what changed since it was asked for."""
    executing: Name | None = None
    """The action that uses it up now, or did."""
    plan: dict[str, Any] | None = None
    """What was shown to who asked, as it was confirmed."""
    lapsed: bool = False
    """True once the journal went past the deadline while it stood: a clock that is set back afterwards does not bring it back."""
    foreign: bool = False
    """True when it was asked for in another journal than the one it stands in: it was put here by hand, and is void."""

    @property
    def asked_as(self) -> ActionKind:
        """What was asked for: a shift of traffic, though it is approved as the promotion that it leads to."""
        return self.payload.action if self.plan is None else ActionKind(self.plan["kind"])

    @property
    def execute_with(self) -> str:
        """The verb that carries it out once it is approved, without `quarterdeck`; holds names as they came."""
        if self.plan is None or self.asked_as is ActionKind.PROMOTE:
            return f"promote {self.id}"
        return str(self.plan["verb"])

    @property
    def granted(self) -> int:
        """How many different people approved."""
        return len({vote.person for vote in self.votes})

    @property
    def deadline(self) -> datetime:
        """By when the next step has to be taken: its approval, or its execution."""
        payload = self.payload
        return payload.execute_by if self.granted >= payload.needed else min(payload.approve_by, payload.execute_by)

    def state_at(self, now: datetime) -> ApprovalState:
        """Where the request stands at `now`; deadlines count from the first moment after them."""
        if self.ended is not None:
            return ApprovalState(self.ended)
        if self.lapsed or now > self.deadline:
            return ApprovalState.EXPIRED
        return ApprovalState.APPROVED if self.granted >= self.payload.needed else ApprovalState.PENDING


FOREIGN: Final = "it was not asked for in this journal: what it says, and who signed it, is of another workspace"
"""Why a request is void that names another entry than the one that it follows."""


BROKEN: Final = "the journal was changed by hand since, or another one put in its place: ask for it again"
"""Why a request is void that stood before a break of the chain."""


def place_in(seq: int, hash_: str) -> str:
    """How a payload names the entry that it was asked for after."""
    return f"#{seq} {hash_}"


def no_longer(approval: Approval, now: datetime) -> str | None:
    """Why a request cannot be executed any more, None while it can or may yet."""
    state = approval.state_at(now)
    if state in {ApprovalState.PENDING, ApprovalState.APPROVED}:
        return None
    by = f" by {approval.ended_by}" if approval.ended_by else ""
    why = "; ".join(approval.difference) or approval.ended_reason
    if state is ApprovalState.EXPIRED:
        within, last = approval.granted >= approval.payload.needed, approval.deadline
        why = f"it was to be {'executed' if within else 'approved'} by {last:%Y-%m-%d %H:%M} UTC"
        if now <= last:
            why += ", and the journal has entries from after that: the clock was set back since"
    return f"{approval.id} is {state.value}{by}{f': {why}' if why else ''}"


def difference(was: World, now: World) -> tuple[str, ...]:
    """What changed between two worlds, one line each; empty when an approval still holds.

    A gate counts by its result, limit and waiver: its measured value may move on while the result stays.
    """
    lines: list[str] = []
    if was.from_ != now.from_:
        lines.append(f"version in force: was {version_label(was.from_)}, is {version_label(now.from_)}")
    for label, before, after in (
        ("artifact", was.artifact_digest, now.artifact_digest),
        ("evaluation", was.evaluation_digest, now.evaluation_digest),
        ("policy", was.policy_digest, now.policy_digest),
    ):
        if before != after:
            lines.append(f"{label}: was {_short(before)}, is {_short(after)}")
    if was.trained_by != now.trained_by:
        lines.append(f"trained by: was {was.trained_by or 'nobody known'}, is {now.trained_by or 'nobody known'}")
    before_gates = {gate.name: gate for gate in was.gates}
    after_gates = {gate.name: gate for gate in now.gates}
    for name in sorted(before_gates.keys() | after_gates.keys()):
        old, new = before_gates.get(name), after_gates.get(name)
        if old is None or new is None or old.bound != new.bound:
            lines.append(f"gate {name}: was {_gate_text(old)}, is {_gate_text(new)}")
    return tuple(lines)


def _gate_text(gate: Gate | None) -> str:
    if gate is None:
        return "absent"
    waiver = f", waiver {gate.waiver}" if gate.waiver else ""
    measured = " -> ".join(each for each in (gate.before, gate.after) if each)
    return f"{gate.state.value} ({measured + ', ' if measured else ''}limit {gate.limit or 'none'}{waiver})"


def _short(digest: str | None) -> str:
    return "unknown" if digest is None else digest.removeprefix("sha256:")[:12]
