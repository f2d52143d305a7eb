"""The Maturity pages: every system with its bar of seven practices, and one system with the evidence of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.render.facts import paragraph
from widgets.line import Line, Page, Row, Span, columns, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.maturity.judged import Judged
    from console.views.maturity.view import MaturityView, SystemMaturity

SIGNS: Final = {"there": "#", "partly": "+", "absent": "-", "unknown": "?"}
"""A cell of the bar: full, in part, empty, not known."""

ROLES: Final = {"there": "", "partly": "warning", "absent": "warning", "unknown": "unknown"}
LEGEND = " # there   + in part   - absent, as this workspace decides   ? not known here"
INDENT = 19


def bar(judged: Iterable[Judged]) -> Line:
    """`###+?##`: one cell for each."""
    return Line((Span("["), *(Span(SIGNS[each.level], ROLES[each.level]) for each in judged), Span("]")))


def maturity_page(view: MaturityView, *, width: int = 80, height: int = 20) -> Page:
    """Every system, those with the least first."""
    del height
    name = 14 + max(0, min(20, width - 100))
    head = [("", 2, ""), ("MODEL", name, "dim"), ("VER", 6, "dim"), ("PRACTICES", 9, "dim"), ("THERE", 6, "dim")]
    rows = [Row(columns([*head, ("LACKS", max(10, width - name - 29), "dim")]))]
    rows += [_system(each, name, width) for each in view.rows]
    if not view.rows:
        rows += paragraph("No model is known here. Records and predictions bring one in: qd ingest", width)
    rows.append(Row(Line()))
    rows += [Row(each) for each in wrapped(line((LEGEND, "dim")), width, 1)]
    if view.rows:
        cells = ", ".join(each.title.lower() for each in view.rows[0].practices)
        rows += [Row(each) for each in wrapped(line((f" from left to right: {cells}", "dim")), width, 1)]
    heading = sides(
        line(("Maturity", "bold"), f"  {figures.count(len(view.rows))} system{'' if len(view.rows) == 1 else 's'}"),
        line((view.environment, "dim")),
        width,
    )
    return Page(heading, tuple(rows), "maturity")


def _system(row: SystemMaturity, name: int, width: int) -> Row:
    state = _state(row.practices)
    lacks = [each.title.lower() for each in row.practices if each.level != "there"]
    cells = columns(
        [(row.model, name, "bold"), (version_label(row.version) if row.version else "none", 6, "")],
    )
    count = columns(
        [(f"{row.there} of {len(row.practices)}", 6, ""), (_that_fit(lacks, max(10, width - name - 29)), max(10, width - name - 29), "")]
    )
    worst = next((each for each in row.practices if each.state.value == state and each.level != "there"), None)
    why = line(mark(state), " ", Untrusted(f"{worst.title}: {worst.lacks.raw}") if worst is not None else "all seven are there")
    spans = (*line(" ", mark(state), " ").spans, *cells.spans, Span(" "), *bar(row.practices).spans, Span(" "), *count.spans)
    return Row(Line(spans), key=row.model, why=why, state=state)


def _that_fit(names: list[str], width: int) -> str:
    """As many as there is room for, and how many more there are."""
    for kept in range(len(names), 0, -1):
        more = f" +{len(names) - kept}" if kept < len(names) else ""
        told = ", ".join(names[:kept]) + more
        if len(told) <= width:
            return told
    return "nothing" if not names else f"{len(names)} of them"


def system_page(view: MaturityView, *, width: int = 80, height: int = 20) -> Page:
    """One system, each practice with its evidence and what to do."""
    del height
    row = view.rows[0]
    rows = [Row(Line((*line(" ").spans, *bar(row.practices).spans, *line((LEGEND, "dim")).spans)))] if width >= 100 else []
    rows.append(Row(rule("Practices", width, f"{row.there} of {len(row.practices)} there")))
    for each in row.practices:
        rows += judged_rows(each, width)
    label = version_label(row.version) if row.version else "no version"
    left = line("Maturity > ", (row.model, "bold"), f"   {label}   ", *bar(row.practices).spans)
    heading = sides(left, line((f"owner {row.owner or 'nobody'}", "dim")), width)
    return Page(heading, tuple(rows), command_line("maturity", row.model))


def judged_rows(each: Judged, width: int) -> list[Row]:
    """A practice or badge: its level, what bears it out and by which verb, what speaks against it, what to do."""
    state = each.state.value
    first, *others = [f"{found.text.raw}  (qd {found.verb})" for found in each.evidence] or [each.lacks.raw]
    if each.evidence and each.lacks:
        others.append(each.lacks.raw)
    lead = line(" ", mark(state), " ", (f"{each.title:<{INDENT - 4}}", "bold"), " ")
    lines = wrapped(Line((*lead.spans, *line(Untrusted(first)).spans)), width, INDENT)
    for text in others:
        lines += wrapped(line(" " * INDENT, Untrusted(text)), width, INDENT)
    if each.to_do:
        lines += wrapped(line(" " * INDENT, ("-> ", "dim"), each.to_do), width, INDENT + 3)
    why = line(mark(state), " ", Untrusted(f"{each.title}: {WORDS[each.level]}" + (f"; {each.lacks.raw}" if each.lacks else "")))
    return [Row(lines[0], key=each.id, why=why, state=state), *(Row(more) for more in lines[1:])]


WORDS: Final = {"there": "there", "partly": "in part", "absent": "absent", "unknown": "not known here"}


def _state(judged: Iterable[Judged]) -> str:
    levels = {each.state.value for each in judged}
    return next((state for state in ("warning", "unknown") if state in levels), "ok")
