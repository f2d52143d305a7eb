"""The score server of the demo: the flights that follow are scored by whatever the registry names, as the kill switches say.

Everything comes from the recorded rows. A step is safe to repeat: how far it got is kept in the workspace, what has landed already is
left out, and every score has an id of its own.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from backends.host import host_name
from backends.records import Record, SwitchState
from backends.store import queries
from backends.store.catalogue import open_catalogue
from backends.store.errors import StoreBusy
from backends.store.landing import land_frame, land_records
from backends.store.reader import open_reader
from console.clock import Clock, SimulatedClock, SystemClock
from console.config import Workspace
from console.demo import board
from console.demo.facts import FALLBACK, between, land_metrics
from console.demo.fallbacks import fallback_scores
from console.demo.flights import load_flights
from console.demo.handling import handled_rows
from console.demo.registry_records import divided_traffic, served_traffic, upstream_records
from console.demo.scoring import label_rows, sampled_latencies, served_rows, shadow_rows
from console.demo.served_versions import Ready, load_versions
from console.demo.serving_state import (
    Course,
    Division,
    ReplayState,
    divisions,
    landed,
    landing,
    read_state,
    switch_courses,
    version_courses,
    write_state,
)
from console.demo.story import ENVIRONMENT, LOGGED_FROM, MODELS, ModelStory
from console.simulation import write_clock

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

LEASE: Final = "demo/serve"
LEASE_FOR: Final = timedelta(minutes=2)

STEP: Final = timedelta(hours=2)
"""Simulated time that one step covers at most, so that a clock that jumps by weeks needs no more memory than one that runs."""

PACE: Final = timedelta(minutes=10)
"""Simulated time after which the clock moves on."""

FALLBACK_LOOKS_BACK: Final = timedelta(days=9)

DEGRADED_ABOVE: Final = 0.3
"""In the state `degraded` only scores above this are answered, where a score is a probability."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one step did."""

    until: datetime
    scored: int
    """Live answers, over all models."""
    learnt: int
    served: dict[str, str]
    """How each model answered at the end: a version, `2 degraded`, `fallback`, `killed`."""
    problems: tuple[str, ...] = ()


class Replay:
    """Scores and lands flight after flight from where the demo's clock began. Loads flights and versions once, which takes seconds."""

    def __init__(self, workspace: Workspace, frame: pl.DataFrame | None = None) -> None:
        self.workspace = workspace
        self.paths = workspace.paths
        self._given = frame

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All recorded flights. Raises FlightsMissing."""
        return load_flights() if self._given is None else self._given

    @cached_property
    def ready(self) -> Ready:
        """The versions whose artifacts lie in the workspace and are what the registry says. Raises StoreError."""
        with open_reader(self.paths) as reader:
            return load_versions(self.paths.root, reader, MODELS)

    def reached(self) -> datetime:
        """Every flight scheduled before this moment, and every outcome known by it, has landed. Raises ReplayProblem."""
        return self._state().landed_to

    def catch_up(self, until: datetime) -> list[Stepped]:
        """Step by step up to `until`; a clock that went back lands nothing.

        Raises StoreBusy when another server is at it, StoreError when the disk says no, ReplayProblem.
        """
        holder = f"{host_name()}:{os.getpid()}"
        real = SystemClock().real_now()
        steps: list[Stepped] = []
        with open_catalogue(self.paths) as catalogue, catalogue.lease(LEASE, holder, LEASE_FOR, real):
            while (state := self._state()).landed_to < until:
                # What a crash interrupted is gone through to the same end, or what landed of it could not be told.
                steps.append(self._step(state, state.landing_to or min(state.landed_to + STEP, until)))
                catalogue.take_lease(LEASE, holder, LEASE_FOR, SystemClock().real_now())
        return steps

    def _state(self) -> ReplayState:
        settings = self.workspace.settings.clock
        assert settings is not None
        return read_state(self.paths) or ReplayState(settings.start)

    def _step(self, state: ReplayState, end: datetime) -> Stepped:
        """Score the flights scheduled in `[state.landed_to, end)` and land the outcomes that became known by `end`."""
        import polars as pl

        start = state.landed_to
        names = [model.name for model in MODELS if self.ready.versions[model.name]]
        versions, unread = version_courses(self.paths, names, state, end)
        switches, unheard = switch_courses(self.paths, names, state, end)
        divided, undivided = divisions(self.paths, names, state, end)
        write_state(self.paths, landing(state, end))
        flights = between(self.frame, start, end)
        scored = 0
        answered = [
            self._answers(model, flights, end, versions[model.name], switches[model.name], divided.get(model.name))
            for model in MODELS
            if model.name in versions and len(flights)
        ]
        parts = [part for rows, _ in answered for part in rows]
        if parts:
            scored = self._land_scores(parts, start, end, repeated=state.landing_to is not None)
        handled = [part for _, counts in answered for part in counts]
        if handled:
            # Landed twice after a crash they are the same facts.
            land_frame(self.paths, "metrics", pl.concat(handled), now=end)
        learnt = self._land_labels(start, end)
        self._land_surroundings(start, end, versions, divided)
        write_state(self.paths, landed(end, switches, divided))
        problems = (*self.ready.problems, *unread, *unheard, *undivided)
        served = {model: self._answer(model, versions[model].at(end), switches[model].at(end)) for model in versions}
        for model, division in divided.items():
            split = division.in_force(end)
            if split is not None and served[model] == split.stable:
                served[model] += f", {split.candidate} {'in the shadow' if split.shadow else f'at {split.share * 100:.4g} %'}"
        return Stepped(end, scored, learnt, served, problems)

    def _answer(self, model: str, version: str | None, switch: str | None) -> str:
        """How a model answers: `2`, `2 degraded`, `fallback` or `killed`; a version that is not here, by its safe default."""
        if switch == SwitchState.KILLED.value:
            return switch
        if switch not in {SwitchState.NORMAL.value, SwitchState.DEGRADED.value}:
            return FALLBACK
        if version is None or version not in self.ready.versions[model]:
            return FALLBACK
        return version if switch == SwitchState.NORMAL.value else f"{version} {switch}"

    def _answers(
        self, model: ModelStory, flights: pl.DataFrame, end: datetime, version: Course, switch: Course, division: Division | None
    ) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
        """Every score of one model: what was answered, and in the shadow what everything else would have said. Then what of the requests
        was rejected or repaired.
        """
        import numpy as np

        moments = [moment.replace(tzinfo=UTC) for moment in flights["scheduled_at"].to_list()]
        asked = [
            version.at(moment) if division is None else division.version(moment, key)
            for moment, key in zip(moments, flights["key"].to_list(), strict=True)
        ]
        answers = np.array(
            [self._answer(model.name, each, switch.at(moment)) for moment, each in zip(moments, asked, strict=True)], dtype=object
        )
        named = np.array([each or FALLBACK for each in asked], dtype=object)
        scores = {number: ready.score(flights) for number, ready in self.ready.versions[model.name].items()}
        recent = between(self.frame, end - FALLBACK_LOOKS_BACK, end)
        fallback = fallback_scores(recent, model)[len(recent) - len(flights) :]
        shadowed = {number: np.ones(len(flights), dtype=bool) for number in scores}
        rows: list[pl.DataFrame] = []
        for answer in dict.fromkeys(answers.tolist()):
            mine = answers == answer
            if answer == SwitchState.KILLED.value:
                continue
            if answer == FALLBACK:
                rows.append(served_rows(model, _chosen(flights, mine), named[mine], fallback[mine], served_by=FALLBACK))
                continue
            number, _, how = answer.partition(" ")
            if how and model.task == "binary":
                mine &= scores[number] > DEGRADED_ABOVE
            shadowed[number] &= ~mine
            latency = sampled_latencies(self.ready.versions[model.name][number], _chosen(flights, mine))
            rows.append(
                served_rows(model, _chosen(flights, mine), named[mine], scores[number][mine], served_by=how or "model", latency=latency)
            )
        rows += [shadow_rows(model, _chosen(flights, mask), number, scores[number][mask]) for number, mask in shadowed.items()]
        landed = [part for part in [*rows, shadow_rows(model, flights, FALLBACK, fallback)] if len(part)]
        return landed, self._handled(model, flights, end, answers, scores)

    def _handled(
        self,
        model: ModelStory,
        flights: pl.DataFrame,
        end: datetime,
        answers: np.ndarray[Any, Any],
        scores: dict[str, np.ndarray[Any, Any]],
    ) -> list[pl.DataFrame]:
        """What each version rejected and repaired of the requests that it was asked, whether or not a switch let it answer all of them."""
        import numpy as np

        asked = np.array([answer.partition(" ")[0] for answer in answers.tolist()], dtype=object)
        found = []
        for number, version in self.ready.versions[model.name].items():
            mine = asked == number
            if mine.any():
                ends = [end.replace(tzinfo=None)] * int(mine.sum())
                found.append(handled_rows(version, number, _chosen(flights, mine), scores[number][mine], ends))
        return found

    def _land_scores(self, parts: list[pl.DataFrame], start: datetime, end: datetime, *, repeated: bool) -> int:
        """Land scores as one file; returns how many of them are live."""
        import polars as pl

        rows = pl.concat(parts, how="diagonal").with_columns(fact_id=pl.concat_str("version", "role", "key", separator="/"))
        if repeated:
            # Before the crash they may have landed, with other latencies: those were measured then.
            named = pl.concat_str("model", "fact_id", separator="/")
            rows = rows.filter(~named.is_in(self._landed_ids(start, end)))
        if len(rows):
            land_frame(self.paths, "predictions", rows, now=end)
        return int((rows["role"] == "live").sum())

    def _landed_ids(self, start: datetime, end: datetime) -> list[str]:
        found: list[str] = []
        with open_reader(self.paths) as reader:
            for model in MODELS:
                rows = queries.scored(reader, ENVIRONMENT, model.name, start, end)
                parts = zip(rows.version.tolist(), rows.role.tolist(), rows.key.tolist(), strict=True)
                found += [f"{model.name}/{version}/{role}/{key}" for version, role, key in parts]
        return found

    def _land_labels(self, start: datetime, end: datetime) -> int:
        import polars as pl

        asked = between(self.frame, LOGGED_FROM, end)
        rows = pl.concat([label_rows(model, asked, start, end) for model in MODELS])
        if len(rows):
            land_frame(self.paths, "labels", rows, now=end)
        return len(rows)

    def _land_surroundings(self, start: datetime, end: datetime, versions: dict[str, Course], divided: dict[str, Division]) -> None:
        """Metrics of every hour that is over, days of the pipelines, the nightly job, new categories, and where traffic went."""
        hour, over = (moment.replace(minute=0, second=0, microsecond=0) for moment in (start, end))
        if hour < over:
            # Landed twice after a crash they are the same facts; only the file needs a name of its own.
            land_metrics(self.paths, MODELS, self.frame, hour, over, f"replay-{over:%Y%m%dT%H}-{uuid.uuid4().hex[:8]}")
        upstream = upstream_records(self.frame, start - timedelta(days=2), end)
        records: list[Record] = [
            record for record in upstream if record.kind in {"event", "pipeline_run"} and start < record.event_at <= end
        ]
        for model in MODELS:
            if model.name in versions:
                changes = versions[model.name].changes
                records += [served_traffic(model, each.value, each.at) for each in changes if each.value and start < each.at <= end]
            division = divided.get(model.name)
            if division is not None and division.since is not None and start <= division.since <= end:
                records += divided_traffic(model, division)
        serving = versions[board.MODEL].at(end) if board.MODEL in versions else None
        records += board.board_runs(self.paths, self.frame, self.ready.versions[board.MODEL].get(serving or ""), start, end)
        if records:
            land_records(self.paths, records, now=end)


def serve(
    workspace: Workspace,
    *,
    speed: float,
    wait: Callable[[float], bool],
    say: Callable[[str], None],
    hold: Callable[[datetime], bool] | None = None,
    until: datetime | None = None,
    after_step: Callable[[Clock], None] | None = None,
) -> None:
    """Serve what is scheduled, flight after flight, `speed` simulated seconds in a real one, until `wait` says stop or `until` is reached.

    The clock of the workspace follows what has landed, so that nobody looks at a moment of which the facts are still to come; on a
    slow machine it runs slower. `hold` keeps it standing at a moment for which it returns True. `after_step` is called to evaluate.
    """
    replay = Replay(workspace)
    real = SystemClock()
    told: set[str] = set()
    playing = False
    while True:
        if hold is not None and hold(replay.reached()):
            playing = False
            if wait(0.5):
                return
            continue
        if not playing:
            playing = True
            say(f"serving from {replay.reached().isoformat()} at {speed:g} times real time")
        begun = real.monotonic()
        goal = replay.reached() + PACE
        goal = goal if until is None else min(goal, until)
        for step in _caught_up(replay, goal, say, told):
            answers = ", ".join(f"{name} {answer}" for name, answer in step.served.items())
            say(f"{step.until.strftime('%d %b %H:%M')} UTC  scored {step.scored}, learnt {step.learnt}  ({answers})")
            _tell_once(step.problems, say, told)
        clock = SimulatedClock(replay.reached(), real.real_now(), 0.0)
        if after_step is not None:
            after_step(clock)
        write_clock(workspace.paths, clock)
        ahead = PACE.total_seconds() / speed - (real.monotonic() - begun)
        if (until is not None and replay.reached() >= until) or wait(max(0.0, ahead)):
            return


def _caught_up(replay: Replay, goal: datetime, say: Callable[[str], None], told: set[str]) -> list[Stepped]:
    try:
        return replay.catch_up(goal)
    except StoreBusy:
        _tell_once(("another score server is at work here; waiting for it to end",), say, told)
        return []


def _tell_once(problems: Iterable[str], say: Callable[[str], None], told: set[str]) -> None:
    for problem in problems:
        if problem not in told:
            told.add(problem)
            say(problem)


def _chosen(frame: pl.DataFrame, mask: np.ndarray[Any, Any]) -> pl.DataFrame:
    import polars as pl

    return frame.filter(pl.Series(mask))
