"""The postmortem of an incident, from its run, the journal and the rows of its time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from backends.records import Incident
from backends.shell_words import command_line
from backends.store.errors import StoreError
from backends.text import Untrusted, escaped_json
from console.control.errors import NotFound
from console.render import figures
from console.runbook.about import found_incident
from console.runbook.records import run_events, run_of
from console.runbook.timeline import timeline_of
from console.simulation import write_atomically
from console.views.health.live_rows import live_rows
from console.views.health.measures import quality_between
from console.views.health.windows import micros
from console.views.sight import Sight
from console.views.versions.registry import registry_of
from playbooks.export import ExportContext, TimelineEntry, to_json
from playbooks.host import RunEvent
from playbooks.postmortem import to_markdown


class WouldOverwrite(Exception):
    """There is a file of this name already; nothing was written."""


def postmortem(sight: Sight, wanted: str, *, as_json: bool = False) -> str:
    """The postmortem in Markdown, or the whole run as JSON. Raises NotFound when there is no incident, or no run to tell of."""
    events, context = _gathered(sight, wanted)
    if as_json:
        return escaped_json(json.dumps(to_json(events, context), indent=2, ensure_ascii=False)) + "\n"
    return to_markdown(events, context)


def write_postmortem(path: Path, text: str, *, force: bool = False) -> None:
    """Write it whole or not at all. Raises WouldOverwrite, or OSError."""
    if path.exists() and not force:
        raise WouldOverwrite(f"{path} exists already: nothing was written; give another name, or --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


def _gathered(sight: Sight, wanted: str) -> tuple[list[RunEvent], ExportContext]:
    control = sight.control
    incident = found_incident(control, wanted)
    events = run_events(control, incident.run) if incident.run else []
    if not events:
        raise NotFound(f"{incident.id} has no playbook run to tell of; start one with: playbook run ID --incident {incident.id}")
    run = run_of(control, incident.run)
    entries = timeline_of(incident, control, incident.run)
    commands = [f"incident {incident.id}", command_line("changes", incident.model), "audit log"]
    for action in control.actions.values():
        if action.plan is not None and (action.incident == incident.id or (run is not None and action.run == run.id)):
            commands.append(str(action.plan["verb"]))
    hashes = {"head of the audit chain": control.last_hash, "policies in force": sight.policies.digest}
    hashes |= {
        f"policies of action {action.id}": str(action.plan["policy_digest"])
        for action in control.actions.values()
        if action.plan is not None and action.incident == incident.id
    }
    context = ExportContext(
        title=incident.title,
        incident=incident.id,
        impact=tuple(Untrusted(sentence) for sentence in _impact(sight, incident)),
        timeline=tuple(TimelineEntry(entry.at, entry.text, entry.who) for entry in entries),
        hashes=hashes,
        commands=tuple(commands),
        zone=sight.workspace.settings.display_zone,
    )
    return events, context


def _impact(sight: Sight, incident: Incident) -> Iterator[str]:
    """What went on while the incident was open, counted on the rows of that time."""
    end = incident.closed_at or sight.at
    first, last = figures.full_moment(incident.opened_at, sight.zone), figures.full_moment(end, sight.zone)
    length = figures.age(end - incident.opened_at) + ("" if incident.closed_at else ", still open")
    yield f"{incident.model} in {incident.environment}, {incident.severity.value}, from {first} to {last} ({length})"
    try:
        with sight.reader() as reader:
            model = registry_of(reader, sight.environment, sight.at).models.get(incident.model)
            if model is None:
                yield "nothing is recorded of this model"
                return
            rows = live_rows(reader, sight.environment, incident.model, incident.opened_at, end)
    except StoreError as error:
        yield f"the rows of that time cannot be read: {error}"
        return
    if not len(rows):
        yield "nothing was scored in that time"
        return
    quality = quality_between(rows, model.task, micros(incident.opened_at), micros(end), micros(sight.at), model.threshold)
    fallen = int((rows.served_by == "fallback").sum())
    yield (
        f"{figures.count(quality.scored)} scores in that time, {figures.count(quality.labelled)} of them with an outcome"
        + (f"; {figures.count(fallen)} answered by the fallback" if fallen else "")
    )
    if model.task == "binary":
        numbers = [("observed", quality.observed), ("mean score", quality.mean_score), ("AUC", quality.auc), ("Brier", quality.brier)]
    else:
        numbers = [("MAE", quality.mae), ("bias", quality.bias)]
    told = ", ".join(f"{name} {figures.share(value)}" for name, value in numbers if value is not None)
    yield f"on those with an outcome: {told or 'no figure can be computed'} (n {figures.count(quality.labelled)})"
    readers = ", ".join(f"{reader.name} ({reader.how.raw})" for reader in model.readers)
    yield f"read by {readers}" if readers else "no reader is recorded"
