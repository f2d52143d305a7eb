"""One action on several models: all of them are planned before the first moves, one name is typed, each is on record by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from console.cli.acting import act, desk_of, facts_of_request, reason_of, request_of, state_of, typed_name, world_now
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.control.actions import ActionKind, ActionOutcome, ActionPlan, ActionRequest, Confirmation, version_label
from console.facts_in_time import FactsRead, base_facts
from console.render.plan import plan_page, receipt_text
from console.several import asked_for_all
from widgets.line import Line, Page, Row

if TYPE_CHECKING:
    from console.control.desk import Desk


def act_on_each(context: Context, kind: ActionKind, models: Sequence[str], **more: object) -> Exit:
    """Do `kind` to every model that is named; to none where one of them is refused. One model is acted on as ever."""
    each = list(dict.fromkeys(models))
    if len(each) == 1:
        return act(context, request_of(context, kind, each[0], **more))
    given = context.options.key
    requests = [
        request_of(context, kind, model, bulk=len(each), bulk_index=number, **more, **({"key": f"{given}/{model}"} if given else {}))
        for number, model in enumerate(each)
    ]
    with desk_of(context, elevated=getattr(context.options, "elevate", False)) as desk:
        plans = list(_planned(context, desk, requests))
        _as_expected(context, plans)
        if context.options.dry_run:
            from console.views.release.several import PlansView

            context.show(PlansView(plans=tuple(plans)), "plans", _page(context, desk, plans))
            return Exit.OK if all(plan.allowed for plan in plans) else Exit.REFUSED
        _all_or_none(context, desk, plans)
        reasons = [reason_of(context, plan) for plan in plans]
        typed_name(context, asked_for_all(plans), plans[0].model, lambda: _page(context, desk, plans).plain(), "do it")
        # What was typed is what the strictest of them asks for; each of them asks for that or for less.
        confirmed = [Confirmation(typed_name=plan.typed_name, reason=reason) for plan, reason in zip(plans, reasons, strict=True)]
        each_one = list(zip(requests, plans, confirmed, strict=True))
        if context.options.confirm is not None:
            outcomes = _carried_out(context, desk, each_one)
    if context.options.confirm is None:
        # What was typed at a terminal took its time: the rules are those of now, and where one is refused by them none moves.
        with desk_of(context, elevated=getattr(context.options, "elevate", False)) as later:
            _all_or_none(context, later, list(_planned(context, later, requests)))
            outcomes = _carried_out(context, later, each_one)
    if context.options.json:
        from console.views.release.several import OutcomesView

        context.show(OutcomesView(outcomes=tuple(outcomes)), "outcomes")
    else:
        for plan, outcome in zip(plans, outcomes, strict=True):
            print(receipt_text(plan, outcome))
    return Exit(max(outcome.exit_code for outcome in outcomes))


def _carried_out(context: Context, desk: Desk, each_one: Sequence[tuple[ActionRequest, ActionPlan, Confirmation]]) -> list[ActionOutcome]:
    return [
        desk.execute(plan, confirmation, current_world=world_now(context, request, plan)) for request, plan, confirmation in each_one
    ]  # fmt: skip


def _planned(context: Context, desk: Desk, requests: Sequence[ActionRequest]) -> Iterator[ActionPlan]:
    """The plan of each. Once facts did not come, the other models are not waited for either. Raises Problem for an unknown model."""
    late: str | None = None
    for request in requests:
        read = facts_of_request(context, request) if late is None else FactsRead(base_facts(context.workspace, request.kind, late), late)
        if read.unknown_model is not None:
            raise Problem(Exit.NOT_FOUND, read.unknown_model)
        if read.problem is not None and read.problem.startswith("no answer"):
            late = read.problem
        yield desk.plan(request, read.facts)


def _as_expected(context: Context, plans: Sequence[ActionPlan]) -> None:
    expected = getattr(context.options, "expect", None)
    for plan in plans:
        if expected is not None and expected not in {plan.from_, version_label(plan.from_)}:
            message = f"{version_label(plan.from_)} is in force for {plan.model}, {expected} was expected: nothing was sent"
            raise Problem(Exit.REFUSED, message)


def _all_or_none(context: Context, desk: Desk, plans: Sequence[ActionPlan]) -> None:
    """Raises Problem where one of them is refused, with the attempt on record. What was done under its key before is no hindrance."""
    done = state_of(context).action_by_key
    refused = [plan for plan in plans if plan.refusal is not None and plan.key not in done]
    for plan in refused:
        desk.execute(plan, Confirmation(reason=plan.reason))
        context.say(f"{plan.model}: {plan.refusal}")
    if refused:
        raise Problem(Exit.REFUSED, f"{len(refused)} of {len(plans)} are refused: nothing was sent to any")


def _page(context: Context, desk: Desk, plans: Sequence[ActionPlan]) -> Page:
    pages = [plan_page(plan, context.workspace.zone, person=desk.actor.name) for plan in plans]
    rows = [row for page in pages[1:] for row in (Row(Line()), Row(page.heading), *page.rows)]
    return Page(pages[0].heading, (*pages[0].rows, *rows), plans[0].verb)
