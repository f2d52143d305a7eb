"""Health of a model: what each layer says, since when, and that nothing unknown is ever called ok."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.local.acting import LocalAliasSetter
from backends.records import Layer, Model, State
from backends.store.landing import land, land_records
from console.clock import SimulatedClock
from console.config import ClockSettings, Workspace, init_workspace, open_workspace
from console.lookout import Lookout
from console.policies.load import load_policies, shipped_policies
from console.render.fleet import fleet_page
from console.runbook.checks import Checks
from console.views.health.assessment import assess
from console.views.health.judging import Judged, silent, trouble_began
from console.views.health.model import ModelHealth, Signal
from console.views.health.windows import Ints, hourly_ends, moment_of, strip_ends
from console.views.sight import Sight
from console.views.versions.registry import registry_of
from playbooks.format import CheckCall

START = datetime(2024, 3, 1, tzinfo=UTC)
END = START + timedelta(days=40)
BROKE = END - timedelta(days=2)
PER_HOUR = 20


def workspace_of(root: Path) -> Workspace:
    workspace = init_workspace(root, name="small", clock=ClockSettings(start=END))
    land_records(workspace.paths, [Model(name="m", task="binary", event_at=START, known_at=START, label_delay_hours=2)], now=START)
    LocalAliasSetter(workspace.paths.registry).set_alias(
        "production", "m", "production", "1", expected=None, key="k", actor="ines", now=START
    )
    return workspace


def rows(*, observed_after: float = 0.2, labelled: float = 1.0) -> tuple[dict[str, object], dict[str, object]]:
    """Forty days at twenty requests an hour, scored .2 on average; outcomes agree until BROKE, and are known an hour later."""
    chance = np.random.default_rng(7)
    count = 40 * 24 * PER_HOUR
    seconds = np.arange(count) * (3600 / PER_HOUR)
    event_at = np.datetime64(START.replace(tzinfo=None), "us") + (seconds * 1e6).astype("timedelta64[us]")
    score = np.clip(chance.beta(2, 8, count), 0.01, 0.99)
    likely = np.where(event_at < np.datetime64(BROKE.replace(tzinfo=None)), score, observed_after)
    label = (chance.random(count) < likely).astype(float)
    key = np.array([f"r{number}" for number in range(count)])
    predictions = {"event_at": event_at, "model": ["m"] * count, "version": ["1"] * count, "key": key, "score": score}
    kept = chance.random(count) < labelled
    known = event_at[kept] + np.timedelta64(1, "h")
    before = known <= np.datetime64(END.replace(tzinfo=None))
    labels = {
        "event_at": known[before],
        "known_at": known[before],
        "model": ["m"] * int(before.sum()),
        "key": key[kept][before],
        "label": label[kept][before],
    }
    return predictions, labels


def health_of(workspace: Workspace) -> ModelHealth:
    return Lookout(workspace, "production").model("m")


def signal(health: ModelHealth, name: str) -> Signal:
    return next(each for layer in health.layers for each in layer.signals if each.id == name)


def test_the_gap_is_the_observed_share_less_the_mean_score_of_the_labelled_rows_of_the_last_day(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows(observed_after=0.6)
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    found = signal(health_of(workspace), "model.late_gap")
    known = dict(zip(labels["key"].tolist(), labels["label"].tolist(), strict=True))  # type: ignore[attr-defined]
    day = np.datetime64((END - timedelta(days=1)).replace(tzinfo=None))
    chosen = [
        (score, known[key])
        for key, score, at in zip(predictions["key"], predictions["score"], predictions["event_at"], strict=True)  # type: ignore[call-overload]
        if at >= day and key in known
    ]
    expected = np.mean([outcome for _, outcome in chosen]) - np.mean([score for score, _ in chosen])
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.n == len(chosen)
    assert found.coverage == pytest.approx(len(chosen) / (24 * PER_HOUR))


def test_a_model_that_breaks_is_critical_and_says_when_it_broke(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows(observed_after=0.7)
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    health = health_of(workspace)
    assert health.state is State.CRITICAL and health.broke_first is Layer.MODEL
    assert health.broke_first_at is not None
    assert timedelta(hours=2) <= health.broke_first_at - BROKE <= timedelta(hours=24)
    assert signal(health, "model.score_psi").state is State.OK


def test_a_signal_that_is_fine_names_the_limit_that_is_next_and_which_one_it_is(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows()
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    health = health_of(workspace)
    assert signal(health, "model.ece").why.endswith(", warns over .100 (5 d, n 2,381)")
    assert signal(health, "model.label_coverage").why == "model.label_coverage: 100 %, warns under 70 % (24 h, n 480)"
    assert ", critical over 0 (" in signal(health, "data.schema").why


@pytest.mark.parametrize("minutes", [0, 1, 10, 59])
def test_an_earlier_trouble_that_ended_is_not_the_one_that_is_on_whatever_the_minute(minutes: int) -> None:
    ends = hourly_ends(END + timedelta(minutes=minutes))
    earlier = (BROKE - timedelta(days=6), BROKE - timedelta(days=4))
    states = tuple(
        State.CRITICAL if moment >= BROKE or earlier[0] <= moment < earlier[1] else State.OK
        for moment in (moment_of(int(end)) for end in ends)
    )
    found = silent("model.late_gap", Layer.MODEL, "gap", "").signal
    assert trouble_began(Judged(found, ends=ends, states=states)) == BROKE


@settings(max_examples=50, deadline=None)
@given(minutes=st.integers(0, 40 * 1440), later=st.integers(1, 20 * 1440))
@pytest.mark.parametrize("ends_at", [hourly_ends, strip_ends])
def test_the_windows_of_the_past_are_the_same_at_every_later_moment(ends_at: Callable[[datetime], Ints], minutes: int, later: int) -> None:
    now = END + timedelta(minutes=minutes)
    before, after = ends_at(now), ends_at(now + timedelta(minutes=later))
    assert len(before) == len(after)
    assert after[after < before[-1]].tolist() == [end for end in before[:-1].tolist() if end >= after[0]]


@pytest.mark.parametrize("later", [timedelta(minutes=50), timedelta(hours=7, minutes=13)])
def test_time_alone_does_not_move_when_trouble_began(tmp_path: Path, later: timedelta) -> None:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows(observed_after=0.7)
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    first, second = (courses_at(workspace, END + since) for since in (timedelta(minutes=1), later))
    assert {"model.late_gap", "model.ece"} <= first.keys() & second.keys()
    assert {name: first[name] for name in first.keys() & second.keys()} == {name: second[name] for name in first.keys() & second.keys()}


def courses_at(workspace: Workspace, at: datetime) -> dict[str, datetime | None]:
    """When the trouble of each signal that is in some began before the last evaluation."""
    sight = Sight(workspace, "production", SimulatedClock(start=at, anchored_at=at))
    with sight.reader() as reader:
        judged = assess(sight, reader, registry_of(reader, "production", at), "m").judged
    return {each.signal.id: began for each in judged if (began := trouble_began(each)) is not None and began < END}


def test_a_model_without_a_single_label_is_never_ok(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    land(workspace.paths, "predictions", rows()[0], now=END)
    health = health_of(workspace)
    found = signal(health, "model.late_gap")
    assert found.state is State.UNKNOWN and found.value is None
    assert health.layer(Layer.MODEL).state is not State.OK
    assert health.layer(Layer.BUSINESS).state is State.UNKNOWN
    assert {layer.state for layer in health.layers if not any(each.value is not None for each in layer.signals)} == {State.UNKNOWN}
    assert health.labels.labelled == 0 and health.labels.share == 0.0


def test_a_model_that_scored_nothing_for_months_is_unknown_not_ok(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    health = health_of(workspace)
    assert health.state is not State.OK
    assert all(layer.state is not State.OK for layer in health.layers if layer.layer is not Layer.SYSTEM)
    assert health.last_day is None or health.last_day.scored == 0


def test_outcomes_of_one_class_have_no_auc_and_say_why(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows()
    labels["label"] = np.zeros(len(labels["key"]))  # type: ignore[arg-type]
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    health = health_of(workspace)
    assert health.since_onset is not None and health.since_onset.auc is None
    assert health.since_onset.reasons
    assert signal(health, "model.auc").state is State.UNKNOWN


def test_a_parent_shows_its_worst_child_and_unknown_never_hides_behind_ok(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows()
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    health = health_of(workspace)
    for layer in health.layers:
        states = {each.state for each in layer.signals}
        assert layer.state is not State.OK or states == {State.OK}
    assert health.layer(Layer.BUSINESS).state is State.UNKNOWN


def test_time_travel_sees_only_the_labels_that_were_known_then(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows(observed_after=0.7)
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    then = BROKE - timedelta(days=1)
    health = Lookout(workspace, "production", as_of=then).model("m")
    assert health.at == then
    assert health.last_day is not None and health.last_day.scored == 24 * PER_HOUR
    assert health.last_day.labelled == 23 * PER_HOUR + 1
    assert signal(health, "model.late_gap").state is State.OK


@pytest.mark.parametrize("quiet", ["response: log", "severity: note"])
def test_what_is_only_logged_keeps_its_own_state_and_turns_no_lamp(tmp_path: Path, quiet: str) -> None:
    workspace = workspace_of(tmp_path / "w")
    for table, columns in zip(("predictions", "labels"), rows(observed_after=0.75), strict=True):
        land(workspace.paths, table, columns, now=END)
    loud = health_of(workspace)
    assert loud.layer(Layer.MODEL).state is State.CRITICAL and loud.broke_first is Layer.MODEL
    # Every rule of the model layer that this trouble reaches only logs; the others go on as they were.
    reached = [each for each in loud.layer(Layer.MODEL).signals if each.state in {State.WARNING, State.CRITICAL}]
    shipped = {rule.id: rule for rule in shipped_policies().rules}
    text = "format: 1\nrules:\n"
    for each in reached:
        rule = shipped[each.id]
        answer = quiet if quiet.startswith("severity") else f"severity: page, {quiet}"
        both = ("warning", rule.warning), ("critical", rule.critical)
        limits = ", ".join(f"{name}: {limit}" for name, limit in both if limit is not None)
        text += f"  - {{id: {rule.id}, title: T, layer: {rule.layer.value}, signal: {rule.signal}, "
        text += f"window: {rule.window.total_seconds():.0f}s, "
        text += f"{limits}, playbook: {rule.playbook}, {answer}}}\n"
    (workspace.paths.policies / "own.yaml").write_text(text)
    assert not load_policies(workspace.paths.policies).problems
    calm = health_of(open_workspace(workspace.paths.root))
    layer = calm.layer(Layer.MODEL)
    own = signal(calm, "model.late_gap")
    assert own.state is State.CRITICAL and own.why.endswith("; only logged: no alert, no lamp")
    assert layer.state not in {State.WARNING, State.CRITICAL} and layer.since is None
    assert calm.broke_first is not Layer.MODEL
    checks = Checks(Lookout(open_workspace(workspace.paths.root), "production").sight())
    asked = checks.answer(CheckCall(check="signal", args={"model": "m", "signal": "late_gap"}))
    assert asked.state is State.UNKNOWN and asked.value == own.value
    assert asked.sentence.raw.startswith("only rules that log watch this, and they lead no step: model.late_gap says critical at")
    layered = checks.answer(CheckCall(check="layer", args={"model": "m", "layer": "model"}))
    assert layered.state is layer.state


def drift_cell(lookout: Lookout) -> tuple[str, str]:
    """What the cell of drift says in the one row of Fleet, and in which colour."""
    head, row = (each.line for each in fleet_page(lookout.fleet(), width=120).rows[:2])
    place = head.text.index("DRIFT")
    at = 0
    for span in row.spans:
        if at <= place < at + len(span.text):
            return span.text.rstrip(), span.role
        at += len(span.text)
    raise AssertionError("no such cell")


def test_drift_that_is_only_logged_has_a_number_and_no_lamp_and_leads_no_step(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows()
    moved = predictions["event_at"] >= np.datetime64(BROKE.replace(tzinfo=None))  # type: ignore[operator]
    predictions["score"] = np.where(moved, 0.9, predictions["score"])  # type: ignore[call-overload]
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    asked = CheckCall(check="score_shift", args={"model": "m"})
    loud = Lookout(workspace, "production")
    row = loud.fleet().rows[0]
    assert row.drift_state is State.CRITICAL and Checks(loud.sight()).answer(asked).state is State.CRITICAL
    assert row.drift is not None and drift_cell(loud) == (f"X {row.drift:>4.2f}".replace("0.", " ."), "critical")
    (workspace.paths.policies / "own.yaml").write_text(
        "format: 1\nrules:\n"
        "  - {id: model.score_psi, title: T, layer: model, signal: score_psi, window: 5d, warning: calibrated, critical: calibrated,"
        " playbook: prediction-shift, severity: ticket, response: log}\n"
        "  - {id: model.score_mean, title: T, layer: model, signal: score_mean_jump, window: 24h, warning: 0.01,"
        " playbook: prediction-shift, severity: ticket, response: log}\n"
    )
    calm = Lookout(open_workspace(workspace.paths.root), "production")
    quiet = calm.fleet().rows[0]
    assert (quiet.drift, quiet.drift_state, quiet.drift_only_logged) == (row.drift, State.UNKNOWN, True)
    assert drift_cell(calm) == (f"  {row.drift:>4.2f}".replace("0.", " ."), "dim")
    answer = Checks(calm.sight()).answer(asked)
    assert answer.state is State.UNKNOWN and "they lead no step: model.score_psi says critical at" in answer.sentence.raw
