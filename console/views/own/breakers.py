"""How the breakers stand that guard what is called outside the workspace."""

from __future__ import annotations

from backends.breaker import BreakerState
from backends.breaker_file import Told
from backends.records import Moment, State
from backends.text import Untrusted
from console.guards import Guard, breakers_of, guards_of
from console.render import figures
from console.views.health.model import View
from console.views.sight import Sight


class BreakerRow(View):
    """One breaker."""

    name: str
    what: Untrusted
    """What it guards."""
    state: State
    """`ok` when calls are made and some were lately, `unknown` when none was, `warning` when none is made or a person holds it,
    `critical` when whoever holds it open is overdue."""
    breaker: BreakerState
    calls: int
    """Calls within the window."""
    failures: int
    window_seconds: float
    minimum_calls: int
    failure_share: float
    opened_at: Moment | None
    """These moments are of the clock on the wall, also where the workspace has a simulated one."""
    next_try_at: Moment | None
    last_error: Untrusted
    owner: str | None
    reason: Untrusted
    until: Moment | None
    overdue: bool
    why: Untrusted


class BreakersView(View):
    """Every breaker of a workspace."""

    at: Moment
    """By the clock on the wall."""
    zone: str
    rows: tuple[BreakerRow, ...]
    problem: Untrusted | None
    """Why the file of the breakers cannot be read; then calls are made as if nothing had been remembered."""


def breakers_view(sight: Sight) -> BreakersView:
    """Every breaker as it stands now. Never raises."""
    clock = sight.clock
    file = breakers_of(sight.workspace, clock.real_now)
    rows, problem = [], None
    for guard in guards_of(sight.workspace):
        rows.append(breaker_row(sight, guard, file.told(guard.name, guard.rule)))
        problem = problem or file.problem
    return BreakersView(
        at=clock.real_now(),
        zone=sight.workspace.settings.display_zone,
        rows=tuple(rows),
        problem=Untrusted(problem) if problem else None,
    )


def breaker_row(sight: Sight, guard: Guard, told: Told) -> BreakerRow:
    """One breaker as a row."""
    breaker, rule = told.breaker, guard.rule
    held = breaker.forced if told.state in {BreakerState.FORCED_OPEN, BreakerState.FORCED_CLOSED} else None
    return BreakerRow(
        name=guard.name,
        what=Untrusted(guard.what),
        state=_state(told),
        breaker=told.state,
        calls=told.calls,
        failures=told.failures,
        window_seconds=rule.window.total_seconds(),
        minimum_calls=rule.minimum_calls,
        failure_share=rule.failure_share,
        opened_at=breaker.opened_at,
        next_try_at=told.next_try_at,
        last_error=Untrusted(breaker.last_error),
        owner=held.owner if held else None,
        reason=Untrusted(held.reason if held else ""),
        until=held.until if held else None,
        overdue=told.overdue,
        why=Untrusted(breaker_words(sight, told)),
    )


def _state(told: Told) -> State:
    if told.overdue:
        return State.CRITICAL
    if told.state is not BreakerState.CLOSED:
        return State.WARNING
    return State.OK if told.calls else State.UNKNOWN


def breaker_words(sight: Sight, told: Told) -> str:
    """`breaker open, next try 18:42`: what a person has to know of a breaker, in few words."""
    breaker, now = told.breaker, sight.clock.real_now()
    wall = " on the wall" if sight.clock.kind == "sim" else ""
    if told.state in {BreakerState.FORCED_OPEN, BreakerState.FORCED_CLOSED} and breaker.forced is not None:
        held, owner = "open" if breaker.forced.open else "closed", breaker.forced.owner
        if told.overdue:
            late = figures.age(now - breaker.forced.until)
            return f"breaker held {held}, overdue {late}: {owner} decides ({breaker.forced.reason})"
        return f"breaker held {held} by {owner} until {figures.moment(breaker.forced.until, sight.zone)}{wall}: {breaker.forced.reason}"
    if told.state is BreakerState.OPEN:
        return f"breaker open, next try {_clock(sight, told.next_try_at)}{wall}; {told.failures} of {told.calls} calls failed"
    if told.state is BreakerState.HALF_OPEN:
        return "breaker half-open, the next call decides" if told.next_try_at is None else "breaker half-open, one call is being tried"
    return f"breaker closed, {told.failures} of {told.calls} calls failed" if told.calls else "breaker closed, no call lately"


def _clock(sight: Sight, moment: Moment | None) -> str:
    return figures.MISSING if moment is None else moment.astimezone(sight.zone).strftime("%H:%M:%S")
