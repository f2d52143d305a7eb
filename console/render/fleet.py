"""The Fleet page. It reads attributes only, so that the first frame can draw it from `summary.json` without loading pydantic."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from console.render import figures
from widgets.chart import Limit, Series, chart_lines, strip
from widgets.line import MARKS, Line, Page, Row, columns, joined, lamp, line, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from backends.records import State
    from console.views.health.fleet import FleetRow, FleetView

WIDE = 120
"""From this width on there is room for the columns between SLO and SWITCH."""

LEAST_CURVE, MOST_CURVE = 9, 16
"""Lines of a curve with its title and its axis: below the least it says no more than the strip does."""

PREVIEW = 12
"""Lines that the preview is given above a curve: as many as it takes with two changes and two things that wait."""

_RAMP = "_.-=*#"
_GAP = "observed less scored"
_STATE_WORDS = {"critical": "critical", "warning": "warning", "stale": "stale", "unknown": "unknown", "ok": "ok"}


def fleet_page(
    view: FleetView,
    *,
    width: int = 80,
    height: int = 20,
    selected: str | None = None,
    preview: bool = True,
    curve: bool = False,
    curve_of: str | None = None,
    marked: frozenset[str] = frozenset(),
) -> Page:
    """The fleet: rows above, the selected model (the first one if None) spelt out below unless `preview` is off.

    Rows of `marked` models carry a `*` before their name.
    With `curve` what there is of room below it holds the course of the gap as a curve, of `curve_of` where that is another model.
    """
    zone = ZoneInfo(view.zone)
    rows = view.rows
    counted = {word: sum(str(row.state) == word for row in rows) for word in _STATE_WORDS}
    words = ", ".join(f"{number} {_STATE_WORDS[word]}" for word, number in counted.items() if number)
    heading = f"Fleet  {len(rows)} model{'' if len(rows) == 1 else 's'}: {words}" if rows else "Fleet  no models yet"
    many = sum(row.model in marked for row in rows)
    heading += f", {many} marked" if many else ""
    listed = [Row(_header(width))]
    listed += [Row(_row(row, view, width, row.model in marked), key=row.model, why=_why(row, view), state=str(row.state)) for row in rows]
    # A summary that an older program wrote does not say whether the journal could be read.
    problem = getattr(view, "control_problem", None)
    if problem is not None:
        said = line((" The journal cannot be read, so nobody knows which incidents are open: ", "critical"), (problem, "critical"))
        listed += [Row(each) for each in wrapped(said, width, 1)]
    shown = next((row for row in rows if row.model == selected), rows[0] if rows else None)
    if shown is None:
        listed += [Row(line(text)) for text in _EMPTY]
    elif preview:
        below = _preview(shown, zone, width)
        if curve:
            drawn = next((row for row in rows if row.model == curve_of), shown)
            # The curve keeps its place whatever is said above it: moved, it would have to be sent anew.
            below += [Line()] * (PREVIEW - len(below)) if height - len(listed) - PREVIEW > LEAST_CURVE else []
            below += gap_curve(drawn, zone, width, height - len(listed) - len(below) - 1)
        gap = max(1, min(4, height - len(listed) - len(below)))
        listed += [Row(Line())] * gap + [Row(each) for each in below]
    return Page(sides(line((heading, "bold")), line(("sort: worst first", "dim")), width), tuple(listed), "fleet")


_EMPTY = (
    "",
    " No model is known here yet. Facts bring them in:",
    "   qd ingest predictions scores.parquet --model my-model --version 1",
    "   qd ingest records registry.jsonl",
    " or look around with real flights:  qd demo",
)


def _header(width: int) -> Line:
    extra = "LATE  SCORED LABELS AUC   P95    SCORES " if width >= WIDE else ""
    name = " " * (_name_width(width) - 5)
    return line((f"   MODEL{name} VER SYSTEM DATA   MODEL  BIZ    DRIFT  SLO    {extra}SWITCH  INC SINCE", "dim"))


def _name_width(width: int) -> int:
    return 13 if width < WIDE else 13 + min(20, max(0, width - 120))


def _row(row: FleetRow, view: FleetView, width: int, marked: bool) -> Line:
    lamps = [lamp(str(state)) for state in (row.system, row.data, row.quality, row.business)]
    drift = _drift(row)
    slo = _measured(row.budget_state, f"{figures.budget(row.budget_left):>4}" if row.budget_left is not None else None)
    switch_role = "" if str(row.switch) == "normal" else "warning"
    # A summary that an older program wrote does not say whether a switch is overdue.
    switch = f"{row.switch}!" if getattr(row, "switch_overdue", False) else str(row.switch)
    none = figures.MISSING if getattr(view, "control_problem", None) is None else "?"
    open_incidents = str(len(row.incidents)) if row.incidents else none
    spans = [
        line((f" {MARKS[str(row.state)]}{'' if marked else ' '}", str(row.state)), ("*" if marked else "", "bold")),
        columns([(row.model, _name_width(width), "bold"), (_version(row.version), 3, "")]),
    ]
    for each in lamps:
        spans.append(line(" ", each))
    spans.append(line(" ", (drift[0].ljust(6), drift[1]), " ", (slo[0].ljust(6), slo[1]), " "))
    if width >= WIDE:
        spans.append(_extra(row))
    spans.append(line((switch.ljust(9), switch_role), open_incidents.rjust(2), " ", figures.since(row.since, view.at).rjust(5)))
    return Line(tuple(span for part in spans for span in part.spans))


def _drift(row: FleetRow) -> tuple[str, str]:
    number = figures.share(row.drift, 2).rjust(4) if row.drift is not None else None
    # A summary that an older program wrote does not say whether a rule only logs.
    if number is not None and getattr(row, "drift_only_logged", False):
        return f"  {number}", "dim"
    return _measured(row.drift_state, number)


def _measured(state: State, number: str | None) -> tuple[str, str]:
    """Mark and number of a cell, or that it is not known: a number that cannot be judged is not shown as one."""
    word = str(state)
    return (f"{MARKS[word]} {number}", word) if number is not None and word != "unknown" else ("? unkn", "unknown")


def _version(version: str | None) -> str:
    if version is None:
        return "?"
    return version if version.startswith("v") else f"v{version}"


def _extra(row: FleetRow) -> Line:
    day = row.last_day
    if row.task == "regression":
        error = day.mae if day else None
        first = [("MAE", 5, ""), (figures.amount(error, "minutes"), -6, "")]
    else:
        first = [(figures.share(day.observed if day else None), -5, ""), (figures.share(day.mean_score if day else None), -6, "")]
    auc = day.auc if day else None
    return Line(
        (
            *columns(
                [
                    *first,
                    (figures.percent(row.labels_share), -6, ""),
                    (figures.share(auc), -5, ""),
                    (figures.amount(row.latency_p95_ms, "ms"), -6, ""),
                    (figures.count(row.scored_last_day), -6, ""),
                ]
            ).spans,
            *line(" ").spans,
        )
    )


def _why(row: FleetRow, view: FleetView) -> Line:
    del view
    return line((MARKS[str(row.state)], str(row.state)), f" {row.why}")


def _preview(row: FleetRow, zone: ZoneInfo, width: int) -> list[Line]:
    taken = f"taken by {row.driver}" if row.driver else "not taken"
    status = f"{row.state}, {taken}" if row.incidents else str(row.state)
    lines = [rule(f"{row.model} {_version(row.version)}", width, status)]

    def said(label: str, text: str, role: str = "") -> None:
        if text:
            lines.append(line((f" {label:<13}", "dim"), (text, role)))

    said("Broke first", _broke_first(row, zone), str(row.state) if str(row.state) == "critical" else "")
    said("Last 24 h", _last_day(row))
    said("Labels", _labels(row, zone))
    for each in row.beside:
        day = each.last_day
        loss = f"MAE {figures.share(day.mae, 2)}" if row.task == "regression" else f"Brier {figures.share(day.brier)}"
        quality = f"{loss}, n {figures.count(day.labelled)}" if day.labelled else "no outcome yet"
        said("Beside", f"{_version(each.version)} answered {figures.count(day.scored)} of its own, {quality}; W")
    said(*_gap_strip(row, zone))
    said("Inputs", row.inputs)
    for number, text in enumerate(row.changed[:2]):
        said("Changed" if number == 0 else "", text if isinstance(text, str) else text.raw)
    for number, item in enumerate(row.waiting[:2]):
        what = item.what if isinstance(item.what, str) else item.what.raw
        said("Waiting" if number == 0 else "", f"{item.id} {what}")
    said("Next", row.next_step, "bold")
    return lines


def _broke_first(row: FleetRow, zone: ZoneInfo) -> str:
    if row.broke_first is None or row.broke_first_at is None:
        return ""
    now = ""
    if row.now_seen_since is not None:
        layer = f"{str(row.now_seen).upper()} " if row.now_seen != row.broke_first else ""
        now = f", now {layer}seen since {figures.moment(row.now_seen_since, zone)}"
    return f"{str(row.broke_first).upper()}, {figures.moment(row.broke_first_at, zone)}{now}: {row.broke_first_why}"


def _last_day(row: FleetRow) -> str:
    day = row.last_day
    if day is None or not day.scored:
        return "nothing was scored in the last 24 h"
    if not day.labelled:
        return f"scored {figures.count(day.scored)}, none has a label yet: quality is unknown"
    if row.task == "regression":
        return f"MAE {figures.amount(day.mae, 'minutes')}   bias {figures.signed(day.bias, 1)} m   n {figures.count(day.labelled)}"
    return (
        f"observed {figures.share(day.observed)}   scored {figures.share(day.mean_score)}   gap {figures.signed(day.gap)}   "
        f"AUC {figures.share(day.auc)}   n {figures.count(day.labelled)}"
    )


def _labels(row: FleetRow, zone: ZoneInfo) -> str:
    if not row.scored_last_day:
        return ""
    text = f"{figures.percent(row.labels_share)} of {figures.count(row.scored_last_day)} have arrived"
    if row.labels_complete_to is not None:
        text += f"; complete up to {figures.moment(row.labels_complete_to, zone)}"
    return text


def _gap_strip(row: FleetRow, zone: ZoneInfo) -> tuple[str, str]:
    if not row.gap_history or row.history_from is None or row.history_to is None:
        return "Course", ""
    drawn = strip(row.gap_history, min(30, len(row.gap_history)), _RAMP)
    limits = f"   warn {figures.share(row.gap_warning, 2)}  crit {figures.share(row.gap_critical)}" if row.gap_critical is not None else ""
    return f"{_course_word(row)} by 12 h", f"{_short(row.history_from, zone)} {drawn} {_short(row.history_to, zone)}{limits}"


def _course_of(row: FleetRow) -> str:
    # A summary that an older program wrote does not say it.
    return getattr(row, "gap_title", _GAP)


def _course_word(row: FleetRow) -> str:
    """`Gap`, `MAE`: what the course is of, where there is little room."""
    title = _course_of(row)
    short = title.split(",")[0]
    return "Gap" if title == _GAP else short if len(short) <= 5 else "Course"


def gap_curve(row: FleetRow, zone: ZoneInfo, width: int, room: int) -> list[Line]:
    """The course of the gap with its limits and the moment at which it broke, in at most `room` lines; none where that is too few."""
    known = [value for value in row.gap_history if value is not None]
    if room < LEAST_CURVE or len(known) < 2 or row.history_from is None or row.history_to is None:
        return []
    places = [(0.0, _short(row.history_from, zone)), (1.0, _short(row.history_to, zone))]
    broke, length = row.broke_first_at, row.history_to - row.history_from
    if broke is not None and row.history_from < broke < row.history_to:
        places.insert(1, ((broke - row.history_from) / length, f"^ broke {figures.moment(broke, zone)}"))
    limits = [
        Limit(value, role, marker)
        for value, role, marker in ((row.gap_warning, "warning", "-"), (row.gap_critical, "dim", "="))
        if value is not None
    ]
    said = "  ".join(
        f"{word} {figures.share(value)} ({mark})" for word, value, mark in
        (("warn", row.gap_warning, "-"), ("crit", row.gap_critical, "=")) if value is not None
    )  # fmt: skip
    title = sides(line((f" {row.model}: {_course_of(row)}, by 12 h", "dim")), line((f"{said} ", "dim")), width)
    curve = chart_lines([Series(row.gap_history, "bold")], width - 2, min(MOST_CURVE, room - 2), limits=limits, x_labels=places)
    return [Line(), title, *(joined([line(" "), each]) for each in curve)]


def _short(moment: datetime, zone: ZoneInfo) -> str:
    return figures.day(moment, zone)
