"""The demo's score server: what follows is scored by what is in force, each flight once, whatever interrupts it."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backends.local.reading import LocalTraffic
from backends.local.routing import place_of
from backends.records import Deployment
from backends.store import queries
from backends.store.catalogue import open_catalogue
from backends.store.compactor import compact
from backends.store.reader import open_reader
from console.clock import SimulatedClock, SystemClock
from console.config import Workspace, open_workspace
from console.control.actions import ActionKind, ActionRequest, Confirmation
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.roles import Grant, Policy, Role
from console.control.rollout import RolloutMove, RolloutWish
from console.demo import replay as replaying
from console.demo.flights import load_flights
from console.demo.replay import Replay
from console.demo.serving_state import ReplayProblem
from console.demo.serving_watch import PLAYS_ON, standing_still
from console.demo.story import DEFAULT_START, MODELS

EVENING = DEFAULT_START + timedelta(hours=2, minutes=30)


@pytest.fixture(scope="session")
def frame() -> pl.DataFrame:
    return load_flights()


@pytest.fixture(autouse=True)
def few_latencies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only some rows are scored a second time, alone, for their latency: what it is is asked elsewhere."""
    monkeypatch.setattr(replaying, "sampled_latencies", partial(replaying.sampled_latencies, per_day=2))


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def act(workspace: Workspace, kind: ActionKind, model: str, at: datetime, to: str | None = None, wish: RolloutWish | None = None) -> None:
    """Do something through control, as a person with the clock standing at `at`."""
    policy = Policy(grants=(Grant(person="*", roles=(Role.ADMIN,)),), read_only=(), terms={} if wish else Policy().terms)
    clock = SimulatedClock(at, SystemClock().real_now(), 0.0)
    with Desk(workspace.paths, clock, Actor.named("mara", host="bastion"), policy=policy, elevated=True) as desk:
        plan = desk.plan(ActionRequest(kind=kind, model=model, to=to, wish=wish, reason="seen in a test"))
        outcome = desk.execute(plan, Confirmation(typed_name=plan.typed_name, reason="seen in a test"))
    assert outcome.exit_code == 0, outcome.message


def answers(workspace: Workspace, model: str, start: datetime = DEFAULT_START, end: datetime = EVENING) -> queries.Scored:
    with open_reader(workspace.paths) as reader:
        return queries.scored(reader, "production", model, start, end)


def said_of(workspace: Workspace, model: str) -> tuple[str, dict[str, float]]:
    """Strategy and traffic, as the score server said last."""
    with open_reader(workspace.paths) as reader:
        [found] = [each for each in queries.records_of(reader, "deployment", model) if isinstance(each, Deployment)]
    return found.strategy, found.traffic


def told(workspace: Workspace) -> set[tuple[object, ...]]:
    """Everything that was landed, but for latencies; scores to six digits: sums over other stretches round otherwise."""
    found: set[tuple[object, ...]] = set()
    for model in MODELS:
        rows = answers(workspace, model.name)
        columns = (rows.key, rows.version, rows.role, rows.served_by, np.round(rows.score, 6), np.nan_to_num(rows.label, nan=-1.0))
        found |= set(zip([model.name] * len(rows), *(column.tolist() for column in columns), strict=True))
    return found


def test_every_flight_of_the_evening_is_answered_once_and_its_outcome_is_landed_when_it_is_known(
    own_demo: Workspace, frame: pl.DataFrame
) -> None:
    Replay(own_demo, frame).catch_up(EVENING)
    asked = frame.filter((pl.col("scheduled_at") >= naive(DEFAULT_START)) & (pl.col("scheduled_at") < naive(EVENING)))
    for model in MODELS:
        rows = answers(own_demo, model.name)
        assert Counter(rows.key[rows.role == "live"].tolist()) == Counter(asked["key"].to_list())
        assert set(rows.served_by[rows.role == "live"].tolist()) == {"model"}
    with open_reader(own_demo.paths) as reader:
        landed = reader.sql("SELECT model, key, label FROM labels WHERE known_at >= TIMESTAMP '2013-04-01'")
    since = naive(datetime(2013, 4, 1, tzinfo=DEFAULT_START.tzinfo))
    for model in MODELS:
        known = frame.filter(
            pl.col(model.label).is_not_null()
            & (pl.col(model.known_at) <= naive(EVENING))
            & (pl.col(model.known_at) >= since)
            & (pl.col("scheduled_at") < naive(EVENING))
        )
        expected = dict(zip(known["key"].to_list(), known[model.label].to_list(), strict=True))
        mine = [(key, label) for name, key, label in landed if name == model.name]
        assert len(mine) == len(expected)
        assert dict(mine) == expected


def test_the_fallback_answers_from_the_moment_the_switch_says_so_and_what_it_replaces_goes_on_in_the_shadow(
    own_demo: Workspace, frame: pl.DataFrame
) -> None:
    replay = Replay(own_demo, frame)
    replay.catch_up(DEFAULT_START + timedelta(minutes=20))
    thrown = DEFAULT_START + timedelta(minutes=47)
    act(own_demo, ActionKind.FALLBACK, "arrival-delay", thrown)
    steps = replay.catch_up(EVENING)
    assert steps[-1].served == {"arrival-delay": "fallback", "cancellation": "2", "air-time": "2"}
    rows = answers(own_demo, "arrival-delay")
    live = rows.role == "live"
    after = rows.event_at >= np.datetime64(naive(thrown))
    assert set(rows.served_by[live & ~after].tolist()) == {"model"}
    assert set(rows.served_by[live & after].tolist()) == {"fallback"}
    shadow = {(version, key): score for version, key, score in zip(rows.version[~live], rows.key[~live], rows.score[~live], strict=True)}
    for key, score in zip(rows.key[live & after], rows.score[live & after], strict=True):
        assert score == shadow["fallback", key]
        assert {("1", key), ("2", key), ("3", key)} <= shadow.keys()
    # Where a version answers itself it has no shadow.
    assert not {("2", key) for key in rows.key[live & ~after].tolist()} & shadow.keys()


def test_a_killed_model_answers_nobody_and_is_still_compared(own_demo: Workspace, frame: pl.DataFrame) -> None:
    act(own_demo, ActionKind.KILL, "arrival-delay", DEFAULT_START)
    Replay(own_demo, frame).catch_up(EVENING)
    rows = answers(own_demo, "arrival-delay")
    assert not (rows.role == "live").any()
    assert set(rows.version.tolist()) == {"1", "2", "3", "fallback"}


def test_rolling_air_time_back_truly_helps_on_the_flights_that_follow(
    own_demo: Workspace, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "STEP", timedelta(hours=6))
    act(own_demo, ActionKind.ROLLBACK, "air-time", DEFAULT_START + timedelta(minutes=5), to="1")
    until = DEFAULT_START + timedelta(days=2)
    steps = Replay(own_demo, frame).catch_up(until)
    assert steps[-1].served["air-time"] == "1"
    rows = answers(own_demo, "air-time", DEFAULT_START + timedelta(minutes=5), until)
    known = rows.labelled
    served = known & (rows.role == "live")
    assert set(rows.version[served].tolist()) == {"1"} and int(served.sum()) > 800
    without = known & (rows.role == "shadow") & (rows.version == "2")
    assert sorted(rows.key[served].tolist()) == sorted(rows.key[without].tolist())
    errors = {name: float(np.abs(rows.score[mask] - rows.label[mask]).mean()) for name, mask in (("now", served), ("before", without))}
    assert errors["now"] < errors["before"] - 1
    with open_reader(own_demo.paths) as reader:
        deployed = [r for r in queries.records_of(reader, "deployment", environment="production") if isinstance(r, Deployment)]
    assert {record.model: record.traffic for record in deployed}["air-time"] == {"1": 1.0}


def test_one_step_and_many_small_ones_land_the_same(
    own_demo: Workspace, built_demo: Path, tmp_path: Path, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(built_demo, tmp_path / "other")
    other = open_workspace(tmp_path / "other")
    replay = Replay(own_demo, frame)
    moment = DEFAULT_START
    while moment < EVENING:
        moment = min(moment + timedelta(minutes=13), EVENING)
        replay.catch_up(moment)
    monkeypatch.setattr(replaying, "STEP", timedelta(days=1))
    [_] = Replay(other, frame).catch_up(EVENING)
    assert told(own_demo) == told(other)
    assert len(told(other)) > 1000


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("at", range(1, 7))
def test_a_crash_anywhere_in_a_step_loses_nothing_and_doubles_nothing(
    own_demo: Workspace, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    calls = 0

    def crashing(real: object) -> object:
        def call(*arguments: object, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls == at:
                raise Crash
            return real(*arguments, **named)  # type: ignore[operator]

        return call

    with monkeypatch.context() as patched:
        for name in ("land_frame", "land_metrics", "land_records", "write_state"):
            patched.setattr(replaying, name, crashing(getattr(replaying, name)))
        patched.setattr(replaying, "STEP", timedelta(hours=3))
        with pytest.raises(Crash):
            replay = Replay(own_demo, frame)
            replay.catch_up(EVENING)
            replay.catch_up(EVENING + timedelta(hours=1))
    # A later clock, and a compaction in between, as after a real restart.
    compact(own_demo.paths, EVENING)
    Replay(own_demo, frame).catch_up(EVENING + timedelta(hours=1))
    asked = frame.filter((pl.col("scheduled_at") >= naive(DEFAULT_START)) & (pl.col("scheduled_at") < naive(EVENING)))
    for model in MODELS:
        rows = answers(own_demo, model.name)
        count = Counter(zip(rows.version.tolist(), rows.role.tolist(), rows.key.tolist(), strict=True))
        assert set(count.values()) == {1}
        live = [key for _, role, key in count if role == "live"]
        assert sorted(live) == sorted(asked["key"].to_list())
    compact(own_demo.paths, EVENING + timedelta(hours=1))
    with open_catalogue(own_demo.paths) as catalogue:
        assert catalogue.conflicts() == []


def test_requests_are_divided_as_published_until_the_rollout_is_given_up(own_demo: Workspace, frame: pl.DataFrame) -> None:
    model, middle = "arrival-delay", DEFAULT_START + timedelta(hours=1)
    act(own_demo, ActionKind.SHIFT, model, DEFAULT_START, "3", RolloutWish(move=RolloutMove.CANARY, steps=(0.4,)))
    setting = LocalTraffic(own_demo.paths.traffic).traffic("production", model)
    assert setting is not None
    [first] = Replay(own_demo, frame).catch_up(middle)
    assert first.served[model] == "2, 3 at 40 %"
    assert said_of(own_demo, model) == ("canary", {"2": 0.6, "3": 0.4})
    act(own_demo, ActionKind.ABORT, model, middle)
    # What goes on is another process, which knows of the first hour what it wrote down.
    Replay(own_demo, frame).catch_up(EVENING)
    rows = answers(own_demo, model)
    live = rows.role == "live"
    expected = {
        key: "3" if at < naive(middle.astimezone(UTC)) and place_of(setting.salt, key) < 0.4 else "2"
        for key, at in zip(rows.key[live].tolist(), rows.event_at[live].astype("datetime64[us]").tolist(), strict=True)
    }
    assert dict(zip(rows.key[live].tolist(), rows.version[live].tolist(), strict=True)) == expected
    assert set(expected.values()) == {"2", "3"}
    # Whoever did not answer scored in the shadow, so that both can be compared on the same rows.
    beside = set(zip(rows.key[~live].tolist(), rows.version[~live].tolist(), strict=True))
    assert all((key, "2" if version == "3" else "3") in beside for key, version in expected.items())
    assert said_of(own_demo, model) == ("direct", {"2": 1.0})


def test_a_clock_that_goes_back_lands_nothing(own_demo: Workspace, frame: pl.DataFrame) -> None:
    replay = Replay(own_demo, frame)
    replay.catch_up(EVENING)
    assert replay.catch_up(DEFAULT_START) == []
    assert replay.reached() == EVENING


def test_a_broken_switch_file_means_the_safe_default_and_is_said(own_demo: Workspace, frame: pl.DataFrame) -> None:
    own_demo.paths.switches.write_text('{"format": "quarter', encoding="utf-8")
    [step] = Replay(own_demo, frame).catch_up(DEFAULT_START + timedelta(minutes=30))
    assert set(step.served.values()) == {"fallback"}
    assert any("switches.json" in problem for problem in step.problems)
    assert set(answers(own_demo, "arrival-delay").served_by.tolist()) == {"fallback", "model"}


def test_an_artifact_that_is_not_the_recorded_one_is_never_opened(own_demo: Workspace, frame: pl.DataFrame) -> None:
    # Were it opened, this pickle would end the test with SystemExit.
    (own_demo.paths.root / "artifacts" / "arrival-delay" / "2.pickle").write_bytes(b"csys\nexit\n(I3\ntR.")
    [step] = Replay(own_demo, frame).catch_up(DEFAULT_START + timedelta(minutes=30))
    assert step.served["arrival-delay"] == "fallback"
    assert any("not the recorded artifact" in problem for problem in step.problems)


def test_a_broken_state_of_the_replay_is_said_and_nothing_is_guessed(own_demo: Workspace, frame: pl.DataFrame) -> None:
    (own_demo.paths.root / "replay.json").write_text('{"format": "quarterdeck/demo-replay/1", "landed_to": "yesterday"}', encoding="utf-8")
    with pytest.raises(ReplayProblem, match=r"replay\.json"):
        Replay(own_demo, frame).catch_up(EVENING)


def test_the_clock_waits_for_somebody_and_again_once_the_effect_could_be_counted(own_demo: Workspace) -> None:
    waits = standing_still(own_demo.paths, DEFAULT_START)
    assert waits(DEFAULT_START), "what was promoted before the demo begins is history"
    act(own_demo, ActionKind.FALLBACK, "arrival-delay", DEFAULT_START + timedelta(minutes=5))
    fallen = DEFAULT_START + timedelta(minutes=5)
    assert not waits(DEFAULT_START) and not waits(fallen + PLAYS_ON - timedelta(minutes=1))
    assert waits(fallen + PLAYS_ON)
    assert not standing_still(own_demo.paths, DEFAULT_START)(fallen), "whoever leaves and comes back finds the effect counted"
    act(own_demo, ActionKind.ROLLBACK, "air-time", fallen + PLAYS_ON)
    assert not waits(fallen + PLAYS_ON)
    assert waits(fallen + 2 * PLAYS_ON)


def test_nothing_is_played_while_the_clock_waits(own_demo: Workspace) -> None:
    asked: list[datetime] = []
    began = own_demo.clock().now()

    def hold(reached: datetime) -> bool:
        asked.append(reached)
        return len(asked) != 2

    replaying.serve(own_demo, speed=1e5, wait=lambda _seconds: len(asked) > 2, say=lambda _told: None, hold=hold)
    assert asked == [began, began, began + replaying.PACE], "it played when it was let, and stood before and after"
    assert own_demo.clock().now() == began + replaying.PACE
