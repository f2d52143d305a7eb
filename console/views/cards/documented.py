"""Which fields of a model card the records of a version fill. Evaluates nothing, so that a gate and a list can ask it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from backends.records import Dataset, Evaluation, Model, Run
from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.views.cards import data_sheet
from console.views.cards.fields import CardField, Found, Held, missing_of, said
from console.views.lineage.provenance import Provenance
from console.views.sight import Sight

TITLES: Final = {
    "intended_use": ("Intended use", "Use"),
    "out_of_scope": ("Out of scope", "Use"),
    "limitations": ("Limitations", "Use"),
    "target": ("Target", "Use"),
    "readers": ("Readers", "Use"),
    "fallback": ("Fallback", "Use"),
    "owner": ("Owner", "Use"),
    "contacts": ("Contacts", "Use"),
    "training_data": ("Data", "Training"),
    "data_sheets": ("Data sheets", "Training"),
    "features": ("Features", "Training"),
    "metrics": ("Reports", "Metrics"),
    "slices": ("Slices", "Metrics"),
    "fairness": ("Fairness", "Metrics"),
}
"""Title and section of every field, in the order of the page."""


def held_to(sight: Sight, known: Provenance) -> Held:
    """What the card of a model is held to."""
    return Held.to(sight.policies.standards_for(known.name, sight.environment, known.model.task if known.model else None))


def documented(sight: Sight, known: Provenance, version: str) -> tuple[CardField, ...]:
    """Every field of the card of a version, judged."""
    run, record = known.run_of(version), known.version(version)
    told = _of_the_model(known, record.limitations if record is not None else None)
    return held_to(sight, known).judged(
        TITLES,
        {
            **told,
            "training_data": _training_data(known, run),
            "data_sheets": _sheets(sight, known, run),
            "features": _features(known, run, version),
            "metrics": _metrics(known, version),
            "slices": _slices(known, version),
            "fairness": _fairness(sight, known),
        },
    )


def _of_the_model(known: Provenance, limitations: Untrusted | None) -> dict[str, Found]:
    """What the records of the model say, and of its limitations the version's: for each field the newest record that says something."""
    models = [each for each in known.records if isinstance(each, Model) and each.name == known.name]
    models.sort(key=lambda each: each.known_at, reverse=True)
    found = {}
    for name, texts in _TEXTS.items():
        telling = next((each for each in models if any(text.raw.strip() for text in texts(each))), None)
        own = [limitations] if name == "limitations" and limitations is not None else []
        of_it = texts(telling) if telling is not None else ()
        found[name] = said(f"model {known.name}", name, *of_it, *own, source=telling.source if telling is not None else None)
    return found


_TEXTS: Final[dict[str, Callable[[Model], tuple[Untrusted, ...]]]] = {
    "intended_use": lambda model: (model.intended_use,),
    "out_of_scope": lambda model: (model.out_of_scope,),
    "limitations": lambda model: (model.limitations,),
    "target": lambda model: (model.target,),
    "readers": lambda model: tuple(Untrusted(f"{reader.name}: {reader.how.raw}") for reader in model.readers),
    "fallback": lambda model: (model.fallback,) if model.fallback is not None else (),
    "owner": lambda model: (Untrusted(model.owner),) if model.owner else (),
    "contacts": lambda model: model.contacts,
}
"""The fields that are told in the record of a model."""


def _training_data(known: Provenance, run: Run | None) -> Found:
    if run is None or not run.inputs:
        return Found(missing="no run is recorded that trained it" if run is None else f"run {run.name} names no dataset")
    lines, gone = [], []
    for name in run.inputs:
        found = known.dataset_of(run, name)
        if found is None:
            gone.append(name)
            continue
        period = f", {found.covers_from} to {found.covers_to}" if found.covers_from and found.covers_to else ", period not recorded"
        lines.append(Untrusted(f"{name}: digest {figures.short_digest(found.snapshot)}, {figures.count(found.rows)} rows{period}"))
    missing = f"named by run {run.name} and not recorded: {', '.join(gone)}" if gone else ""
    return Found(tuple(lines), missing, run.source)


def _sheets(sight: Sight, known: Provenance, run: Run | None) -> Found:
    datasets = [found for name in (run.inputs if run is not None else ()) if (found := known.dataset(name)) is not None]
    if not datasets:
        return Found(missing="no dataset of its training is recorded")
    lines, wanting = [], []
    for found in datasets:
        held = data_sheet.held_to(sight, found.name)
        missing = missing_of(data_sheet.fields_of(found, held))
        lines.append(Untrusted(f"{found.name}: {len(held.required) - len(missing)} of {len(held.required)} required fields"))
        if missing or not held.required:
            wanting.append(_wanting(found, missing))
    return Found(tuple(lines), "; ".join(wanting), datasets[0].source)


def _wanting(found: Dataset, missing: tuple[str, ...]) -> str:
    return f"{found.name} lacks {', '.join(missing)}" if missing else f"no standard says what the sheet of {found.name} needs"


def _features(known: Provenance, run: Run | None, version: str) -> Found:
    found = known.features_of(run) if run is not None else None
    if found is None:
        named = run.features if run is not None else None
        why = (
            f"features {named} are named by the run and not recorded"
            if named
            else f"no feature set of {version_label(version)} is recorded"
        )
        return Found(missing=why)
    definition = figures.short_digest(found.definition_digest)
    lines = [f"{found.name} version {found.version}: definition {definition}, {len(found.columns)} columns", ", ".join(found.columns)]
    return Found(tuple(map(Untrusted, lines)), source=found.source)


def trained_on(known: Provenance, report: Evaluation) -> bool | None:
    """Whether a report counts rows that its version was trained on, which flatters; None where the records do not tell."""
    run = known.run_of(report.version)
    if run is None or not run.inputs:
        return None
    if report.dataset in run.inputs:
        return True
    periods = [(found.covers_from, found.covers_to) if (found := known.dataset_of(run, name)) else (None, None) for name in run.inputs]
    first, last = report.covers_from.date(), report.covers_to.date()
    if any(since is not None and until is not None and since <= last and first <= until for since, until in periods):
        return True
    return None if any(since is None or until is None for since, until in periods) else False


def _metrics(known: Provenance, version: str) -> Found:
    reports = [each for each in known.evaluations_of(version) if any(value is not None for value in each.metrics.values())]
    if not reports:
        return Found(missing=f"no evaluation report of {version_label(version)} is recorded")
    lines = []
    for each in reports:
        numbers = ", ".join(f"{name} {figures.share(value)}" for name, value in each.metrics.items() if value is not None)
        own = {True: "of its own training rows, which flatters", False: "not of its training rows", None: "of which rows is not recorded"}
        lines.append(Untrusted(f"{each.name}: {numbers}, n {figures.count(each.labelled)}, {own[trained_on(known, each)]}"))
    return Found(tuple(lines), source=reports[0].source)


def _slices(known: Provenance, version: str) -> Found:
    reports = [each for each in known.evaluations_of(version) if each.by_slice]
    if not reports:
        return Found(missing=f"no evaluation report of {version_label(version)} says it by slice")
    newest = reports[0]
    lines = []
    for name, metrics in newest.by_slice.items():
        n = f", n {figures.count(round(metrics['n'] or 0))}" if metrics.get("n") is not None else ", n not recorded"
        numbers = ", ".join(f"{each} {figures.share(value)}" for each, value in metrics.items() if value is not None and each != "n")
        lines.append(Untrusted(f"{name}: {numbers}{n}"))
    return Found((Untrusted(newest.name), *lines), source=newest.source)


def _fairness(sight: Sight, known: Provenance) -> Found:
    """The gates that compare groups: they are judged at every promotion."""
    task = known.model.task if known.model is not None else None
    gates = [each for each in sight.policies.gates_for(known.name, sight.environment, task) if each.group is not None]
    if not gates:
        return Found(missing="no gate compares how groups are treated: `group: COLUMN` in policies/")
    return Found(
        tuple(Untrusted(f"{gate.metric} by {gate.group} {gate.kind.replace('_', ' ')} {gate.limit:g}: {gate.title}") for gate in gates)
    )
