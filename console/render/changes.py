"""The Changes page: what changed, nearest to the onset first or by time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from console.render import figures
from console.render.facts import paragraph
from console.render.model import tabs
from widgets.line import Page, Row, columns, joined, line, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.incidents.changes import Change, ChangesView

HAPPENED = frozenset({"incident", "alert"})
"""Topics that are consequences rather than causes."""


def changes_page(view: ChangesView, *, width: int = 80, height: int = 20, by_time: bool = False, whole: bool = False) -> Page:
    """Changes of the last sixty days; `by_time` lists the newest first, `whole`: for a verb, long ones wrapped and no keys named."""
    del height
    zone = ZoneInfo(view.zone)
    items = sorted(view.items, key=lambda each: each.at, reverse=True) if by_time else view.items
    key = "" if whole else " (s)"
    order = f"newest first{key}" if by_time else f"nearest to the onset first{key}" if view.onset else "newest first"
    rows = [] if whole else [Row(tabs("Changes"))]
    rows += paragraph(_onset(view, zone), width)
    what = max(20, width - 45)
    rows.append(Row(columns([("", 1, ""), ("WHEN", 13, "dim"), ("FROM ONSET", 11, "dim"), ("TOPIC", 8, "dim"), ("WHAT", what, "dim")])))
    before_listed = False
    for place, each in enumerate(items):
        hours = each.hours_before_onset
        if not by_time and hours is not None and hours < 0 and not before_listed and place:
            rows.append(Row(rule("after the onset", width)))
        before_listed = before_listed or (hours is not None and hours < 0)
        rows += _row(each, zone, width, whole)
    if not items:
        rows += paragraph(
            "Nothing changed in the last 60 days that anybody recorded. Events bring it in: qd ingest events events.jsonl", width
        )
    heading = sides(line("Fleet > ", (view.model, "bold"), " > what changed"), line((order, "dim")), width)
    return Page(heading, tuple(rows), command_line("changes", view.model, options={"--by-time": None} if by_time else {}))


def _onset(view: ChangesView, zone: ZoneInfo) -> str:
    if view.onset is None:
        return f"No onset: {view.onset_why or 'nothing is broken'}."
    return f"Onset {figures.moment(view.onset, zone)}: {view.onset_why}" if view.onset_why else f"Onset {figures.moment(view.onset, zone)}"


def _row(each: Change, zone: ZoneInfo, width: int, whole: bool) -> list[Row]:
    who = f" ({each.actor})" if each.actor else ""
    lead = columns(
        [
            ("", 1, ""),
            (figures.moment(each.at, zone), 13, ""),
            (_distance(each), 11, ""),
            (each.topic, 8, "dim" if each.topic in HAPPENED else ""),
        ]
    )
    text = joined([lead, line(" ", each.message, (who, "dim"))])
    why = line(f"{figures.full_moment(each.at, zone)}  ", each.message, f"{who}  from {each.source}")
    key = "|".join((each.source, each.name, each.at.isoformat(), each.message.raw))
    first, *rest = wrapped(text, width, lead.width + 1) if whole else [text.cut(width)]
    return [Row(first, key=key, why=why), *(Row(more) for more in rest)]


def _distance(each: Change) -> str:
    hours = each.hours_before_onset
    if hours is None:
        return figures.MISSING
    length = timedelta(hours=abs(hours))
    if length < timedelta(minutes=1):
        return "at it"
    return f"{figures.age(length)} {'before' if hours > 0 else 'after'}"
