"""One full local action, plan to effective, beside a script that makes the same commits and flushes."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from backends.store.paths import WorkspacePaths
from console.clock import SimulatedClock, SystemClock
from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.roles import Policy

ROUNDS, WARM_UP = 300, 20


def desk_action(root: Path) -> Callable[[int], None]:
    clock = SimulatedClock(datetime(2013, 4, 26, 22, tzinfo=UTC), SystemClock().real_now())
    desk = Desk(WorkspacePaths(root), clock, Actor.named("mara"), policy=Policy.personal("mara"), elevated=True)

    def act(number: int) -> None:
        kind = ActionKind.KILL if number % 2 == 0 else ActionKind.RESTORE
        outcome = desk.execute(desk.plan(ActionRequest(kind=kind, model="m", reason="bench")), Confirmation(typed_name="m"))
        assert outcome.state is ActionState.EFFECTIVE, outcome.message

    return act


def same_flushes(root: Path) -> Callable[[int], None]:
    """Two commits, each followed by the mirrored head, and one replaced switches.json between them."""
    database = sqlite3.connect(root / "events.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT)")

    def commit(body: str) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO events (body) VALUES (?)", (body,))
        database.execute("COMMIT")
        replaced(root / "head", b"x" * 150)

    def act(_: int) -> None:
        commit("x" * 2800)
        replaced(root / "switches.json", b"x" * 10_000)
        commit("x" * 400)

    return act


def replaced(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}")
    with beside.open("wb", buffering=0) as file:
        file.write(content)
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def measure() -> dict[str, float]:
    """Milliseconds: `desk_p50`, `desk_p95`, `script_p50`, `script_p95`, and the ratio of the medians."""
    spent: dict[str, list[float]] = {"desk": [], "script": []}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        acts = {"desk": desk_action(Path(one)), "script": same_flushes(Path(other))}
        for number in range(ROUNDS):
            for name, act in acts.items():
                started = time.perf_counter()
                act(number)
                spent[name].append((time.perf_counter() - started) * 1000)
    found = {}
    for name, times in spent.items():
        ordered = sorted(times[WARM_UP:])
        found[f"{name}_p50"] = ordered[len(ordered) // 2]
        found[f"{name}_p95"] = ordered[int(len(ordered) * 0.95)]
    found["ratio"] = found["desk_p50"] / found["script_p50"]
    return found


if __name__ == "__main__":
    for label, value in measure().items():
        print(f"{label:12} {value:8.2f}")
