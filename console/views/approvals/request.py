"""One request for approval: what exactly is asked for, what speaks for it, and what signing it would mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backends.records import Moment, Reader
from backends.text import Untrusted
from console.acting import control_policy
from console.control.actions import ALIAS_KINDS, SWITCH_STATES, ActionKind, Gate, PlanFacts, version_label
from console.control.approval import Approval, World, difference
from console.control.approvals import found, kept_apart, one_person, signing_asked
from console.control.drawing import world_of
from console.control.errors import Refused
from console.control.identity import Actor
from console.control.roles import Policy
from console.control.signatures import SignatureState, SignatureVerdict, TrustUnavailable, judged_votes, open_trust
from console.control.signing import choose_key
from console.control.terms import Signing, people
from console.demo.built import again, under_other_policies
from console.facts_in_time import WITHOUT, base_facts
from console.render import figures
from console.views.approvals.requests import ApprovalRow, row_of
from console.views.health.model import View
from console.views.sight import Sight

if TYPE_CHECKING:
    from console.views.release.plan_facts import Evidence


class Difference(View):
    """One thing that a promotion changes."""

    what: str
    before: str
    after: str


class VoteView(View):
    """One person's approval."""

    person: str
    at: Moment
    reason: Untrusted
    solo: bool
    signed: bool
    """Whether an SSH signature is kept with it."""
    fingerprint: str | None = None
    """Of the key that signed."""
    signature: str | None = None
    """What the signature is worth, verified at this moment: good, revoked, expired, ...; `not checked` when it cannot be told."""
    signature_says: str = ""


class SigningKey(View):
    """The key that this person would sign with."""

    fingerprint: str
    held: str
    """Where its private half is: `your agent`, `your forwarded agent`, or the file that was named."""


class ApprovalView(View):
    """One request, with everything that is signed and what else is true."""

    request: ApprovalRow
    at: Moment
    zone: str
    gates: tuple[Gate, ...]
    """As they were when it was asked for: these are what is signed."""
    gates_since: Moment | None = None
    gates_until: Moment | None = None
    gates_rows: int | None = None
    gates_scored: int | None = None
    changes: tuple[Difference, ...] = ()
    also_true: Untrusted = Untrusted("")
    scores_per_day: float | None = None
    readers: tuple[Reader, ...] = ()
    undo: str = ""
    votes: tuple[VoteView, ...] = ()
    will_change: tuple[Untrusted, ...] = ()
    """What else than a promotion would change, one line each, as it was shown to who asked."""
    will_not_change: tuple[Untrusted, ...] = ()
    policy_digest: str
    """Of the policies that it was asked under: `config policies APR-N` shows them."""
    changed_since: tuple[str, ...] = ()
    """What is different now from what was asked for: approving would void it. Empty for what has ended."""
    void_because: tuple[str, ...] = ()
    """What had changed when it became void, one line each."""
    person: str
    refusal: str | None
    """Why this person may not approve it; None when they may."""
    facts_problem: str | None = None
    """Why what is true now could not be read."""
    trained_by: str | None = None
    """Who trained the target, as it was when this was asked for."""
    signature: Signing = "none"
    """Whether approving takes a signature by SSH key."""
    key: SigningKey | None = None
    """What this person would sign with; None: with nothing, or there is no key."""
    key_missing: str | None = None
    """Why there is no key to sign with, where one could be used."""


def approval_view(
    sight: Sight,
    approval_id: str,
    actor: Actor,
    facts: PlanFacts | None,
    evidence: Evidence | None = None,
    *,
    key_file: Path | None = None,
) -> ApprovalView:
    """One request as `actor` sees it. Raises NotFound. `facts` are those of `world_now`; without them only the request is shown."""
    approval = found(sight.control, approval_id)
    payload = approval.payload
    policy = control_policy(sight.policies, sight.workspace, payload.environment, actor)
    facts = facts or base_facts(sight.workspace, payload.action)
    # The rows of the gates that are shown, which are those of the request: judged anew they may be others.
    shown = ((approval.plan or {}).get("shown") or {}).get("gates") or {}
    problem = facts.shown.get(WITHOUT)
    standing = approval.state_at(sight.at).value in {"pending", "approved"}
    # What a request about the kill switch is bound to is known without the store; what has ended is bound to nothing any more.
    known = standing and problem is None and (evidence is not None or payload.action not in ALIAS_KINDS)
    refusal = refusal_of(approval, sight, actor, policy)
    key, key_missing = signing_key(sight, approval, actor, policy, key_file) if refusal is None else (None, None)
    if key is None and refusal is None and signing_asked(approval, policy) == "required":
        refusal = key_missing
    return ApprovalView(
        request=row_of(sight, approval),
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        gates=payload.gates,
        gates_since=shown.get("since"),
        gates_until=shown.get("until"),
        gates_rows=shown.get("labelled"),
        gates_scored=shown.get("scored"),
        changes=_changes(evidence, payload.from_, payload.to) if evidence is not None and payload.action is ActionKind.PROMOTE else (),
        also_true=_also_true(approval, facts),
        scores_per_day=facts.scores_per_day,
        readers=_readers(approval, facts),
        undo=_undo(approval),
        will_change=_will_change(approval),
        will_not_change=_will_not_change(approval),
        policy_digest=payload.policy_digest,
        votes=vote_views(sight, approval, policy),
        changed_since=_changed(sight, difference(payload.world, _world(sight, approval, facts, policy))) if known else (),
        void_because=approval.difference,
        person=actor.name,
        refusal=refusal,
        facts_problem=str(problem) if problem else None,
        trained_by=payload.trained_by,
        signature=signing_asked(approval, policy),
        key=key,
        key_missing=key_missing,
    )


def refusal_of(approval: Approval, sight: Sight, actor: Actor, policy: Policy) -> str | None:
    """Why `actor` may not approve a request now."""
    payload = approval.payload
    state = approval.state_at(sight.at).value
    if sight.past:
        return "you look at the past, where nothing acts"
    if state != "pending":
        return f"it is {state}: nothing can be approved any more"
    forbidden = policy.refusal(actor.name, ActionKind.APPROVE, payload.environment, payload.model)
    if forbidden is not None:
        return forbidden
    apart = kept_apart(policy, payload)
    if actor.name == payload.requester and "requester" in apart and not policy.solo:
        return f"{actor.name} asked for it: another person must approve it"
    if (one := one_person(policy, approval, actor)) is not None:
        return one
    if actor.name == payload.trained_by and "trainer" in apart and not policy.solo:
        return f"{actor.name} trained {version_label(payload.to)}: the policy wants somebody else to approve it"
    if any(vote.person == actor.name for vote in approval.votes):
        return f"{actor.name} has approved it already: {people(payload.needed, solo=policy.solo)} in all"
    return None


def signing_key(sight: Sight, approval: Approval, actor: Actor, policy: Policy, file: Path | None) -> tuple[SigningKey | None, str | None]:
    """The key that `actor` would sign a request with, or why there is none; neither where none is asked for."""
    if signing_asked(approval, policy) == "none" and file is None:
        return None, None
    try:
        trust = open_trust(policy.signers, sight.workspace.paths.policies)
        chosen = choose_key(trust, actor.name, sight.clock.real_now(), file)
    except (Refused, TrustUnavailable) as error:
        return None, str(error)
    agent = "your forwarded agent" if actor.ssh else "your agent"
    return SigningKey(fingerprint=chosen.fingerprint, held=agent if chosen.file is None else str(chosen.file)), None


def vote_views(sight: Sight, approval: Approval, policy: Policy) -> tuple[VoteView, ...]:
    """Who approved, each signature verified: as of now while the request can be used, else as of when it was given."""
    open_ = approval.state_at(sight.at).value in {"pending", "approved"}
    worth: dict[str, SignatureVerdict] = {}
    why_not = ""
    if any(vote.signature is not None for vote in approval.votes):
        try:
            trust = open_trust(policy.signers, sight.workspace.paths.policies)
            moment = sight.clock.real_now() if open_ and not sight.past else None
            worth = {vote.person: verdict for vote, verdict in judged_votes(approval, trust, moment)}
        except TrustUnavailable as error:
            why_not = str(error)
    return tuple(
        VoteView(
            person=vote.person,
            at=vote.at,
            reason=Untrusted(vote.reason),
            solo=vote.solo,
            signed=vote.signature is not None,
            fingerprint=vote.fingerprint,
            signature=None if vote.signature is None else worth[vote.person].state.value if worth else SignatureState.UNCHECKED.value,
            signature_says=worth[vote.person].message if vote.signature and worth else why_not if vote.signature else "",
        )
        for vote in approval.votes
    )


def world_now(sight: Sight, approval: Approval) -> tuple[PlanFacts, Evidence | None]:
    """The facts that a request is bound to, as they are now, judged with its own waivers. Raises NoSuchModel or StoreError."""
    payload = approval.payload
    if payload.action not in ALIAS_KINDS:
        return base_facts(sight.workspace, payload.action), None
    from console.views.approvals.facts import facts_of
    from console.views.release.plan_facts import evidence_of  # loads the arithmetic

    with sight.reader() as reader:
        evidence = evidence_of(sight, reader, payload.model)
        facts = facts_of(evidence, reader, payload.action, payload.to)
    return facts, evidence


def _world(sight: Sight, approval: Approval, facts: PlanFacts, policy: Policy) -> World:
    payload = approval.payload
    moves = [move for move in sight.alias_history(payload.model) if move.alias == payload.alias]
    in_force = moves[-1].version if moves else None
    if payload.action in SWITCH_STATES:
        in_force = sight.published_switch(payload.model).value
    return world_of(facts, in_force, policy, payload.action)


def _changed(sight: Sight, differences: tuple[str, ...]) -> tuple[str, ...]:
    """What voids the request; of a demo whose policies are not those it was built under, also how it is built anew."""
    root = sight.workspace.paths.root
    if any(each.startswith("policy:") for each in differences) and under_other_policies(root):
        return (*differences, f"this demo was built under other policies; build it anew: {again(root)}")
    return differences


def _undo(approval: Approval) -> str:
    payload = approval.payload
    if payload.action is ActionKind.PROMOTE and approval.asked_as is ActionKind.PROMOTE:
        return f"R, back to {version_label(payload.from_)}"
    told = (approval.plan or {}).get("undo")
    return str(told) if told else f"K, {payload.from_} again"


def _will_change(approval: Approval) -> tuple[Untrusted, ...]:
    """What the plan said that was confirmed when it was asked for; of a promotion, its versions and gates say it."""
    if approval.plan is None or approval.asked_as is ActionKind.PROMOTE:
        return ()
    plan = approval.plan
    lines = [" ".join(f"{each['what']} {each['movement']} {each['note']}".split()) for each in plan["will_change"]]
    lines += [f"seen by {plan['seen_by']}"] if plan.get("seen_by") else []
    return tuple(Untrusted(each) for each in lines)


def _will_not_change(approval: Approval) -> tuple[Untrusted, ...]:
    told = () if approval.plan is None else approval.plan.get("will_not_change") or ()
    return tuple(Untrusted(each) for each in told) if approval.asked_as is not ActionKind.PROMOTE else ()


def _also_true(approval: Approval, facts: PlanFacts) -> Untrusted:
    """Whether it would help: as it is now, else as it was shown to who asked."""
    if facts.would_help is not None:
        return facts.would_help.verdict
    then = (approval.plan or {}).get("would_help")
    return Untrusted(f"when it was asked for: {then['verdict']}") if then else Untrusted("")


def _readers(approval: Approval, facts: PlanFacts) -> tuple[Reader, ...]:
    return facts.readers or tuple(Reader.model_validate(each) for each in (approval.plan or {}).get("readers", ()))


def _changes(evidence: Evidence, before: str | None, after: str) -> tuple[Difference, ...]:
    """What differs between two versions, each line once; what is the same is said to be."""
    rows = [Difference(what="trained on", before=_trained(evidence, before), after=_trained(evidence, after))]
    one, other = evidence.version(before), evidence.version(after)
    for what, field in (("artifact sha256", "artifact_digest"), ("environment", "environment_digest")):
        digests = [getattr(each, field) if each is not None else None for each in (one, other)]
        if any(digests):
            told = "same" if digests[0] == digests[1] else figures.short_digest(digests[1])
            rows.append(Difference(what=what, before=figures.short_digest(digests[0]), after=told))
    was, now = (one and one.code_commit) or figures.MISSING, (other and other.code_commit) or figures.MISSING
    if {was, now} != {figures.MISSING}:
        rows.append(Difference(what="code", before=was[:12], after="same" if was == now else now[:12]))
    names = [{column.name for column in each.signature.inputs} if each and each.signature else None for each in (one, other)]
    if names[1] is not None:
        gone_or_new = sorted(names[0] ^ names[1]) if names[0] is not None else []
        told = "same" if names[0] == names[1] else f"{len(names[1])}: {', '.join(gone_or_new[:3])} differ"
        rows.append(Difference(what="inputs", before=str(len(names[0])) if names[0] is not None else figures.MISSING, after=told))
    return tuple(rows)


def _trained(evidence: Evidence, version: str | None) -> str:
    data = evidence.training(version)
    if data is None:
        return "not recorded"
    period = f"{data.covers_from:%-d %b}-{data.covers_to:%-d %b} " if data.covers_from and data.covers_to else ""
    return f"{period}{figures.count(data.rows)}"
