"""The lines of one column about its distances, its tails and its different values, and who counted."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from backends.text import Untrusted
from console.render import figures
from console.render.distances import distance, number, p_value
from console.views.drift.bins import edge_labels
from console.views.drift.column import ColumnShift
from console.views.drift.counted import Different
from console.views.drift.view import DriftDetailView
from widgets.line import Line, line
from widgets.wrapping import wrapped


def distances_line(shift: ColumnShift) -> Line:
    """Every distance between the two periods, with its p-value or its bounds."""
    parts = [f" PSI {distance(shift.psi)}" if shift.psi is not None else " PSI unkn"]
    parts.append(f"Moved {distance(shift.moved)} ({p_value(shift.moved_p_value)})" if shift.moved is not None and shift.unseen else "")
    parts.append(f"JS {figures.share(shift.js)}" if shift.js is not None else "")
    if shift.ks is not None:
        bound = f"-{figures.share(shift.ks_high)}" if shift.ks_high is not None and shift.ks_high - shift.ks > 0.0005 else ""
        parts.append(f"KS {figures.share(shift.ks)}{bound} ({p_value(shift.ks_p_value, upper=bool(bound))})")
    elif shift.chi2 is not None:
        parts.append(f"chi2 {number(shift.chi2)} ({p_value(shift.chi2_p_value)})")
    if shift.wasserstein is not None:
        unit = f" {shift.unit.raw}" if shift.unit else ""
        loose = shift.wasserstein_low is not None and shift.wasserstein_high is not None and shift.wasserstein_high > shift.wasserstein_low
        bound = f" ({number(shift.wasserstein_low)}-{number(shift.wasserstein_high)})" if loose else ""
        parts.append(f"Wasserstein {number(shift.wasserstein)}{unit}{bound}")
    return line(Untrusted("  ".join(part for part in parts if part)))


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
    said = f" Bins        {view.shift.bins_from or 'by category'}{by}"
    zone = ZoneInfo(view.zone)
    if counted and view.shift.bins_from and not counted.whole_days(zone):
        # Quality takes the same hours, so that both pages would seem to contradict each other.
        said += (
            f"; they are of {figures.moment(counted.edges_from, zone)} to {figures.moment(counted.edges_to, zone)}, r and c of whole days"
        )
    lines = wrapped(line((said, "dim")), width, 13)
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
