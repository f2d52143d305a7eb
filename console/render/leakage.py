"""The page of leakage checks."""

from __future__ import annotations

from backends.records import State
from backends.text import Untrusted, shortened
from console.render import figures
from console.views.data.leakage import LeakageCheck, LeakageView
from widgets.line import MARKS, Line, Page, Row, columns, line
from widgets.wrapping import wrapped

NAME_WIDTH = 30
STRONGEST = 5
"""Columns without suspicion that are listed, the strongest first."""


def leakage_page(view: LeakageView, *, width: int = 80) -> Page:
    """What is suspect or could not be checked, then the strongest of the other columns."""
    heading = line("Leakage in ", (shortened(view.file, 36), "bold"), ", outcome ", (shortened(view.label, 20), "bold"))
    state = str(view.state)
    counts = f" {figures.count(view.rows)} rows, {figures.count(view.positives)} with outcome 1: "
    rows = [Row(line(counts, (state, state)))]
    rows.append(Row(line((f"   {'CHECK':<10}{'COLUMN':<{NAME_WIDTH}}{'ROWS':>11}{'BROKEN':>10}{'AUC':>8}", "dim"))))
    well = [each for each in view.checks if each.state is State.OK]
    for each in view.checks:
        if each.state is not State.OK:
            rows += _with_why(each, width)
    shown = [each for each in well if each.auc is None] + [each for each in well if each.auc is not None][:STRONGEST]
    rows += [Row(_row(each), state="ok") for each in shown]
    left = len(well) - len(shown)
    weaker = f"; {left} of weaker columns are not listed" if left else ""
    rows.append(Row(line(f" {len(well)} of {len(view.checks)} checks find nothing{weaker}")))
    return Page(heading, tuple(rows), "leakage")


def _with_why(each: LeakageCheck, width: int) -> list[Row]:
    said = [line("     ", (Untrusted(each.why), "dim"))]
    said += [line("     ", (f"row {late.row:,}: ", "dim"), late.time, (" after ", "dim"), late.limit) for late in each.sample]
    return [Row(_row(each), state=str(each.state)), *(Row(part) for one in said for part in wrapped(one, width - 1, 5))]


def _row(each: LeakageCheck) -> Line:
    state = str(each.state)
    cells = columns(
        [
            (each.check, 10, ""),
            (each.column if each.column is not None else "the rows", NAME_WIDTH, ""),
            (figures.count(each.rows), -11, ""),
            (figures.MISSING if each.count is None else figures.count(each.count), -10, state),
            (figures.MISSING if each.auc is None else figures.share(each.auc, 3), -8, state),
        ],
        gap=0,
    )
    return Line((*line((f" {MARKS[state]} ", state)).spans, *cells.spans))
