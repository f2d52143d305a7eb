"""Badges of a version, and of where it serves."""

from __future__ import annotations

from typing import Final

from backends.records import Deployment, Evaluation, State, SwitchState
from backends.shell_words import command_line
from console.control.actions import version_label
from console.control.approval import Approval, ApprovalState
from console.render import figures
from console.views.badges.badge import Asset, Proof, Verdict, asset, borne_out, not_borne_out, out_of_place, proof, unknown
from console.views.badges.subject import Subject, nobody_else, of_answers, of_quality, roles_of, watched
from console.views.cards.documented import trained_on
from console.views.versions.artifacts import checked
from console.views.versions.listing import contradictions, main_metric
from console.views.versions.serving import SERVING_ALIAS, served, serving_at

HIGHER: Final = frozenset({"auc", "accuracy", "f1", "precision", "recall", "r2"})
LOWER: Final = frozenset({"brier", "mae", "rmse", "mse", "ece", "log_loss"})
"""Metrics of which everybody knows which way is better, as they are named alone or at the end of a name: `test_auc`."""


def version(subject: Subject) -> Asset:
    """Badges of a version."""
    return asset(
        "version",
        subject.system.version or "",
        (subject.system.version or "",),
        versioned=_artifact(subject),
        tested=_measured(subject),
        observable=_seen(subject),
        governable=_let_in(subject),
        improved=_better(subject),
    )


def _artifact(subject: Subject) -> Verdict:
    system, verb = subject.system, command_line("versions", subject.system.named)
    record = system.record
    if record is None:
        return unknown("an alias names it, and no record of it is here")
    found = checked(system.sight.workspace.paths.root, record)
    name = f"version {subject.label}"
    said = proof(name, found.sentence, verb)
    if found.problem is not None:
        return not_borne_out(found.problem, said)
    against = contradictions(system.known.versions()[record.version])
    if against:
        return not_borne_out("sources contradict each other", *(proof(name, each.raw, verb) for each in against))
    lacks = ["digest and path of its artifact"] if found.found == "unrecorded" else []
    lacks += [] if record.code_commit else ["commit of its code"]
    if lacks:
        return unknown(f"not in its record: {' and '.join(lacks)}", said)
    return borne_out(said, proof(name, f"code {record.code_commit}", verb))


def _measured(subject: Subject) -> Verdict:
    """Whether a report of rows that it was not trained on is there, and the gates let it pass."""
    system, verb = subject.system, command_line("card", subject.system.named)
    reports = [(each, trained_on(system.known, each)) for each in system.reports()]
    said = [_report(each, f"n {figures.count(each.labelled)}, {_OWN[own]}", verb) for each, own in reports]
    for approval in system.approvals()[:1]:
        gates = approval.payload.gates
        failed = [each.name for each in gates if each.state is not State.OK and each.waiver is None]
        waived = sum(each.waiver is not None for each in gates)
        if gates:
            passed = sum(each.state is State.OK for each in gates)
            told = f"{passed} of {len(gates)} gates passed{f', {waived} waived' if waived else ''}"
            said.append(proof(f"approval {approval.id}", told, command_line("approvals", approval.id)))
        if failed:
            return not_borne_out(f"gates do not let it pass: {', '.join(failed)}", *said)
    if any(own is False for _, own in reports):
        return borne_out(*said)
    if not reports:
        return unknown("no evaluation of it is recorded", *said)
    if all(own is True for _, own in reports):
        return not_borne_out("every report of it counts rows that it was trained on", *said)
    return unknown("which rows its reports count, and which it was trained on, is not recorded", *said)


_OWN: Final = {
    True: "of its own training rows",
    False: "of rows that it was not trained on",
    None: "of which rows is not recorded",
}


def _report(each: Evaluation, told: str, verb: str) -> Proof:
    return proof(f"evaluation {each.name}", told, verb)


def _seen(subject: Subject) -> Verdict:
    """What serves is watched by alert rules; what does not is seen only where it answers in the shadow, or in a rollout."""
    if subject.serves:
        return watched(subject.system, "its quality", of_quality)
    verb = command_line("lineage", subject.system.named)
    beside = next((each for each in subject.system.health.beside if each.version == subject.system.version), None)
    if beside is not None:
        return borne_out(
            proof("rollout", f"{figures.count(beside.last_day.scored)} answers in 24 h", command_line("traffic", subject.name))
        )
    shadow = subject.in_shadow()
    if shadow:
        return borne_out(proof("predictions", f"answered in the shadow: {figures.count(shadow)}", verb))
    return unknown("it does not serve, and no answer of it in the shadow was landed")


def _let_in(subject: Subject) -> Verdict:
    """Whether somebody else had to agree before it served, or has to."""
    system = subject.system
    control, approvals = system.sight.control, system.approvals()
    history = [move for move in system.sight.alias_history(system.name) if move.moved_at <= system.sight.at]
    moves = [move for move in history if (move.alias, move.version) == (SERVING_ALIAS, system.version)]
    if not moves:
        return _asked_for(subject, approvals)
    action = control.actions.get(control.action_by_key.get(moves[-1].key, ""))
    when = figures.moment(moves[-1].moved_at, system.sight.zone)
    if action is None:
        said = proof("registry.json", f"{moves[-1].moved_by} moved it in {when}", command_line("versions", system.named))
        return not_borne_out("it was let in outside this console: no action and no approval says by whose leave", said)
    done = proof(f"action {action.id}", f"{action.kind.value} by {action.actor.who} {when}", command_line("action", action.id))
    if action.break_glass:
        return not_borne_out("it was let in by breaking the glass", done)
    used = next((each for each in approvals if each.ended == "executed"), None)
    if used is None:
        return not_borne_out("nobody had to agree before it was let in", done)
    if any(vote.solo for vote in used.votes):
        return not_borne_out("who asked for it approved it too: one person is everything here", _signed(used), done)
    return borne_out(_signed(used), done)


def _asked_for(subject: Subject, approvals: list[Approval]) -> Verdict:
    """It never served: governed where a request stands, or was turned down."""
    asked = next((each for each in approvals if each.payload.needed > 0), None)
    if asked is None:
        return out_of_place("it never served and nobody asked for it, so that nobody had to agree")
    return borne_out(_signed(asked, asked.state_at(subject.system.sight.at)))


def _signed(approval: Approval, state: ApprovalState | None = None) -> Proof:
    by = ", ".join(vote.person for vote in approval.votes)
    told = f"asked by {approval.payload.requester}, {f'approved by {by}' if by else 'signed by nobody yet'}"
    how = f", {state.value}" if state is not None else ""
    return proof(f"approval {approval.id}", told + how, command_line("approvals", approval.id))


def _better(subject: Subject) -> Verdict:
    """Whether it is better than the version before on exactly the same rows, which neither was trained on."""
    if subject.before is None:
        return out_of_place(f"{subject.label} is the first version on record: there is none to go beyond")
    known, label = subject.system.known, version_label(subject.before)
    older = {_rows(each): each for each in reversed(known.evaluations_of(subject.before)) if trained_on(known, each) is False}
    pairs = [(each, older[_rows(each)]) for each in subject.system.reports() if subject.system.independent(each) and _rows(each) in older]
    if not pairs:
        return unknown(f"no two reports measure it and {label} on the same rows, which neither was trained on")
    mine, theirs = pairs[0]
    primary = known.model.primary_metric if known.model is not None else None
    metric = primary if primary in mine.metrics else (main_metric(mine.metrics) or ("", None))[0]
    kind = metric.rpartition("_")[2] if metric not in HIGHER | LOWER else metric
    now, then = mine.metrics.get(metric), theirs.metrics.get(metric)
    if now is None or then is None or kind not in HIGHER | LOWER:
        return unknown(
            f"{metric or 'no metric'} tells nobody which of the two is better", _report(mine, "on the same rows", _card(subject))
        )
    told = f"{metric} {figures.share(now)}, n {figures.count(mine.labelled)}; that of {label} {figures.share(then)} on the same rows"
    said = (_report(mine, told, _card(subject)), _report(theirs, f"of {label}", command_line("card", f"{subject.name}@{subject.before}")))
    better = now > then if kind in HIGHER else now < then
    return borne_out(*said) if better else not_borne_out(f"it is not better than {label} on the same rows", *said)


def _rows(report: Evaluation) -> tuple[object, ...]:
    return report.covers_from, report.covers_to, report.dataset, report.rows, report.labelled


def _card(subject: Subject) -> str:
    return command_line("card", subject.system.named)


def deployment(subject: Subject, found: Deployment | None) -> Asset:
    """Badges of where the model serves; None: only its alias says that it does."""
    return asset(
        "deployment",
        found.name if found is not None else f"alias {SERVING_ALIAS}",
        (),
        versioned=_answering(subject, found),
        tested=_tried(subject),
        observable=watched(subject.system, "how it answers", of_answers),
        governable=_stoppable(subject),
        improved=_moved_on(subject),
    )


def _answering(subject: Subject, found: Deployment | None) -> Verdict:
    """Whether which version answers, by which features, is on record without a contradiction."""
    system = subject.system
    history = system.sight.alias_history(system.name)
    serving = serving_at(history, system.sight.at)
    verb = command_line("traffic", system.name)
    said = []
    if serving.version is not None:
        since = figures.moment(serving.since, system.sight.zone)
        move = next((each for each in reversed(history) if each.alias == SERVING_ALIAS and each.moved_at <= system.sight.at), None)
        by = f", by {move.moved_by}" if move is not None else ""
        said.append(
            proof(f"alias {SERVING_ALIAS}", f"{version_label(serving.version)} since {since}{by}", command_line("versions", system.name))
        )
    if found is not None:
        shares = ", ".join(f"{version_label(name)} {figures.percent(share)}" for name, share in found.traffic.items())
        said.append(proof(f"deployment {found.name}", shares or "no share of any version", verb))
        if serving.version is not None and not found.traffic.get(serving.version):
            return not_borne_out(f"the alias says {version_label(serving.version)}, and its record gives that no share", *said)
        skew = _skew(subject, found)
        if skew is not None:
            return not_borne_out(skew, *said)
    return borne_out(*said) if said else unknown("neither an alias nor its record says which version answers")


def _skew(subject: Subject, found: Deployment) -> str | None:
    run = subject.system.run
    trained = subject.system.known.features_of(run) if run is not None else None
    if trained is None or found.features_digest in {None, trained.definition_digest}:
        return None
    here, there = figures.short_digest(found.features_digest), figures.short_digest(trained.definition_digest)
    return f"it computes its features by definition {here}, {subject.label} was trained on {there}"


def _tried(subject: Subject) -> Verdict:
    """Whether what serves was tried on live requests before it answered everybody."""
    system = subject.system
    since = serving_at(system.sight.alias_history(system.name), system.sight.at).since
    early = [
        each for each in subject.answers
        if (each.version, each.role) == (system.version, "shadow") and (since is None or each.first_hour < since)
    ]  # fmt: skip
    if not subject.serves or not early:
        return unknown("no record says that what serves was tried on live requests first: in the shadow or by a canary")
    first = figures.moment(min(each.first_hour for each in early), system.sight.zone)
    told = f"{subject.label} answered in the shadow from {first}, before it served"
    return borne_out(proof("predictions", told, command_line("lineage", system.named)))


def _stoppable(subject: Subject) -> Verdict:
    """Whether it can be stopped, and who may do that is decided."""
    system = subject.system
    standing = system.sight.switch_standing(system.name)
    switch = proof("kill switch", standing.switch.value, "switches")
    said = roles_of(system)
    if standing.switch is SwitchState.UNKNOWN:
        return not_borne_out(f"whether its kill switch is in force is not confirmed: {standing.why}", switch, *said)
    return borne_out(switch, *said) if said else not_borne_out(nobody_else(system), switch)


def _moved_on(subject: Subject) -> Verdict:
    """Whether it went on to a version that is newer than the one before, and stayed there."""
    system = subject.system
    history = served(system.sight.alias_history(system.name), system.sight.at)
    if not history or history[-1].end is not None:
        return unknown("no alias says what it serves")
    now, before = history[-1], next((each for each in reversed(history) if each.version != history[-1].version), None)
    if before is None:
        return out_of_place(f"{version_label(now.version)} is the first version that it serves")
    verb = command_line("versions", system.name)
    told = f"{version_label(before.version)} -> {version_label(now.version)} {figures.moment(now.start, system.sight.zone)}"
    said = proof(f"alias {SERVING_ALIAS}", told, verb)
    one, other = system.known.version(now.version), system.known.version(before.version)
    if one is None or other is None:
        return unknown("which of the two is newer is not recorded", said)
    if one.event_at > other.event_at:
        return borne_out(said)
    return not_borne_out(f"it went back to {version_label(now.version)}, which is older", said)
