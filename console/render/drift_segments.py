"""The page of drift by segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.records import State
from backends.shell_words import command_line
from console.control.actions import version_label
from console.render import figures
from console.render.dates import span
from console.render.distances import distance
from widgets.line import MARKS, Line, Page, Row, columns, line
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.drift.segments import SegmentRow, SegmentsView


def segments_page(view: SegmentsView, *, width: int) -> Page:
    """A row for each value that can be judged, the worst first; the rest is named with its rows."""
    version = version_label(view.line.version) if view.line.version else "no version"
    heading = line((view.line.model, "bold"), f" {version} by ", (view.column, "bold"), f", {_spans(view)}")
    mix = distance(view.mix_psi) if view.mix_psi is not None else "unkn"
    rows = [Row(line(f" Mix of the segments: PSI {mix}. Below, scores and inputs within each segment."))]
    heads = [("", 3, ""), ("SEGMENT", 12, "dim"), ("SHARE", -15, "dim"), ("MEAN SCORE", -13, "dim"), ("PSI", -7, "dim")]
    rows.append(Row(columns([*heads, ("USUAL TO", -9, "dim"), ("  WORST INPUT", 18, "dim")], gap=0)))
    rows += [Row(_segment(each), state=str(each.state)) for each in view.segments if each.score_psi is not None]
    few = [each for each in view.segments if each.score_psi is None]
    if few:
        told = "; ".join(f"{_name(each)} {figures.count(each.rows_reference)} -> {figures.count(each.rows_current)}" for each in few)
        said = line((f" Fewer than {view.minimum} rows on one side, not judged: ", "dim"), (told, "dim"))
        rows += [Row(each) for each in wrapped(said, width, 2)]
    if not view.segments:
        rows.append(Row(line(" Nothing was scored in either period.")))
    return Page(heading, tuple(rows), command_line("drift", view.line.model, options={"--segment": view.column.raw}))


def _segment(each: SegmentRow) -> Line:
    state = str(each.state)
    role = state if each.state in {State.WARNING, State.CRITICAL, State.UNKNOWN} else ""
    share = f"{figures.percent(each.share_reference)} -> {figures.percent(each.share_current)}"
    mean = f"{figures.share(each.mean_reference)} -> {figures.share(each.mean_current)}"
    worst = f"{each.worst_input.raw} {distance(each.worst_psi)}" if each.worst_input is not None else figures.MISSING
    return columns(
        [
            (f" {MARKS[state]} ", 3, state),
            (each.value if each.value is not None else "(missing)", 12, ""),
            (share, -15, ""),
            (mean, -13, ""),
            (distance(each.score_psi), -7, role),
            (distance(each.usual_to) if each.usual_to is not None else figures.MISSING, -9, ""),
            ("  ", 2, ""),
            (worst, 18, ""),
        ],
        gap=0,
    )


def _name(each: SegmentRow) -> str:
    return each.value.raw if each.value is not None else "(missing)"


def _spans(view: SegmentsView) -> str:
    now = f"{span(view.first, view.last)} (n {figures.count(view.rows_current)})"
    return f"{now} against {span(view.reference_first, view.reference_last)} (n {figures.count(view.rows_reference)})"
