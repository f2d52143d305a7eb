"""Badges of what keeps a model going: the pipelines that are recorded as its own, and the feed of its outcomes."""

from __future__ import annotations

from backends.records import Pipeline, PipelineRun
from backends.shell_words import command_line
from console.control.actions import ActionKind, ActionState
from console.render import figures
from console.views.badges.badge import Asset, Proof, Verdict, asset, borne_out, not_borne_out, out_of_place, proof, unknown
from console.views.badges.subject import Subject, nobody_else, of_outcomes, roles_of, watched
from console.views.maturity.practices import TRAINING


def pipeline(subject: Subject, found: Pipeline) -> Asset:
    """Badges of a pipeline."""
    runs = subject.system.runs_of(found)
    return asset(
        "pipeline",
        found.name,
        (),
        versioned=_code(subject, found, runs),
        tested=_worked(subject, runs),
        observable=_followed(subject, runs),
        governable=_asked(subject, found),
        improved=_again(subject, found, runs),
    )


def _run(subject: Subject, each: PipelineRun) -> Proof:
    when = figures.far_moment(each.started_at, subject.system.sight.at, subject.system.sight.zone)
    return proof(f"pipeline run {each.name}", f"{each.status}, {when}", command_line("versions", subject.system.named))


def _code(subject: Subject, found: Pipeline, runs: list[PipelineRun]) -> Verdict:
    """A pipeline's record holds no commit: only the version that a run of it made can name the code."""
    run, record = subject.system.run, subject.system.record
    made = next((each for each in runs if run is not None and (each.name == run.name or each.request in {run.request} - {None})), None)
    if found.stage not in TRAINING:
        return unknown("no record says which code its runs ran", *(_run(subject, each) for each in runs[:1]))
    if made is None:
        return unknown(f"no run of it is recorded as the one that made {subject.label}, whose record names the code")
    if record is None or not record.code_commit:
        return unknown(f"the record of {subject.label} names no commit of the code that made it", _run(subject, made))
    verb = command_line("versions", subject.system.named)
    return borne_out(_run(subject, made), proof(f"version {subject.label}", f"made by it from code {record.code_commit}", verb))


def _worked(subject: Subject, runs: list[PipelineRun]) -> Verdict:
    """Whether its newest run that ended went well."""
    over = next((each for each in runs if each.status in {"succeeded", "failed"}), None)
    if over is None:
        return unknown("no run of it that ended is recorded")
    return borne_out(_run(subject, over)) if over.status == "succeeded" else not_borne_out("its newest run failed", _run(subject, over))


def _followed(subject: Subject, runs: list[PipelineRun]) -> Verdict:
    if not runs:
        return unknown("no run of it is recorded")
    rules = subject.system.sight.policies.rules_for(subject.name, subject.system.sight.environment, subject.system.health.task)
    rule = next((each for each in rules if each.signal == "failed_runs"), None)
    if rule is None:
        return not_borne_out("no alert rule watches runs that fail", _run(subject, runs[0]))
    said = proof(f"alert rule {rule.id}", "watches runs that fail", command_line("model", subject.name))
    return borne_out(_run(subject, runs[0]), said)


def _asked(subject: Subject, found: Pipeline) -> Verdict:
    """Whether who may hold it, and ask it for a run, is decided."""
    said = roles_of(subject.system)
    verb = command_line("can-i", "retrain" if found.stage in TRAINING else "hold", subject.name)
    may = tuple(each.model_copy(update={"verb": verb}) for each in said)
    return borne_out(*may) if may else not_borne_out(nobody_else(subject.system))


def _again(subject: Subject, found: Pipeline, runs: list[PipelineRun]) -> Verdict:
    """Whether it trains again and again: by a schedule, by hand, or because somebody asked."""
    if found.stage not in TRAINING:
        return out_of_place("it trains nothing")
    system = subject.system
    asked = [
        proof(f"action {each.id}", f"retrain asked by {each.actor.who}, {each.state.value}", command_line("action", each.id))
        for each in system.sight.control.actions.values()
        if (each.environment, each.model, each.kind, each.to) == (system.sight.environment, system.name, ActionKind.RETRAIN, found.name)
        and each.state is ActionState.EFFECTIVE
    ]
    made = [each for each in runs if each.status == "succeeded"]
    if len(made) > 1:
        return borne_out(*(_run(subject, each) for each in made[:2]), *asked[-1:])
    return unknown("no second run of it that succeeded is recorded", *(_run(subject, each) for each in made), *asked[-1:])


def labels(subject: Subject) -> Asset:
    """Badges of the feed of outcomes."""
    return asset(
        "labels",
        "outcomes",
        (),
        versioned=_kept(subject),
        tested=unknown("no record of a check of the outcomes themselves is kept here"),
        observable=watched(subject.system, "whether outcomes come", of_outcomes),
        governable=_retained(subject),
        improved=out_of_place("outcomes are facts: the other assets are improved by them"),
    )


def _kept(subject: Subject) -> Verdict:
    """A label is a fact with the time from which it was known, and a correction is another one: none is written over."""
    found = subject.system.health.labels
    if not found.labelled:
        return unknown(f"no outcome of the {figures.count(found.scored)} requests of the last 24 h is known")
    told = f"{figures.count(found.labelled)} of {figures.count(found.scored)} in 24 h, each with the time from which it was known"
    return borne_out(proof("labels", told, command_line("labels", subject.name)))


def _retained(subject: Subject) -> Verdict:
    policies = subject.system.sight.policies
    rule, verb = policies.retention_of("labels", subject.name), command_line("retention", subject.name)
    if rule is None or (rule.keep is None and not rule.legal_hold):
        return not_borne_out("no rule says how long they are kept", *([proof("policies", rule.log, verb)] if rule is not None else []))
    kept = f"kept {rule.keep.days} days" if rule.keep is not None else "kept for a court"
    return borne_out(proof(f"retention rule for {rule.log}", f"{kept}{f', {rule.data_class}' if rule.data_class else ''}", verb))
