"""The Actions page, and the life of one action with the exact calls it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from console.control.actions import said_duration
from console.render import figures
from console.render.facts import fact_rows, paragraph
from widgets.line import Line, Page, Row, columns, joined, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.control.actions import ActionOutcome
    from console.views.actions import ActionRow, ActionsView, ActionView


_NARROW: Final = (10, 8, 12)
_WIDE: Final = (12, 10, 15)
"""Cells for the id, which is found by its beginning, for who did it, and for what. Where there is little room a person goes without
their host, which the action itself shows."""

_SHORT: Final = {"apply-retention": "retention"}
"""The one name that is longer than there is room for, by what it is about."""


def actions_page(view: ActionsView, *, width: int = 80, height: int = 20) -> Page:
    """Actions: those that nobody knows the end of first, then those whose owner is asked, then the newest."""
    del height
    zone = ZoneInfo(view.zone)
    model = 14 + max(0, min(20, width - 100))
    id_width, who, what = _NARROW if width < 100 else _WIDE
    rows = []
    if view.problem is not None:
        rows += paragraph(f"The journal cannot be read, so this may not be all: {view.problem.raw}", width, role="critical")
    rows.append(
        Row(
            columns(
                [
                    ("", 2, ""),
                    ("ACTION", id_width, "dim"),
                    ("TIME", 12, "dim"),
                    ("WHO", who, "dim"),
                    ("WHAT", what, "dim"),
                    ("MODEL", model, "dim"),
                    ("OUTCOME", 16, "dim"),
                ]
            )
        )
    )
    rows += [_row(each, view, zone, model, (id_width, who, what)) for each in view.rows]
    if not view.rows:
        nothing = (
            "No action is open: of every one it is known how it ended, and nobody is asked whether it goes on."
            if view.only_open
            else "Nothing was done here yet."
        )
        rows += paragraph(nothing, width)
    awaiting = sum(each.awaits is not None for each in view.rows)
    unknown = sum(each.open for each in view.rows) - awaiting
    said = f"{unknown} open: nobody knows yet how they ended" if unknown else f"{awaiting} wait for a run" if awaiting else "none open"
    overdue = sum(each.overdue is not None for each in view.rows)
    said += f", {overdue} past {'its' if overdue == 1 else 'their'} time" if overdue else ""
    heading = sides(line(("Actions", "bold"), f"  {len(view.rows)}, {said}"), line(("only open" if view.only_open else "", "dim")), width)
    return Page(heading, tuple(rows), "actions --open" if view.only_open else "actions")


def _row(row: ActionRow, view: ActionsView, zone: ZoneInfo, model: int, widths: tuple[int, int, int]) -> Row:
    id_width, who, what = widths
    state = row.state.value
    took = f" {said_duration(row.seconds)}" if row.seconds is not None else ""
    outcome = f"{row.life}{took}" if row.overdue is None else f"overdue {figures.since(row.overdue, view.at)}"
    cells = columns(
        [
            (row.id[:id_width], id_width, "bold" if row.open else ""),
            (figures.moment(row.at, zone), 12, ""),
            (row.who if who > 8 else row.who.partition("@")[0], who, ""),
            (row.kind if what > 12 else _SHORT.get(row.kind, row.kind), what, ""),
            (row.model, model, ""),
            (outcome, 16, "" if state == "ok" else state),
        ]
    )
    why = line(mark(state), f" {row.movement}  ", row.why)
    return Row(Line((*line(" ", mark(state), " ").spans, *cells.spans)), key=row.id, why=why, state=state)


def settled_page(outcome: ActionOutcome) -> Page:
    """What a recheck or somebody's word made of an action."""
    rows = [Row(line(f"{outcome.state.value}: {outcome.message}"))]
    rows += [Row(line(f"  {call.call}   {call.result}, {call.ms:.1f} ms")) for call in outcome.calls]
    return Page(line((outcome.action_id, "bold"), f" {outcome.kind.value} ", outcome.model), tuple(rows), f"action {outcome.action_id}")


def action_page(view: ActionView, *, width: int = 80, height: int = 20) -> Page:
    """One action: its life, its calls, and what was seen before it was confirmed."""
    del height
    zone, row, state = ZoneInfo(view.zone), view.row, view.row.state.value
    rows = [Row(rule("Life", width))]
    for step in view.life:
        rows += fact_rows(f"{step.name}", f"{figures.moment(step.at, zone):<13}{step.what.raw}", width)
    if row.open:
        doubt = "Nobody knows yet how it ended. It is never done again by itself: look first, then decide."
        waits = "It stands as it was sent; the watch looks for its run at every round. Failed, and why, withdraws it."
        rows += paragraph(waits if row.awaits else doubt, width, role="" if row.awaits else "critical")
        for number, verb in enumerate(view.next):
            rows += fact_rows("Next" if number == 0 else "or", f"qd {verb}", width)
    if row.overdue is not None:
        rows += paragraph(row.why, width, role="warning")
    rows += [Row(each) for each in _effect(view, width)]
    rows.append(Row(rule("Calls", width)))
    for call in view.calls:
        rows += fact_rows(call.result.raw[:13], f"{call.call.raw}   {call.ms:.1f} ms", width)
    if not view.calls:
        rows += paragraph("No call was made, or none is on record.", width)
    rows += _what_it_was(view, zone, width)
    what = line((row.id, "bold"), f" {row.kind} ", row.model, f"  {row.movement}")
    ends = (line(f"   {view.environment}  by ", row.who), line("  by ", row.who), line())
    left = next((joined([what, end]) for end in ends if what.width + end.width + len(row.life) < width), what)
    return Page(sides(left, line((row.life, state)), width), tuple(rows), f"action {row.id}")


def _effect(view: ActionView, width: int) -> list[Line]:
    if view.effect is not None:
        from console.render.effect import effect_lines

        return effect_lines(view.effect, width)
    if view.effect_problem is None:
        return []
    said = line(" ", ("?", "unknown"), " the effect cannot be measured: ", view.effect_problem)
    return [rule("Did it help?", width), *wrapped(said, width, 3)]


def _what_it_was(view: ActionView, zone: ZoneInfo, width: int) -> list[Row]:
    rows = [Row(rule("What it was", width))]
    after = view.after if view.after is not None else "not read back"
    rows += fact_rows(
        "Before", f"{view.before if view.before is not None else 'none'}   wanted {view.wanted or 'none'}   after {after}", width
    )
    rows += fact_rows("Reason", view.reason or "none was given", width)
    rows += fact_rows("Direction", "towards safer" if view.safer else "not towards safer", width)
    for name, value in (("Approval", view.approval), ("Incident", view.incident), ("Run", view.run), ("Settled by", view.settled_by)):
        if value:
            rows += fact_rows(name, value, width)
    if view.suggested and view.suggested != view.wanted:
        rows += fact_rows("Suggested", f"{view.suggested}; chosen {view.wanted}", width)
    if view.until is not None:
        rows += fact_rows("Asked again", figures.full_moment(view.until, zone), width)
    if view.moved is not None:
        rows += fact_rows("Moved", view.moved.told(), width, "warning")
    for each in view.difference:
        rows += fact_rows("Changed", each, width, "warning")
    for number, each in enumerate(view.seen):
        rows += fact_rows("Seen" if number == 0 else "", each, width)
    if view.undo:
        rows += fact_rows("Undo", view.undo, width)
    rows += fact_rows("Key", f"{view.key}   journal entries {', '.join(f'#{each}' for each in view.entries) or 'none yet'}", width)
    return rows
