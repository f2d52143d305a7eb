"""How old features were offline and online, as lines of the page of parity."""

from __future__ import annotations

from datetime import timedelta

from backends.durations import format_duration
from backends.records import State
from backends.text import Untrusted
from console.render import figures
from console.views.data.freshness import Freshness
from console.views.data.parity import ParityView
from widgets.line import MARKS, Line, Row, columns, line, rule
from widgets.wrapping import wrapped

NAME_WIDTH = 20
NAMED = 8


def freshness_rows(view: ParityView, width: int) -> list[Row]:
    """Ages and gaps of each feature whose time both sides have; what to log for the others."""
    if not view.freshness and not view.untimed:
        return []
    rows = [Row(rule("Age of features", width, "median, and what 95 % do not exceed"))]
    if view.freshness:
        rows.append(
            Row(line((f"   {'FEATURE':<{NAME_WIDTH}}{'GAP':>9}{'95 %':>9}{'OFFLINE':>9}{'95 %':>9}{'ONLINE':>9}{'95 %':>9}", "dim")))
        )
    for each in view.freshness:
        rows.append(Row(_row(each), state=str(each.state)))
        if each.state is not State.OK or view.request_time is None:
            rows += [Row(part) for part in wrapped(line("     ", (Untrusted(each.why), "dim")), width - 1, 5)]
    if view.untimed:
        names = ", ".join(each.raw for each in view.untimed[:NAMED]) + (", ..." if len(view.untimed) > NAMED else "")
        said = line(
            (" no time on both sides: ", "dim"), (Untrusted(names), "dim"),
            (". Log beside each feature when it was computed, as NAME_at, and keep it offline.", "dim"),
        )  # fmt: skip
        rows += [Row(part) for part in wrapped(said, width - 1, 3)]
    return rows


def _row(each: Freshness) -> Line:
    state = str(each.state)
    lengths = (
        (each.gap_median, ""), (each.gap_p95, state), (each.age_offline_median, ""), (each.age_offline_p95, ""),
        (each.age_online_median, ""), (each.age_online_p95, ""),
    )  # fmt: skip
    cells = columns([(each.feature, NAME_WIDTH, ""), *((_length(value), -9, style) for value, style in lengths)], gap=0)
    return Line((*line((f" {MARKS[state]} ", state)).spans, *cells.spans))


def _length(seconds: float | None) -> str:
    """At most two units, so that a column holds it."""
    if seconds is None:
        return figures.MISSING
    size = abs(round(seconds))
    step = 86_400 if size >= 30 * 86_400 else 3_600 if size >= 86_400 else 60 if size >= 3_600 else 1
    return ("-" if seconds < 0 and size else "") + format_duration(timedelta(seconds=size // step * step))
