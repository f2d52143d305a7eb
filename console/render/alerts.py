"""The Alerts page and the Incidents page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from console.render import figures
from console.render.facts import paragraph
from widgets.line import Line, Page, Row, columns, line, mark, rule, sides

if TYPE_CHECKING:
    from console.views.incidents.alerts import AlertRow, AlertsView, IncidentRow, IncidentsView


def alerts_page(view: AlertsView, *, width: int = 80, height: int = 20) -> Page:
    """Firing alerts first; below, what ended."""
    del height
    wide = max(0, min(30, width - 80))
    rows = _problem(view.problem.raw if view.problem else None, "alerts", width)
    rows.append(
        Row(
            columns(
                [
                    ("", 2, ""),
                    ("MODEL", 14, "dim"),
                    ("RULE", 18, "dim"),
                    ("VALUE, LIMIT", 19 + wide, "dim"),
                    ("SINCE", 6, "dim"),
                    ("INC or ALERT", 14, "dim"),
                ]
            )
        )
    )
    firing = [each for each in view.rows if each.firing]
    ended = [each for each in view.rows if not each.firing]
    for each in firing:
        rows += [_alert(each, view, wide), *_caveat(each, width), *_proposed(each, width)]
    if not firing and view.problem is None:
        rows += paragraph("No rule fires now. That says nothing of what nobody measures: qd fleet shows what is unknown.", width)
    if ended:
        rows.append(Row(rule("Ended", width)))
        rows += [_alert(each, view, wide) for each in ended]
    if view.logged:
        rows.append(Row(rule("Only logged: no alert, nobody is told", width)))
        rows += [_alert(each, view, wide) for each in view.logged]
    worst = sum(each.state.value == "critical" for each in firing)
    words = f"{len(firing)} firing, {worst} critical" if firing else "none fires"
    told = f"{len(ended)} ended"
    if view.problem is not None:
        words, told = "unknown", ""
    return Page(sides(line(("Alerts", "bold"), f"  {words}"), line((told, "dim")), width), tuple(rows), "alerts")


def _problem(problem: str | None, what: str, width: int) -> list[Row]:
    if problem is None:
        return []
    return paragraph(f"The journal cannot be read, so nobody knows which {what} there are: {problem}", width, role="critical")


def _alert(row: AlertRow, view: AlertsView, wide: int) -> Row:
    zone = ZoneInfo(view.zone)
    state = row.state.value if row.firing else "ok"
    ended = row.until if row.until is not None else view.at
    n = f", n {figures.count(row.n)}" if row.n is not None else ""
    sample = n if wide >= 10 else ""
    numbers = f"{_number(row.value)}, limit {_number(row.limit)}{sample}" if row.value is not None else "no number"
    cells = columns(
        [
            (row.model, 14, "bold" if row.firing else "dim"),
            (row.rule, 18, ""),
            (numbers, 19 + wide, ""),
            (figures.age(ended - row.since) if row.firing else figures.day(row.since, zone), 6, ""),
            (row.incident or (row.id if row.firing else f"ended {figures.day(ended, zone)}"), 14, ""),
        ]
    )
    taken = f", acknowledged by {row.acknowledged_by}" if row.acknowledged_by else ""
    when = f"since {figures.moment(row.since, zone)}" + (f" to {figures.moment(row.until, zone)}" if row.until else "")
    why = line(mark(row.state.value), " ", row.message, f"{n} {when}{taken}; playbook {row.playbook or 'none'}")
    return Row(Line((*line(" ", mark(state), " ").spans, *cells.spans)), key=row.id, why=why, state=state)


def _caveat(row: AlertRow, width: int) -> list[Row]:
    """Below an alert what its number is not."""
    return paragraph(f"An {row.caveat}.", width, indent=4) if row.caveat else []


def _proposed(row: AlertRow, width: int) -> list[Row]:
    """Below an alert what its rule proposes, and the verb that goes on from there."""
    if row.proposal is None:
        return []
    found = paragraph(row.proposal.text, width, indent=4)
    return [*found, Row(line("    ", ("Next: ", "dim"), f"qd {row.proposal.verb}"))] if row.proposal.verb else found


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return figures.share(value) if abs(value) < 10 else f"{value:,.1f}"


def incidents_page(view: IncidentsView, *, width: int = 80, height: int = 20) -> Page:
    """Open incidents first, those that nobody drives ahead."""
    del height
    wide = max(0, min(40, width - 80))
    rows = _problem(view.problem.raw if view.problem else None, "incidents", width)
    rows.append(
        Row(
            columns(
                [
                    ("", 2, ""),
                    ("INCIDENT", 8, "dim"),
                    ("MODEL", 14, "dim"),
                    ("STATE", 9, "dim"),
                    ("SINCE", 6, "dim"),
                    ("DRIVER", 10, "dim"),
                    ("STEP", 25 + wide, "dim"),
                ]
            )
        )
    )
    standing = [each for each in view.rows if each.state != "closed"]
    closed = [each for each in view.rows if each.state == "closed"]
    rows += [_incident(each, view, wide) for each in standing]
    if not standing and view.problem is None:
        rows += paragraph("No incident is open.", width)
    if closed:
        rows.append(Row(rule("Closed", width)))
        rows += [_incident(each, view, wide) for each in closed]
    alone = sum(each.driver is None for each in standing)
    words = f"{len(standing)} open" + (f", {alone} that nobody drives" if alone else "") if standing else "none open"
    told = f"{len(closed)} closed"
    if view.problem is not None:
        words, told = "unknown", ""
    return Page(sides(line(("Incidents", "bold"), f"  {words}"), line((told, "dim")), width), tuple(rows), "incidents")


def _incident(row: IncidentRow, view: IncidentsView, wide: int) -> Row:
    zone = ZoneInfo(view.zone)
    state = row.severity.value if row.state != "closed" else "ok"
    length = (row.closed_at or view.at) - row.opened_at
    number = f"{row.step_number} of {row.steps} " if row.step_number is not None else ""
    step = f"{number}{row.step.raw}" if row.step is not None else f"{row.playbook or 'no playbook'}: not run"
    cells = columns(
        [
            (row.id, 8, "bold"),
            (row.model, 14, ""),
            (row.state, 9, "" if row.state != "open" else state),
            (figures.age(max(length, timedelta())), 6, ""),
            (row.driver or "nobody", 10, "" if row.driver or row.state == "closed" else "warning"),
            (step, 25 + wide, ""),
        ]
    )
    why = line(mark(state), " ", row.title, f"; opened {figures.moment(row.opened_at, zone)} by {row.opened_by}, {len(row.alerts)} alerts")
    return Row(Line((*line(" ", mark(state), " ").spans, *cells.spans)), key=row.id, why=why, state=state)
