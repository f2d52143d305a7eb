"""A journal of 100,000 entries: verifying it, and the first action of a process upon it; and four processes that act at once."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backends.journal.entries import Draft
from backends.journal.journal import Journal
from backends.store.paths import WorkspacePaths
from console.clock import SimulatedClock, SystemClock
from console.control import audit
from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.ledger import read_state
from console.control.roles import Policy
from tests.benchmarks.bench_action import desk_action
from tests.benchmarks.measures import Measure

ENTRIES = 100_000
BATCH = 5_000
PROCESSES, ACTIONS = 4, 500

FIRST_ACTION = """
import sys, time
from pathlib import Path
from tests.benchmarks.bench_action import desk_action
act = desk_action(Path(sys.argv[1]))
started = time.process_time()
act(0)
print(time.process_time() - started)
"""
"""Prints the CPU seconds of one action in a process that has imported everything and read nothing."""


def long_journal(root: Path) -> None:
    """Fill a workspace with the entries of two real actions, again and again under other keys, and keep what they add up to."""
    act = desk_action(root)
    act(0)
    act(1)
    paths = WorkspacePaths(root)
    journal = Journal(paths.control, paths.audit_head)
    original = journal.entries()
    batch: list[Draft] = []
    number = made = 0
    while made < ENTRIES:
        for place in range(0, len(original), 2):
            number += 1
            for entry in original[place : place + 2]:
                old, new = _names(original[place], number)
                body = json.loads(_renamed(json.dumps(entry.body), old, new))
                key = _renamed(entry.key, old, new)
                batch.append(Draft(key, entry.kind, new[1], entry.at, entry.real_at, entry.actor, body))
                made += 1
        if len(batch) >= BATCH:
            journal.append(batch)
            batch = []
    journal.append(batch)
    journal.close()
    with desk(root, "mara") as keeper:
        keeper.keep_state(after=1)


def _names(first: Any, number: int) -> tuple[tuple[str, str], tuple[str, str]]:
    return (first.body["key"], first.subject), (f"bench-{number:07d}", f"ACT-b{number:07d}")


def _renamed(text: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    return text.replace(old[0], new[0]).replace(old[1], new[1])


def desk(root: Path, who: str) -> Desk:
    """A desk at which `who` may do everything."""
    clock = SimulatedClock(datetime(2013, 4, 26, 22, tzinfo=UTC), SystemClock().real_now())
    return Desk(WorkspacePaths(root), clock, Actor.named(who), policy=Policy.personal(who), elevated=True)


def _acting(root: Path, who: str) -> None:
    with desk(root, who) as mine:
        for number in range(ACTIONS):
            kind = ActionKind.KILL if number % 2 == 0 else ActionKind.RESTORE
            plan = mine.plan(ActionRequest(kind=kind, model=who, reason="bench"))
            mine.execute(plan, Confirmation(typed_name=who))


def at_once(root: Path) -> tuple[float, int]:
    """Seconds that four processes take for 500 actions each, and how many of the 2,000 are missing or leave the chain broken."""
    started = time.perf_counter()
    processes = [multiprocessing.get_context("spawn").Process(target=_acting, args=(root, f"m{number}")) for number in range(PROCESSES)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    spent = time.perf_counter() - started
    actions = read_state(WorkspacePaths(root)).actions.values()
    effective = sum(action.state is ActionState.EFFECTIVE for action in actions)
    missing = PROCESSES * ACTIONS - effective
    return spent, missing if audit.verify(WorkspacePaths(root)).whole else PROCESSES * ACTIONS


def measure() -> list[Measure]:
    """CPU seconds of verifying, milliseconds of CPU of the first action, and what four processes lost."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        root = Path(one)
        long_journal(root)
        begun = time.process_time()
        assert audit.verify(WorkspacePaths(root)).whole
        verified = time.process_time() - begun
        run = subprocess.run([sys.executable, "-c", FIRST_ACTION, str(root)], check=True, capture_output=True, text=True)
        spent, missing = at_once(Path(other))
    return [
        Measure("audit verify, 100,000 entries, CPU", verified, "s", 3.0),
        Measure("first action upon 100,000 entries, CPU", float(run.stdout) * 1000, "ms", None),
        Measure("4 processes x 500 actions, lost or broken", float(missing), "actions", 0.0),
        Measure("4 processes x 500 actions", spent, "s", None),
    ]


if __name__ == "__main__":
    for found in measure():
        print(f"{found.name:45} {found.ours:10.2f} {found.unit:8} {found.verdict}")
