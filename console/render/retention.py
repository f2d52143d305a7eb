"""The retention page: how long each log is kept, what is due and what stays, datasets, and the deletions of the past."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from console.render import figures
from console.render.facts import paragraph
from widgets.line import Line, Page, Row, columns, line, mark, rule, sides

if TYPE_CHECKING:
    from console.views.governance.retention import DatasetRow, LogRow, RetentionView

JOB = "action:"


def retention_page(view: RetentionView, *, width: int = 80, height: int = 20) -> Page:
    """Every log, then what is kept back, datasets, deletions, and what was refused."""
    del height
    name = 27 + max(0, min(30, width - 100))
    rows: list[Row] = []
    if view.trouble is not None:
        rows += paragraph(f"Nothing is deleted: {view.trouble.raw}", width, role="critical")
    head = [("LOG", name, "dim"), ("CLASS", 9, "dim"), ("KEEP", -5, "dim"), ("OLDEST", 10, "dim"), ("LEFT", -5, "dim")]
    head += [("DUE", -8, "dim"), ("KEPT", -7, "dim"), *([("DELETED BEFORE", 15, "dim")] if width >= 100 else [])]
    rows.append(Row(Line((*line("   ").spans, *columns(head).spans))))
    rows += [_log(each, name, width) for each in view.logs]
    if not view.logs:
        rows += paragraph("No facts are stored here yet.", width)
    if view.waiting:
        waits = "1 landing file is" if view.waiting == 1 else f"{view.waiting:,} landing files are"
        rows += paragraph(f"{waits} not compacted, and not counted: quarterdeck watch --once", width, role="dim")
    rows += _kept(view, width)
    rows += _deleted(view, width)
    if view.datasets:
        rows.append(Row(rule("Datasets: their rows lie outside", width)))
        rows += [_dataset(each, name) for each in view.datasets]
    rows += _jobs(view, width)
    rows += _refused(view, width)
    due = sum(each.due_rows > 0 for each in view.logs)
    said = "nothing is due" if not due else f"{due} log{'s' if due > 1 else ''} past their time"
    verb = command_line("retention", view.model) if view.model is not None else "retention"
    return Page(sides(line(("Retention", "bold"), f"  {view.environment}"), line(said), width), tuple(rows), verb)


def _log(row: LogRow, name: int, width: int) -> Row:
    state = row.state.value
    kept = sum(each.rows for each in row.kept)
    cells = [
        (f"{row.table} {row.model}", name, "bold"),
        (row.data_class or figures.MISSING, 9, ""),
        (_days(row.keep_days), -5, ""),
        (_day(row.oldest), 10, ""),
        (_left(row.days_left, held=row.legal_hold is not None), -5, "" if state == "ok" else state),
        (figures.count(row.due_rows), -8, state if row.due_rows else "dim"),
        (figures.count(kept), -7, "" if kept else "dim"),
        *([(_day(row.deleted_before), 15, "")] if width >= 100 else []),
    ]
    text = Line((*line(" ", mark(state), " ").spans, *columns(cells).spans))
    return Row(text, key=f"{row.table} {row.model}", why=line(mark(state), " ", row.why), state=state)


def _kept(view: RetentionView, width: int) -> list[Row]:
    found = [(row, each) for row in view.logs for each in row.kept]
    if not found:
        return []
    rows = [Row(rule("Kept back, though as old", width))]
    for row, each in found:
        span = f"{each.first} to {each.last}" if each.first != each.last else f"{each.first}"
        rows += paragraph(f"{row.table} {row.model}, {span}: {each.rows:,} rows, {each.reason.raw}", width)
    return rows


def _deleted(view: RetentionView, width: int) -> list[Row]:
    found = [row for row in view.logs if row.deleted_before is not None]
    if not found:
        return []
    rows = [Row(rule("Deleted", width))]
    for row in found:
        when = figures.moment(row.deleted_at, ZoneInfo(view.zone))
        text = f"{row.table} {row.model}: rows before {row.deleted_before} were deleted by retention, {row.deleted_rows or 0:,} on {when}"
        rows += paragraph(text, width)
    return rows


def _dataset(row: DatasetRow, name: int) -> Row:
    state = row.state.value
    cells = columns(
        [
            (row.name, name, "bold"),
            (row.data_class or figures.MISSING, 9, ""),
            (_days(row.keep_days), -5, ""),
            (_day(row.oldest), 10, ""),
            (_left(row.days_left, held=row.legal_hold is not None), -5, "" if state == "ok" else state),
            (figures.count(row.rows), -8, "dim"),
        ]
    )
    text = Line((*line(" ", mark(state), " ").spans, *cells.spans))
    return Row(text, key=f"dataset {row.name}", why=line(mark(state), " ", row.why), state=state)


def _jobs(view: RetentionView, width: int) -> list[Row]:
    rows = [Row(rule("Deletion jobs, the newest first", width))]
    if not view.jobs:
        return [*rows, Row(line(" none yet"))]
    zone = ZoneInfo(view.zone)
    for each in view.jobs:
        bad = "" if each.state == "effective" else "warning"
        cells = columns(
            [
                (figures.moment(each.at, zone), 13, ""),
                (each.model, 18, ""),
                (each.state, 10, bad),
                (f"{each.who}: {each.what.raw}", max(20, width - 47), "dim"),
            ]
        )
        rows.append(Row(Line((*line("  ").spans, *cells.spans)), key=f"{JOB}{each.action}", why=line(each.who, ": ", each.what)))
    return rows


def _refused(view: RetentionView, width: int) -> list[Row]:
    found = view.rejects
    if not found.files or found.oldest is None:
        return []
    since = figures.full_moment(found.oldest, ZoneInfo(view.zone))
    text = f"rejects/ holds {found.files:,} files of refused rows since {since}, which no rule deletes: read them, then remove them"
    return [Row(rule("Refused rows", width)), *paragraph(text, width, role="dim")]


def _days(value: float | None) -> str:
    return figures.MISSING if value is None else f"{value:g}d"


def _day(value: date | None) -> str:
    return figures.MISSING if value is None else value.isoformat()


def _left(value: int | None, *, held: bool) -> str:
    if held:
        return "hold"
    return figures.MISSING if value is None else f"{value:,}d"
