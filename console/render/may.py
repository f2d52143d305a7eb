"""The answer to `can-i`: yes or no first, then who the person is, what each rule says, and what stands behind the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.render.facts import paragraph
from widgets.line import Line, Page, Row, line, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.approvals.may import MayView, RuleWord

MARKS = {"yes": ("yes ", "ok"), "no": ("NO  ", "critical"), "asks": ("asks", "warning")}


def may_page(view: MayView, *, width: int = 80) -> Page:
    """The whole answer."""
    rows = [*paragraph(may_line(view), width, role="" if view.allowed else "critical")]
    held = [role for role in view.roles if role != "viewer"] or ["viewer"]
    given = f", given in {view.roles_place}" if view.roles_place else ""
    rows += _entry(("who ", "dim"), f"{view.person} is {', '.join(held)} in {view.environment} ({view.roles_why}{given})", width)
    if view.carried_out_by is not None and view.carried_out_by.raw:
        rows += _entry(("then", "dim"), f"who carries it out once it is approved: {view.carried_out_by.raw}", width)
    for rule in view.rules:
        rows += _entry(MARKS[rule.says], _said(rule), width)
    if len(view.amounts_to) > 1:
        also = ", ".join(kind.value for kind in view.amounts_to[1:])
        rows += _entry(("note", "dim"), f"as things stand, {view.action.value} amounts to {also}: its rules count too", width)
    if view.now is not None:
        rows += _entry(("now ", "warning"), f"the rules allow it, but it would be refused: {view.now.raw}", width)
    if view.policies != "files":
        rows += _entry(("old ", "critical"), f"the policy files are broken; the {_origin(view)} are in force:", width)
        for problem in view.policy_problems[:5]:
            rows += paragraph(problem, width, indent=7, role="critical")
    rows += _entry(("note", "dim"), view.enforcement.raw, width)
    heading = sides(line((f"can-i {view.action.value} ", "bold"), (view.target, "bold")), line((view.environment, "dim")), width)
    return Page(heading, tuple(rows), "can-i")


def may_line(view: MayView) -> str:
    """The answer in one line."""
    what = f"{view.action.value} {view.target.raw if view.target.raw != '*' else 'any model'} in {view.environment}"
    if not view.allowed:
        no = next(rule for rule in view.rules if rule.says == "no")
        if view.request_goes_to is not None:
            return f"no, but {view.person} may ask for it: the request goes to whoever approves ({view.request_goes_to.raw}); {no.text.raw}"
        return f"no: {view.person} may not {what}: {no.text.raw}"
    asked = [rule.text.raw for rule in view.rules if rule.says == "asks" and rule.topic in {"environment", "approval"}]
    return f"yes: {view.person} may {what}" + (f", once there is: {'; '.join(asked)}" if asked else "")


def _origin(view: MayView) -> str:
    return "last good ones" if view.policies == "last good" else "ones that ship"


def _said(rule: RuleWord) -> str:
    where = f" ({rule.place})" if rule.place else ""
    name = f"guardrail {rule.rule}: " if rule.topic == "guardrail" else ""
    return f"{name}{rule.text.raw}{where}"


def _entry(head: tuple[str, str], text: str, width: int) -> list[Row]:
    rest: list[Line] = wrapped(line(" ", head, "  ", text), width, 7)
    return [Row(each) for each in rest]
