"""Sources outside the workspace: database files of the user's own, and the command that tells of alerts; a breaker guards each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backends.breaker import BreakerState
from backends.breaker_file import BreakerFile, BreakerOpen
from backends.protocol import BackendError
from backends.records import State
from backends.text import Untrusted
from console.guards import FILE, NOTIFY, Guard, breakers_of, file_of, guards_of
from console.render import figures
from console.views.own.breakers import breaker_row, breaker_words
from console.views.sight import Sight
from console.views.sources.collected import CollectedSource, read_collected
from console.views.sources.source import Source


def outside(sight: Sight) -> Iterator[Source]:
    """Every source outside. Of the past nothing is known: nobody recorded how they stood."""
    if sight.past:
        return
    breakers = breakers_of(sight.workspace, sight.clock.real_now)
    for guard in guards_of(sight.workspace):
        yield _hook(sight, breakers, guard) if guard.name == NOTIFY else _file(sight, breakers, guard)


def _file(sight: Sight, breakers: BreakerFile, guard: Guard) -> Source:
    from backends.duckdb_file.reading import tables  # loads the database engine

    name = guard.name.removeprefix(FILE)
    path = file_of(sight.workspace, name)
    last: datetime | None = None
    try:
        found = breakers.call(guard.name, guard.rule, lambda: tables(path))
        # A file lives in real time: in a workspace with a time of its own that moment says nothing.
        last = datetime.fromtimestamp(path.stat().st_mtime, UTC) if sight.clock.kind == "now" else None
        views = sum(each.is_view for each in found)
        state, why = State.OK, f"readable: {len(found) - views} tables, {views} views; read-only, and confined to itself"
    except BreakerOpen:
        state, why = State.CRITICAL, ""
    except (BackendError, OSError) as error:
        state, why = State.CRITICAL, str(error)
    told = breakers.told(guard.name, guard.rule)
    if told.state is not BreakerState.CLOSED:
        unread = f"not read: {told.breaker.last_error}" if told.breaker.last_error else "not read"
        why = f"{why or unread}; {breaker_words(sight, told)}"
    collected = read_collected(sight.workspace.paths).duckdb.get(name)
    if sight.workspace.settings.duckdb[name].tables:
        state, why = _with_collected(sight, collected, state, why)
    return Source(
        id=f"file:{name}",
        kind="file",
        name=Untrusted(f"{name} duckdb"),
        state=state,
        why=Untrusted(why),
        last_at=last,
        age_hours=None,
        expected_hours=None,
        expected_from="",
        rows=collected.rows if collected is not None else None,
        breaker=breaker_row(sight, guard, told),
    )


def _with_collected(sight: Sight, collected: CollectedSource | None, state: State, why: str) -> tuple[State, str]:
    """What is said of a file whose tables the watch collects: readable now is not yet read."""
    if collected is None:
        return (State.UNKNOWN if state is State.OK else state), f"never collected, quarterdeck watch --once does; {why}"
    when = "never collected to its end" if collected.at is None else f"collected {_since(sight, collected.at)}"
    if collected.problem is not None and state is State.OK:
        return State.CRITICAL, f"{collected.problem.raw}; {when}"
    return state, f"{why}; {when}"


def _since(sight: Sight, at: datetime) -> str:
    return figures.ago(max(sight.at - at, timedelta()))


def _hook(sight: Sight, breakers: BreakerFile, guard: Guard) -> Source:
    told = breakers.told(guard.name, guard.rule)
    waits = sum(1 for _ in sight.workspace.paths.spool.glob("untold-*.json"))
    why = f"{breaker_words(sight, told)}; {waits} alerts wait to be told" if waits else breaker_words(sight, told)
    shut = told.state in {BreakerState.OPEN, BreakerState.FORCED_OPEN, BreakerState.HALF_OPEN}
    state = State.CRITICAL if shut else State.WARNING if waits or told.state is BreakerState.FORCED_CLOSED else State.OK
    if state is State.OK and not told.calls:
        # Nobody has been told anything lately: that it would work is not known.
        state, why = State.UNKNOWN, f"{why}, so nobody knows whether it works"
    return Source(
        id="hook",
        kind="hook",
        name=Untrusted("alerts told by command"),
        state=state,
        why=Untrusted(why),
        last_at=None,
        age_hours=None,
        expected_hours=None,
        expected_from="",
        breaker=breaker_row(sight, guard, told),
    )
