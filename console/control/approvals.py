"""Requests for approval: asked for, approved by other people, vetoed, voided by any change of what they are bound to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backends.journal.entries import Draft
from backends.records import Digest
from console.control import events
from console.control.actions import SERVING_ALIAS, ActionKind, ActionPlan, new_key, version_label
from console.control.approval import Approval, ApprovalPayload, ApprovalState, World, difference, place_in
from console.control.errors import NotFound, Refused
from console.control.identity import Actor
from console.control.ledger import Ledger
from console.control.roles import Policy
from console.control.signatures import strictest
from console.control.state import ControlState
from console.control.terms import Distinct, Signing


def ask(ledger: Ledger, policy: Policy, plan: ActionPlan, world: World, *, key: str, reason: str) -> tuple[Approval, bool]:
    """File a request for what `plan` says; the same key, or the same request while it is open, returns it and True.

    An open request for the same target in another world is void from then on, and a new one takes its place. Raises Refused while
    that one is being executed.
    """
    nonce = new_key()

    def decision(state: ControlState) -> tuple[Sequence[Draft], tuple[str, bool]]:
        now = ledger.clock.now()
        known = state.asked_by_key.get(key)
        if known is not None:
            return [], (known, True)
        voided: list[Draft] = []
        kind = plan.approved_as
        standing = state.approval_for(kind, plan.environment, plan.model, plan.released or "", now)
        if standing is not None:
            changed = difference(standing.payload.world, world)
            if not changed:
                return [], (standing.id, True)
            if standing.executing is not None:
                raise Refused(in_use(standing, standing.executing))
            voided = [_voided(ledger, standing.id, changed)]
        terms = policy.terms_for(kind, plan.environment, plan.model)
        payload = ApprovalPayload(
            approval_id=f"APR-{_highest(state.approvals) + 1}",
            action=kind,
            environment=plan.environment,
            model=plan.model,
            alias=plan.alias or SERVING_ALIAS,
            from_=world.from_,
            to=plan.released or "",
            artifact_digest=world.artifact_digest,
            evaluation_digest=world.evaluation_digest,
            gates=world.gates,
            policy_digest=world.policy_digest,
            trained_by=world.trained_by,
            different_from=terms.different_from,
            signature=terms.signature,
            requester=ledger.actor.name,
            requested_at=now,
            approve_by=now + timedelta(hours=terms.approve_within_hours),
            execute_by=now + timedelta(hours=terms.execute_within_hours),
            needed=max(1, terms.quorum),
            reason=reason,
            nonce=nonce,
            journal=place_in(state.last_seq, state.last_hash),
        )
        body = {
            "key": key,
            "payload": payload.model_dump(mode="json"),
            "payload_digest": payload.digest,
            "plan": plan.model_dump(mode="json"),
        }
        # First, since it names the entry right before it.
        asked = ledger.draft(f"approval/asked/{key}", events.ASKED, payload.approval_id, body)
        return [asked, *voided], (payload.approval_id, False)

    identifier, repeated = ledger.decide(decision)
    return ledger.state().approvals[identifier], repeated


@dataclass(frozen=True, slots=True)
class Signed:
    """A vote's signature, once it was found good."""

    signature: str
    fingerprint: str
    signers: Digest
    """Of the file that said whose key it is."""


def may_vote(state: ControlState, policy: Policy, person: str, now: datetime, approval_id: str, seen: str | None = None) -> Approval | None:
    """The request that `person` may approve now; None when they have already. Raises NotFound, or Refused with the reason.

    `seen`: the digest of the payload that was looked at, where one was.
    """
    approval = found(state, approval_id)
    payload = approval.payload
    refusal = policy.refusal(person, ActionKind.APPROVE, payload.environment, payload.model)
    if refusal is not None:
        raise Refused(refusal)
    if any(vote.person == person for vote in approval.votes):
        return None
    standing = approval.state_at(now)
    if standing is not ApprovalState.PENDING:
        raise Refused(f"{approval_id} is {standing.value}: nothing can be approved any more", approval.difference)
    if payload.digest != approval.payload_digest or seen not in {None, approval.payload_digest}:
        raise Refused(f"{approval_id} is not the request that you saw: look at it again before approving")
    apart = kept_apart(policy, payload)
    if person == payload.requester and "requester" in apart and not policy.solo:
        raise Refused(f"{approval_id} was asked for by {person}: another person must approve it")
    if person == payload.trained_by and "trainer" in apart and not policy.solo:
        raise Refused(f"{person} trained {version_label(payload.to)}: the policy wants somebody else to approve it")
    return approval


def kept_apart(policy: Policy, payload: ApprovalPayload) -> set[Distinct]:
    """Whom an approver must not be: as it was asked for, and as the policy says by now."""
    return {*payload.different_from, *policy.terms_for(payload.action, payload.environment, payload.model).different_from}


def one_person(policy: Policy, approval: Approval, actor: Actor) -> str | None:
    """Why `actor` would approve their own request by way of another account; None where sudo says nothing of the kind."""
    asked, behind = approval.asked_by, actor.behind
    if policy.solo or "requester" not in kept_apart(policy, approval.payload):
        return None
    if behind is not None and behind in {asked.name, asked.behind}:
        one = behind
    elif actor.name == asked.behind:
        one = actor.name
    else:
        return None
    return f"{one} asked for {approval.id}, and acts through another account, as sudo says: another person must approve it"


def approve(
    ledger: Ledger, policy: Policy, approval_id: str, *, seen: str, world: World | None, reason: str, signed: Signed | None
) -> Approval:
    """Add this person's approval of the payload with digest `seen`. Again by the same person: nothing changes.

    Raises NotFound, or Refused: not pending, own request, another payload than the one that was seen, another world (which
    also makes the request void), no signature where one is required.
    """
    person = ledger.actor.name

    def decision(state: ControlState) -> tuple[Sequence[Draft], Refused | None]:
        approval = may_vote(state, policy, person, ledger.clock.now(), approval_id, seen)
        if approval is None:
            return [], None
        payload = approval.payload
        if world is not None:
            changed = difference(payload.world, world)
            if changed:
                draft = _voided(ledger, approval_id, changed)
                return [draft], Refused(f"{approval_id} is void: {changed[0]}", changed)
        if signed is None and signing_asked(approval, policy) == "required":
            raise Refused(f"{approval_id} is approved with a signature by SSH key only: nothing was recorded")
        body: dict[str, object] = {"reason": reason, "payload_digest": seen, "solo": person == payload.requester, "signature": None}
        if signed is not None:
            body |= {"signature": signed.signature, "fingerprint": signed.fingerprint, "signers": signed.signers}
        return [ledger.draft(f"approval/{approval_id}/vote/{person}", events.APPROVED, approval_id, body)], None

    refused = ledger.decide(decision)
    if refused is not None:
        raise refused
    return ledger.state().approvals[approval_id]


def signing_asked(approval: Approval, policy: Policy) -> Signing:
    """Whether votes on a request are signed: as it was asked for, or as the policy says by now, whichever is stricter."""
    payload = approval.payload
    return strictest(payload.signature, policy.terms_for(payload.action, payload.environment, payload.model).signature)


def reject(ledger: Ledger, policy: Policy, approval_id: str, *, reason: str) -> Approval:
    """End a request: a veto by anybody who might approve it, or its withdrawal by who asked. Raises NotFound or Refused."""
    person = ledger.actor.name

    def decision(state: ControlState) -> tuple[Sequence[Draft], None]:
        approval = found(state, approval_id)
        payload = approval.payload
        refusal = policy.refusal(person, ActionKind.REJECT, payload.environment, payload.model)
        if refusal is not None and person != payload.requester:
            raise Refused(refusal)
        standing = approval.state_at(ledger.clock.now())
        if standing is ApprovalState.VETOED and approval.ended_by == person:
            return [], None
        if standing not in {ApprovalState.PENDING, ApprovalState.APPROVED}:
            raise Refused(f"{approval_id} is {standing.value}: there is nothing to reject")
        if approval.executing is not None:
            raise Refused(f"{approval_id} is being executed by {approval.executing}: roll that back instead")
        return [ledger.draft(f"approval/{approval_id}/veto", events.VETOED, approval_id, {"reason": reason})], None

    ledger.decide(decision)
    return ledger.state().approvals[approval_id]


def void(ledger: Ledger, approval_id: str, changed: tuple[str, ...]) -> None:
    """End a request because the world it is bound to is gone; not while an action uses it up, which is what may have changed the world."""

    def decision(state: ControlState) -> tuple[Sequence[Draft], None]:
        approval = state.approvals[approval_id]
        final = approval.ended is not None or approval.executing is not None
        return ([] if final else [_voided(ledger, approval_id, changed)]), None

    ledger.decide(decision)


def in_use(approval: Approval, action_id: str) -> str:
    """What is said to whoever comes while `action_id` uses a request up."""
    return f"{approval.id} is being used by {action_id}: wait for its end; where it is in doubt, recheck it first"


def found(state: ControlState, approval_id: str) -> Approval:
    """The request. Raises NotFound."""
    try:
        return state.approvals[approval_id]
    except KeyError:
        raise NotFound(f"there is no request {approval_id}: see `approvals`") from None


def _voided(ledger: Ledger, approval_id: str, changed: tuple[str, ...]) -> Draft:
    body = {"reason": "the world changed", "difference": list(changed)}
    return ledger.draft(f"approval/{approval_id}/void", events.VOIDED, approval_id, body)


def _highest(approvals: Iterable[str]) -> int:
    return max((int(identifier.rpartition("-")[2]) for identifier in approvals), default=0)
