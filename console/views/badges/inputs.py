"""Badges of what a version is made from: its datasets, its features and the run that made it."""

from __future__ import annotations

from typing import Final

from backends.records import Dataset, FeatureSet, Run, State
from backends.shell_words import command_line
from console.control.actions import version_label
from console.render import figures
from console.views.badges.badge import Asset, Proof, Verdict, asset, borne_out, not_borne_out, out_of_place, proof, unknown
from console.views.badges.subject import Subject, of_inputs, watched
from console.views.cards import data_sheet
from console.views.cards.fields import missing_of
from console.views.data.kept_search import RecordedSearch
from console.views.lineage.provenance import ended

NAMED: Final = 3
"""Names that are listed of those that are missing."""


def dataset(subject: Subject, run: Run, name: str, of: tuple[str, ...]) -> Asset:
    """Badges of what a run read."""
    found = subject.system.known.dataset_of(run, name)
    if found is None:
        nothing = unknown(f"run {run.name} names it, and no record of it is here", _run(subject, run, f"read {name}"))
        return asset(
            "dataset", name, of, versioned=nothing, tested=_checked(subject, run), observable=nothing, governable=nothing,
            improved=nothing,
        )  # fmt: skip
    return asset(
        "dataset",
        name,
        of,
        versioned=_snapshot(subject, run, found),
        tested=_checked(subject, run),
        observable=_heard(subject, found),
        governable=_sheet(subject, name),
        improved=_other_rows(subject, run, found),
    )


def _snapshot(subject: Subject, run: Run, found: Dataset) -> Verdict:
    told = f"snapshot {figures.short_digest(found.snapshot)}, {figures.count(found.rows)} rows"
    said = proof(f"dataset {found.name}", told, command_line("card", options={"--dataset": found.name}))
    if subject.system.known.dataset(found.name, ended(run)) is None:
        return unknown(f"it was recorded only after run {run.name}: what it held when it was read, no record says", said)
    return borne_out(said)


def _checked(subject: Subject, run: Run) -> Verdict:
    """What was kept of the rows that a run read. Where it read several datasets a check does not say which."""
    verdict = _held_against(subject, run)
    if len(run.inputs) > 1 and verdict.evidence:
        return unknown(f"run {run.name} read {len(run.inputs)} datasets: which of them was checked, no record says", *verdict.evidence)
    return verdict


def _held_against(subject: Subject, run: Run) -> Verdict:
    found, wrong = [], []
    verb = command_line("contract", "check", subject.name)
    for each in subject.system.checks:
        if each.moment == "training":
            said = proof(f"contract check of run {run.name}", f"{figures.count(each.rows)} rows: {each.state.value}", verb)
            found.append(said)
            wrong += [f"its rows break {each.broken} rules of the contract"] if each.state is not State.OK else []
    for search in subject.system.searches:
        if search.search == "leakage":
            found.append(_search(search, f"leakage search of run {run.name}", command_line("versions", subject.system.named)))
            wrong += [f"the search for leakage is {search.state.value}"] if search.state is not State.OK else []
    options = {"--moment": "training", "--run": run.name}
    keep = command_line("contract", "check", subject.name, "FILE", options=options)
    if wrong:
        return not_borne_out("; ".join(wrong), *found)
    return borne_out(*found) if found else unknown(f"no check of its rows was kept: qd {keep}")


def _search(each: RecordedSearch, record: str, verb: str) -> Proof:
    worst = f", {each.worst.raw}" if each.worst is not None and each.state is not State.OK else ""
    return proof(record, f"{figures.count(each.rows)} rows: {each.state.value}{worst}", verb)


def _heard(subject: Subject, found: Dataset) -> Verdict:
    """A snapshot stands still: what can be watched are the sources that it came from."""
    if not found.sources:
        return unknown("its record names no source, and a snapshot itself stands still")
    heard = {name: subject.reaches.heard(name) for name in found.sources}
    said = [proof(f"source {name}", told, "sources") for name, told in heard.items() if told is not None]
    mute = [name for name, told in heard.items() if told is None]
    if mute:
        return unknown(f"nothing is heard here of its source {_listed(mute)}", *said)
    return borne_out(*said)


def _sheet(subject: Subject, name: str) -> Verdict:
    found = subject.system.known.dataset(name)
    held = data_sheet.held_to(subject.system.sight, name)
    verb = command_line("card", options={"--dataset": name})
    if found is None or not held.required:
        return unknown("no standard says what its data sheet needs")
    missing = missing_of(data_sheet.fields_of(found, held))
    said = proof(f"data sheet of {name}", f"{len(held.required) - len(missing)} of {len(held.required)} required fields", verb)
    return not_borne_out(f"its data sheet lacks {', '.join(missing)}", said) if missing else borne_out(said)


def _other_rows(subject: Subject, run: Run, found: Dataset) -> Verdict:
    """Whether it holds later rows than what the version before was trained on."""
    if subject.before is None:
        return _first(subject)
    older = subject.system.known.run_of(subject.before)
    inputs = [] if older is None else [subject.system.known.dataset_of(older, name) for name in older.inputs]
    known, before = [each for each in inputs if each is not None], version_label(subject.before)
    if not known:
        return unknown(f"what {before} was trained on is not recorded")
    if found.snapshot in {each.snapshot for each in known}:
        same = next(each for each in known if each.snapshot == found.snapshot)
        return not_borne_out(f"{before} was trained on the same snapshot", _dataset(same))
    ends = [each.covers_to for each in known]
    if found.covers_to is None or None in ends:
        return unknown(f"it is another snapshot than {before} was trained on, and no record says which rows are later")
    last = max(each for each in ends if each is not None)
    said = (_dataset(found), *(_dataset(each) for each in known))
    if found.covers_to > last:
        return borne_out(*said)
    return not_borne_out(f"it holds no later rows than {before} was trained on: run {run.name} went no further", *said)


def _dataset(found: Dataset) -> Proof:
    return proof(f"dataset {found.name}", f"rows to {found.covers_to}", command_line("card", options={"--dataset": found.name}))


def features(subject: Subject, run: Run, name: str, of: tuple[str, ...]) -> Asset:
    """Badges of the features that a run computed."""
    found, elsewhere = subject.system.known.features_of(run), out_of_place("it is let in with the version that uses it, and has no owner")
    if found is None:
        nothing = unknown(f"run {run.name} names it, and no record of it is here", _run(subject, run, f"used {name}"))
        return asset("features", name, of, versioned=nothing, tested=nothing, observable=nothing, governable=elsewhere, improved=nothing)
    return asset(
        "features",
        name,
        of,
        versioned=_definition(subject, run, found),
        tested=_parity(subject),
        observable=_logged(subject, found),
        governable=elsewhere,
        improved=_other_definition(subject, found),
    )


def _feature_set(subject: Subject, found: FeatureSet) -> Proof:
    told = f"version {found.version}, definition {figures.short_digest(found.definition_digest)}"
    return proof(f"features {found.name}", told, command_line("lineage", subject.system.named))


def _definition(subject: Subject, run: Run, found: FeatureSet) -> Verdict:
    if subject.system.known.features(found.name, ended(run)) is None:
        why = f"they were recorded only after run {run.name}: by which definition it computed them, no record says"
        return unknown(why, _feature_set(subject, found))
    return borne_out(_feature_set(subject, found))


def _parity(subject: Subject) -> Verdict:
    """The newest comparison of the features as computed offline with those that were used online."""
    parity = subject.system.newest("parity")
    if parity is None:
        keep = command_line("parity", "FILE", subject.name, options={"--key": "KEY", "--record": subject.name})
        return unknown(f"no comparison of offline with online values was kept: qd {keep}")
    said = _search(parity, "parity check", command_line("contract", "check", subject.name))
    if parity.state is State.OK:
        return borne_out(said)
    return not_borne_out(f"offline and online values differ in {parity.found} columns", said)


def _logged(subject: Subject, found: FeatureSet) -> Verdict:
    """Whether each of them is logged with the answers, and a rule watches them."""
    logged = subject.system.logged
    if not logged & set(found.columns):
        return unknown("no input is logged with the answers of the model")
    silent = [name for name in found.columns if name not in logged]
    if silent:
        told = f"{len(found.columns) - len(silent)} of {len(found.columns)} columns are logged with its answers"
        said = proof("predictions", told, command_line("drift", subject.name))
        return not_borne_out(f"not logged, so that nobody sees them drift: {_listed(silent)}", said)
    return watched(subject.system, "its inputs", of_inputs)


def _other_definition(subject: Subject, found: FeatureSet) -> Verdict:
    if subject.before is None:
        return _first(subject)
    older = subject.system.known.run_of(subject.before)
    before, label = None if older is None else subject.system.known.features_of(older), version_label(subject.before)
    if before is None:
        return unknown(f"which features {label} was trained on is not recorded")
    said = (_feature_set(subject, found), _feature_set(subject, before))
    if before.definition_digest == found.definition_digest:
        return not_borne_out(f"{label} was trained on the same definition", said[0])
    return borne_out(*said)


def run_of(subject: Subject, run: Run) -> Asset:
    """Badges of the run that made a version."""
    return asset(
        "run",
        run.name,
        (subject.system.version or "",),
        versioned=_reproducible(subject, run),
        tested=_held_against(subject, run),
        observable=_followed(subject, run),
        governable=_started(subject, run),
        improved=out_of_place(f"a run is over once it ended; what came of it is {subject.label}"),
    )


def _run(subject: Subject, run: Run, told: str) -> Proof:
    return proof(f"run {run.name}", told, command_line("versions", subject.system.named))


def _reproducible(subject: Subject, run: Run) -> Verdict:
    """Whether code, rows and features of it are on record as they were then."""
    known, record = subject.system.known, subject.system.record
    commit = record.code_commit if record is not None else None
    lacks = [] if commit else [f"the record of {subject.label} names no commit of its code"]
    lacks += [] if run.inputs else ["it names no dataset"]
    gone = [name for name in run.inputs if known.dataset(name, ended(run)) is None]
    lacks += [f"no record from before it ended says what it read: {_listed(gone)}"] if gone else []
    if run.features is not None and known.features(run.features, ended(run)) is None:
        lacks.append(f"no record from before it ended defines its features {run.features}")
    said = [_run(subject, run, f"read {_listed(list(run.inputs))} and {len(run.params)} parameters")] if run.inputs else []
    said += [proof(f"version {subject.label}", f"code {commit}", command_line("versions", subject.system.named))] if commit else []
    return unknown("; ".join(lacks), *said) if lacks else borne_out(*said)


def _followed(subject: Subject, run: Run) -> Verdict:
    """Whether how it went is on record."""
    if run.status == "running":
        return unknown("it has not ended yet", _run(subject, run, run.status))
    if run.ended_at is None or not (run.metrics or run.phases):
        return unknown("no record says when it ended and what it reported", _run(subject, run, run.status))
    seconds = (run.ended_at - run.started_at).total_seconds()
    told = f"{run.status} after {seconds:,.1f} s; metrics: {len(run.metrics)}, timed phases: {len(run.phases)}"
    return borne_out(_run(subject, run, told))


def _started(subject: Subject, run: Run) -> Verdict:
    """Whether who or what started it is on record; a request that it names must be one of this journal."""
    control = subject.system.sight.control
    if run.request is not None:
        action = control.actions.get(control.action_by_key.get(run.request, ""))
        if action is None:
            why = f"it says that it answers the request {run.request}, of which this journal knows nothing"
            return not_borne_out(why, _run(subject, run, "names a request"))
        return borne_out(proof(f"action {action.id}", f"{action.actor.who} asked for it", command_line("action", action.id)))
    if run.started_by is not None:
        return borne_out(_run(subject, run, f"started by {run.started_by}"))
    if run.trigger.raw.strip():
        return borne_out(_run(subject, run, f"trigger {run.trigger.raw}"))
    return unknown("no record says who or what started it", _run(subject, run, run.status))


def _first(subject: Subject) -> Verdict:
    return out_of_place(f"{subject.label} is the first version on record: there is none to go beyond")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
