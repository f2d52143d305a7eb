"""Slow trends: a line on the Drift pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.text import Untrusted
from console.render.dates import day
from console.render.distances import number, p_value
from widgets.line import Line, line
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.drift.column import ColumnShift


def trend_lines(shift: ColumnShift, width: int, *, found_only: bool = False) -> list[Line]:
    """What is said of a column's trend; with `found_only`, for a list of columns, nothing where there is none."""
    slow = shift.trend
    if slow is None:
        why = shift.reasons.get("trend", "")
        return [] if found_only or not why else [line((f" Slow trend  not looked for: {why}", "dim"))]
    if found_only and not slow.found:
        return []
    unit = f" {shift.unit.raw}" if shift.unit else ""
    sign = "+" if slow.per_week > 0 else ""
    rate = f"{sign}{number(slow.per_week)}{unit} a week ({number(slow.low)} to {number(slow.high)})"
    tested = f"{p_value(slow.p_value)}, needs under {slow.p_needed:.1g}: {slow.columns} columns are looked at"
    if found_only:
        text = f"   Slow trend: {shift.column.raw} {rate} since {day(slow.first)}; {tested}"
        return wrapped(line((Untrusted(text), "warning")), width, 5)
    word = "" if slow.found else "none; "
    change = "" if slow.change is None else f", {abs(slow.change):.1f} times the width of the reference"
    text = f" Slow trend  {word}{rate} over {slow.windows} windows{change}; {tested}"
    return wrapped(line(Untrusted(text)), width, 13)
