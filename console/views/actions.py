"""Actions and their lives: what was planned, intended, sent, seen to be in effect, and whether it helped; with the exact calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

from backends.records import Moment, State
from backends.text import Untrusted
from console.control.actions import ALIAS_KINDS, ENDED, SWITCH_STATES, ActionKind, ActionState, Moved, version_label
from console.control.records import ActionRecord
from console.views.health.model import View
from console.views.incidents.effect_view import EffectView
from console.views.release.holds import held_view
from console.views.sight import Sight

_STATES = {
    ActionState.IN_DOUBT: State.CRITICAL,
    ActionState.FAILED: State.WARNING,
    ActionState.REFUSED: State.WARNING,
    ActionState.INTENDED: State.UNKNOWN,
    ActionState.SENT: State.UNKNOWN,
    ActionState.WAITING: State.UNKNOWN,
}


class NoSuchAction(LookupError):
    """An action that control does not know."""


class ActionRow(View):
    """One action."""

    id: str
    kind: str
    model: str
    movement: str
    """`v2 -> v1`, `normal -> fallback`."""
    who: str
    at: Moment
    """When it was intended, or refused."""
    life: str
    """`effective`, `in doubt`, `in flight`, ..."""
    state: State
    open: bool
    """Whether somebody still has to find out how it ended."""
    overdue: Moment | None
    """Since when the owner of the switch or hold that it set has to decide whether it goes on; None: nobody has to."""
    asked: str | None
    """Who that is."""
    seconds: float | None
    why: Untrusted
    awaits: Untrusted | None = None
    """What has to happen elsewhere before it is in effect; None: nothing. It is open, and in no doubt."""


class ActionsView(View):
    """Actions of an environment: those in doubt first, then those whose owner is asked, then the newest."""

    environment: str
    at: Moment
    zone: str
    only_open: bool
    rows: tuple[ActionRow, ...]
    problem: Untrusted | None
    """Why the journal could not be read."""


class LifeStep(View):
    """One station of an action's life."""

    name: Literal["planned", "intended", "sent", "rechecked", "ended", "watched"]
    at: Moment | None
    what: Untrusted


class ActionCallMade(View):
    """One call as it was made."""

    call: Untrusted
    result: Untrusted
    ms: float


class ActionView(View):
    """One action in full."""

    environment: str
    at: Moment
    zone: str
    row: ActionRow
    key: str
    reason: Untrusted
    before: str | None
    wanted: str | None
    after: str | None
    """What was read back."""
    life: tuple[LifeStep, ...]
    calls: tuple[ActionCallMade, ...]
    difference: tuple[Untrusted, ...]
    approval: str | None
    incident: str | None
    run: str | None
    suggested: str | None
    until: Moment | None
    safer: bool
    spooled: bool
    settled_by: str | None
    entries: tuple[int, ...]
    seen: tuple[Untrusted, ...]
    """What the plan showed to whoever confirmed it."""
    undo: Untrusted
    moved: Moved | None
    """Who moved it meanwhile, when that is why it ended as it did."""
    retries: int
    """How often the same call was made again."""
    effect: EffectView | None = None
    """Whether it helped; None for what moved nothing, and where it cannot be measured."""
    effect_problem: Untrusted | None = None
    """Why the effect of what moved something cannot be measured."""
    next: tuple[str, ...]
    """Verbs that lead out of doubt, in the order in which they are to be tried; none for an action that has ended."""


def actions_view(sight: Sight, *, only_open: bool = False, model: str | None = None) -> ActionsView:
    """Every action on record up to the sight's moment. Never raises."""
    found = [each for each in sight.control.actions.values() if each.environment == sight.environment and model in {None, each.model}]
    # What happened in one moment, as where a simulated clock stands, stays in the order of the journal: the last one first.
    rows = [action_row(sight, each) for each in reversed(found)]
    if only_open:
        rows = [row for row in rows if row.open or row.overdue is not None]
    return ActionsView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        only_open=only_open,
        rows=tuple(sorted(rows, key=lambda row: (not row.open, row.overdue is None, -row.at.timestamp()))),
        problem=Untrusted(sight.control.problem) if sight.control.problem else None,
    )


def action_row(sight: Sight, action: ActionRecord) -> ActionRow:
    """One line of an action."""
    life = "in flight" if action.in_flight else action.state.value
    why = action.message or action.reason or life
    state = _STATES.get(action.state, State.OK)
    past_it = _past_its_time(sight, action)
    if past_it is not None:
        state = State.WARNING
        why = past_it.why
    if action.state is ActionState.IN_DOUBT:
        why = f"it may or may not have happened: recheck before doing it again{f' ({action.message})' if action.message else ''}"
    return ActionRow(
        id=action.id,
        kind=action.kind.value,
        model=action.model,
        movement=_movement(action),
        who=action.actor.who,
        at=action.intended_at,
        life=life,
        state=state,
        open=action.open,
        overdue=past_it.until if past_it is not None else None,
        asked=past_it.asked if past_it is not None else None,
        seconds=action.seconds,
        why=Untrusted(why),
        awaits=Untrusted(action.awaits) if action.awaits else None,
    )


class _Overdue(NamedTuple):
    """What is in force although the time at which its owner was to be asked has passed."""

    until: datetime | None
    asked: str
    why: str


def _past_its_time(sight: Sight, action: ActionRecord) -> _Overdue | None:
    """What is in force by this action and overdue."""
    if action.until is None or action.open:
        return None
    if action.kind is ActionKind.HOLD:
        held = next((each for each in held_view(sight, action.model).rows if each.action == action.id and each.overdue), None)
        why = "the hold is past its time: {} decides, H on its Data screen releases it, hold renews it; it never ends by itself"
        return None if held is None else _Overdue(held.until, held.owner, why.format(held.owner))
    if action.kind not in SWITCH_STATES:
        return None
    standing = sight.switch_standing(action.model)
    setting = standing.published
    if setting is None or setting.key != action.key or not standing.overdue(sight.at):
        return None
    why = f"{setting.state.value} is past its time: {setting.asked} decides, K renews or restores; it never turns itself back on"
    return _Overdue(setting.until, setting.asked, why)


def _movement(action: ActionRecord) -> str:
    if action.to is None and action.from_ is None:
        return ""
    said = version_label if action.kind in ALIAS_KINDS else str
    return f"{said(action.from_)} -> {said(action.to)}"


def action_view(sight: Sight, wanted: str) -> ActionView:
    """One action by id, by key, or by the beginning of its id. Raises NoSuchAction."""
    action = sight.control.action(wanted)
    if action is None:
        raise NoSuchAction(f"there is no action {wanted!r}; see: quarterdeck actions")
    plan = action.plan or {}
    return ActionView(
        environment=action.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        row=action_row(sight, action),
        key=action.key,
        reason=Untrusted(action.reason),
        before=action.from_,
        wanted=action.to,
        after=action.after,
        life=tuple(_life(action, plan)),
        calls=tuple(ActionCallMade(call=Untrusted(each.call), result=Untrusted(each.result), ms=each.ms) for each in action.calls),
        difference=tuple(Untrusted(each) for each in action.difference),
        approval=action.approval,
        incident=action.incident,
        run=action.run,
        suggested=action.suggested,
        until=action.until,
        safer=action.safer,
        spooled=action.spooled,
        settled_by=action.settled_by,
        entries=action.entries,
        seen=tuple(_seen(plan)),
        undo=Untrusted(str(plan.get("undo") or "")),
        moved=action.moved,
        retries=action.retries,
        next=_next(action),
    )


def _next(action: ActionRecord) -> tuple[str, ...]:
    if not action.open or action.in_flight:
        return ()
    if action.awaits:
        return (f"action recheck {action.id}", f"action resolve {action.id} --failed --reason TEXT")
    retry = (f"action retry {action.id}",) if action.recheck is not None else ()
    return (f"action recheck {action.id}", *retry, f"action resolve {action.id} --done|--failed --reason TEXT")


def _life(action: ActionRecord, plan: dict[str, Any]) -> list[LifeStep]:
    steps = []
    if plan.get("drawn_at"):
        steps.append(LifeStep(name="planned", at=plan["drawn_at"], what=Untrusted(str(plan.get("title") or ""))))
    if action.state is not ActionState.REFUSED or action.sent_at is not None:
        where = " beside the journal, which could not be written" if action.spooled else ""
        steps.append(LifeStep(name="intended", at=action.intended_at, what=Untrusted(f"written{where} before anything moved")))
    if action.sent_at is not None:
        again = f", {action.retries + 1} times with the same key" if action.retries else ""
        steps.append(
            LifeStep(
                name="sent",
                at=action.sent_at,
                what=Untrusted(action.message if action.awaits else f"the call was made{again}; sent is not yet in effect"),
            )
        )
    if action.recheck is not None and action.state not in ENDED:
        look = action.recheck
        steps.append(LifeStep(name="rechecked", at=look.at, what=Untrusted(f"by {look.who}: {look.message}")))
    if action.state not in {ActionState.INTENDED, ActionState.SENT}:
        read = f"; read back: {action.after}" if action.after is not None and "read back" not in action.message else ""
        state = "" if action.message.startswith(action.state.value) else f"{action.state.value}: "
        said = f"{state}{action.message}{read}" if action.message else f"{action.state.value}{read}"
        steps.append(LifeStep(name="ended", at=action.finished_at, what=Untrusted(said)))
    if action.watch is not None:
        steps.append(LifeStep(name="watched", at=action.watch.at, what=Untrusted(f"{action.watch.verdict}: {action.watch.message}")))
    return steps


def _seen(plan: dict[str, Any]) -> list[Untrusted]:
    lines = [f"will change: {each['what']} {each['movement']}" for each in plan.get("will_change") or ()]
    helps = plan.get("would_help") or {}
    lines += [f"would it help: {helps['verdict']}"] if helps.get("verdict") else []
    readers = [str(each["name"]) for each in plan.get("readers") or ()]
    lines += [f"readers: {', '.join(readers)}"] if readers else []
    lines += [f"warning: {each}" for each in plan.get("warnings") or ()]
    return [Untrusted(each) for each in lines]
