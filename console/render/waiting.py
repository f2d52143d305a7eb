"""The queue of what waits for a person, and the queues of scores on the page of outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from backends.text import Untrusted
from console.render import figures
from console.render.facts import paragraph
from widgets.line import Line, Page, Row, columns, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.waiting.row import WaitRow
    from console.views.waiting.scores import ScoreQueue
    from console.views.waiting.view import ReviewsView

SEPARATOR: Final = "\n"
"""Between the kind and the id in the key of a row: neither holds one."""

KEYS: Final = {
    "approval": "A", "execution": "P", "broken glass": "A, X", "in doubt": "V", "incident": "T, Enter", "escalate step": "Enter",
}  # fmt: skip
"""What answers it on the screen that Enter opens."""
OVERRIDES: Final = {"switch": "K", "hold": "H", "breaker": "B"}


def row_key(row: WaitRow) -> str:
    """What the cursor stands on: two models may each have a queue of the same name."""
    return SEPARATOR.join((row.kind, row.id, row.model or ""))


def reviews_page(view: ReviewsView, *, width: int = 80, height: int = 20) -> Page:
    """Everything that waits, what is overdue first."""
    del height
    zone = ZoneInfo(view.zone)
    model, name = 14 + max(0, min(12, width - 100)), 12 + max(0, min(8, width - 110))
    rows: list[Row] = []
    for problem in view.problems:
        rows += paragraph(f"More may wait than is shown: {problem.raw}", width, role="critical")
    head = [("WAITS", -5, "dim"), ("ID", name, "dim"), ("MODEL", model, "dim"), ("WHAT", 4, "dim")]
    rows.append(Row(Line((*line("   ").spans, *columns(head).spans))))
    for each in view.rows:
        rows += _wait(each, zone, width, (name, model))
    if not view.rows and not view.problems:
        rows += paragraph("Nothing waits for a person.", width)
    said = (
        f"{len(view.rows)} wait{'s' if len(view.rows) == 1 else ''} for a person, {view.overdue} overdue" if view.rows else "nothing waits"
    )
    return Page(sides(line(("Reviews", "bold"), f"  {said}"), line((view.environment, "dim")), width), tuple(rows), "reviews")


def _wait(row: WaitRow, zone: ZoneInfo, width: int, room: tuple[int, int]) -> list[Row]:
    state, (name, model) = row.state.value, room
    age = "unkn" if row.waited_hours is None else figures.amount(row.waited_hours, "hours")
    cells = columns([(age, -5, state if row.overdue else ""), (row.id, name, "bold"), (row.model or "-", model, "")])
    text = Line((*line(" ", mark(state), " ").spans, *cells.spans, *line(" ", row.what).spans))
    first = Row(text.cut(width), key=row_key(row), why=_why(row, zone), state=state)
    more = line(" " * 9, f"{row.kind}; asked: ", row.asked, *_with(row, zone), "; ", (f"qd {row.verb.raw}", "dim"), (_key(row), "dim"))
    return [first, *(Row(part) for part in wrapped(more, width - 1, 9))]


def _with(row: WaitRow, zone: ZoneInfo) -> list[str | Untrusted | tuple[str | Untrusted, str]]:
    """Whom it is with by now, or whom it goes to next."""
    if row.escalated_to is not None:
        return ["; ", ("overdue, tell ", "critical"), (row.escalated_to, "critical")]
    if row.overdue:
        return ["; ", ("overdue", "critical")]
    if row.next_at is not None and row.next_to is not None:
        return [f"; from {figures.moment(row.next_at, zone)} tell ", row.next_to]
    return []


def _key(row: WaitRow) -> str:
    found = OVERRIDES.get(row.id.partition(" ")[0]) if row.kind == "override" else KEYS.get(row.kind)
    return f" (Enter, then {found})" if found else ""


def _why(row: WaitRow, zone: ZoneInfo) -> Line:
    since = f"since {figures.moment(row.since, zone)}" if row.since is not None else "since when nobody says"
    due = f", due {figures.moment(row.due_at, zone)}" if row.due_at is not None else ", no rule of escalations is about it"
    by = f" by {row.escalation}" if row.escalation is not None else ""
    return line(mark(row.state.value), f" {row.kind} {since}{due}{by}: ", row.what)


def queue_rows(queues: tuple[ScoreQueue, ...], zone: ZoneInfo, width: int) -> list[Row]:
    """What of a model waits for people, under a heading of its own; nothing where no service counts it."""
    if not queues:
        return []
    rows = [Row(Line()), Row(rule("Scores that wait for a person", width, "as the service counts them"))]
    for each in queues:
        many = "unkn" if each.waiting is None else figures.count(each.waiting)
        age = "no age given" if each.oldest_hours is None else f"the oldest {figures.amount(each.oldest_hours, 'hours')}"
        oldest = "" if each.waiting == 0 else f", {age}"
        asked = f", asked: {each.asked.raw}" if each.asked.raw else ""
        name = each.queue.raw or "of the model"
        simulated = ", simulated" if each.simulated else ""
        counted = f"; counted {figures.moment(each.counted_at, zone)}{', long ago' if each.old else ''}{simulated}"
        text = line(f" {many} wait in ", Untrusted(name), f"{oldest}", Untrusted(asked), (counted, "warning" if each.old else ""))
        rows += [Row(part, key="reviews waiting" if not place else None) for place, part in enumerate(wrapped(text, width, 3))]
    return rows
