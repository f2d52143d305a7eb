"""Computes the view of one incident from control, its run, and the store; changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backends.records import Incident, State
from backends.store.errors import StoreError
from console.control.state import ControlState
from console.render import figures
from console.runbook.about import found_incident, params_of
from console.runbook.records import run_of
from console.runbook.steps import head_of, kept_evidence, planned, steps_of
from console.runbook.timeline import timeline_of, told_by_run
from console.views.health.kept import health_in_force
from console.views.health.model import ModelHealth
from console.views.incidents.changes import changes_view
from console.views.incidents.incident import AlertLine, IncidentView, PlaybookHead, StepView
from console.views.not_found import NoSuchModel
from console.views.sight import Sight
from playbooks.binding import BindingError
from playbooks.run import Run, RunError


def incident_view(sight: Sight, wanted: str) -> IncidentView:
    """The incident as it stands at the sight's moment. Raises NotFound."""
    incident, standing, problem = _standing(sight, wanted)
    health = changes = None
    try:
        health = _health(sight, incident.model)
        with sight.reader() as reader:
            onset = _onset(incident, health)
            changes = changes_view(reader, sight.environment, incident.model, onset, sight.at).items[:12]
    except (StoreError, NoSuchModel) as error:
        problem = str(error)
    return IncidentView(
        **standing,
        quality=health.since_onset if health else None,
        changes=changes,
        onset_at=_onset(incident, health),
        now_seen=health.now_seen if health is not None else None,
        now_seen_since=health.now_seen_since if health is not None else None,
        readers=health.readers if health else (),
        scores_per_day=health.scored_last_day if health else None,
        if_nothing=_if_nothing(health),
        problem=problem,
        oldest_source_at=health.oldest_source_at if health else None,
    )


def incident_standing(sight: Sight, shown: IncidentView) -> IncidentView:
    """The incident as control has it now, with what was read of the store for `shown`: reads no row. Raises NotFound."""
    _, standing, problem = _standing(sight, shown.id)
    return shown.model_copy(update=standing | ({"problem": problem} if problem else {}))


def _standing(sight: Sight, wanted: str) -> tuple[Incident, dict[str, Any], str | None]:
    """The incident, the fields of its view that need nothing but control, and what was wrong with that."""
    control = sight.control
    incident = found_incident(control, wanted)
    problem: str | None = None
    try:
        run = run_of(control, incident.run)
    except RunError as error:
        run, problem = None, f"{incident.run} cannot be read: {error}"
    head, steps, why = _steps(sight, incident, run)
    standing = {
        "id": incident.id,
        "environment": incident.environment,
        "model": incident.model,
        "zone": sight.workspace.settings.display_zone,
        "at": sight.at,
        "title": incident.title,
        "state": incident.state,
        "severity": incident.severity,
        "opened_at": incident.opened_at,
        "opened_by": _opened_by(incident, control),
        "closed_at": incident.closed_at,
        "driver": incident.driver,
        "driver_since": incident.driver_since,
        "alerts": tuple(
            AlertLine(
                id=alert.id, rule=alert.rule, state=alert.state, opened_at=alert.opened_at, closed_at=alert.closed_at, message=alert.message
            )
            for name in incident.alerts
            if (alert := control.alerts.get(name)) is not None
        ),
        "playbook": head,
        "run": incident.run,
        "run_started_at": run.started_at if run else None,
        "run_outcome": run.outcome if run else None,
        "run_driver": run.driver if run else None,
        "why_no_run": why,
        "steps": steps,
        "in_doubt": run.in_doubt.id if run and run.in_doubt else None,
        "evidence": kept_evidence(run) if run else (),
        "timeline": tuple(sorted([*timeline_of(incident, control, incident.run), *told_by_run(run)], key=lambda entry: entry.at)),
    }
    return incident, standing, problem


def _onset(incident: Incident, health: ModelHealth | None) -> datetime:
    """What the incident recorded, else what is seen now, else its opening."""
    if incident.onset is not None:
        return incident.onset.at
    return (health.broke_first_at if health is not None else None) or incident.opened_at


def _opened_by(incident: Incident, control: ControlState) -> str:
    alert = control.alerts.get(incident.alerts[0]) if incident.alerts else None
    return f"rule {alert.rule}" if alert is not None else incident.opened_by


def _health(sight: Sight, model: str) -> ModelHealth:
    """As last evaluated when nothing has changed since, else judged now."""
    found = health_in_force(sight, model)
    if found is not None:
        return found
    from console.views.health.assessment import known_health  # loads the arithmetic
    from console.views.versions.registry import registry_of

    with sight.reader() as reader:
        return known_health(sight, reader, registry_of(reader, sight.environment, sight.at), model)


def _steps(sight: Sight, incident: Incident, run: Run | None) -> tuple[PlaybookHead | None, tuple[StepView, ...], str | None]:
    if run is not None:
        return head_of(run.playbook, sight.clock.real_now()), steps_of(run, sight), None
    if incident.playbook is None:
        return None, (), "no playbook belongs to this incident; start one with: playbook run ID --incident " + incident.id
    from playbooks.library import load_library  # a run carries its own playbook

    library = load_library(sight.workspace.paths.playbooks)
    book = library.get(incident.playbook)
    if book is None:
        return None, (), f"there is no playbook {incident.playbook} in the library; see: playbook list"
    try:
        steps = planned(book, params_of(sight.workspace, book, incident), library)
    except BindingError as error:
        return head_of(book, sight.clock.real_now()), (), str(error)
    return (
        head_of(book, sight.clock.real_now()),
        steps,
        f"not begun; it begins when the incident is opened, or with: playbook run {book.id} --incident {incident.id}",
    )


def _if_nothing(health: ModelHealth | None) -> tuple[str, ...]:
    """What goes on while nobody acts, in numbers that were measured."""
    if health is None:
        return ()
    lines = []
    quality = health.last_day
    if quality is not None and quality.gap is not None and abs(quality.gap) >= 0.005:
        lines.append(
            f"about {figures.count(health.scored_last_day)} scores a day whose level is {figures.signed(quality.gap)} off "
            f"(24 h, n {figures.count(quality.labelled)})"
        )
    elif health.scored_last_day:
        lines.append(f"about {figures.count(health.scored_last_day)} scores a day go on like this")
    if health.budget is not None and health.budget.state in {State.WARNING, State.CRITICAL}:
        lines.append(health.budget.why)
    if health.readers:
        lines.append(f"read by {', '.join(health.readers)}")
    return tuple(lines)
