"""`quarterdeck action retry ID`: from an action in doubt to its plan, the typed name and the receipt."""

from __future__ import annotations

from console.cli.acting import action_of, desk_of, said, told, typed_name
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.control.actions import Confirmation
from console.control.errors import JournalUnavailable, NotFound, Refused
from console.control.retrying import request_again
from console.facts_in_time import read_facts
from console.render.plan import plan_page


def retry(context: Context, wanted: str) -> Exit:
    """Plan, show, confirm and send once more. Raises Problem."""
    options = context.options
    action = action_of(context, wanted)
    try:
        with desk_of(context, elevated=options.elevate, environment=action.environment) as desk:
            request = request_again(action, context.clock.now())
            read = read_facts(context.workspace, action.environment, request, as_of=context.as_of)
            if read.problem is not None:
                context.say(f"facts could not be read: {read.problem}")
            plan = desk.plan_again(action.id, read.facts)
            if options.dry_run:
                context.show(plan, "plan", plan_page(plan, context.workspace.zone, person=desk.actor.name))
                return Exit.OK if plan.allowed else Exit.REFUSED
            if plan.refusal is not None:
                raise Problem(Exit.REFUSED, f"{plan.refusal}; nothing was sent")
            if options.reason is None and not plan.safer:
                raise Problem(Exit.USAGE, "say why with --reason TEXT: it is kept in the audit")
            zone = context.workspace.zone
            page = plan_page(plan, zone, person=desk.actor.name)
            typed = typed_name(context, plan.typed_name, plan.model, page.plain, "send it again")
            confirmation = Confirmation(typed_name=typed, reason=options.reason or plan.reason)
        with desk_of(context, elevated=options.elevate, environment=action.environment) as later:
            world = read_facts(context.workspace, action.environment, request, as_of=context.as_of).facts
            outcome = later.retry(plan, confirmation, current_world=world)
    except (NotFound, Refused, JournalUnavailable) as error:
        raise said(error) from None
    return told(context, plan, outcome)
