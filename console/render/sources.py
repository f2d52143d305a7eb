"""The Sources page: every source with its age, and what still works when one is down; and one source explained."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from console.render import figures
from console.render.facts import fact_rows, paragraph
from widgets.line import Line, Page, Row, columns, lamp, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.sources.listing import SourcesView
    from console.views.sources.source import Source

ABOUT = {
    "facts": "Facts that one source landed in one table. Its age is that of its newest fact; for labels, of the newest one learnt.",
    "feed": "A feed that reports how old its newest data is, as the metric age_hours of the data layer.",
    "store": "The store in this workspace: segments, roll-ups and the landing files that are not compacted yet.",
    "registry": "Where aliases point, with their history. Rolling back and promoting write it; looking does not need it.",
    "switches": "The published state of the kill switches, for serving processes. An absent file means that all are normal.",
    "journal": "What people and rules did, hash-chained. Without it only steps towards a safer state are possible, noted beside it.",
    "file": "A database file of your own, read-only and confined to itself; watch collects what changed, its breaker spares a failing one.",
    "hook": "The command that watch tells of alerts; its breaker leaves it alone when it keeps failing; what is untold waits in spool/.",
    "evaluator": "Judges every model and opens alerts and incidents. When it is overdue its verdicts are stale.",
}


def sources_page(view: SourcesView, *, width: int = 80, height: int = 20) -> Page:
    """Every source, the worst first, and below it what works now, key by key."""
    del height
    zone = ZoneInfo(view.zone)
    name = 24 + max(0, min(20, width - 100))
    rows = [
        Row(
            columns(
                [
                    ("", 8, ""),
                    ("SOURCE", name, "dim"),
                    ("LAST", 13, "dim"),
                    ("AGE", -5, "dim"),
                    ("EXPECTED", -9, "dim"),
                    ("FACTS", -12, "dim"),
                ]
            )
        )
    ]
    for each in view.sources:
        state = each.state.value
        cells = columns(
            [
                (each.name, name, ""),
                (figures.moment(each.last_at, zone), 13, ""),
                (_age(each.age_hours), -5, state if state == "stale" else ""),
                (_age(each.expected_hours), -9, "dim"),
                (figures.count(each.rows), -12, ""),
            ]
        )
        text = Line((*line(" ", lamp(state), " ").spans, *cells.spans))
        rows.append(Row(text, key=each.id, why=line(mark(state), " ", each.why), state=state))
        if state == "critical":
            rows += paragraph(each.why, width, indent=9)
    rows.append(Row(rule("What still works", width)))
    if view.past:
        rows += paragraph("You look at the past: every view works, nothing acts; 0 returns.", width)
    for way in view.still_works if not view.past else ():
        rows += _way(way.key, way.what, way.why.raw, "" if way.works else "critical", width)
    down, stale = len(view.down), sum(each.state.value == "stale" for each in view.sources)
    words = ", ".join(text for number, text in ((down, f"{down} down"), (stale, f"{stale} stale")) if number) or "all readable"
    oldest = f"oldest {figures.since(view.oldest_at, view.at)}" if view.oldest_at else "nothing with a cadence"
    past = "; files are as they are now" if view.past else ""
    heading = sides(line(("Sources", "bold"), f"  {len(view.sources)}: {words}"), line((oldest + past, "dim")), width)
    return Page(heading, tuple(rows), "sources")


def _way(key: str, what: str, why: str, role: str, width: int) -> list[Row]:
    """`K  kill switch   yes: ...`, wrapped under its answer."""
    return [Row(each) for each in wrapped(line("  ", (f"{key:<6}", "key"), f"{what:<18}", (why, role)), width, 26)]


def _age(hours: float | None) -> str:
    return figures.MISSING if hours is None else figures.age(timedelta(hours=hours))


def source_page(view: SourcesView, wanted: str, *, width: int = 80, height: int = 20) -> Page:
    """One source explained."""
    del height
    zone = ZoneInfo(view.zone)
    found = next((each for each in view.sources if each.id == wanted), None)
    if found is None:
        return Page(
            line(("Source", "bold")), tuple(paragraph("This source is not there any more: q goes back to the others.", width)), "sources"
        )
    rows = [Row(line(" ", lamp(found.state.value))), *paragraph(found.why, width, indent=3), Row(Line())]
    rows += fact_rows("What it is", ABOUT[found.kind], width)
    rows += fact_rows("Last", figures.full_moment(found.last_at, zone) if found.last_at else "unknown: it never told anything", width)
    if found.last_known_at is not None:
        rows += fact_rows(
            "Known at", f"{figures.full_moment(found.last_known_at, zone)}, the newest moment at which it knew something", width
        )
    rows += fact_rows("Age", _age(found.age_hours), width)
    rows += fact_rows("Expected", _expected(found), width)
    if found.rows is not None:
        rows += fact_rows("Facts", figures.count(found.rows), width)
    if found.breaker is not None:
        rows += fact_rows("Breaker", found.breaker.why, width)
        if found.breaker.last_error:
            rows += fact_rows("Last error", found.breaker.last_error, width)
        rows += fact_rows("Hold it", f"B, or: quarterdeck breaker {found.breaker.name} open --until 2h --reason TEXT", width)
    rows += fact_rows("Mark", _meaning(found), width)
    return Page(
        sides(line("Sources > ", (found.name, "bold")), line(("as of ", "dim"), figures.moment(view.at, zone)), width),
        tuple(rows),
        "sources",
    )


def _expected(source: Source) -> str:
    if source.expected_hours is None:
        return "nothing says how often it should come, so no age is too old"
    return f"at least every {_age(source.expected_hours)}, from {source.expected_from}"


def _meaning(source: Source) -> str:
    return {
        "ok": "readable, and not older than expected",
        "stale": "older than expected: what it told last is kept and marked, never taken for new",
        "critical": "it cannot be read; see below which keys still work",
        "unknown": "it never told anything, so nobody can say whether it is well",
        "warning": "readable, with something that a person should look at",
    }[source.state.value]
