"""The Incident page: steps at the left, the step under the cursor at the right; a verb prints both and everything else below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import zip_longest
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.text import Untrusted, cell_width, displayable
from console.render import figures
from console.render.incident_detail import around_rows, detail_rows, incident_zone
from widgets.line import MARKS, Line, Page, Row, joined, line, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.incidents.incident import AnswerView, IncidentView, StepView

NARROW_STEPS, WIDE_STEPS, WIDE_FROM = 29, 45, 110
PHASES = ("investigate", "mitigate", "learn")


def steps_width(width: int) -> int:
    """Cells of the left pane in a terminal `width` wide."""
    return WIDE_STEPS if width >= WIDE_FROM else NARROW_STEPS


def incident_heading(view: IncidentView, width: int) -> Line:
    """Line 2: which incident, how bad, since when, who drives."""
    word = "CRITICAL" if view.severity == "critical" else view.severity.value
    length = figures.age(view.since)
    state = {"open": f"open {length}", "closed": f"closed after {length}"}.get(view.state, f"{view.state}, open {length}")
    driver = f"driver {view.driver}" if view.driver else "driver nobody (T takes it)"
    left = line(
        (view.id, "bold"), f" {view.model}  ", (f"{MARKS[view.severity.value]} {word}", view.severity.value),
        f" {state}  ", (driver, "bold" if view.driver is None and view.state == "open" else ""),
    )  # fmt: skip
    day, time = figures.day(view.opened_at, incident_zone(view)), figures.clock_time(view.opened_at, incident_zone(view))
    return sides(left, line(f"opened {day} {time} by {view.opened_by}" if width >= WIDE_FROM else f"since {day}"), width)


def playbook_line(view: IncidentView, width: int) -> Line:
    """Line 3: which playbook, whether to trust it, and where its run stands."""
    head = view.playbook
    if head is None:
        return line(("no playbook", "warning"), f"  {view.why_no_run or ''}").fitted(width)
    digest = head.digest.removeprefix("sha256:")[:6]
    current = view.current
    where = (
        f"ended {view.run_outcome}" if view.run_outcome
        else f"step {current.number} of {len(view.steps)}" if current
        else f"{len(view.steps)} steps, not begun"
    )  # fmt: skip
    pinned = f"   run {view.run}, pinned to its digest" if width >= WIDE_FROM and view.run else ""
    right = line(where + pinned)
    until = (f"EXPIRED {_date(head.expires_at)}", "warning") if head.expired else (f"expires {_date(head.expires_at)}", "")
    name = (f"{head.id} v{head.version}", "bold")
    for verified in (f"verified {_date(head.verified_at)} by {head.verified_by}, ", f"verified {_date(head.verified_at)}, ", ""):
        left = line(name, f" {digest}   ", verified, until)
        if left.width + right.width < width:
            break
    return sides(left, right, width)


def _date(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day.strftime('%b %Y')}"


def step_rows(view: IncidentView, width: int) -> list[Row]:
    """The left pane: every step with its mark and word, the evidence that is kept, and who has which part."""
    room = steps_width(width) - 1
    wide = width >= WIDE_FROM
    rows: list[Row] = []
    for phase in PHASES:
        steps = [step for step in view.steps if step.phase == phase]
        if not steps:
            continue
        if rows and wide:
            rows.append(Row(Line()))
        rows.append(Row(line(" ", (phase.upper(), "title"))))
        for step in steps:
            rows.append(_step_row(step, room, wide))
            if wide and step.answer is not None and step.kind == "check":
                rows.append(Row(line(" " * 14, (_cut(step.answer.sentence, room - 14), "dim"))))
    if not view.steps:
        rows += [Row(each) for each in wrapped(line(" ", view.why_no_run or "no steps"), room, 1)]
    rows += _evidence_rows(view, room)
    if wide:
        rows += _roles(view, room)
    return rows


def _step_row(step: StepView, room: int, wide: bool) -> Row:
    mark = MARKS[step.state] if step.state else " "
    name = step.title if wide else step.id.replace("-", " ").replace("_", " ")
    kind = f"{step.kind:<9}" if wide else f"{step.kind:<8} "
    number = f" {step.number:>{2 if step.number > 9 else 1}} "
    head = number + kind
    left = room - 2 - cell_width(head) - cell_width(step.word) - 1
    if left < cell_width(displayable(name)) <= left + len(kind):
        # The kind is said beside the step; its name is not.
        head, left = number, left + len(kind)
    role = "bold" if step.current else ""
    parts = line(
        " ", (mark, step.state), (head, role), (_cut(name, max(4, left)).ljust(max(4, left)), role),
        " ", (step.word, step.state if step.state in {"warning", "critical"} else role),
    )  # fmt: skip
    return Row(parts, key=step.id, why=step_why(step), state="" if step.state == "stale" else step.state)


def step_why(step: StepView) -> Line:
    """Line 23: why the step has its mark."""
    mark = (MARKS[step.state], step.state) if step.state else (" ", "")
    if step.status == "in doubt":
        return line(mark, f" step {step.number} is in doubt: check its effect again before anything else")
    if step.answer is not None:
        return line(mark, " ", step.answer.sentence)
    if step.blocked:
        return line(mark, f" step {step.number}: {step.blocked}")
    if step.current:
        waits = f"waits for {step.wait.what}" if step.wait else "waits for a person"
        return line(mark, f" step {step.number} {waits}")
    if step.reason.raw:
        return line(mark, f" step {step.number}: ", step.reason)
    return line(mark, f" step {step.number}: {step.status}")


def _evidence_rows(view: IncidentView, room: int) -> list[Row]:
    if not view.evidence:
        return []
    zone = incident_zone(view)
    rows = [Row(Line()), Row(line(" ", (f"EVIDENCE {len(view.evidence)} kept", "title")))]
    for answer in view.evidence[-6:]:
        rows += [Row(each) for each in _evidence(answer, room, zone)]
    return rows


def _evidence(answer: AnswerView, room: int, zone: ZoneInfo) -> Sequence[Line]:
    return wrapped(line(f" {figures.clock_time(answer.at, zone)} ", answer.sentence), room, 7)


def _cut(text: str | Untrusted, room: int) -> str:
    """The beginning of a sentence; `..` says that there is more."""
    whole = line(text)
    return whole.text if whole.width <= room else whole.fitted(room - 2).text.rstrip() + ".."


def _roles(view: IncidentView, room: int) -> list[Row]:
    rows = [Row(Line()), Row(line(" ", ("ROLES", "title"))), Row(line(f" driver   {view.driver or 'nobody (T)'}"))]
    people = sorted({entry.who for entry in view.timeline if "@" in entry.who} | {step.ended_by for step in view.steps if step.ended_by})
    rows += [Row(each) for each in wrapped(line(f" took part  {', '.join(people)}"), room, 12)] if people else []
    if view.if_nothing:
        rows += [Row(Line()), Row(line(" ", ("IF YOU DO NOTHING", "title")))]
        for sentence in view.if_nothing:
            rows += [Row(each) for each in wrapped(line(" ", sentence), room, 2)]
    return rows


def incident_page(view: IncidentView, *, width: int = 80, step: str | None = None) -> Page:
    """Everything about an incident, as a verb prints it: both panes side by side for `step` (default: where it stands), then the rest."""
    standing = view.steps[0 if view.run is None else -1] if view.steps else None
    shown = view.step(step) or view.current or standing
    left, right = step_rows(view, width), detail_rows(view, shown, width - steps_width(width) - 1)
    rows = [Row(playbook_line(view, width)), Row(line("-" * width))]
    for one, other in zip_longest(left, right):
        parts = [
            (one.line if one else Line()).fitted(steps_width(width)), line("|"),
            (other.line if other else Line()).fitted(width - steps_width(width) - 1),
        ]  # fmt: skip
        drawn = joined(parts)
        current = one is not None and one.key is not None and shown is not None and one.key == shown.id
        rows.append(Row(line(">", drawn.text[1:]) if current else drawn))
    rows += around_rows(view, width) if width < WIDE_FROM else []
    if view.problem:
        missing = line(("?", "unknown"), f" part of this is missing: {displayable(view.problem)}")
        rows += [Row(each) for each in wrapped(missing, width, 2)]
    rows += [Row(each) for each in wrapped(_sure(view), width, 2)]
    return Page(incident_heading(view, width), tuple(rows), f"incident {view.id}")


LEAST_ROWS = 8
"""With fewer lines than this an incident is not begun below something else."""


def incident_rows(view: IncidentView, width: int, room: int) -> list[Row]:
    """Where an incident stands, for the room that is left below the health of its model; nothing where that is too little."""
    if room < LEAST_ROWS:
        return []
    head = [Row(Line()), Row(rule(f"{view.id}: i opens it", width, figures.age(view.since)))]
    rows = [*head, *(Row(row.line) for row in incident_page(view, width=width).rows)]
    left = len(rows) - room
    return rows if left <= 0 else [*rows[: room - 1], Row(line((f" ... {left + 1} more lines: i", "dim")))]


def _sure(view: IncidentView) -> Line:
    """The last line: what waits for whom."""
    current = view.current
    if view.state == "closed":
        return line(f"{view.id} is closed")
    if view.in_doubt is not None:
        return line(("X", "critical"), f" {view.in_doubt} is in doubt: qd playbook step {view.run} --recheck")
    if view.run_outcome is not None:
        return line(f"{view.run} ended {view.run_outcome}. Postmortem: qd incident {view.id} --export -")
    if current is None:
        return line(view.why_no_run or "")
    waits = "waits" if current.wait else "waits for a person"
    return line(f"step {current.number} {waits}; run {view.run}. Next: {next_verb(view, current)}")


def next_verb(view: IncidentView, step: StepView) -> str:
    """The headless command that takes the step at which the run stands."""
    base = f"qd playbook step {view.run}"
    if step.status == "failed":
        return f"{base} --retry TEXT, or --skip REASON"
    return {
        "decision": f"{base} --choose {step.decision.suggested or 'X' if step.decision else 'X'}",
        "action": f"{base} --confirm {view.model}",
        "approval": f"{base} --ask REASON --confirm {view.model}",
        "manual": f"{base} --done TEXT",
        "note": f"{base} --done TEXT",
        "escalate": f"{base} --done TEXT",
    }.get(step.kind, base)
