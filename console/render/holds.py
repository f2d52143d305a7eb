"""What holds the jobs of a model, in lines: those of its verb, and those that stand on other pages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from backends.text import Untrusted
from console.render import figures
from console.render.facts import paragraph
from widgets.line import MARKS, Line, Page, Row, line, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from datetime import datetime

    from console.views.release.holds import HeldView, HoldRow


def held_page(view: HeldView, *, width: int = 80) -> Page:
    """Every hold with its reason, or that nothing is held."""
    zone = ZoneInfo(view.zone)
    rows: list[Row] = []
    if view.problem is not None:
        rows += paragraph(view.problem, width, role="critical")
        rows += paragraph("Nobody can say what is held: a job that asks does not run.", width)
    elif not view.rows:
        rows += paragraph("Nothing holds it: the job may run." if view.model else "No job of any model is held.", width)
    for each in view.rows:
        rows += [Row(part, key=each.action) for part in hold_lines(each, view.at, zone, width)]
    said = "unknown" if view.problem is not None else "HELD" if view.held else "free"
    about = f"  {view.model or 'every model'}{'' if view.pipeline is None else f', {view.pipeline}'}, {view.environment}   "
    options = {"--pipeline": view.pipeline} if view.pipeline else {}
    verb = command_line("held", *([view.model] if view.model else []), options=options)
    return Page(sides(line(("Held jobs", "bold"), about), line((said, "bold")), width), tuple(rows), verb)


def hold_lines(row: HoldRow, at: datetime, zone: ZoneInfo, width: int) -> list[Line]:
    """One hold: whose jobs, since when and until when, who, and why."""
    state = "critical" if row.overdue else "warning"
    whose = "every job" if row.pipeline is None else row.pipeline
    until = f"overdue {figures.since(row.until, at)}" if row.overdue and row.until else ""
    until = until or (f"{row.owner} is asked {figures.moment(row.until, zone)}" if row.until else "nobody is asked again")
    head = line(
        (f" {MARKS[state]} ", state),
        (f"HELD {row.model}: ", "bold"),
        f"{whose}, since {figures.moment(row.since, zone)} by {row.who}; {until}",
    )
    return [
        part
        for each in (head, line("   ", (Untrusted(row.reason.raw or "no reason given"), "dim")))
        for part in wrapped(each, width - 1, 3)
    ]
