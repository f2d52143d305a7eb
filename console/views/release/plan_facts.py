"""What a person should know before acting, read from the store: would it help, what the target is, who reads the scores.

Control needs none of it. Where it cannot be read the plan says so, and only a promotion, which is judged by it, has to wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from backends.records import Dataset, Deployment, Evaluation, Model, ModelVersion, Record, Run, State, digest_of
from backends.store import queries
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import (
    ALIAS_KINDS,
    PIPELINE_KINDS,
    SWITCH_STATES,
    TRAFFIC_KINDS,
    ActionKind,
    Candidate,
    PlanFacts,
    WouldHelp,
    version_label,
)
from console.render import figures
from console.views.health.assessment import known_health, would_help_of
from console.views.health.model import ModelHealth
from console.views.incidents.would_help import FALLBACK, Option, WouldHelpView
from console.views.sight import Sight
from console.views.versions.artifacts import Artifact, checked
from console.views.versions.registry import Registry, registry_of
from console.views.versions.serving import Serving, serving_at


@dataclass(frozen=True)
class Evidence:
    """What the store knows about one model, read once for every plan about it."""

    sight: Sight
    model: Model
    health: ModelHealth
    registry: Registry
    serving: Serving
    options: WouldHelpView | None
    records: tuple[Record, ...]
    inputs: frozenset[str]
    """Names of the inputs that predictions have."""

    def version(self, name: str | None) -> ModelVersion | None:
        """The record of a version."""
        return self.registry.versions.get((self.model.name, name)) if name else None

    def artifact(self, name: str | None) -> Artifact:
        """Whether the artifact of a version is here and is what its digest says."""
        return checked(self.sight.workspace.paths.root, self.version(name))

    def run(self, name: str | None) -> Run | None:
        """The run that trained a version."""
        version = self.version(name)
        wanted = version.run if version is not None else None
        made = f"{self.model.name}@{name}"
        runs = [record for record in self.records if isinstance(record, Run)]
        return next((run for run in runs if run.name == wanted or made in run.outputs), None)

    def training(self, name: str | None) -> Dataset | None:
        """The newest dataset that a version was trained on."""
        run = self.run(name)
        found = [record for record in self.records if isinstance(record, Dataset) and run is not None and record.name in run.inputs]
        return max(found, key=lambda dataset: (dataset.covers_to is not None, str(dataset.covers_to), dataset.rows), default=None)

    def evaluation(self, name: str | None) -> Evaluation | None:
        """The newest report on a version."""
        reports = [each for each in self.records if isinstance(each, Evaluation) and (each.model, each.version) == (self.model.name, name)]
        return max(reports, key=lambda report: (report.event_at, report.name), default=None)


def evidence_of(sight: Sight, reader: Reader, name: str) -> Evidence:
    """Read everything that plans about a model draw on. Raises NoSuchModel or StoreError."""
    registry = registry_of(reader, sight.environment, sight.at)
    health = known_health(sight, reader, registry, name)
    return Evidence(
        sight=sight,
        model=registry.models[name],
        health=health,
        registry=registry,
        serving=serving_at(sight.alias_history(name), sight.at),
        options=would_help_of(sight, reader, registry, health),
        records=tuple(queries.records_of(reader, environment=sight.environment)),
        inputs=frozenset(queries.feature_columns(reader, name)),
    )


def facts_for(evidence: Evidence, kind: ActionKind, to: str | None) -> PlanFacts:
    """The facts of a plan of `kind` towards `to`, without gates.

    `to` is a version: where a rollback or a promotion goes, and the candidate of a shift of traffic.
    """
    model = evidence.model
    fields: dict[str, Any] = {
        "readers": model.readers,
        "scores_per_day": float(evidence.health.scored_last_day),
        "policy_digest": evidence.sight.policies.digest,
        "would_help": _would_help(evidence, kind, to),
        "shown": {"gap": evidence.health.last_day.gap if evidence.health.last_day else None, "at": evidence.sight.at.isoformat()},
    }
    if kind in ALIAS_KINDS or kind is ActionKind.SHIFT:
        artifact = evidence.artifact(to)
        version, report = evidence.version(to), evidence.evaluation(to)
        fields["target"] = _target(evidence, to, artifact)
        fields["artifact_digest"] = version.artifact_digest if version is not None else None
        fields["evaluation_digest"] = digest_of(report.model_dump(mode="json")) if report is not None else None
        run = evidence.run(to)
        fields["trained_by"] = run.started_by if run is not None else None
        fields["refusal"] = artifact.problem
    elif kind in SWITCH_STATES:
        fields["target"] = (Untrusted(what_answers(evidence, kind)),)
        fields["seen_by"] = _seen_by(evidence, evidence.sight.workspace.paths.switches)
    if kind in TRAFFIC_KINDS:
        fields["seen_by"] = _seen_by(evidence, evidence.sight.workspace.paths.traffic)
    return PlanFacts(**fields)


def what_answers(evidence: Evidence, kind: ActionKind) -> str:
    """What callers get in the state that a switch kind leads to."""
    serving = version_label(evidence.serving.version)
    if kind is ActionKind.DEGRADE:
        limit = f"above {figures.share(evidence.model.threshold, 2)} " if evidence.model.threshold is not None else ""
        return (
            f"{serving} answers, scores {limit}only are shown to readers"
            if limit
            else f"{serving} answers; readers are told it is degraded"
        )
    if kind is ActionKind.FALLBACK:
        return evidence.model.fallback.raw if evidence.model.fallback is not None else "no safe default is declared for this model"
    return "no answer; callers use their own default" if kind is ActionKind.KILL else f"{serving} answers again"


def _seen_by(evidence: Evidence, file: Path) -> Untrusted:
    names = [each.name for each in evidence.records if isinstance(each, Deployment) and each.model == evidence.model.name]
    who = ", ".join(names) if names else "serving processes"
    return Untrusted(f"{who}, at their next look at {file.name}")


def _target(evidence: Evidence, to: str | None, artifact: Artifact) -> tuple[Untrusted, ...]:
    lines = []
    data, label = evidence.training(to), version_label(to)
    if data is not None:
        period = f", {data.covers_from:%-d %b} to {data.covers_to:%-d %b}" if data.covers_from and data.covers_to else ""
        lines.append(f"{label} trained on {data.name}{period}, {figures.count(data.rows)} rows")
    else:
        lines.append(f"{label}: nothing is recorded of what it was trained on")
    version = evidence.version(to)
    if version is not None and version.signature is not None:
        wanted = [column.name for column in version.signature.inputs]
        present = sum(name in evidence.inputs for name in wanted)
        lines.append(f"inputs {present} of {len(wanted)} present   {artifact.sentence}")
    else:
        lines.append(f"inputs: no signature recorded   {artifact.sentence}")
    return tuple(Untrusted(text) for text in lines)


def _would_help(evidence: Evidence, kind: ActionKind, to: str | None) -> WouldHelp | None:
    options = evidence.options
    if kind is ActionKind.ABORT or kind in PIPELINE_KINDS:
        return None
    if kind is ActionKind.KILL:
        return WouldHelp(verdict=Untrusted("cannot be computed: with no answer there is no score to compare"))
    if kind is ActionKind.DEGRADE:
        return WouldHelp(verdict=Untrusted("cannot be computed: the same version goes on answering"))
    if options is None or not options.options:
        return WouldHelp(verdict=Untrusted("unknown: no rows have an outcome and a score of what serves"))
    serving = next(option for option in options.options if option.kind == "serving")
    rows = f"on the same {figures.count(options.rows)} rows since {figures.day(options.since, evidence.sight.zone)}"
    name = FALLBACK if kind in {ActionKind.FALLBACK, ActionKind.RESTORE} else to
    target = next((option for option in options.options if option.name == name), None)
    if target is None or target is serving:
        missing = "it serves now" if target is serving else f"{_label(name)} did not score these rows"
        verdict, state = f"unknown: {missing}", State.UNKNOWN
    elif kind is ActionKind.RESTORE:
        worse = target.answer == "better"
        verdict = f"{'no gain expected' if worse else 'no loss expected'}: {rows} {_against(serving, target)}"
        state = State.WARNING if worse else State.OK
    else:
        better = target.answer == "better"
        verdict = f"{'a gain is expected' if better else 'no gain expected'}: {rows} {_against(target, serving)}"
        state = State.OK if better else State.UNKNOWN if target.answer == "unknown" else State.WARNING
    best = next((option for option in options.options if option.best), None)
    if best is not None and best is not target:
        verdict += f". {_label(best.name).capitalize()} has {_loss(best)}"
    return WouldHelp(
        question=Untrusted(rows),
        rows=options.rows,
        candidates=tuple(_candidate(option, evidence) for option in options.options),
        verdict=Untrusted(verdict),
        state=state,
        best=options.best,
    )


def _against(one: Option, other: Option) -> str:
    auc = f"AUC {figures.share(one.auc)} ({_label(other.name)} {figures.share(other.auc)}) and " if one.auc is not None else ""
    measure, mine, theirs = ("Brier", one.brier, other.brier) if one.brier is not None else ("MAE", one.mae, other.mae)
    return f"{_label(one.name)} has {auc}{measure} {figures.share(mine)} ({_label(other.name)} {figures.share(theirs)})"


def _loss(option: Option) -> str:
    return f"Brier {figures.share(option.brier)}" if option.brier is not None else f"MAE {figures.share(option.mae)}"


def _label(name: str | None) -> str:
    return name if name == FALLBACK else version_label(name)


def _candidate(option: Option, evidence: Evidence) -> Candidate:
    served = "now" if option.kind == "serving" else "never"
    if option.last_served is not None:
        ago = figures.age(max(evidence.sight.at - option.last_served, timedelta()))
        served = f"until {figures.day(option.last_served, evidence.sight.zone)}, {ago} ago"
    needs = {"serving": "", "fallback": "1 operator", "rollback": "1 operator", "promote": "an approval"}[option.kind]
    numbers = {
        "auc": option.auc,
        "brier": option.brier,
        "ece": option.ece,
        "mae": option.mae,
        "bias": option.bias,
        "mean": option.mean_score,
    }
    return Candidate(
        name=option.name,
        metrics={name: value for name, value in numbers.items() if value is not None},
        last_served=Untrusted(served),
        needs=needs,
        current=option.kind == "serving",
        best=option.best,
    )
