"""What was rejected and repaired at inference, as lines of the Data page."""

from __future__ import annotations

from backends.store.queries.handled import METRICS
from backends.text import Untrusted
from console.render import figures
from console.views.data.handled import HandledCount
from widgets.line import Line, Row, columns, line
from widgets.wrapping import wrapped

REASON_WIDTH = 22
FIELD_WIDTH = 16


def handled_rows(counts: tuple[HandledCount, ...], width: int) -> list[Row]:
    """A line for each reason and field, over a day and over a week; of what nobody counts, how it is landed."""
    title = f" {'AT INFERENCE':<10}  {'REASON':<{REASON_WIDTH}}{'FIELD':<{FIELD_WIDTH}}{'24 h':>9}{'SHARE':>8}{'7 d':>9}"
    rows = [Row(Line()), Row(line((title, "dim")))]
    for kind, metric in METRICS.items():
        mine = [each for each in counts if each.kind == kind]
        rows += [Row(_row(each), key=f"{kind} {number}") for number, each in enumerate(mine)]
        if not mine:
            said = f"{kind + 's':<12}not counted; land the metric {metric} of the layer data: qd explain {kind}s"
            rows += [Row(each) for each in wrapped(line((" ? ", "unknown"), Untrusted(said)), width - 1, 15)]
    return rows


def _row(each: HandledCount) -> Line:
    share = figures.MISSING if not each.day_requests else f"{each.day / each.day_requests * 100:.3g} %"
    reason: Untrusted | str = each.reason if each.reason is not None else f"none of {figures.count(each.week_requests)}"
    cells = columns(
        [
            (f"   {each.kind}s", 14, ""),
            (reason, REASON_WIDTH, "" if each.reason is not None else "dim"),
            (each.field if each.field is not None else "", FIELD_WIDTH, ""),
            (figures.count(each.day), -9, ""),
            (share, -8, ""),
            (figures.count(each.week), -9, ""),
        ],
        gap=0,
    )
    return Line((*cells.spans, *(line((" simulated", "dim")).spans if each.simulated else ())))
