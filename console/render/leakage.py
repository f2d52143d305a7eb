"""The page of leakage checks."""

from __future__ import annotations

from backends.records import State
from backends.text import Untrusted, shortened
from console.render import figures
from console.views.data.leakage import LeakageView
from console.views.data.leakage_checks import LeakageCheck
from console.views.data.leakage_together import Together
from widgets.line import MARKS, Line, Page, Row, columns, line, rule
from widgets.wrapping import wrapped

NAME_WIDTH = 30
STRONGEST = 5
"""Columns without suspicion that are listed, the strongest first."""

BESIDE = ("together", "shuffled")
"""Checks of what columns tell beside each other; they have a part of the page of their own."""


def leakage_page(view: LeakageView, *, width: int = 80) -> Page:
    """What is suspect or could not be checked, then the strongest of the other columns."""
    heading = line("Leakage in ", (shortened(view.file, 36), "bold"), ", outcome ", (shortened(view.label, 20), "bold"))
    state = str(view.state)
    counts = f" {figures.count(view.rows)} rows, {figures.count(view.positives)} with outcome 1: "
    rows = [Row(line(counts, (state, state)))]
    rows.append(Row(line((f"   {'CHECK':<10}{'COLUMN':<{NAME_WIDTH}}{'ROWS':>11}{'BROKEN':>10}{'AUC':>8}", "dim"))))
    rows += _listed([each for each in view.checks if each.check not in BESIDE], width)
    if view.together is None:
        command = "--together trains a model of all of them"
        rows += _said(line(f" columns were not tried together: a leak of two may look harmless alone; {command}"), width)
    else:
        rows += _together(view, view.together, width)
    return Page(heading, tuple(rows), "leakage")


def _listed(checks: list[LeakageCheck], width: int) -> list[Row]:
    well = [each for each in checks if each.state is State.OK]
    rows = [row for each in checks if each.state is not State.OK for row in _with_why(each, width)]
    shown = [each for each in well if each.auc is None] + [each for each in well if each.auc is not None][:STRONGEST]
    rows += [Row(_row(each), state="ok") for each in shown]
    left = len(well) - len(shown)
    weaker = f"; {left} of weaker columns are not listed" if left else ""
    return [*rows, Row(line(f" {len(well)} of {len(checks)} checks find nothing{weaker}"))]


def _together(view: LeakageView, how: Together, width: int) -> list[Row]:
    """The model of all columns, then what is left of its AUC with one column shuffled, the greatest losses first."""
    drawn = f"{figures.count(how.positives)} rows with outcome 1 and {figures.count(how.negatives)} with 0, {how.columns} columns"
    rows = [Row(rule("Columns together", width))]
    rows += _said(line((f" {how.method}; {drawn}, {how.folds} folds, shuffled {how.repeats} times, seed {how.seed}", "dim")), width)
    rows.append(Row(line((f"   {'CHECK':<10}{'COLUMN':<{NAME_WIDTH}}{'ALL':>11}{'SHUFFLED':>10}{'LOST':>8}", "dim"))))
    beside = [each for each in view.checks if each.check in BESIDE]
    well = [each for each in beside if each.state is State.OK]
    for each in beside:
        if each.state is not State.OK:
            rows += [Row(_beside(each), state=str(each.state)), *_said(line("     ", (Untrusted(each.why), "dim")), width)]
    rows += [Row(_beside(each), state="ok") for each in well[:STRONGEST]]
    left = len(well) - len(well[:STRONGEST])
    return [*rows, Row(line(f" {left} columns that lose less are not listed"))] if left else rows


def _said(said: Line, width: int) -> list[Row]:
    return [Row(part) for part in wrapped(said, width - 1, 5)]


def _with_why(each: LeakageCheck, width: int) -> list[Row]:
    said = [line("     ", (Untrusted(each.why), "dim"))]
    said += [line("     ", (f"row {late.row:,}: ", "dim"), late.time, (" after ", "dim"), late.limit) for late in each.sample]
    return [Row(_row(each), state=str(each.state)), *(Row(part) for one in said for part in wrapped(one, width - 1, 5))]


def _beside(each: LeakageCheck) -> Line:
    state = str(each.state)
    lost = figures.MISSING if each.lost is None else f"{each.lost * 100:.0f} %"
    left = figures.MISSING if each.left is None else figures.share(each.left, 3)
    auc = figures.MISSING if each.auc is None else figures.share(each.auc, 3)
    named = each.column if each.column is not None else "all columns"
    cells = columns([(each.check, 10, ""), (named, NAME_WIDTH, ""), (auc, -11, ""), (left, -10, state), (lost, -8, state)], gap=0)
    return Line((*line((f" {MARKS[state]} ", state)).spans, *cells.spans))


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
