"""What a rollout has shown: every verdict from rows in a store, against scipy or a sum written out; too few rows say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from views_workspace import DAY, HOUR, START, Made, made

from backends.local.acting import LocalTrafficSetter
from backends.local.routing import answered_by
from backends.protocol import NO_ROLLOUT, AliasMove, Strategy, TrafficSetting
from backends.records import Model, State
from backends.store.landing import land
from backends.store.reader import Reader
from console.control.actions import version_label
from console.views.release.measured import judgement_of, measured, traffic_measured
from console.views.release.rollout import RolloutMeasured
from console.views.sight import Sight

BEGAN = START + DAY
NOW = START + 3 * DAY
THRESHOLD = 0.5
MOVE = AliasMove("production", "delay", "production", "1", START, "ines", "first")


def setting(strategy: Strategy, model: str, *, share: float, candidate: str = "2", **more: Any) -> TrafficSetting:
    """A rollout that holds since BEGAN."""
    return TrafficSetting(
        environment="production", model=model, state="running", strategy=strategy, stable="1", stable_key="first", candidate=candidate,
        weights={"1": 1 - share, candidate: share}, salt="salt", started_at=START, step_at=BEGAN, set_at=BEGAN, set_by="ines", key="k-1",
        reason="April", shadow=() if share else (candidate,), **more,
    )  # fmt: skip


def origin_of(key: str) -> str | None:
    """Of every third request nobody knows it, of few it is EWR."""
    row = int(key.rpartition("-")[2])
    return "EWR" if row in {60, 70, 80} else (None, "JFK", "LGA")[row % 3]


class World:
    """A store with requests that two versions share; everything that was landed is kept for the sums of the tests."""

    def __init__(self, root: Path) -> None:
        self.place: Made = made(root / "measured", NOW, threshold=THRESHOLD)
        self.random = np.random.default_rng(11)

    def requests(self, rollout: TrafficSetting, n: int, *, worse: float, obeyed: bool = True, labelled: int | None = None) -> Requests:
        """`n` requests since BEGAN, divided as published or (not `obeyed`) all answered by the stable version; `worse` is added to the
        candidate's scores of requests without an event. A day of answers from before the step comes first and is never to be counted."""
        at = [BEGAN - DAY + row * DAY / 50 for row in range(50)] + [BEGAN + row * (NOW - BEGAN) / n for row in range(n)]
        keys = [f"{rollout.model}-{row}" for row in range(len(at))]
        chance = self.random.uniform(0.1, 0.9, len(at))
        label = (self.random.random(len(at)) < chance).astype(float)
        scores = {"1": chance, rollout.candidate: np.clip(chance + np.where(label == 0, worse, 0.0), 0, 1)}
        whose = np.array([answered_by(rollout, MOVE, key) if obeyed else "1" for key in keys])
        whose[:50] = rollout.candidate
        for version, score in scores.items():
            for role, mask in (("live", whose == version), ("shadow", np.full(len(at), version in rollout.shadow))):
                chosen = np.flatnonzero(mask).tolist()
                self._land_scores(rollout.model, version, role, [at[row] for row in chosen], [keys[row] for row in chosen], score[mask])
        told = [row for row in range(len(at)) if labelled is None or row < 50 + labelled]
        columns = {
            "model": [rollout.model] * len(told), "key": [keys[row] for row in told], "label": label[told].tolist(),
            "event_at": [at[row] for row in told], "known_at": [at[row] for row in told],
        }  # fmt: skip
        land(self.place.workspace.paths, "labels", columns, now=NOW)
        since = np.array([moment >= BEGAN for moment in at])
        known = np.isin(np.arange(len(at)), told) & since
        return Requests(at, label, scores, {version: (whose == version) & since for version in scores}, known)

    def _land_scores(self, model: str, version: str, role: str, at: list[datetime], keys: list[str], score: Any) -> None:
        if not keys:
            return
        n = len(keys)
        columns = {"model": [model] * n, "version": [version] * n, "role": [role] * n, "key": keys, "event_at": at}
        columns |= {"score": score.tolist(), "latency_ms": [float(number) for number in range(n)]}
        # Inputs are logged with the answer: a score in the shadow has none of its own.
        columns |= {"origin": [origin_of(key) for key in keys]} if role == "live" else {}
        land(self.place.workspace.paths, "predictions", columns, now=NOW)

    def measured(self, rollout: TrafficSetting, reader: Reader, sight: Sight) -> RolloutMeasured:
        model = Model(name=rollout.model, task="binary", threshold=THRESHOLD, slices=("origin",), event_at=START, known_at=START)
        return measured(sight, reader, model, rollout)


class Requests:
    """What was landed for one rollout: by request, and which version answered it after the step began."""

    def __init__(
        self, at: list[datetime], label: np.ndarray, scores: dict[str, np.ndarray], answered: dict[str, np.ndarray], known: np.ndarray
    ) -> None:
        self.at, self.label, self.scores, self.answered, self.known = at, label, scores, answered, known

    def loss(self, version: str, mask: np.ndarray) -> np.ndarray:
        found: np.ndarray = (self.scores[version][mask] - self.label[mask]) ** 2
        return found

    def own(self, version: str) -> np.ndarray:
        """Losses of the answers that a version gave and whose outcome is known."""
        return self.loss(version, self.answered[version] & self.known)

    def counts(self) -> list[int]:
        return [int(mask.sum()) for mask in self.answered.values()]


CASES: dict[str, tuple[TrafficSetting, dict[str, Any]]] = {
    "alike": (setting("canary", "alike", share=0.4), {"n": 4000, "worse": 0.0}),
    "worse": (setting("canary", "worse", share=0.4), {"n": 4000, "worse": 0.3}),
    "few": (setting("canary", "few", share=0.2), {"n": 500, "worse": 0.0, "labelled": 40}),
    "open": (setting("canary", "open", share=0.4), {"n": 200, "worse": 0.0}),
    "deaf": (setting("canary", "deaf", share=0.4), {"n": 500, "worse": 0.0, "obeyed": False}),
    "shadow": (setting("shadow", "shadow", share=0.0), {"n": 600, "worse": 0.03}),
    "little": (setting("shadow", "little", share=0.0), {"n": 600, "worse": 0.003}),
    "same": (setting("blue-green", "same", share=0.0), {"n": 600, "worse": -0.01}),
    "unlabelled": (setting("blue-green", "unlabelled", share=0.0), {"n": 600, "worse": 0.0, "labelled": 29}),
    "ab": (setting("ab", "ab", share=0.5, hours=36.0, until=BEGAN + 36 * HOUR), {"n": 3000, "worse": 0.3}),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("rollouts"))


@pytest.fixture(scope="module")
def landed(world: World) -> dict[str, Requests]:
    return {name: world.requests(rollout, **how) for name, (rollout, how) in CASES.items()}


@pytest.fixture(scope="module")
def shown(world: World, landed: dict[str, Requests]) -> Iterator[dict[str, RolloutMeasured]]:
    assert set(landed) == set(CASES)
    sight = world.place.lookout().sight()
    with sight.reader() as reader:
        yield {name: world.measured(rollout, reader, sight) for name, (rollout, _) in CASES.items()}


def test_a_canary_is_told_by_its_own_answers_since_the_step_and_by_nothing_earlier(
    shown: dict[str, RolloutMeasured], landed: dict[str, Requests]
) -> None:
    for name, state in (("alike", State.OK), ("worse", State.CRITICAL)):
        view, rows = shown[name], landed[name]
        assert view.state is state, view.sentence.raw
        assert [arm.answered for arm in view.arms] == rows.counts() and sum(rows.counts()) == 4000
        assert view.ratio_p == pytest.approx(stats.chisquare(rows.counts(), [2400, 1600]).pvalue, abs=1e-9)
        welch = stats.ttest_ind(rows.own("2"), rows.own("1"), equal_var=False).confidence_interval()
        assert (view.low, view.high) == pytest.approx((welch.low, welch.high), abs=2e-4)
        assert [arm.loss for arm in view.arms] == pytest.approx([float(rows.own(version).mean()) for version in ("1", "2")])
        mine = rows.answered["2"]
        assert view.arms[1].outcome == pytest.approx(float(rows.label[mine].mean()))
        assert view.arms[1].latencies == int(mine.sum()) and not view.same_rows and view.both == 0
    assert "v2 is worse in separate groups" in shown["worse"].sentence.raw


def test_few_outcomes_say_nothing_and_so_does_an_interval_that_admits_a_large_loss(shown: dict[str, RolloutMeasured]) -> None:
    few = shown["few"]
    assert few.state is State.UNKNOWN and few.difference is None
    assert few.sentence.raw == f"only {min(arm.labelled for arm in few.arms)} answers of v2 have an outcome; 30 are needed"
    open_ = shown["open"]
    assert open_.high is not None and open_.arms[0].loss is not None and open_.high > 0.25 * open_.arms[0].loss
    assert open_.state is State.UNKNOWN and "may still be that v2 loses 25 % more than v1" in open_.sentence.raw


def test_a_serving_process_that_divides_otherwise_is_critical_however_good_the_candidate(shown: dict[str, RolloutMeasured]) -> None:
    deaf = shown["deaf"]
    assert deaf.state is State.CRITICAL and (deaf.ratio_p or 0.0) < 1e-9 and [arm.observed for arm in deaf.arms] == [1.0, 0.0]
    assert deaf.sentence.raw.startswith("v2 gave 0.0 % of 500 answers, 40 % were asked for")


def test_a_shadow_that_answers_people_is_critical(world: World, shown: dict[str, RolloutMeasured]) -> None:
    rollout, _ = CASES["worse"]
    sight = world.place.lookout().sight()
    with sight.reader() as reader:
        view = world.measured(replace(rollout, strategy="shadow", weights={"1": 1.0}, shadow=("2",)), reader, sight)
    assert view.state is State.CRITICAL and view.sentence.raw.endswith("answers and should give none")
    assert shown["shadow"].arms[1].answered == 0


def test_a_shadow_is_compared_on_the_same_rows_which_move_together_by_the_hour(
    shown: dict[str, RolloutMeasured], landed: dict[str, Requests]
) -> None:
    for name, state in (("shadow", State.CRITICAL), ("same", State.OK)):
        view, rows = shown[name], landed[name]
        assert view.state is state and view.same_rows and view.n == view.both == 600, view.sentence.raw
        assert view.ratio_p is None and [arm.answered for arm in view.arms] == [600, 0]
        since = rows.answered["1"]
        each = rows.loss("2", since) - rows.loss("1", since)
        hours: dict[Any, float] = {}
        for moment, rest in zip(np.array(rows.at)[since], each - each.mean(), strict=True):
            hour = moment.replace(minute=0, second=0, microsecond=0)
            hours[hour] = hours.get(hour, 0.0) + rest
        error = np.sqrt(len(hours) / (len(hours) - 1) * sum(total**2 for total in hours.values())) / 600
        half = stats.norm.ppf(0.975) * error
        assert (view.difference, view.low, view.high) == pytest.approx((each.mean(), each.mean() - half, each.mean() + half), abs=1e-9)
        apart = (rows.scores["2"][since] > THRESHOLD) != (rows.scores["1"][since] > THRESHOLD)
        spread = stats.binomtest(int(apart.sum()), 600).proportion_ci(method="wilson")
        assert (view.disagree, view.disagree_low, view.disagree_high) == pytest.approx((apart.mean(), spread.low, spread.high))
        shift = rows.scores["2"][since] - rows.scores["1"][since]
        assert (view.shift, view.shift_p5, view.shift_p95) == pytest.approx((shift.mean(), *np.quantile(shift, [0.05, 0.95])))
    assert "v2 is worse on the same rows" in shown["shadow"].sentence.raw and "better" in shown["same"].sentence.raw


def test_a_shadow_is_compared_by_slice_the_furthest_apart_first_and_small_slices_are_left_out(
    shown: dict[str, RolloutMeasured], landed: dict[str, Requests]
) -> None:
    view, rows = shown["shadow"], landed["shadow"]
    origin = np.array([origin_of(f"shadow-{row}") or "" for row in range(len(rows.at))])
    counted = []
    for name in ("", "JFK", "LGA"):
        own = rows.answered["1"] & (origin == name)
        apart = (rows.scores["2"][own] > THRESHOLD) != (rows.scores["1"][own] > THRESHOLD)
        counted.append((apart.mean(), (rows.scores["2"][own] - rows.scores["1"][own]).mean(), int(own.sum()), name))
    expected = [(name, n, disagree, shift) for disagree, shift, n, name in sorted(counted, reverse=True)]
    found = [(each.value.raw if each.value else "", each.n, each.disagree, each.shift) for each in view.by_slice]
    assert [each[:2] for each in found] == [each[:2] for each in expected] and "EWR" not in {each[0] for each in found}
    assert [each[2:] for each in found] == [pytest.approx(each[2:]) for each in expected]
    assert shown["worse"].by_slice == (), "a canary has no request that both scored"


def test_a_loss_beyond_chance_that_is_too_small_to_matter_is_not_called_worse_and_the_policy_says_how_small(
    world: World, shown: dict[str, RolloutMeasured]
) -> None:
    view = shown["little"]
    assert view.low is not None and view.low > 0 and view.difference is not None and view.base is not None
    assert 0 < view.difference < 0.02 * view.base and view.margin == 0.02
    assert view.state is State.OK and view.sentence.raw.startswith("v2 loses more, but less than 2 % of the loss of v1, on the same rows")
    for margin, name, state in ((0.0, "little", State.CRITICAL), (0.2, "shadow", State.OK)):
        policy = world.place.workspace.paths.policies / "margin.yaml"
        policy.write_text(f"format: 1\ntriggers:\n  - {{id: candidate-worse, title: Worse, rollout: worse, margin: {margin}}}\n")
        sight = world.place.lookout().sight()
        with sight.reader() as reader:
            view = world.measured(CASES[name][0], reader, sight)
        policy.unlink()
        assert (view.state, view.margin) == (state, margin), view.sentence.raw


def test_answers_of_a_version_in_neither_arm_are_said_and_count_for_nobody(world: World, shown: dict[str, RolloutMeasured]) -> None:
    rollout = setting("canary", "stray", share=0.4)
    rows = world.requests(rollout, 1000, worse=0.0)
    for n in (5, 300):
        times = [BEGAN + HOUR + row * HOUR / 400 for row in range(n)]
        world._land_scores("stray", "3", "live", times, [f"other-{row}" for row in range(n)], np.full(n, 0.5))
        sight = world.place.lookout().sight()
        with sight.reader() as reader:
            view = world.measured(rollout, reader, sight)
        assert [(each.version, each.answered) for each in view.others] == [("3", n)]
        assert [arm.answered for arm in view.arms] == rows.counts()
        assert ("neither arm" in view.sentence.raw) == (n == 300), view.sentence.raw
        assert f"v3 is in neither arm and gave {n} answers: they count for nobody" in [line.raw for line in judgement_of(view).lines]
    assert view.state is State.CRITICAL
    assert view.sentence.raw == "v3 gave 300 of 1,300 answers and is in neither arm: serving does not go by the rollout"
    assert shown["alike"].others == ()


def test_a_colour_that_waits_is_not_cleared_by_requests_whose_outcome_is_not_known(shown: dict[str, RolloutMeasured]) -> None:
    view = shown["unlabelled"]
    assert view.state is State.UNKNOWN and view.both == 600 and view.disagree == 0.0
    assert view.sentence.raw == "only 29 requests that both scored have an outcome; 30 are needed"


def test_an_experiment_says_nothing_before_its_end_and_then_judges_its_groups(
    world: World, shown: dict[str, RolloutMeasured], landed: dict[str, Requests]
) -> None:
    rollout, _ = CASES["ab"]
    early = world.place.lookout(BEGAN + 35 * HOUR).sight()
    with early.reader() as reader:
        view = world.measured(rollout, reader, early)
    assert view.state is State.UNKNOWN and view.sentence.raw.endswith("UTC: no verdict before its end")
    assert view.arms[1].answered < shown["ab"].arms[1].answered
    welch = stats.ttest_ind(landed["ab"].own("2"), landed["ab"].own("1"), equal_var=False).confidence_interval()
    assert shown["ab"].state is State.CRITICAL
    assert (shown["ab"].low, shown["ab"].high) == pytest.approx((welch.low, welch.high), abs=2e-4)
    rows = landed["ab"]
    came = [rows.label[rows.answered[version] & rows.known] for version in ("2", "1")]
    outcome = stats.ttest_ind(*came, equal_var=False).confidence_interval()
    ab = shown["ab"]
    assert ab.outcome_difference == pytest.approx(came[0].mean() - came[1].mean())
    assert (ab.outcome_low, ab.outcome_high) == pytest.approx((outcome.low, outcome.high), abs=2e-4)
    assert ab.ratio_p == pytest.approx(stats.chisquare(rows.counts()).pvalue, abs=1e-9)
    assert shown["few"].outcome_difference is None, "too few outcomes say nothing of them either"


def test_a_store_without_a_row_since_is_unknown_and_the_plan_says_so(world: World) -> None:
    sight = world.place.lookout().sight()
    with sight.reader() as reader:
        view = world.measured(setting("canary", "nobody", share=0.4), reader, sight)
    assert view.state is State.UNKNOWN and view.sentence.raw == "nothing was scored since"
    carried = judgement_of(view)
    assert carried.state is State.UNKNOWN and [line.raw for line in carried.lines][1].startswith(
        f"{version_label('2')} answered nothing of 40 % asked"
    )


def test_the_published_rollout_is_the_one_that_is_measured(world: World) -> None:
    rollout = replace(setting("canary", "delay", share=0.5), set_at=BEGAN)
    LocalTrafficSetter(world.place.workspace.paths.traffic).set_traffic(rollout, expected=NO_ROLLOUT)
    rows = world.requests(rollout, 400, worse=0.0)
    view = traffic_measured(world.place.lookout().sight(), "delay")
    assert view.measured is not None and [arm.answered for arm in view.measured.arms] == rows.counts()
    assert view.measured.since == BEGAN and view.measured.until - BEGAN == timedelta(days=2)
