"""The lines of one column about its tails and its different values."""

from __future__ import annotations

from backends.shell_words import command_line
from backends.text import Untrusted
from console.render import figures
from console.render.distances import number
from console.views.drift import DriftDetailView
from console.views.drift_bins import edge_labels
from console.views.drift_column import ColumnShift
from console.views.drift_counted import Different
from widgets.line import Line, line
from widgets.wrapping import wrapped


def tail_line(shift: ColumnShift) -> list[Line]:
    """Shares beyond the first and the last hundredth of the reference, before and now."""
    tails = shift.tails
    if tails is None:
        return []
    unit = f" {shift.unit.raw}" if shift.unit else ""
    parts = []
    if tails.low is not None and tails.below_reference is not None and tails.below_current is not None:
        parts.append(f"under {_edge(shift, tails.low)}{unit} {_change(tails.below_reference, tails.below_current)}")
    if tails.high is not None and tails.above_reference is not None and tails.above_current is not None:
        parts.append(f"from {_edge(shift, tails.high)}{unit} {_change(tails.above_reference, tails.above_current)}")
    return [line(Untrusted(f" Tails       {'; '.join(parts)}"))]


def different_line(shift: ColumnShift) -> list[Line]:
    """How many different values there are on either side."""
    before, now = shift.different_reference, shift.different_current
    if before is None or now is None:
        return []
    exact = all(each.low == each.high for each in (before, now))
    return [line(f" Different   {_many(before)} values -> {_many(now)}", ("" if exact else ", estimated", "dim"))]


def counted_lines(view: DriftDetailView, width: int) -> list[Line]:
    """Where the bins come from, who counted, and whether the inputs have other names or types now."""
    counted = view.counted
    by = f", counted by {', '.join(counted.engines)}" if counted else ""
    lines = [line((f" Bins        {view.shift.bins_from or 'by category'}{by}", "dim"))]
    if counted and set(counted.schemas_current) - set(counted.schemas_reference):
        verb = command_line("contract", "check", view.line.model)
        lines += wrapped(line(f" Schema      inputs have other names or types than in the reference: qd {verb} says which"), width, 13)
    return lines


def _many(found: Different) -> str:
    if found.high is None:
        return f"over {figures.count(found.low)}"
    if found.low == found.high:
        return figures.count(found.value)
    return f"{figures.count(found.value)} ({figures.count(found.low)}-{figures.count(found.high)})"


def _edge(shift: ColumnShift, edge: float) -> str:
    return edge_labels([edge], times=True)[0].removeprefix("to ") if shift.kind == "timestamp" else number(edge)


def _change(before: float, now: float) -> str:
    return f"{before * 100:.1f} -> {now * 100:.1f} %"
