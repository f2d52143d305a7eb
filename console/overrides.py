"""What takes the middle of the banner: broken policies, broken glass, switches that are not normal, jobs and breakers that are held,
and notes that wait outside the journal.

Loads nothing heavy: the policies and the journal are read by `broken_policies` and `broken_glass`, never on the way to the first frame.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from backends.plain_file import read_plain
from backends.store.paths import WorkspacePaths
from console.render import figures
from console.session import Session


def open_overrides(paths: WorkspacePaths, environment: str, now: datetime | None, *, past: bool = False) -> tuple[str, ...]:
    """`OVERRIDE arrival-delay fallback 3h58`, one for each switch that is not normal and each hold, and `AUDIT GAP` while notes wait.

    A file that cannot be read is said, not passed over. For the past only what had been set by `now` counts. `now` is None while
    nobody can say what time it is: then nothing is said of what is left.
    """
    try:
        raw = json.loads(read_plain(paths.switches))
        settings: dict[str, Any] = raw["switches"].get(environment, {})
        found = [text for model, setting in settings.items() if (text := _said(model, setting, now, past))]
    except FileNotFoundError:
        found = []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        found = [f"OVERRIDE unknown: {paths.switches.name} cannot be read"]
    found += _held_jobs(paths, environment, now, past)
    try:
        waiting = 0 if past else sum(1 for _ in paths.spool.glob("control-*.jsonl"))
    except OSError:
        waiting = 0
    return (*found, "AUDIT GAP") if waiting else tuple(found)


def _held_jobs(paths: WorkspacePaths, environment: str, now: datetime | None, past: bool) -> list[str]:
    """`OVERRIDE arrival-delay jobs held 3h58`, one for each hold; of one pipeline with its name."""
    try:
        held: dict[str, Any] = json.loads(read_plain(paths.pipelines))["holds"].get(environment, {})
        found = []
        for model, pipelines in held.items():
            for pipeline, setting in pipelines.items():
                whose = "jobs" if pipeline == "*" else pipeline
                found.append(_said(f"{model} {whose}", setting, now, past))
        return [text for text in found if text]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [f"OVERRIDE unknown: {paths.pipelines.name} cannot be read"]


def held_breakers(paths: WorkspacePaths, now: datetime) -> tuple[str, ...]:
    """`OVERRIDE notify held open 1h58`, one for each breaker that a person holds; `now` is of the clock on the wall.

    While their file cannot be read none is held, whatever it says: calls are made.
    """
    try:
        breakers: dict[str, Any] = json.loads(read_plain(paths.breakers))["breakers"]
        held = [(name, kept["forced"]) for name, kept in sorted(breakers.items()) if kept.get("forced") is not None]
        return tuple(text for name, forced in held if (text := _held(name, forced, now)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def _held(name: str, forced: dict[str, Any], now: datetime) -> str | None:
    left = datetime.fromisoformat(forced["until"]) - now
    if not forced["open"] and left <= timedelta():
        return None
    return f"OVERRIDE {name} held {'open' if forced['open'] else 'closed'} {remaining(left)}"


def broken_policies(session: Session) -> tuple[str, ...]:
    """`POLICIES BROKEN` while what is in force is not what the files say; what is wrong stands in every plan. Good ones are kept."""
    from console.policies.load import adopt_new, load_policies  # loads the parser, which the first frame does not

    policies = load_policies(session.paths.policies)
    if not session.read_only:
        # Whoever has a console open has seen these in force: what breaks a minute later falls back to them.
        adopt_new(session.paths.policies, policies)
    return ("POLICIES BROKEN",) if policies.problems else ()


def broken_glass(session: Session, environment: str) -> tuple[str, ...]:
    """`BREAK-GLASS REV-1a2b3c`, or how many, while somebody else has not looked at what was done without approval.

    Also `NOTE REFUSED` while a note lies in the spool that somebody else than it names has written.
    """
    from console.control.ledger import read_state  # loads the journal, which the first frame does not

    state = read_state(session.paths, until=session.as_of)
    refused = ("NOTE REFUSED",) if state.refused_notes else ()
    open_ = state.open_reviews(environment)
    if not open_:
        return refused
    return (*refused, f"BREAK-GLASS {open_[0].id if len(open_) == 1 else len(open_)} unreviewed")


def _said(model: str, setting: dict[str, Any], now: datetime | None, past: bool) -> str | None:
    if setting["state"] in {"normal", "free"} or (past and now is not None and datetime.fromisoformat(setting["set_at"]) > now):
        return None
    until = setting.get("until")
    left = remaining(datetime.fromisoformat(until) - now) if until and now is not None else ""
    return f"OVERRIDE {model} {setting['state']} {left}".rstrip()


def briefly(override: str) -> str:
    """`OVERDUE arrival-delay fallback 27h` for an override whose time is over."""
    head, overdue, late = override.rpartition(" overdue")
    return f"{head.replace('OVERRIDE', 'OVERDUE', 1)}{late}" if overdue and head.startswith("OVERRIDE ") else override


def remaining(length: timedelta) -> str:
    """`3h58`, `12m`; `overdue 12m` once nothing is left: its owner has to be asked."""
    minutes = int(length.total_seconds() // 60)
    if length <= timedelta():
        late = figures.age(-length)
        return "overdue" if late == "now" else f"overdue {late}"
    return f"{minutes // 60}h{minutes % 60:02d}" if minutes >= 60 else f"{minutes}m"
