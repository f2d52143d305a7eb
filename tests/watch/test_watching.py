"""The watch: one alert for one stretch of trouble however often it is evaluated, one incident for a model, somebody is told."""

from __future__ import annotations

import json
import sys
from datetime import UTC, timedelta
from pathlib import Path

import numpy as np
import pytest

from backends.records import State
from backends.store.landing import land
from console.cli.main import main
from console.clock import SimulatedClock, SystemClock
from console.config import Workspace, open_workspace
from console.control.ledger import read_state
from console.lookout import Lookout
from console.render import figures
from console.watch.alerting import stretches
from console.watch.rounds import watch_once
from tests.views.test_evaluation import BROKE, END, rows, workspace_of

K, W, C, U = State.OK, State.WARNING, State.CRITICAL, State.UNKNOWN


@pytest.fixture
def broken(tmp_path: Path) -> Workspace:
    workspace = workspace_of(tmp_path / "w")
    predictions, labels = rows(observed_after=0.7)
    land(workspace.paths, "predictions", predictions, now=END)
    land(workspace.paths, "labels", labels, now=END)
    return workspace


def at(moment_hours: float) -> SimulatedClock:
    return SimulatedClock(END + timedelta(hours=moment_hours), SystemClock().real_now(), 0.0)


def test_a_number_that_dips_for_a_moment_is_one_stretch() -> None:
    found = stretches((K, W, W, K, K, C, W, K, K, K, K, K), W)
    assert [(each.first, each.end) for each in found] == [(1, 7)]


def test_windows_without_a_verdict_neither_begin_nor_end_a_stretch() -> None:
    assert [(each.first, each.end) for each in stretches((U, W, U, U, U, U, U, W), W)] == [(1, None)]


def test_evaluating_again_opens_nothing_twice(broken: Workspace) -> None:
    watch_once(broken, at(0))
    first = read_state(broken.paths)
    again = watch_once(broken, at(0))
    second = read_state(broken.paths)
    assert first.alerts and first.alerts == second.alerts
    assert len(first.incidents) == len(second.incidents) == 1
    assert not again.new


def test_the_incident_is_opened_by_the_rule_that_pages_at_the_time_it_broke(broken: Workspace) -> None:
    watch_once(broken, at(0))
    [incident] = read_state(broken.paths).incidents.values()
    assert incident.model == "m" and incident.severity is State.CRITICAL and incident.playbook == "quality-collapse"
    assert timedelta(0) < incident.opened_at - BROKE < timedelta(hours=30)


def test_losing_the_mark_of_the_last_evaluation_doubles_nothing(broken: Workspace) -> None:
    watch_once(broken, at(0))
    before = read_state(broken.paths).alerts
    (broken.paths.store / "evaluated.json").unlink()
    watch_once(broken, at(0))
    assert read_state(broken.paths).alerts == before


def test_an_alert_ends_when_its_number_is_back_within_its_limits(broken: Workspace) -> None:
    watch_once(broken, at(0))
    healthy = 3 * 24 * 20
    chance = np.random.default_rng(1)
    event_at = np.datetime64(END.replace(tzinfo=None), "us") + (np.arange(healthy) * 180).astype("timedelta64[s]")
    score = np.clip(chance.beta(2, 8, healthy), 0.01, 0.99)
    key = [f"later{number}" for number in range(healthy)]
    common = {"model": ["m"] * healthy, "key": key}
    land(broken.paths, "predictions", {**common, "event_at": event_at, "version": ["1"] * healthy, "score": score}, now=END)
    known = event_at + np.timedelta64(1, "h")
    label = (chance.random(healthy) < score).astype(float)
    land(broken.paths, "labels", {**common, "event_at": known, "known_at": known, "label": label}, now=END)
    watch_once(broken, at(72))
    gap = [alert for alert in read_state(broken.paths).alerts.values() if alert.rule == "model.late_gap"]
    assert gap and all(alert.closed_at is not None and alert.closed_at > END for alert in gap)


def test_the_first_frame_and_every_verb_find_what_was_evaluated(broken: Workspace) -> None:
    watch_once(broken, at(0))
    summary = json.loads(broken.paths.summary.read_text())
    assert summary["rows"][0]["model"] == "m" and summary["rows"][0]["state"] == "critical"
    assert Lookout(broken, "production").fleet().rows[0].incidents == ("INC-1",)


def test_the_command_that_the_workspace_names_is_given_each_new_alert(broken: Workspace, tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    settings = broken.paths.workspace_toml.read_text() + f"\n[watch]\nnotify = [{sys.executable!r}, '-c', {json.dumps(script)}]\n"
    broken.paths.workspace_toml.write_text(settings)
    done = watch_once(open_workspace(broken.paths.root), at(0))
    bodies = [json.loads(line) for line in told.read_text().splitlines()]
    assert not [problem for problem in done.problems if "not told" in problem]
    assert {body["alert"]["id"] for body in bodies if body["event"] == "opened"} == set(read_state(broken.paths).alerts)


def test_somebody_who_cannot_be_told_is_a_problem_that_is_said(broken: Workspace) -> None:
    broken.paths.workspace_toml.write_text(broken.paths.workspace_toml.read_text() + '\n[watch]\nnotify = ["/nonexistent/pager"]\n')
    done = watch_once(open_workspace(broken.paths.root), at(0))
    assert any("was not told" in problem for problem in done.problems)


def test_a_stretch_that_goes_on_stays_one_alert_whatever_the_minute_of_the_evaluation(broken: Workspace) -> None:
    watch_once(broken, at(0))
    first = read_state(broken.paths)
    for minutes in (10, 20, 40, 70):
        watch_once(broken, at(minutes / 60))
    later = read_state(broken.paths)
    firing = [(alert.rule, alert.state) for alert in later.alerts.values() if alert.closed_at is None]
    assert firing and len(firing) == len(set(firing)), "one rule fires twice at one level"
    still = {name for name, alert in first.alerts.items() if alert.closed_at is None}
    assert {name for name in still if later.alerts[name].closed_at is None}, "an alert that goes on has got another name"
    assert len(later.incidents) == 1


def test_losing_the_mark_between_two_minutes_doubles_nothing(broken: Workspace) -> None:
    watch_once(broken, at(0))
    before = read_state(broken.paths).alerts
    (broken.paths.store / "evaluated.json").unlink()
    watch_once(broken, at(10 / 60))
    assert set(read_state(broken.paths).alerts) == set(before)


def test_what_an_open_incident_said_of_its_beginning_stays_when_limits_change_and_what_is_seen_now_stands_beside(
    broken: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        assert main(["-w", str(broken.paths.root), *words]) == 0
        return " ".join(capsys.readouterr().out.split())

    watch_once(broken, at(0))
    [incident] = read_state(broken.paths).incidents.values()
    told = Lookout(broken, "production").model("m")
    assert incident.onset is not None and told.now_seen_since is None
    assert (told.broke_first, told.broke_first_at) == (incident.onset.layer, incident.onset.at)
    assert incident.onset.at <= incident.opened_at
    # With limits that chance alone exceeds, the trouble seems to be as old as the history is long.
    tight = "{id: model.late_gap, title: T, layer: model, signal: late_gap, window: 24h, warning: .0001, critical: .0002, "
    (broken.paths.policies / "own.yaml").write_text(f"format: 1\nrules:\n  - {tight}playbook: quality-collapse, severity: page}}\n")
    workspace = open_workspace(broken.paths.root)
    now = Lookout(workspace, "production").model("m")
    assert (now.broke_first, now.broke_first_at, now.broke_first_why) == (told.broke_first, told.broke_first_at, told.broke_first_why)
    assert now.since_onset is not None and told.since_onset is not None and now.since_onset.since == told.since_onset.since
    assert now.now_seen_since is not None and now.now_seen_since < incident.onset.at - timedelta(days=2)
    seen, began = (figures.moment(moment, UTC) for moment in (now.now_seen_since, incident.onset.at))
    assert f"broke first: {began} now seen since {seen}" in said("model", "m")
    assert f"now seen since {seen}" in said("incident", incident.id) and f"before the onset {began}" in said("incident", incident.id)
    # Once it is closed, nothing holds on to what it said.
    said("close", incident.id, "--reason", "over")
    assert Lookout(workspace, "production").model("m").broke_first_at == now.now_seen_since
