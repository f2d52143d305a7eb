"""The page of a comparison of two files."""

from __future__ import annotations

from collections.abc import Sequence

from backends.text import Untrusted
from console.render import figures
from console.render.distances import distance, number
from console.views.compare.column import ComparedColumn
from console.views.compare.files import CompareView
from widgets.line import MARKS, Line, Page, Row, columns, line
from widgets.wrapping import wrapped

NAME_WIDTH = 18


def compare_page(view: CompareView, *, width: int = 80) -> Page:
    """Every column, the worst first, each with its reason."""
    heading = line("current ", (view.current.path, "bold"), " against reference ", (view.reference.path, "bold"))
    rows = [Row(line(f" {figures.count(view.current.rows)} rows against {figures.count(view.reference.rows)}"))]
    rows.append(Row(line((f"   {'COLUMN':<{NAME_WIDTH}}{'PSI':>6}{'JS':>6}{'KS':>6}{'WASSERSTEIN':>13}{'CHI2':>11}  MISSING", "dim"))))
    for each in view.columns:
        rows.append(Row(_row(each), key=each.name.raw, state=str(each.severity)))
        said = each.reason + _bounds(each) + "".join(f"; {note}" for note in each.notes)
        if each.new_count:
            said += f"; {figures.count(each.new_count)} new{_listed(each, each.new_categories)}"
        if each.vanished_count:
            said += f"; {figures.count(each.vanished_count)} vanished{_listed(each, each.vanished_categories)}"
        rows += [Row(part) for part in wrapped(line("     ", (Untrusted(said), "dim")), width - 1, 5)]
    rows += [Row(part) for part in wrapped(line(" ", (view.note, "dim")), width - 1, 1)]
    return Page(heading, tuple(rows), "compare")


def _listed(column: ComparedColumn, categories: Sequence[Untrusted]) -> str:
    """The first of some categories; of free text none, which is what somebody wrote."""
    return "" if column.free_text or not categories else f": {', '.join(name.raw for name in categories[:4])}"


def _row(column: ComparedColumn) -> Line:
    state = str(column.severity)
    psi, js, chi2 = (None, None, None) if column.free_text else (column.psi, column.js, column.chi2)
    missing = f"{_percent(column.missing_reference)} -> {_percent(column.missing_current)} %"
    cells = columns(
        [
            (column.name, NAME_WIDTH, ""),
            (distance(psi), -6, state if state != "ok" else ""),
            (figures.share(js), -6, ""),
            (figures.share(column.ks), -6, ""),
            (number(column.wasserstein), -13, ""),
            (number(chi2), -11, ""),
            (f"  {missing}", 18, ""),
        ]
    )
    return Line((*line((f" {MARKS[state]} ", state)).spans, *cells.spans))


def _bounds(column: ComparedColumn) -> str:
    """How far KS and Wasserstein may be from what one pass found; nothing when they are exact."""
    said = "" if column.ks == column.ks_high else f"; KS is at most {figures.share(column.ks_high)}"
    low, high = column.wasserstein_low, column.wasserstein_high
    return said if low == high else f"{said}; Wasserstein lies in {number(low)} to {number(high)}"


def _percent(rate: float | None) -> str:
    return figures.MISSING if rate is None else f"{rate * 100:.1f}"
