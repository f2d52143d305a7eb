"""What a card or a data sheet says, in sections of named entries: the page and the Markdown are laid out from the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.records import Column, State
from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.render.quality import NAMES
from console.render.versions import stretch

if TYPE_CHECKING:
    from console.views.cards.data_sheet import SheetView
    from console.views.cards.fields import CardField, StandardSeen
    from console.views.cards.model_card import CardView
    from console.views.health.estimation import Measure
    from console.views.quality.view import GroupedBy, SliceRow
    from console.views.versions.card import LetIn

DATASET = "dataset:"
"""A row that leads to the data sheet of what is named behind it."""

IN_A_ROW = ("auc", "brier", "ece", "mae", "rmse", "bias")
SLICES = 6
"""Slices of a column that have a line of their own, the worst first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a card says. Without a state it is told and not asked for."""

    key: str
    name: str
    lines: tuple[str | Untrusted, ...]
    state: State | None = None
    why: str | Untrusted = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Entries under one title."""

    title: str
    note: str
    entries: tuple[Entry, ...]


def completeness(required: int, missing: tuple[str, ...]) -> tuple[State, str]:
    """`warning`, `8 of 10 required fields documented`; where nothing is required nothing is complete."""
    if not required:
        return State.UNKNOWN, "no standard says what is required"
    told = f"{required - len(missing)} of {required} required fields documented"
    return State.WARNING if missing else State.OK, told


def held_to(standards: Iterable[StandardSeen]) -> str:
    """The standards that a card is held to, with their places."""
    return (
        ", ".join(f"{each.id} ({each.place or 'the last good copy'})" for each in standards) or "none: policies/ names no standard for it"
    )


def card_sections(view: CardView) -> list[Section]:
    """The card of a model version."""
    by_section: dict[str, list[Entry]] = {}
    for each in view.fields:
        found = _entry(each)
        if each.id == "data_sheets":
            by_section.setdefault(each.section, []).extend(_sheets(view, each, found))
        else:
            by_section.setdefault(each.section, []).append(found)
    zone = ZoneInfo(view.zone)
    sections = [Section(title, "", tuple(entries)) for title, entries in by_section.items()]
    return [
        *sections,
        Section("In service", "what was answered, on labelled rows", tuple(_service(view, zone))),
        Section("Gates and approvals", "", tuple(_let_in(view, zone))),
        Section("History of service", "", tuple(_history(view, zone))),
    ]


def sheet_sections(view: SheetView) -> list[Section]:
    """The data sheet of a dataset."""
    zone = ZoneInfo(view.zone)
    by_section: dict[str, list[Entry]] = {}
    for each in view.fields:
        by_section.setdefault(each.section, []).append(_entry(each))
    columns = tuple(Entry(f"column:{each.name}", each.name, (_column(each),)) for each in view.columns)
    states = tuple(
        f"{figures.far_moment(each.known_at, view.at, zone)}  digest {figures.short_digest(each.snapshot)}, {figures.count(each.rows)} rows"
        for each in view.snapshots
    )
    trained = tuple(Untrusted(each) for each in view.trained) or ("no run is recorded that read it",)
    return [
        *(Section(title, "", tuple(entries)) for title, entries in by_section.items()),
        *([Section("Columns", f"{len(columns)}", columns)] if columns else []),
        Section("History", "", (Entry("snapshots", "Snapshots", states), Entry("trained", "Trained", trained))),
    ]


def _entry(each: CardField) -> Entry:
    lines: tuple[str | Untrusted, ...] = (*each.lines, *([each.missing] if each.missing else ()))
    asked = "required" if each.required else "not required"
    why = Untrusted(f"{each.title}: {asked}; " + (f"recorded by {each.source}" if each.documented and each.source else each.missing.raw))
    return Entry(each.id, each.title, lines, each.state, why)


def _sheets(view: CardView, found: CardField, entry: Entry) -> Iterator[Entry]:
    """One row for each dataset: Enter opens its sheet."""
    if not view.datasets:
        yield entry
    for number, name in enumerate(view.datasets):
        told = next((each for each in found.lines if each.raw.startswith(f"{name}: ")), Untrusted(f"{name}: not recorded"))
        lines = (told, *([found.missing] if found.missing and number == len(view.datasets) - 1 else ()))
        why = Untrusted(f"Enter opens its data sheet; qd {command_line('card', options={'--dataset': name})}")
        yield Entry(f"{DATASET}{name}", found.title if number == 0 else "", lines, found.state, why)


def _service(view: CardView, zone: tzinfo) -> Iterator[Entry]:
    if view.not_counted:
        yield Entry("service", "Quality", (view.not_counted,))
    for each in view.in_service:
        numbers = ", ".join(_measure(found) for found in each.measures if found.name in IN_A_ROW)
        period = f"{figures.moment(each.since, zone)} to {figures.moment(each.until, zone)}"
        n = f"n {figures.count(each.labelled)} of {figures.count(each.scored)} with an outcome"
        yield Entry(f"period:{each.name}", each.name[:1].upper() + each.name[1:], (f"{numbers}; {n}", period))
    columns: dict[str, list[SliceRow]] = {}
    for row in view.slices:
        columns.setdefault(row.column.raw, []).append(row)
    for name, rows in columns.items():
        more = (f"and {len(rows) - SLICES} more: qd {command_line('quality', view.model.raw)}",) if len(rows) > SLICES else ()
        yield Entry(f"slice:{name}", "By slice", (Untrusted(f"{name}, the worst first"), *map(_slice, rows[:SLICES]), *more))
    for group in view.fairness:
        yield Entry(f"group:{group.column.raw}", "Groups", (Untrusted(f"by {group.column.raw}"), *_groups(group)))


def _measure(found: Measure) -> str:
    interval = f" ({figures.share(found.low)} to {figures.share(found.high)})" if found.low is not None else ""
    return f"{NAMES.get(found.name, found.name)} {figures.share(found.value)}{interval}"


def _slice(row: SliceRow) -> Untrusted:
    value = row.value.raw if row.value is not None else "missing"
    numbers = ", ".join(_measure(each) for each in row.measures if each.name in IN_A_ROW[:1] + IN_A_ROW[3:4] and each.value is not None)
    return Untrusted(f"{value}: {numbers or row.reason or 'not computable'}, n {figures.count(row.labelled)}")


def _groups(group: GroupedBy) -> Iterator[Untrusted]:
    for each in group.limits:
        bound = f"{'up to' if each.kind == 'at_most' else 'at least'} {each.limit:g}"
        value = figures.share(each.value) if each.value is not None else "unknown"
        yield Untrusted(f"{each.title}: {value}, {bound}, {each.state.value}; {each.why.raw}")


def _let_in(view: CardView, zone: tzinfo) -> Iterator[Entry]:
    for each in view.approvals:
        yield Entry(each.id, each.id, (Untrusted(_asked(each, zone)), *(Untrusted(f"gate {gate}") for gate in each.gates)))
    if not view.approvals:
        yield Entry("approvals", "Approval", (f"nobody asked to let {version_label(view.version)} in, so no gate was judged for it",))


def _asked(each: LetIn, zone: tzinfo) -> str:
    votes = ", ".join(f"{vote.person} {figures.moment(vote.at, zone)}{'' if vote.signed else ' (not signed)'}" for vote in each.votes)
    asked = f"{each.action} asked by {each.asked_by} {figures.moment(each.asked_at, zone)}, {each.state}"
    return f"{asked}, {len(each.votes)} of {each.needed}" + (f": {votes}" if votes else "")


def _history(view: CardView, zone: ZoneInfo) -> Iterator[Entry]:
    served = tuple(stretch(each, view.at, zone) for each in reversed(view.serving))
    yield Entry("served", "Served", served or ("never",))
    moves = [
        f"production pointed here by {move.by} {figures.moment(move.at, zone)}, {move.action or 'outside this console'}"
        for move in view.moves
    ]
    yield Entry("moves", "Moved", tuple(map(Untrusted, moves)) or ("no alias was moved here",))


def _column(each: Column) -> Untrusted:
    span = f", {each.minimum if each.minimum is not None else '..'} to {each.maximum if each.maximum is not None else '..'}"
    bounds = span if each.minimum is not None or each.maximum is not None else ""
    allowed = f", one of {', '.join(each.allowed)}" if each.allowed else ""
    nulls = f", up to {figures.percent(each.max_null_share)} missing" if each.max_null_share is not None else ""
    unit = f" {each.unit.raw}" if each.unit is not None else ""
    return Untrusted(f"{each.kind}{unit}{bounds}{allowed}{nulls}{', may be missing' if each.nullable and not nulls else ''}")
