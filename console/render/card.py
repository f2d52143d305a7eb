"""The page of a model card and that of a data sheet: what is missing first, then every field with what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.render.card_words import Entry, Section, card_sections, completeness, held_to, sheet_sections
from console.render.facts import fact_rows
from widgets.line import Line, Page, Row, Span, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.cards.data_sheet import SheetView
    from console.views.cards.fields import CardField
    from console.views.cards.model_card import CardView

INDENT = 18
BLANK = Span("  ")


def card_page(view: CardView, *, width: int = 80, height: int = 20) -> Page:
    """The card of a model version."""
    del height
    rows = _missing(view.fields, view.missing, held_to(view.standards), width)
    what = f"{view.description.raw or 'no description is recorded'} ({view.task or 'task not recorded'})"
    rows += fact_rows("What", Untrusted(what), width)
    if view.threshold is not None:
        rows += fact_rows("Threshold", figures.share(view.threshold), width)
    decides = view.primary_metric or "unknown: no metric is declared to decide"
    stands_for = f", stands for {view.stands_for.raw}" if view.stands_for is not None else ""
    rows += fact_rows("Decides", Untrusted(f"{decides}{stands_for}"), width)
    rows += fact_rows("Artifact", f"digest {figures.short_digest(view.artifact_digest)}" if view.artifact_digest else "unknown", width)
    rows += _sections(card_sections(view), width)
    state, told = completeness(view.required, view.missing)
    left = line("Fleet > ", (view.model, "bold"), " > ", (version_label(view.version), "bold"), " > card")
    heading = sides(left, line(mark(state), " ", (told, "")), width)
    return Page(heading, tuple(rows), command_line("card", f"{view.model.raw}@{view.version}"))


def sheet_page(view: SheetView, *, width: int = 80, height: int = 20) -> Page:
    """The data sheet of a dataset."""
    del height
    zone = ZoneInfo(view.zone)
    rows = _missing(view.fields, view.missing, held_to(view.standards), width)
    rows += fact_rows("What", view.description or "no description is recorded", width)
    recorded = f"digest {figures.short_digest(view.snapshot)}, {figures.count(view.rows)} rows"
    rows += fact_rows("Snapshot", f"{recorded}, recorded {figures.full_moment(view.recorded_at, zone)} by {view.source}", width)
    rows += _sections(sheet_sections(view), width)
    state, told = completeness(view.required, view.missing)
    heading = sides(line("Data sheet ", (view.dataset, "bold")), line(mark(state), " ", told), width)
    return Page(heading, tuple(rows), command_line("card", options={"--dataset": view.dataset.raw}))


def _missing(fields: Iterable[CardField], missing: tuple[str, ...], standards: str, width: int) -> list[Row]:
    names = ", ".join(each.title.lower() for each in fields if each.id in missing)
    return [
        *fact_rows("Missing", names or "nothing that is required", width, "warning" if names else ""),
        *fact_rows("Standard", Untrusted(standards), width),
    ]


def _sections(sections: Iterable[Section], width: int) -> list[Row]:
    rows = []
    for section in sections:
        rows.append(Row(rule(section.title, width, section.note)))
        for each in section.entries:
            rows += _entry(each, width)
    return rows


def _entry(each: Entry, width: int) -> list[Row]:
    sign = mark(each.state.value) if each.state is not None else Span(" ")
    name = wrapped(line((f"{each.name:<{INDENT - 4}}", "dim")), 1000)[0].fitted(INDENT - 4)
    lines: list[Line] = []
    for number, text in enumerate(each.lines):
        lead = Line((Span(" "), sign, Span(" "), *name.spans, Span(" "))) if number == 0 else Line((Span(" " * INDENT),))
        lines += wrapped(Line((*lead.spans, *line(text).spans)), width, INDENT)
    why = line(mark(each.state.value), " ", each.why) if each.state is not None else line(each.why)
    first = Row(lines[0], key=each.key, why=why, state=each.state.value if each.state is not None else "")
    return [first, *(Row(more) for more in lines[1:])]
