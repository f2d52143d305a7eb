"""What was handed out for the offline path to score again, and how its scores are compared."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from backends.text import Untrusted, shortened
from console.control.actions import version_label
from console.render import figures
from console.render.facts import fact_rows
from console.views.data.replay import ReplayView
from widgets.line import Page, Row, line


def replay_page(view: ReplayView, zone: ZoneInfo, *, width: int = 80) -> Page:
    """The file and the next two steps."""
    heading = line("Replay of ", (f"{view.model}@{version_label(view.version)}", "bold"), ", ", (shortened(view.file, 40), "bold"))
    period = f"{figures.moment(view.first_at, zone)} to {figures.moment(view.last_at, zone)}"
    rows = [Row(line(f" {figures.count(view.rows)} requests that it answered, {period}"))]
    names = ["key", "event_at", "version", view.served_score, *(each.name.raw for each in view.columns)]
    rows += fact_rows("Columns", Untrusted(", ".join(names)), width)
    rows += fact_rows("Then", "score the file with your offline path: one row a request, with key, event_at and score", width)
    rows += fact_rows("And compare", view.compare, width)
    return Page(heading, tuple(rows), "parity")
