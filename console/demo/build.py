"""Building the demo workspace: trained models, landed facts, a history of people and rules, evaluated once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from backends.store.compactor import compact
from backends.store.paths import WorkspacePaths
from console.config import ClockSettings, Workspace, WorkspaceProblem, init_workspace, open_workspace
from console.demo.built import is_built, keep_built
from console.demo.facts import land_metrics, land_model, land_registry
from console.demo.flights import load_flights
from console.demo.history import Historian
from console.demo.models import Trained, train
from console.demo.registry_records import artifact_path
from console.demo.story import DEFAULT_START, LOGGED_FROM, MODELS, ZONE_NAME, VersionStory
from console.simulation import write_atomically
from console.watch.rounds import watch_once

Progress = Callable[[int, int, str], None]
"""`(done, total, what)` after each step."""

"""Written last: a folder without it was not built to the end."""

POLICIES: Final = """\
# The demo's own rules: flights are scored one by one, so latency is judged over a day, not over ten minutes.
format: 1
rules:
  - id: system.latency_p95
    title: Scoring is slower than promised
    layer: system
    signal: latency_p95
    window: 24h
    # Measured on whatever machine built the demo, so the limits leave room for a busy laptop.
    warning: 100
    critical: 250
    playbook: slow-or-failing
    severity: ticket
  - id: system.errors
    title: More than one request in a hundred gets no score
    layer: system
    signal: error_share
    window: 1h
    warning: 0.005
    critical: 0.01
    playbook: slow-or-failing
    severity: page
  - id: data.freshness
    title: The newest data is too old
    layer: data
    signal: age_hours
    minimum_n: 0
    window: 1h
    # Between midnight and five nothing leaves, so that predictions are hours old every morning.
    warning: 6.5
    critical: 8
    playbook: stale-data
    severity: page
slos:
  - id: fast
    title: Answers within 250 ms
    layer: system
    objective: 0.99
    good: {column: latency_ms, at_most: 250}
  - id: fresh
    title: Hours in which the data is at most eight hours old
    layer: data
    objective: 0.99
    good: {signal: age_hours, at_most: 8, slice: 1h}
gates:
  - {id: latency, title: p95 up to 250 ms, kind: at_most, metric: latency_p95, limit: 250}
  # Slices of a week are small: a difference of .02 is within their noise.
  - id: slices
    title: AUC of no slice more than .02 below the champion's
    where: {task: binary}
    kind: not_worse
    metric: auc
    better: higher
    margin: 0.02
    by_slice: true
    minimum_n: 500
approvals:
  # At an hour every few seconds a day is over before its story is read: what waits for a signature waits for whoever follows it.
  - {action: promote, environments: [production], quorum: 1, approve_within: 14d, execute_within: 21d}
people:
  mara: operator
  ilse: approver
  otto: approver
  ines: releaser
  omar: releaser
roles:
  - id: releaser
    may: [note, ask, promote, shift, abort, elevate]
"""


class DemoProblem(Exception):
    """The demo cannot be built there: one line with what to do."""


def refuse_unrecorded(at: datetime) -> None:
    """Raises DemoProblem for a moment at which there is no demo."""
    if not LOGGED_FROM < at <= datetime(2013, 12, 31, 23, tzinfo=DEFAULT_START.tzinfo):
        when = at.astimezone(ZoneInfo(ZONE_NAME)).isoformat(timespec="minutes")
        raise DemoProblem(f"--at {when} is outside what was recorded: after 1 February and up to 31 December 2013")


def build(root: Path, *, at: datetime = DEFAULT_START, progress: Progress = lambda *_: None, force: bool = False) -> Workspace:
    """Build the demo in `root`, with its clock standing at `at`. A half-built or, with `force`, an older demo is replaced.

    Raises DemoProblem when `root` holds something else or `at` is not in the recorded year, FlightsMissing, StoreError.
    """
    at = at.astimezone(UTC)
    refuse_unrecorded(at)
    _clear(root, force)
    steps = sum(len(model.versions) for model in MODELS) + len(MODELS) + 5
    done = 0

    def step(what: str) -> None:
        """Before the work, so that a long step has its name while it lasts."""
        nonlocal done
        progress(done, steps, what)
        done += 1

    try:
        workspace = init_workspace(root, name="demo", display_zone=ZONE_NAME, clock=ClockSettings(start=at))
    except WorkspaceProblem as problem:
        raise DemoProblem(str(problem)) from None
    paths = workspace.paths
    write_atomically(paths.policies / "demo.yaml", POLICIES)
    step("reading 336,776 recorded flights")
    frame = load_flights()
    trained: dict[str, dict[str, Trained]] = {}
    for model in MODELS:
        trained[model.name] = {}
        for story in model.versions:
            if story.made_at > at:
                continue
            step(f"training {model.name} v{story.version}")
            found = train(frame, model, story)
            _keep_artifact(root, found)
            trained[model.name][story.version] = found
    # A model of which no version existed yet is not there yet.
    known = [model for model in MODELS if any(_served_by(story, at) for story in model.versions)]
    for model in known:
        step(f"scoring flights with {model.name}")
        land_model(paths, model, trained[model.name], frame, at)
    step("writing registry, pipelines, metrics")
    land_registry(paths, known, trained, frame, at)
    land_metrics(paths, known, frame, LOGGED_FROM, at, "hours")
    step("compacting the store")
    compact(paths, at)
    step("replaying what people and rules did until then")
    Historian(workspace, trained, at).tell()
    step("evaluating every model, the longest step")
    watch_once(workspace, workspace.clock())
    keep_built(paths, at)
    progress(steps, steps, "built")
    return open_workspace(root)


def _served_by(story: VersionStory, at: datetime) -> bool:
    return story.promoted_at is not None and story.promoted_at <= at


def _keep_artifact(root: Path, trained: Trained) -> None:
    path = root / artifact_path(trained.model, trained.story)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(trained.artifact)


def _clear(root: Path, force: bool) -> None:
    """Make room: only what a demo left behind is ever removed."""
    if not root.exists() or not any(root.iterdir()):
        return
    paths = WorkspacePaths(root)
    try:
        settings = open_workspace(root).settings if paths.workspace_toml.exists() else None
    except WorkspaceProblem:
        settings = None
    # Somebody's own workspace may well be called demo, after its folder; only a demo lives in recorded time.
    if settings is None or settings.name != "demo" or settings.clock is None:
        raise DemoProblem(f"{root} holds something that is not a demo; choose another folder with --dir")
    if is_built(root) and not force:
        raise DemoProblem(f"{root} holds a demo already; open it with: quarterdeck -w {root}, or build it anew with --rebuild")
    shutil.rmtree(root)
