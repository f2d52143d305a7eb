"""Assessing every model of an environment at one moment: the evaluated models, and the fleet made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.records import Layer, Model, State
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.views.health.estimated import kept_estimates
from console.views.health.estimated_signals import ESTIMATED
from console.views.health.evaluation import Evaluated, evaluate
from console.views.health.fleet import FleetRow, FleetView, fleet_row, worst_first
from console.views.health.kept import health_in_force
from console.views.health.model import ModelHealth
from console.views.health.standing import control_problem, overrides, switches_version, waiting_for
from console.views.health.subject import Subject
from console.views.incidents.changes import changes_view
from console.views.incidents.marks import marks_of
from console.views.incidents.would_help import FALLBACK, WouldHelpView, last_service, would_help_view
from console.views.release.rollout import let_in
from console.views.sight import Sight
from console.views.versions.registry import Registry, no_such_model, registry_of
from console.views.versions.serving import serving_at


def assess(sight: Sight, reader: Reader, registry: Registry, model: str) -> Evaluated:
    """Evaluate one model. Raises NoSuchModel."""
    record = registry.models.get(model)
    if record is None:
        raise no_such_model(model, registry.models)
    found = evaluate(reader, sight.policies, subject_of(sight, registry, record), sight.at)
    if not found.health.ends:
        return found
    marks = marks_of(sight, reader, model, found.health.ends[0])
    return replace(found, health=found.health.model_copy(update={"marks": marks}))


def known_health(sight: Sight, reader: Reader, registry: Registry, model: str) -> ModelHealth:
    """Health of one model: as last evaluated when nothing has changed since, else evaluated now. Raises NoSuchModel."""
    return health_in_force(sight, model, reader) or assess(sight, reader, registry, model).health


def subject_of(sight: Sight, registry: Registry, record: Model) -> Subject:
    """Everything that is known of a model beside its rows."""
    model = record.name
    history = sight.alias_history(model)
    serving = serving_at(history, sight.at)
    incidents = sight.control.open_incidents(sight.environment, model)
    rules = sight.policies.rules_for(model, sight.environment, record.task)
    asked = any(rule.signal in ESTIMATED for rule in rules)
    learnt = kept_estimates(sight.workspace.paths, sight.environment, model, serving.version, sight.at) if asked else None
    return Subject(
        environment=sight.environment,
        model=record,
        version=registry.versions.get((model, serving.version)) if serving.version else None,
        aliases=history,
        switch=sight.switch(model),
        incidents=tuple(incident.id for incident in reversed(incidents)),
        runs=registry.runs_of(model),
        onset=min((incident.opened_at for incident in incidents), default=None),
        recorded=next((incident.onset for incident in incidents if incident.onset is not None), None),
        contract=sight.contracts.by_model.get(model),
        overrides=overrides(sight, model),
        estimates=learnt,
        let_in=let_in(sight, model),
    )


def assess_fleet(sight: Sight, reader: Reader) -> tuple[FleetView, dict[str, Evaluated]]:
    """Evaluate every model and put the fleet together."""
    registry = registry_of(reader, sight.environment, sight.at)
    evaluated = {name: assess(sight, reader, registry, name) for name in sorted(registry.models)}
    return _fleet(sight, reader, registry, [each.health for each in evaluated.values()]), evaluated


def known_fleet(sight: Sight, reader: Reader) -> FleetView:
    """The fleet, of which only those models are evaluated of which something has changed since they last were."""
    registry = registry_of(reader, sight.environment, sight.at)
    return _fleet(sight, reader, registry, [known_health(sight, reader, registry, name) for name in sorted(registry.models)])


def _fleet(sight: Sight, reader: Reader, registry: Registry, healths: Sequence[ModelHealth]) -> FleetView:
    oldest = [health.oldest_source_at for health in healths if health.oldest_source_at is not None]
    return FleetView(
        workspace=sight.workspace.settings.name,
        environment=sight.environment,
        zone=sight.workspace.settings.display_zone,
        at=sight.at,
        evaluated_at=min((health.at for health in healths), default=sight.at),
        rows=worst_first([_row(sight, reader, registry, health) for health in healths]),
        oldest_source_at=min(oldest) if oldest else None,
        generation=reader.generation,
        switches_version=switches_version(sight),
        control_problem=control_problem(sight),
    )


def would_help_of(sight: Sight, reader: Reader, registry: Registry, health: ModelHealth) -> WouldHelpView | None:
    """The options for a model since the day it broke, or since three days ago."""
    history = sight.alias_history(health.model)
    since = health.since_onset.since if health.since_onset is not None else sight.at
    return would_help_view(
        reader,
        sight.environment,
        registry.models[health.model],
        serving_at(history, sight.at),
        last_service(history, sight.at),
        since,
        sight.at,
    )


def _row(sight: Sight, reader: Reader, registry: Registry, health: ModelHealth) -> FleetRow:
    incidents = sight.control.open_incidents(sight.environment, health.model)
    changes = changes_view(reader, sight.environment, health.model, health.broke_first_at, sight.at)
    changed = tuple(
        Untrusted(f"{figures.day(change.at, sight.zone)}: {change.message.raw}")
        for change in changes.items
        if change.hours_before_onset is None or change.hours_before_onset >= 0
    )[:2]
    return fleet_row(
        health,
        driver=incidents[-1].driver if incidents else None,
        inputs=_inputs(health),
        changed=changed,
        waiting=waiting_for(sight, health.model),
        next_step=_next_step(sight, reader, registry, health),
        switch_overdue=sight.switch_standing(health.model).overdue(sight.at),
    )


def _inputs(health: ModelHealth) -> str:
    signals = {signal.id: signal for signal in health.layer(Layer.DATA).signals}
    drift = signals.get("data.drift")
    if drift is None or drift.value is None:
        return f"unknown: {drift.why}" if drift else ""
    column = drift.of.raw if drift.of else "an input"
    limit = drift.warning
    if drift.state == State.OK:
        return f"usual for their past; the furthest is {column} ({drift.is_a or 'PSI'} {figures.share(drift.value, 2)})"
    if drift.state not in (State.WARNING, State.CRITICAL):
        return f"{drift.state}: {drift.why}"
    most = f", past most {figures.share(limit, 2)}" if limit is not None else ""
    return f"{column} is unlike any earlier window ({drift.is_a or 'PSI'} {figures.share(drift.value, 2)}{most})"


def _next_step(sight: Sight, reader: Reader, registry: Registry, health: ModelHealth) -> str:
    incidents = sight.control.open_incidents(sight.environment, health.model)
    if not incidents:
        return "" if health.state == State.OK else "Enter opens its layers"
    step = f"i incident {incidents[-1].id}"
    if health.switch.value != "normal":
        return f"{step}; the switch stands at {health.switch.value}"
    options = would_help_of(sight, reader, registry, health)
    if options is None or options.best is None:
        return f"{step}; no option is known to be better than what serves"
    if options.best == FALLBACK:
        return f"{step}: fallback would help, K"
    chosen = next(option for option in options.options if option.name == options.best)
    words, key = ("rolling back to", "R") if chosen.kind == "rollback" else ("promoting", "P")
    return f"{step}: {words} {version_label(options.best)} would help, {key}"
