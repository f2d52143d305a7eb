"""The right pane of the Incident page: what the step under the cursor is about; and what surrounds the incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from backends.text import Untrusted, shortened
from console.control.actions import said_duration, version_label
from console.render import figures
from widgets.line import MARKS, Line, Row, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.incidents.changes import Change
    from console.views.incidents.incident import AnswerView, ChoiceView, DecisionView, IncidentView, OperationView, StepView, WaitView

WIDE_DETAIL = 70
"""From this many cells on the table of choices has all its columns, and the surroundings stand below."""

MOST_CHANGES: Final = 5
MOST_TOLD: Final = 12
"""On each side of the onset; `qd changes` lists all."""

OF_THE_SAME = "this step files no second request, it waits for that one. g a lists requests."

DOUBT_WAYS = (
    ("doubt:recheck", "check the effect again: reads only, the first thing to do"),
    ("doubt:effective", "it took effect: you saw it, and say how you know"),
    ("doubt:failed", "it did not take effect: you saw that, and say how you know"),
    ("doubt:again", "send it again with the same key: nothing happens twice"),
)


def incident_zone(view: IncidentView) -> ZoneInfo:
    """The display zone."""
    return ZoneInfo(view.zone)


@dataclass(frozen=True, slots=True)
class Look:
    """What the words of a step depend on beside the step itself."""

    at: datetime
    zone: ZoneInfo
    steps: tuple[StepView, ...]


def step_detail(
    step: StepView, at: datetime, zone: ZoneInfo, room: int, steps: tuple[StepView, ...] = (), choice: str | None = None
) -> list[Row]:
    """What a step is about, in `room` cells; of a decision what speaks for `choice`, or for what is suggested."""
    look = Look(at, zone, steps)
    rows = _texts([line(" ", (f"{step.number} {step.kind}: {step.title}", "bold"))], room, 3)
    if step.status == "in doubt":
        rows += _doubt(step, room)
    if step.decision is not None:
        return rows + _decision(look, step, step.decision, room, choice)
    return rows + (_paragraph(step.text, room) if step.text else []) + _state(look, step, room)


def detail_rows(view: IncidentView, step: StepView | None, room: int, choice: str | None = None) -> list[Row]:
    """The right pane: `step` with the choice that the cursor is on, and below it in a wide terminal what surrounds the incident."""
    rows = [] if step is None else step_detail(step, view.at, incident_zone(view), room, view.steps, choice)
    return rows + around_rows(view, room) if room >= WIDE_DETAIL else rows


def _decision(look: Look, step: StepView, decision: DecisionView, room: int, on: str | None) -> list[Row]:
    binary = not any("mae" in choice.figures for choice in decision.choices)
    wide = room >= WIDE_DETAIL
    rows = _paragraph(decision.about, room) if decision.about.raw else _paragraph("Nothing could be compared.", room)
    names = (("auc", "AUC", 6), ("brier", "Brier", 7), ("ece", "ECE", 6)) if binary else (("mae", "MAE", 8), ("bias", "bias", 8))
    if wide:
        names = (*names, ("mean", "mean", 7 if binary else 8))
    head = " " * 15 + "".join(f"{title:>{size}}" for _, title, size in names) + "  last served" + ("  needs" if wide else "")
    rows.append(Row(line((head, "dim"))))
    for choice in decision.choices:
        rows.append(_choice(look, step, choice, names, wide))
    rows.append(Row(Line()))
    best = next((choice for choice in decision.choices if choice.suggested), None)
    told = next((choice for choice in decision.choices if choice.id == on), best)
    for choice in decision.choices:
        if choice.not_now:
            rows += _paragraph(f"{choice.id} does not apply now: {choice.not_now}", room)
    if told is not None:
        rows += _paragraph(f"{told.id}: {told.title}. {told.text}".strip(), room)
        if told.note.raw:
            rows += _paragraph(told.note, room)
    if best is not None:
        rows += _paragraph(f"BEST = lowest {'Brier' if binary else 'MAE'} where the difference is sure.", room)
    if step.current and step.status != "failed":
        rows.append(Row(Line()))
        rows += _paragraph(
            "Enter takes the choice to the next step: its plan opens, asks for the model's name, and only then acts. "
            "Another choice than BEST is allowed, and kept as such.", room,
        )  # fmt: skip
    elif step.chosen:
        rows += _paragraph(f"chosen {step.chosen} by {step.ended_by}; suggested was {decision.suggested or 'nothing'}", room)
    return rows


def _choice(look: Look, step: StepView, choice: ChoiceView, names: tuple[tuple[str, str, int], ...], wide: bool) -> Row:
    label = choice.id if choice.version is None else f"{choice.id} {version_label(choice.version)}"
    label = version_label(choice.version) if choice.id == "now" and choice.version else label
    numbers = "".join(f"{_figure(choice, name):>{size}}" for name, _, size in names)
    served = "now" if choice.id == "now" else "never" if choice.figures else "-"
    if choice.last_served is not None:
        served = f"to {figures.day(choice.last_served, look.zone)}"
    elif not wide and choice.needs and choice.needs != "1 operator":
        served = choice.needs.split(",", maxsplit=1)[0] if choice.needs.startswith("APR") else "approval"
    gap = "  " if wide else " "
    tail = f"{gap}BEST" if choice.suggested else f"{gap}chosen" if choice.chosen else ""
    needs = f"  {choice.needs:<12}" if wide else ""
    role = "bold" if choice.suggested else "dim" if choice.not_now else ""
    parts = line((f"   {shortened(label, 12):<12}", role), numbers, f"  {served:<{11 if wide else 9}}", needs, (tail, "bold"))
    why = line(choice.note if choice.note.raw else choice.title) if not choice.not_now else line(("!", "warning"), f" {choice.not_now}")
    selectable = choice.id != "now" and step.current and not step.chosen
    return Row(parts, key=f"choice:{choice.id}" if selectable else None, why=why)


def _figure(choice: ChoiceView, name: str) -> str:
    value = choice.figures.get(name)
    if value is None:
        return "-"
    return figures.signed(value, 2) if name == "bias" else figures.share(value)


def _state(look: Look, step: StepView, room: int) -> list[Row]:
    """Where a step that is no decision stands."""
    rows: list[Row] = []
    if step.answer is not None and step.wait is None:
        rows += _answer(look, step.answer, room)
    if step.wait is not None:
        rows += _wait(look, step, step.wait, room)
    for operation in step.operations:
        rows += _operation(look, operation, room)
    if step.approval:
        rows += _paragraph(f"request: {step.approval}", room)
    if step.asked_already:
        rows += _paragraph(f"{step.asked_already} asks for the same already: {OF_THE_SAME}", room)
    if step.blocked:
        rows += _paragraph(f"blocked: {step.blocked}", room, "warning")
    if step.status == "failed":
        rows += _paragraph(Untrusted(f"FAILED: {step.reason.raw}"), room, "critical")
        rows += _paragraph("Enter tries it again, S skips it" + (", U plans to take it back" if step.undoable else "") + ".", room)
    elif step.reason.raw and step.status in {"done", "skipped"} and not (step.answer and step.answer.sentence.raw == step.reason.raw):
        rows += _paragraph(step.reason, room)
    if step.ended_by and step.ended_at:
        rows += _paragraph(f"{step.status} {figures.moment(step.ended_at, look.zone)} by {step.ended_by}", room, "dim")
    if step.current and step.status == "waiting for a person":
        rows.append(Row(Line()))
        rows += _paragraph(_what_enter_does(look, step), room)
    return rows


def _what_enter_does(look: Look, step: StepView) -> str:
    if step.kind == "action":
        chosen = next((each.chosen for each in reversed(look.steps[: step.number]) if each.chosen), None)
        if chosen is None and any(each.decision for each in look.steps[: step.number]):
            return "No decision was taken, so there is nothing to carry out: S skips this step."
        return f"Enter opens the plan{f' of {chosen}' if chosen else ''}: it asks for the model's name, and only then acts."
    if step.kind == "approval" and step.asked_already:
        return f"Enter joins {step.asked_already}, with your reason. S skips it, with a reason."
    if step.kind == "approval":
        return (
            "Enter asks for the approval, with your reason. S skips it, with a reason."
            if not step.approval
            else "It waits for other people."
        )
    return "Enter asks for your words and completes the step. S skips it, with a reason."


def _answer(look: Look, answer: AnswerView, room: int) -> list[Row]:
    state = answer.state.value
    rows = _texts([line(" ", (f"{MARKS[state]} {state}", state), "  ", answer.sentence)], room, 3)
    rows += _texts([line(f"   {_numbers(answer)}at {figures.moment(answer.at, look.zone)}", ("", "dim"))], room, 3)
    if answer.command:
        rows.append(Row(line(("   qd " + answer.command, "dim"))))
    return rows


def _numbers(answer: AnswerView) -> str:
    told = [("value", figures.share(answer.value) if answer.value is not None else "unkn")]
    told += [("limit", figures.share(answer.limit))] if answer.limit is not None else []
    told += [("n", figures.count(answer.n))] if answer.n is not None else []
    return ", ".join(f"{name} {text}" for name, text in told) + ", " if answer.value is not None or answer.n is not None else ""


def _wait(look: Look, step: StepView, wait: WaitView, room: int) -> list[Row]:
    zone = look.zone
    rows = _paragraph(f"waits for {wait.what}" + (f", for {wait.hold_hours:g} h" if wait.hold_hours else ""), room)
    if wait.answer is not None:
        rows += _answer(look, wait.answer, room)
    elif step.current:
        rows += _paragraph("not looked at yet", room)
    if wait.held_since is not None and step.current:
        held = figures.age(look.at - wait.held_since)
        rows += _paragraph(f"holds since {figures.moment(wait.held_since, zone)}, {held}; {wait.hold_hours:g} h are asked for", room)
    if wait.until is not None:
        rows += _paragraph(f"until {figures.moment(wait.until, zone)}, then it has failed", room)
    return rows


def _operation(look: Look, operation: OperationView, room: int) -> list[Row]:
    zone = look.zone
    what = f"{'taking back: ' if operation.undoes else ''}{operation.kind} {operation.target}"
    role = {"effective": "bold", "failed": "critical", "in doubt": "critical"}[operation.state]
    seconds = f" after {said_duration(operation.seconds)}" if operation.seconds is not None else ""
    undone = ", taken back later" if operation.undone else ""
    head = line(
        f" {what}: ", (f"{operation.state}{seconds}", role), f"{undone}, intended {figures.moment(operation.at, zone)} by {operation.actor}"
    )
    rows = _texts([head], room, 3)
    rows += _texts([line("   ", operation.sentence)], room, 3)
    for call in operation.calls:
        rows += _texts([line("   ", (call, "dim"))], room, 5)
    return rows


def _doubt(step: StepView, room: int) -> list[Row]:
    rows = _paragraph(
        "IN DOUBT: it was announced, and nobody knows whether it was done. Nothing else moves before that is settled.", room, "critical"
    )
    for operation in step.operations:
        if operation.state == "in doubt":
            rows += _paragraph(Untrusted(f"{operation.kind} {operation.target}, key {operation.key}: {operation.sentence.raw}"), room)
    for key, words in DOUBT_WAYS:
        first, *rest = wrapped(line("   ", words), room, 3)
        rows.append(Row(first, key=key, why=line(("X", "critical"), f" step {step.number} is in doubt"), state="critical"))
        rows += [Row(each) for each in rest]
    return rows


def around_rows(view: IncidentView, room: int) -> list[Row]:
    """What changed, the timeline, and what the incident reaches."""
    zone = incident_zone(view)
    rows: list[Row] = []
    if view.changes or view.now_seen_since is not None:
        began = f" {figures.moment(view.onset_at, zone)}" if view.onset_at is not None else ""
        rows += [Row(Line()), Row(rule(f"What changed before the onset{began}, nearest first", room))]
        if view.now_seen_since is not None:
            layer = f"{view.now_seen.value} " if view.now_seen is not None else ""
            said = f"recorded when the incident was opened; {layer}now seen since {figures.moment(view.now_seen_since, zone)}"
            rows += _texts([line(" ", (said, "dim"))], room, 1)
        before = [each for each in view.changes or () if (each.hours_before_onset or 0) >= 0]
        after = [each for each in view.changes or () if (each.hours_before_onset or 0) < 0]
        rows += _changes(before[:MOST_CHANGES], zone, room) if before else _paragraph("nothing is recorded before it", room)
        if after:
            rows += [Row(line((" after the onset, so not its cause:", "dim"))), *_changes(after[:MOST_CHANGES], zone, room)]
    if view.timeline:
        left = len(view.timeline) - MOST_TOLD
        told = f"Timeline, the last {MOST_TOLD} of {len(view.timeline)}: :export writes all" if left > 0 else "Timeline"
        rows += [Row(Line()), Row(rule(told, room))]
        for entry in view.timeline[-MOST_TOLD:]:
            rows += _texts([line(f" {figures.moment(entry.at, zone):<14}", (f"{entry.who} ", "dim"), entry.text)], room, 15, most=2)
    if view.readers or view.scores_per_day is not None:
        rows += [Row(Line()), Row(rule("Blast radius", room))]
        listed, plural = ", ".join(view.readers), "s" if len(view.readers) > 1 else ""
        readers = f"{len(view.readers)} reader{plural} ({listed})" if view.readers else "no reader is recorded"
        rows += _paragraph(f"{readers}, {figures.count(view.scores_per_day)} scores in the last day", room)
    return rows


def _changes(changes: Sequence[Change], zone: tzinfo, room: int) -> list[Row]:
    told = [line(f" {figures.moment(each.at, zone):<14}", each.message) for each in changes]
    return [row for each in told for row in _texts([each], room, 15, most=2)]


def _paragraph(text: str | Untrusted, room: int, role: str = "") -> list[Row]:
    return _texts([line(" ", (text, role))], room, 1)


def _texts(lines: list[Line], room: int, indent: int, most: int | None = None) -> list[Row]:
    return [Row(part) for each in lines for part in wrapped(each, room, indent)[:most]]
