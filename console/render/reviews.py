"""Broken glass: rows beside the requests for approval, and one of them in full."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from console.control.actions import version_label
from console.render import figures
from widgets.line import MARKS, Line, Page, Row, columns, line, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.approvals.reviews import ReviewRow, ReviewView

_STATE_OF = {"open": "critical", "overdue": "critical", "not justified": "warning", "justified": "ok"}


def review_rows(rows: tuple[ReviewRow, ...], zone: ZoneInfo, width: int, *, alone: bool) -> list[Row]:
    """One row a broken glass, under a heading of their own; nothing where none was broken.

    `alone`: in a workspace of one person nobody else is waited for.
    """
    if not rows:
        return []
    waiting = sum(row.reviewed_at is None for row in rows)
    awaited = "a review, your own counts (solo)" if alone else "somebody else to look at it"
    said = f"{waiting} wait{'s' if waiting == 1 else ''} for {awaited}" if waiting else "all reviewed"
    heading = Row(rule(f"Done by breaking the glass: {said}", width))
    return [heading, *(Row(_row(row, zone, width), key=row.id, why=_why(row, zone), state=_STATE_OF[row.state]) for row in rows)]


def _row(row: ReviewRow, zone: ZoneInfo, width: int) -> Line:
    state = _STATE_OF[row.state]
    cells = [
        (row.id, 10, "bold"),
        (_what(row) if width >= 110 else f"{row.kind} {row.model}", 22 + max(0, width - 80), ""),
        (row.state, 13, "critical" if row.reviewed_at is None else ""),
        (row.by.partition("@")[0], 6, ""),
        (row.outcome, 9, ""),
        (figures.moment(row.at, zone), -12, ""),
    ]
    return Line((*line((f" {MARKS[state]} ", state)).spans, *columns(cells).spans))


def _what(row: ReviewRow) -> str:
    return f"{row.kind} {row.model} {version_label(row.from_)} -> {version_label(row.to)}"


def _why(row: ReviewRow, zone: ZoneInfo) -> Line:
    if row.reviewed_at is None:
        return line(f"unreviewed, due {figures.moment(row.due_at, zone)}: ", row.reason)
    return line(f"{row.state}, by {row.reviewed_by}{' (solo)' if row.solo else ''}: ", row.found)


def review_heading(view: ReviewView, width: int) -> Line:
    """Line 2 of a review."""
    row = view.review
    return sides(line((f"{row.id} ", "bold"), (_what(row), "bold"), f"  {row.environment}"), line((row.state, "bold")), width)


def review_lines(view: ReviewView, width: int) -> list[Line]:
    """What was done, without what, why, and what was found about it."""
    row, zone = view.review, ZoneInfo(view.zone)
    lines = [
        line(f" Glass broken by {row.by} {figures.moment(row.at, zone)}: ", row.reason),
        line(f" Done without: {view.stood_in_the_way}"),
        line(f" {row.action} is {row.outcome}; look at it by {figures.moment(row.due_at, zone)}"),
        rule("What the plan showed", width),
        *[line(" ", each) for each in view.shown],
        rule("Review", width),
    ]
    if row.reviewed_at is not None:
        solo = ", alone (solo)" if row.solo else ""
        lines.append(line((f" {row.state}", "bold"), f", by {row.reviewed_by} {figures.moment(row.reviewed_at, zone)}{solo}: ", row.found))
    elif view.refusal is not None:
        lines.append(line(" ", ("You may not review it: ", "bold"), view.refusal))
    else:
        lines.append(line(f" You are {view.person}: say whether it was justified, and why."))
    return lines


def review_page(view: ReviewView, *, width: int = 80) -> Page:
    """One review, as the verb prints it."""
    rows = [Row(part) for text in review_lines(view, width) for part in wrapped(text, width, 3)]
    return Page(review_heading(view, width), tuple(rows), f"review {view.review.id}")
