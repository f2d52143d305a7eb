"""The Switches page: the state of every kill switch, and how it came to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from console.render import figures
from console.render.facts import paragraph
from widgets.line import Line, Page, Row, columns, line, mark, rule, sides

if TYPE_CHECKING:
    from console.views.release.switches import SwitchesView, SwitchRow


def switches_page(view: SwitchesView, *, width: int = 80, height: int = 20) -> Page:
    """Every switch, overdue ones first; below, what changed."""
    del height
    zone = ZoneInfo(view.zone)
    name = 14 + max(0, min(20, width - 100))
    reason = max(12, width - name - 41)
    rows = []
    if view.problem is not None:
        rows += [Row(line(" ", mark("critical"), " ", ("the file cannot be read, so nobody knows how any switch stands", "critical")))]
        rows += paragraph(view.problem, width, indent=3)
    rows.append(
        Row(
            columns(
                [
                    ("", 2, ""),
                    ("MODEL", name, "dim"),
                    ("STATE", 9, "dim"),
                    ("SINCE", 12, "dim"),
                    ("UNTIL", 12, "dim"),
                    ("WHO, REASON", reason, "dim"),
                ]
            )
        )
    )
    rows += [_row(each, view, name, reason) for each in view.rows]
    if not view.rows and view.problem is None:
        rows += paragraph("No model is known here and no switch was ever set. K on a model sets one.", width)
    if view.models_unknown is not None:
        rows += paragraph(f"Models whose switch was never set cannot be listed: {view.models_unknown.raw}", width, role="warning")
    if view.changes:
        rows.append(Row(rule("Changes, the newest first", width)))
        for each in view.changes[:8]:
            movement = f"{each.from_} -> {each.to}"
            cells = columns(
                [
                    (figures.moment(each.at, zone), 13, ""),
                    (each.model, 16, ""),
                    (movement, 20, ""),
                    (each.outcome, 10, "" if each.outcome == "effective" else "warning"),
                    (f"{each.who} {each.reason.raw}", max(14, width - 65), "dim"),
                ]
            )
            rows.append(Row(Line((*line("  ").spans, *cells.spans)), key=each.action, why=line(each.reason)))
    off = sum(each.switch.value not in {"normal", "unknown"} for each in view.rows)
    overdue = sum(each.overdue for each in view.rows)
    said = "all normal" if not off else f"{off} not normal" + (f", {overdue} overdue" if overdue else "")
    version = (
        f"{view.path} version {view.version}"
        if view.version
        else f"{view.path} not there yet"
        if view.version == 0
        else "file not readable"
    )
    if view.version is None:
        said = "unknown"
    return Page(sides(line(("Switches", "bold"), f"  {said}"), line((version, "dim")), width), tuple(rows), "switches")


def _row(row: SwitchRow, view: SwitchesView, name: int, reason: int) -> Row:
    zone, state = ZoneInfo(view.zone), row.state.value
    until = f"overdue {figures.since(row.until, view.at)}" if row.overdue else figures.far_moment(row.until, view.at, zone)
    who = "never set" if row.who is None else f"{row.owner or row.who}: {row.reason.raw}"
    if row.switch.value == "unknown":
        who = row.why.raw
    cells = columns(
        [
            (row.model, name, "bold"),
            (row.switch.value, 9, "" if state == "ok" else state),
            (figures.moment(row.since, zone), 12, ""),
            (until, 12, "critical" if row.overdue else ""),
            (who, reason, "dim" if row.who is None else ""),
        ]
    )
    renewed = f"; renewed {figures.moment(row.renewed_at, zone)} by {row.who}" if row.renewed_at else ""
    asked = f"; {row.owner} is asked {figures.full_moment(row.until, zone)}" if row.until and row.owner and not row.overdue else ""
    why = line(mark(state), " ", row.why, renewed, asked)
    return Row(Line((*line(" ", mark(state), " ").spans, *cells.spans)), key=f"model:{row.model}", why=why, state=state)
