"""The page of the console's own health: one line a finding, and under each that is not well what to do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.records import State, severity_rank
from backends.text import displayable
from console.render import figures
from widgets.line import Line, Page, Row, lamp, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.own.finding import Finding
    from console.views.own.view import OwnView

TITLES = {
    "workspace": "Workspace", "control": "Control", "store": "Store", "evaluator": "Evaluator", "policies": "Policies and playbooks",
    "clock": "Clock", "disk": "Disk", "faults": "Faults", "terminal": "Terminal", "program": "Program",
}  # fmt: skip

INDENT = 11


def own_page(view: OwnView, *, width: int = 80, height: int = 20) -> Page:
    """What is not well first, with what to do; then everything that was looked at, by area."""
    del height
    rows: list[Row] = []
    trouble = [each for each in view.ordered if each.state is not State.OK and (each.to_do is not None or each.state is not State.UNKNOWN)]
    trouble.sort(key=lambda each: severity_rank(each.state))
    for each in trouble:
        rows += _spelt_out(each, width)
    if not trouble:
        rows += [Row(each) for each in wrapped(line(" Nothing here needs anybody."), width)]
    rows.append(Row(rule("Looked at", width)))
    for each in view.ordered:
        if each not in trouble:
            rows += _spelt_out(each, width)
    counted = Counter(each.state.value for each in view.findings)
    words = ", ".join(f"{counted[state]} {state}" for state in ("critical", "warning", "stale", "unknown", "ok") if counted[state])
    name = view.workspace or "no workspace"
    right = line((figures.full_moment(view.at, ZoneInfo(view.zone)), "dim"))
    return Page(sides(line(("Own health", "bold"), "  ", displayable(name), f": {words}"), right, width), tuple(rows), "doctor")


def _spelt_out(each: Finding, width: int) -> list[Row]:
    state = each.state.value
    title = TITLES[each.area].split(" ", maxsplit=1)[0]
    why = line(mark(state), " ", each.to_do if each.to_do is not None else each.what)
    lines = wrapped(line(" ", lamp(state), f" {title:<10}", each.what), width, INDENT + 8)
    rows = [Row(lines[0], key=each.id, why=why, state=state), *(Row(more) for more in lines[1:])]
    if each.to_do is not None:
        rows += [Row(more) for more in _to_do(each, width)]
    return rows


def _to_do(each: Finding, width: int) -> list[Line]:
    return wrapped(line(" " * (INDENT + 8), ("-> ", "dim"), each.to_do or ""), width, INDENT + 11)
