"""The part of a lineage before the version: sources, datasets, features and the run, each held against what it could have known."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from backends.records import Dataset, FeatureSet, Run, State
from console.render import figures
from console.views.lineage.node import Node, node, short_digest
from console.views.lineage.provenance import Provenance, ended
from console.views.lineage.reach import Reaches
from console.views.lineage.windows import TwoWindows, windows_apart


def origins_of(known: Provenance, version: str | None, reaches: Reaches, zone: ZoneInfo) -> list[Node]:
    """Nodes from the sources to the run; a thing that is not recorded has a node that says so."""
    run = known.run_of(version) if version is not None else None
    if run is None:
        record = known.version(version) if version is not None else None
        named = record.run if record is not None else None
        missing = f"run {named} is named but not recorded" if named else "no training run is recorded: nobody knows what it was trained on"
        return [node("run", named or "no run", "", 3, reaches.of_version(version), missing)]
    nodes: list[Node] = []
    datasets = [(name, known.dataset_of(run, name)) for name in run.inputs]
    for source in dict.fromkeys(source for _, found in datasets if found is not None for source in found.sources):
        nodes.append(node("source", source, reaches.last_heard(source), 0, reaches.of_source(source)))
    if not any(each.kind == "source" for each in nodes):
        nodes.append(node("source", "no source", "", 0, reaches.of_version(version), "the dataset names no source"))
    for name, found in datasets:
        if found is None:
            nodes.append(node("dataset", name, "", 1, reaches.of_dataset(name), f"dataset {name} is named by the run but not recorded"))
            continue
        nodes.append(node("dataset", name, _dataset(found, zone), 1, reaches.of_dataset(name), _too_late(found, run, zone), State.CRITICAL))
    if not datasets:
        nodes.append(node("dataset", "no dataset", "", 1, reaches.of_version(version), f"the run {run.name} names no dataset"))
    features = known.features_of(run)
    if features is not None:
        apart, late = _windows_apart(windows_apart(known, run)), _known_too_late(features)
        state, why = (State.CRITICAL, apart) if apart else (State.WARNING, late)
        nodes.append(node("features", features.name, _features(features), 2, reaches.of_features(features.name), why, state))
    else:
        missing = f"features {run.features} are named by the run but not recorded" if run.features else f"the run {run.name} names none"
        nodes.append(node("features", run.features or "no features", "", 2, reaches.of_version(version), missing))
    seconds = (run.ended_at - run.started_at).total_seconds() if run.ended_at else None
    took = f"{seconds:.1f} s, " if seconds is not None else ""
    failed = "" if run.status == "succeeded" else f"the run {run.status}"
    nodes.append(node("run", run.name, f"{took}{run.status}", 3, reaches.of_version(version), failed, State.WARNING))
    return nodes


def _dataset(found: Dataset, zone: ZoneInfo) -> str:
    period = f"  {found.covers_from} to {found.covers_to}" if found.covers_from else ""
    key = f", features by {found.as_of_key}" if found.as_of_key else ""
    as_of = f"  as of {figures.moment(found.as_of, zone)}{key}" if found.as_of else f"  as of when is not recorded{key}"
    return f"{short_digest(found.snapshot)}{period}  {found.rows:,} rows{as_of}"


def _too_late(found: Dataset, run: Run, zone: ZoneInfo) -> str:
    """Why a dataset cannot be what it says it is; empty where nothing speaks against it."""
    if found.as_of is None:
        return ""
    built = figures.moment(found.as_of, zone)
    if found.covers_to is not None and found.covers_to > found.as_of.astimezone(zone).date():
        return f"it holds rows up to {found.covers_to}, though it is as of {built}: some are younger than what it could have known"
    if found.as_of > ended(run):
        return f"it is as of {built}, after the run had ended: the run read another one, or it knew what came later"
    return ""


def _features(found: FeatureSet) -> str:
    said = [name for name in found.columns if name in found.available_after]
    known = sum(found.available_after[name] == 0 for name in said)
    silent = len(found.columns) - len(said)
    when = f"{known} known when asked" if said else ""
    when += f"{', ' if when else ''}availability of {silent if said else 'all'} not documented" if silent else ""
    definition = f"definition {short_digest(found.definition_digest)}"
    return f"version {found.version}  {len(found.columns)} columns, {definition}{', ' if when else ''}{when}"


def _known_too_late(found: FeatureSet) -> str:
    """The columns that nobody knows yet where the model is asked, the latest first."""
    late = sorted((-found.available_after.get(name, 0.0), name) for name in found.columns if found.available_after.get(name, 0.0) > 0)
    listed = ", ".join(f"{name} after {-hours:g} h" for hours, name in late[:5])
    return f"not known when the model is asked: {listed}{', ...' if len(late) > 5 else ''}" if late else ""


def _windows_apart(apart: Mapping[str, TwoWindows]) -> str:
    """The features whose window is another one where the model is asked."""
    listed = ", ".join(f"{name} ({', '.join(each.differ)})" for name, each in list(apart.items())[:5])
    return f"computed over another window where it serves: {listed}{', ...' if len(apart) > 5 else ''}" if apart else ""
