"""The data sheet of a dataset: what it is for, where it comes from, what it holds, which versions were trained on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from backends.records import Column, Dataset, Moment, Run
from backends.store import queries
from backends.store.reader import Reader
from backends.text import Untrusted
from console.closest import closest
from console.render import figures
from console.views.cards.fields import CardField, Found, Held, StandardSeen, missing_of, said
from console.views.health.model import View
from console.views.sight import Sight

TITLES: Final = {
    "purpose": ("Purpose", "Use"),
    "limitations": ("Limitations", "Use"),
    "license": ("License", "Use"),
    "owner": ("Owner", "Use"),
    "collection": ("Collection", "Origin"),
    "sources": ("Sources", "Origin"),
    "personal_data": ("Personal data", "Origin"),
    "period": ("Period", "Content"),
    "as_of": ("As of", "Content"),
    "columns": ("Columns", "Content"),
}
"""Title and section of every field, in the order of the page."""


class NoSuchDataset(LookupError):
    """A dataset that no record names; the message lists the nearest."""


class SnapshotSeen(View):
    """One state of a dataset that was recorded under its name."""

    snapshot: str
    rows: int
    known_at: Moment


class SheetView(View):
    """The data sheet of one dataset, as it is known at one moment."""

    environment: str
    dataset: Untrusted
    at: Moment
    zone: str
    past: bool
    description: Untrusted
    snapshot: str
    rows: int
    recorded_at: Moment
    source: str
    fields: tuple[CardField, ...]
    required: int
    missing: tuple[str, ...]
    """Ids of the fields that are required and not documented."""
    standards: tuple[StandardSeen, ...]
    columns: tuple[Column, ...]
    snapshots: tuple[SnapshotSeen, ...]
    """Every state that was recorded under this name, the newest first."""
    trained: tuple[str, ...]
    """Every version whose run read it, as `model@version`."""


def sheet_view(sight: Sight, reader: Reader, name: str) -> SheetView:
    """The sheet of a dataset. Raises NoSuchDataset or StoreError."""
    history = [each for each in queries.record_history(reader, "dataset", environment=sight.environment) if isinstance(each, Dataset)]
    states = [each for each in reversed(history) if each.name == name]
    if not states:
        raise _no_such(name, [each.name for each in history])
    found, held = states[0], held_to(sight, name)
    fields = fields_of(found, held)
    runs = queries.records_of(reader, "run", environment=sight.environment)
    return SheetView(
        environment=sight.environment,
        dataset=Untrusted(name),
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        description=found.description,
        snapshot=found.snapshot,
        rows=found.rows,
        recorded_at=found.known_at,
        source=found.source,
        fields=fields,
        required=len(held.required),
        missing=missing_of(fields),
        standards=held.seen(sight.policies),
        columns=found.columns,
        snapshots=tuple(SnapshotSeen(snapshot=each.snapshot, rows=each.rows, known_at=each.known_at) for each in _different(states)),
        trained=tuple(dict.fromkeys(made for run in runs if isinstance(run, Run) and name in run.inputs for made in run.outputs)),
    )


def held_to(sight: Sight, name: str) -> Held:
    """What the sheet of a dataset is held to."""
    return Held.to(sight.policies.standards_for_dataset(name, sight.environment))


def fields_of(found: Dataset, held: Held) -> tuple[CardField, ...]:
    """Every field of a sheet, judged."""
    record, source = f"dataset {found.name}", found.source
    owner = Untrusted(found.owner) if found.owner else None
    as_of = Untrusted(f"{found.as_of:%Y-%m-%d %H:%M} UTC: nothing that was known only later went into it") if found.as_of else None
    return held.judged(
        TITLES,
        {
            "purpose": said(record, "purpose", found.purpose, source=source),
            "limitations": said(record, "limitations", found.limitations, source=source),
            "license": said(record, "license", found.license, source=source),
            "owner": said(record, "owner", owner, source=source),
            "collection": said(record, "collection", found.collection, source=source),
            "sources": said(record, "sources", *map(Untrusted, found.sources), source=source),
            "personal_data": said(record, "personal_data", found.personal_data, source=source),
            "period": _period(found),
            "as_of": said(record, "as_of", as_of, source=source),
            "columns": _columns(found),
        },
    )


def _period(found: Dataset) -> Found:
    if found.covers_from is None or found.covers_to is None:
        return Found(missing=f"not documented: `covers_from` and `covers_to` of dataset {found.name}")
    return Found((Untrusted(f"{found.covers_from} to {found.covers_to}, {figures.count(found.rows)} rows"),), source=found.source)


def _columns(found: Dataset) -> Found:
    if not found.columns:
        return Found(missing=f"not documented: `columns` of dataset {found.name}")
    kinds: dict[str, int] = {}
    for column in found.columns:
        kinds[column.kind] = kinds.get(column.kind, 0) + 1
    told = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return Found((Untrusted(f"{len(found.columns)} columns: {told}"),), source=found.source)


def _different(states: Iterable[Dataset]) -> list[Dataset]:
    """The newest record of each state: saying the same again is no other state."""
    found: dict[str, Dataset] = {}
    for each in states:
        found.setdefault(each.snapshot, each)
    return list(found.values())


def _no_such(name: str, known: list[str]) -> NoSuchDataset:
    listed = list(dict.fromkeys(known))
    near = closest(name, listed, n=3, cutoff=0.4)
    advice = (
        f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(sorted(listed)[:10])}" if listed else "none is recorded"
    )
    return NoSuchDataset(f"no dataset {name!r} in this environment; {advice}")
