"""The score server of the demo: the flights that follow are scored by whatever the registry names, as the kill switches say."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from backends.local.reading import LocalAliases, LocalSwitches
from backends.protocol import BackendError
from backends.records import SwitchState, digest_of_bytes
from backends.store.landing import land_frame
from console.clock import Clock, SimulatedClock, SystemClock
from console.config import Workspace
from console.demo.facts import FALLBACK, between, land_metrics
from console.demo.fallbacks import fallback_scores
from console.demo.flights import load_flights
from console.demo.models import Trained, measured_latencies
from console.demo.registry_records import artifact_path
from console.demo.scoring import label_rows, served_rows, shadow_rows
from console.demo.story import ENVIRONMENT, MODELS, ModelStory
from console.simulation import read_clock, write_atomically, write_clock
from console.views.serving import SERVING_ALIAS

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MARK: Final = "replayed.json"
"""Up to which simulated moment flights were scored and outcomes landed."""

STEP: Final = timedelta(minutes=10)
"""Simulated time that one step covers at most: a switch is obeyed within it."""

DEGRADED_ABOVE: Final = 0.3
"""In the state `degraded` only scores above this are answered."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one step did."""

    until: datetime
    scored: int
    learnt: int
    served: dict[str, str]
    """How each model answered: a version, `fallback`, `killed`."""


class Replay:
    """Scores and lands flight after flight. Safe to stop anywhere: repeated facts are one fact."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.paths = workspace.paths

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All recorded flights."""
        return load_flights()

    @cached_property
    def trained(self) -> dict[str, dict[str, Trained]]:
        """The versions whose artifacts lie in the workspace and are what the registry says."""
        return {model.name: self._versions(model) for model in MODELS}

    def reached(self) -> datetime:
        """Up to when everything has landed."""
        try:
            raw = json.loads((self.paths.root / MARK).read_text(encoding="utf-8"))
            return datetime.fromisoformat(raw["until"])
        except (OSError, ValueError, KeyError):
            settings = self.workspace.settings.clock
            assert settings is not None
            return settings.start

    def catch_up(self, until: datetime) -> list[Stepped]:
        """Step by step up to `until`."""
        steps = []
        reached = self.reached()
        while reached < until:
            step = self.step(reached, min(reached + STEP, until))
            steps.append(step)
            reached = step.until
        return steps

    def step(self, start: datetime, end: datetime) -> Stepped:
        """Score the flights scheduled in `[start, end)` and land the outcomes that became known by `end`."""
        rows = between(self.frame, start, end)
        name = f"replay-{end.strftime('%Y%m%dT%H%M%S')}"
        served: dict[str, str] = {}
        scored = learnt = 0
        for model in MODELS:
            if not self.trained[model.name]:
                continue
            answer = self._answer(model)
            served[model.name] = answer
            if len(rows):
                scored += self._score(model, rows, answer, end, name)
            labels = label_rows(model, self._asked_by(end), start, end)
            if len(labels):
                land_frame(self.paths, "labels", labels, now=end, name=f"{name}-{model.name}-labels")
                learnt += len(labels)
        if end.astimezone(start.tzinfo).minute == 0:
            land_metrics(self.paths, MODELS, self.frame, end - timedelta(hours=1), end, name)
        write_atomically(self.paths.root / MARK, json.dumps({"until": end.isoformat()}) + "\n")
        return Stepped(end, scored, learnt, served)

    def _score(self, model: ModelStory, rows: pl.DataFrame, answer: str, end: datetime, name: str) -> int:
        import numpy as np  # noqa: PLC0415

        versions = self.trained[model.name]
        scores = {version: each.score(rows) for version, each in versions.items()}
        recent = between(self.frame, end - timedelta(days=9), end)
        fallback = fallback_scores(recent, model)[len(recent) - len(rows) :]
        shadows = dict(scores)
        if answer == FALLBACK:
            named = self._named(model) or next(iter(versions))
            live = served_rows(model, rows, np.full(len(rows), named, dtype=object), fallback, served_by=FALLBACK)
        elif answer == SwitchState.KILLED.value:
            live = None
        else:
            version, _, how = answer.partition(" ")
            values = scores[version]
            latency = np.array(measured_latencies(versions[version], rows))
            chosen = np.ones(len(rows), dtype=bool)
            if how == SwitchState.DEGRADED.value and model.task == "binary":
                chosen = values > DEGRADED_ABOVE
            live = served_rows(
                model, rows.filter(_mask(chosen)), np.full(int(chosen.sum()), version, dtype=object), values[chosen], latency=latency[chosen],
                served_by=how or "model",
            )  # fmt: skip
            if chosen.all():
                shadows.pop(version)
        if live is not None and len(live):
            land_frame(self.paths, "predictions", live, now=end, name=f"{name}-{model.name}-live")
        for version, values in shadows.items():
            land_frame(self.paths, "predictions", shadow_rows(model, rows, version, values), now=end, name=f"{name}-{model.name}-{version}")
        if not np.isnan(fallback).all():
            part = shadow_rows(model, rows, FALLBACK, fallback)
            land_frame(self.paths, "predictions", part, now=end, name=f"{name}-{model.name}-{FALLBACK}")
        return len(rows)

    def _answer(self, model: ModelStory) -> str:
        """How the model answers now: `2`, `2 degraded`, `fallback` or `killed`. What cannot be read keeps the safe default."""
        try:
            setting = LocalSwitches(self.paths.switches).switch(ENVIRONMENT, model.name)
            state = SwitchState.NORMAL if setting is None else setting.state
        except BackendError:
            return FALLBACK
        if state in {SwitchState.FALLBACK, SwitchState.UNKNOWN}:
            return FALLBACK
        if state is SwitchState.KILLED:
            return state.value
        version = self._named(model)
        if version is None or version not in self.trained[model.name]:
            return FALLBACK
        return f"{version} {state.value}" if state is SwitchState.DEGRADED else version

    def _named(self, model: ModelStory) -> str | None:
        try:
            move = LocalAliases(self.paths.registry).alias(ENVIRONMENT, model.name, SERVING_ALIAS)
        except BackendError:
            return None
        return None if move is None else move.version

    def _asked_by(self, end: datetime) -> pl.DataFrame:
        """Flights that were asked about in the last days: only they have an outcome to learn."""
        return between(self.frame, end - timedelta(days=3), end)

    def _versions(self, model: ModelStory) -> dict[str, Trained]:
        """Artifacts of the demo's own folder, opened only when their digest is the one that the registry holds."""
        from backends.store import queries  # noqa: PLC0415
        from backends.store.reader import open_reader  # noqa: PLC0415

        found: dict[str, Trained] = {}
        with open_reader(self.paths) as reader:
            records = {(r.model, r.version): r for r in queries.records_of(reader, "version", environment=ENVIRONMENT)}  # type: ignore[union-attr]
        for story in model.versions:
            path = self.paths.root / artifact_path(model, story)
            record = records.get((model.name, story.version))
            if record is None or not path.is_file():
                continue
            content = path.read_bytes()
            if digest_of_bytes(content) != getattr(record, "artifact_digest", None):
                raise ReplayProblem(f"{path} is not the artifact that the registry holds; build the demo anew: quarterdeck demo --rebuild")
            found[story.version] = Trained(model, story, pickle.loads(content), b"", digest_of_bytes(content), 0, "", {}, {}, {}, {})
        return found


class ReplayProblem(Exception):
    """The replay cannot go on: one line with what to do."""


def serve(
    workspace: Workspace,
    *,
    speed: float,
    wait: Callable[[float], bool],
    say: Callable[[str], None],
    hold: Callable[[], bool] | None = None,
    until: datetime | None = None,
    after_step: Callable[[Clock], None] | None = None,
) -> None:
    """Let the simulated clock run at `speed` and serve what is scheduled, until `wait` says stop or `until` is reached.

    `hold` keeps the clock standing while it returns True. `after_step` is called with the workspace's clock, to evaluate.
    """
    replay = Replay(workspace)
    real = SystemClock()
    while hold is not None and hold():
        if wait(0.5):
            return
    begun = replay.reached()
    write_clock(workspace.paths, SimulatedClock(begun, real.real_now(), speed))
    say(f"serving from {begun.isoformat()} at {speed:g} times real time")
    try:
        while True:
            clock = read_clock(workspace.paths) or SimulatedClock(begun, real.real_now(), speed)
            goal = clock.now() if until is None else min(clock.now(), until)
            for step in replay.catch_up(goal):
                answers = ", ".join(f"{name} {answer}" for name, answer in step.served.items())
                say(f"{step.until.strftime('%d %b %H:%M')} UTC  scored {step.scored}, learnt {step.learnt}  ({answers})")
            if after_step is not None:
                after_step(clock)
            if (until is not None and replay.reached() >= until) or wait(0.5):
                return
    finally:
        write_clock(workspace.paths, SimulatedClock(replay.reached(), real.real_now(), 0.0))


def _mask(chosen: np.ndarray[Any, Any]) -> pl.Series:
    import polars as pl  # noqa: PLC0415

    return pl.Series(chosen)
