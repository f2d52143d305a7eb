"""The kill switch in a console whose machine is busy: from the key that confirms it to the replaced `switches.json`."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

from backends.records import SwitchState
from backends.store.compactor import compact
from backends.store.ingest import ingest
from backends.store.paths import WorkspacePaths
from console.background import give_way
from console.config import Workspace, open_workspace
from console.control.actions import ActionKind, ActionRequest, ActionState, Confirmation
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.roles import Policy
from tests.benchmarks.measures import Measure, p95
from tests.benchmarks.workspaces import PROGRAM, as_it_is
from tests.terminal.pty_program import PtyProgram

MODEL = "arrival-delay"
ROWS = 20_000
"""Of one file that is taken in: about what the demo's three models score in a week."""

BUDGET_MS = 100.0
LONGEST = 120.0
"""Seconds after which something that is waited for is said never to come."""


def measure(original: Path, presses: int) -> list[Measure]:
    """Milliseconds from Space on the confirmation to the new file, idle and while one file is taken in and another merged."""
    root = as_it_is(original, "kill")
    workspace = open_workspace(root)
    with PtyProgram([PROGRAM, "-w", str(root)]) as program:
        program.shows("qd fleet")
        idle = [confirmed(program, workspace, lambda: True) for _ in range(presses)]
        with busy(root) as both:
            loaded = [confirmed(program, workspace, both) for _ in range(presses)]
    return [
        Measure("kill switch, confirming key to switches.json, median", statistics.median(idle), "ms", None),
        Measure("the same with a compaction and an ingest running, median", statistics.median(loaded), "ms", None),
        Measure("the same with a compaction and an ingest running, p95", p95(loaded), "ms", BUDGET_MS),
    ]


def confirmed(program: PtyProgram, workspace: Workspace, ready: Callable[[], bool]) -> float:
    """Set the switch by keys and put it back behind the console's back; milliseconds from Space to the file that says so."""
    path = workspace.paths.switches
    program.quiet()
    program.press("K")
    program.shows("now: normal", LONGEST)
    program.shows("Would it help?", LONGEST)
    program.quiet()
    program.press(MODEL)
    program.shows(f"{MODEL}  matches", LONGEST)
    program.press("\t")
    program.quiet()
    wait(ready, "a compaction and an ingest at the same time")
    before = signature(path)
    began = time.perf_counter()
    program.press(" ")
    wait(lambda: signature(path) != before, "another switches.json")
    spent = 1000 * (time.perf_counter() - began)
    said = json.loads(path.read_bytes())["switches"]["production"][MODEL]["state"]
    assert said == SwitchState.FALLBACK, said
    program.shows("read back", LONGEST)
    program.shows("q back", LONGEST)
    program.press("q")
    program.shows("qd fleet", LONGEST)
    restore(workspace)
    return spent


def signature(path: Path) -> tuple[int, int] | None:
    """Tells one file in this place from another."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def wait(holds: Callable[[], bool], said: str) -> None:
    """Look again and again, leaving the machine to others in between."""
    end = time.perf_counter() + LONGEST
    while not holds():
        assert time.perf_counter() < end, f"never: {said}"
        time.sleep(0.0005)


def restore(workspace: Workspace) -> None:
    """Back to normal, by somebody who may."""
    actor = Actor.named("bench")
    with Desk(workspace.paths, workspace.clock(), actor, policy=Policy.personal("bench"), elevated=True) as desk:
        plan = desk.plan(ActionRequest(kind=ActionKind.RESTORE, model=MODEL, reason="bench"))
        outcome = desk.execute(plan, Confirmation(typed_name=MODEL))
        assert outcome.state is ActionState.EFFECTIVE, outcome.message


@contextmanager
def busy(root: Path) -> Iterator[Callable[[], bool]]:
    """Two processes that take in and merge without a pause; gives whether both are at it."""
    context = multiprocessing.get_context("spawn")
    taking, merging, stop = context.Event(), context.Event(), context.Event()
    workers = [
        context.Process(target=take_in, args=(root, taking, stop), daemon=True),
        context.Process(target=merge, args=(root, merging, stop), daemon=True),
    ]

    def both() -> bool:
        gone = [worker.exitcode for worker in workers if not worker.is_alive()]
        assert not gone, f"a process that keeps the machine busy ended with {gone}"
        return taking.is_set() and merging.is_set()

    try:
        for worker in workers:
            worker.start()
        yield both
    finally:
        stop.set()
        for worker in workers:
            worker.join(LONGEST)
            if worker.is_alive():
                worker.kill()


def take_in(root: Path, at_it: Event, stop: Event) -> None:
    """New predictions, file after file."""
    give_way()
    paths, begun = WorkspacePaths(root), datetime(2013, 4, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        file, number = Path(folder) / "predictions.csv", 0
        while not stop.is_set():
            moments = (begun + timedelta(seconds=60 * (each % 14_400)) for each in range(ROWS))
            lines = (f"load,1,{number}-{each},{moment:%Y-%m-%dT%H:%M:%SZ},0.5,{each % 97}" for each, moment in enumerate(moments))
            file.write_text("\n".join(("model,version,key,event_at,score,distance", *lines)) + "\n")
            at_it.set()
            found = ingest(paths, "predictions", file, environment="production", now=begun + timedelta(days=20))
            at_it.clear()
            assert found.accepted == ROWS, found
            number += 1


def merge(root: Path, at_it: Event, stop: Event) -> None:
    """Whatever has landed, into segments and a generation."""
    give_way()
    paths, now = WorkspacePaths(root), datetime(2013, 4, 26, 22, tzinfo=UTC)
    while not stop.is_set():
        if not any((paths.landing / "predictions").glob("*.parquet")):
            stop.wait(0.01)
            continue
        at_it.set()
        compact(paths, now)
        at_it.clear()
