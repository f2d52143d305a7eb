"""What every acting verb shares: its options, the typed name, and the way from a request to a receipt and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from backends.durations import parse_duration
from backends.shell_words import option
from backends.text import displayable
from console.acting import open_desk
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.control.actions import (
    ALIAS_KINDS,
    MOVING_KINDS,
    NEEDS_FACTS,
    TRAFFIC_KINDS,
    ActionKind,
    ActionOutcome,
    ActionPlan,
    ActionRequest,
    ActionState,
    Confirmation,
    PlanFacts,
    new_key,
    version_label,
)
from console.control.errors import JournalUnavailable, NotFound, Refused
from console.control.identity import PLAYED_VARIABLE, played_in_vain
from console.facts_in_time import FactsRead, base_facts, facts_at_execution, read_facts
from console.render.plan import plan_page, receipt_text

if TYPE_CHECKING:
    from console.control.desk import Desk
    from console.control.records import ActionRecord
    from console.control.state import ControlState

NO_REASON = "no reason given"


def acting_arguments(parser: argparse.ArgumentParser, *, confirmed: bool = True, moves: bool = True) -> None:
    """The options of every acting verb; `confirmed` adds the typed name, `moves` what only a change outside the journal has."""
    group = parser.add_argument_group("acting")
    group.add_argument("--dry-run", action="store_true", help="print the plan; nothing is sent")
    group.add_argument("--reason", metavar="TEXT", help="why; kept in the audit (default: the open incident)")
    group.add_argument("--key", metavar="KEY", help="idempotency key: the same key again does nothing twice")
    if confirmed:
        group.add_argument("--confirm", metavar="NAME", help="the name that is asked for, mostly the model's; needed without a terminal")
    if moves:
        group.add_argument("--expect", metavar="FROM", help="act only if this is in force now: a version or a switch state")
        group.add_argument("--elevate", action="store_true", help="act where the environment is read-only by default")
        group.add_argument(
            "--break-glass", action="store_true", help="act without the approval it needs; needs --reason, is reviewed after"
        )


def desk_of(context: Context, *, elevated: bool = False, environment: str | None = None) -> Desk:
    """The desk of this run, in `environment` or the one of the run.

    Says on stderr which policies are in force when the files are broken, and who acts when somebody else was to be played.

    Raises Problem when QUARTERDECK_ACTOR cannot be understood.
    """
    try:
        desk = open_desk(
            context.workspace,
            environment or context.environment,
            as_of=context.as_of,
            read_only=context.options.read_only,
            elevated=elevated,
            keep=not getattr(context.options, "dry_run", False),
        )
    except ValueError as problem:
        raise Problem(Exit.USAGE, str(problem)) from None
    say_who_is_not_played(context, desk.actor.who)
    if desk.policy.trouble:
        context.say(f"the policy files are broken: {desk.policy.trouble}; see: quarterdeck config validate")
    return desk


def say_who_is_not_played(context: Context, who: str) -> None:
    """A person to play is named where nobody can be: who thinks to be somebody else is told who acts."""
    played = played_in_vain(context.workspace.clock())
    if played is not None:
        context.say(f"{PLAYED_VARIABLE}={displayable(played)} counts only in a workspace with a simulated clock; here you are {who}")


def state_of(context: Context) -> ControlState:
    """What control knows, read only."""
    from console.control.ledger import read_state

    return read_state(context.workspace.paths, until=context.as_of)


def action_of(context: Context, wanted: str) -> ActionRecord:
    """An action by id, key or the beginning of its id. Raises Problem."""
    found = state_of(context).action(wanted)
    if found is None:
        raise Problem(Exit.NOT_FOUND, f"there is no action {displayable(wanted)}; see: quarterdeck actions")
    return found


def request_of(context: Context, kind: ActionKind, model: str, **more: object) -> ActionRequest:
    """A request with its key and reason filled in. Raises Problem for names that cannot be."""
    options = context.options
    incidents = state_of(context).open_incidents(context.environment, model)
    reason, glass = options.reason, getattr(options, "break_glass", False)
    if reason is None and incidents and kind in MOVING_KINDS and not glass:
        reason = f"{incidents[-1].id} {incidents[-1].title.raw}"
    fields: dict[str, object] = {
        "kind": kind,
        "environment": context.environment,
        "model": model,
        "reason": reason if reason is not None else "",
        "key": options.key or new_key(),
        "incident": incidents[-1].id if incidents else None,
        "break_glass": glass,
        **more,
    }
    try:
        return ActionRequest.model_validate(fields)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise Problem(Exit.USAGE, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None


def act(context: Context, request: ActionRequest, *, waiver: str | None = None) -> Exit:
    """Plan, show, confirm, execute, say what happened."""
    options = context.options
    with desk_of(context, elevated=getattr(options, "elevate", False)) as desk:
        repeated = _known(context, options.key)
        if repeated is not None and request.to is None and request.kind in ALIAS_KINDS:
            # The version that the key stood for then, not the one that the same words would mean now.
            request = request.model_copy(update={"to": repeated.to})
        read = facts_of_request(context, request, waiver)
        if read.unknown_model is not None:
            raise Problem(Exit.NOT_FOUND, read.unknown_model)
        plan = _first_plan(repeated, request) or desk.plan(request, read.facts)
        expected = getattr(options, "expect", None)
        if expected is not None and repeated is None and expected not in {plan.from_, version_label(plan.from_)}:
            found = version_label(plan.from_)
            raise Problem(Exit.REFUSED, f"{found} is in force, {displayable(expected)} was expected: nothing was sent")
        if options.dry_run:
            context.show(plan, "plan", plan_page(plan, context.workspace.zone, person=desk.actor.name))
            return Exit.OK if plan.allowed else Exit.REFUSED
        if plan.refusal is not None:
            return _refused(context, desk, plan, read)
        confirmation = _confirmation(context, desk, plan)
        # What was typed at a terminal was typed below a plan that had stood there for as long as that took.
        typed = getattr(options, "confirm", "") is None
        if not typed:
            return told(context, plan, desk.execute(plan, confirmation, current_world=world_now(context, request, plan, waiver)))
    with desk_of(context, elevated=getattr(options, "elevate", False)) as later:
        # The rules are those of now, too: whoever wrote a guardrail meanwhile meant this.
        world = facts_at_execution(context.workspace, context.environment, request, plan, as_of=context.as_of, waiver=waiver)
        return told(context, plan, later.execute(plan, confirmation, current_world=world))


def world_now(context: Context, request: ActionRequest, plan: ActionPlan, waiver: str | None = None) -> PlanFacts | None:
    """What a plan that was drawn at this very moment is checked against: itself, but for a deletion, which nothing takes back."""
    if plan.kind is not ActionKind.RETAIN:
        return None
    return facts_at_execution(context.workspace, context.environment, request, plan, as_of=context.as_of, waiver=waiver)


def act_recorded(context: Context, asked: Callable[[], ActionRequest]) -> Exit:
    """Plan and record what moves nothing: no name is typed. `asked` may raise NotFound or a ValidationError."""
    try:
        return act(context, asked())
    except NotFound as error:
        raise said(error) from None
    except ValidationError as problem:
        raise Problem(Exit.USAGE, problem.errors()[0]["msg"]) from None


def told(context: Context, plan: ActionPlan, outcome: ActionOutcome) -> Exit:
    """Print the receipt: on stdout what happened, on stderr when nothing did."""
    if context.options.json:
        context.show(outcome, "outcome")
    elif outcome.state in {ActionState.REFUSED, ActionState.FAILED}:
        for each in receipt_text(plan, outcome).splitlines():
            context.say(each)
    else:
        print(receipt_text(plan, outcome))
    return Exit(outcome.exit_code)


def _first_plan(repeated: ActionRecord | None, request: ActionRequest) -> ActionPlan | None:
    """The plan that a key stood for, where the same words mean something else by now: another step, other rows."""
    if (
        repeated is None
        or repeated.plan is None
        or repeated.kind is not request.kind
        or request.kind not in TRAFFIC_KINDS | {ActionKind.RETAIN}
    ):
        return None
    plan = ActionPlan.model_validate(repeated.plan)
    if request.kind is ActionKind.RETAIN:
        # By now nothing, or something else, is due.
        return plan if (plan.model, plan.environment) == (request.model, request.environment) else None
    asked, then = request.wish, plan.wish
    if plan.model != request.model or plan.environment != request.environment or plan.terms is None:
        return None
    if (
        asked is not None
        and asked != then
        and not (asked.share is not None and asked.share == plan.terms.weights.get(plan.terms.candidate))
    ):
        return None
    return plan if request.to in {None, plan.terms.candidate} else None


def _known(context: Context, key: str | None) -> ActionRecord | None:
    state = state_of(context)
    return state.actions.get(state.action_by_key.get(key or "", ""))


def facts_of_request(context: Context, request: ActionRequest, waiver: str | None = None) -> FactsRead:
    """What a plan of this is drawn from; says on stderr what could not be read."""
    if request.kind not in MOVING_KINDS:
        return FactsRead(base_facts(context.workspace, request.kind))
    read = read_facts(context.workspace, context.environment, request, as_of=context.as_of, waiver=waiver)
    if read.problem is not None and read.unknown_model is None:
        without = "" if request.kind in NEEDS_FACTS else "; the action works without them"
        context.say(f"facts could not be read: {read.problem}{without}")
    return read


def _refused(context: Context, desk: Desk, plan: ActionPlan, read: FactsRead) -> Exit:
    if read.problem is None or plan.kind not in NEEDS_FACTS:
        # The desk judges again: the attempt goes on record, or the key is known and the first outcome comes back.
        outcome = desk.execute(plan, Confirmation(reason=plan.reason))
        return told(context, plan, outcome)
    raise Problem(Exit.REFUSED, plan.refusal or "refused")


def reason_of(context: Context, plan: ActionPlan) -> str:
    """The reason that goes on record. Raises Problem where one has to be given."""
    reason = plan.reason
    if plan.break_glass and not (context.options.reason or "").strip():
        raise Problem(Exit.USAGE, "say why the glass is broken with --reason TEXT: who reviews it reads it; nothing was sent")
    if not reason.strip() and plan.kind in MOVING_KINDS:
        if not plan.safer:
            raise Problem(Exit.USAGE, "say why with --reason TEXT: it is kept in the audit, and who approves reads it")
        # A step towards safety is not held up by a form.
        reason = NO_REASON
    return reason


def _confirmation(context: Context, desk: Desk, plan: ActionPlan) -> Confirmation:
    reason = reason_of(context, plan)
    if plan.kind not in MOVING_KINDS:
        return Confirmation(reason=reason)
    typed = typed_name(
        context, plan.typed_name, plan.model, lambda: plan_page(plan, context.workspace.zone, person=desk.actor.name).plain(), "do it"
    )
    return Confirmation(typed_name=typed, reason=reason)


def typed_name(context: Context, asked: str | None, model: str, shown: Callable[[], str] | None, purpose: str) -> str:
    """What must be typed: `asked`, and the model's name where nothing is asked, since a verb has no button to press.

    From `--confirm` or typed at the terminal below what `shown` returns. Raises Problem when it is another name.
    """
    wanted = asked or model
    what = "model's name" if wanted == model else "number of models" if wanted.endswith(" models") else "environment's name"
    given = context.options.confirm
    if given is None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Problem(Exit.USAGE, f"without a terminal the {what} is needed: {option('--confirm', wanted)}; nothing was sent")
        if shown is not None:
            print(shown(), file=sys.stderr)
        print(f"Type {displayable(wanted)} to {purpose} (anything else leaves): ", end="", file=sys.stderr, flush=True)
        given = sys.stdin.readline().rstrip("\n")
    if given != wanted:
        raise Problem(Exit.USAGE, f"{displayable(given)!r} is not the {what}, {displayable(wanted)}: nothing was sent")
    return str(given)


def until_of(context: Context, words: str | None) -> datetime | None:
    """When the owner of a switch is asked again: `4h`, or a time with an offset. Raises Problem."""
    if words is None:
        return None
    try:
        length: timedelta = parse_duration(words)
    except ValueError:
        from console.cli.context import parse_moment

        return parse_moment(words)
    return context.clock.now() + length


def said(error: Exception) -> Problem:
    """What the desk raised, as the problem of a verb."""
    code = {NotFound: Exit.NOT_FOUND, Refused: Exit.REFUSED, JournalUnavailable: Exit.UNAVAILABLE}.get(type(error), Exit.UNAVAILABLE)
    return Problem(code, str(error))


def version_of(context: Context, model: str, words: str | None) -> str | None:
    """A version as the registry writes it: `v3` is taken for `3` where no version of that name ever was in force."""
    if words is None or not (words[:1] == "v" and words[1:].isdigit()):
        return words
    from backends.local.reading import LocalAliases
    from backends.protocol import BackendError

    try:
        moves = LocalAliases(context.workspace.paths.registry).alias_history(context.environment, model)
    except BackendError:
        return words
    known = {move.version for move in moves}
    return words if words in known or any(str(each).startswith("v") for each in known) else words[1:]
