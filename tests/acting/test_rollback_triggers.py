"""Rollback triggers are data: they arm, say when they would fire and what they ask for, and never send anything."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import console
from test_after_a_shift import SHADOW, scored
from test_verbs_that_act import Verb

from backends.store.errors import StoreError
from backends.store.landing import land
from console.control.ledger import read_state
from console.policies.load import PoliciesError, read_policies

OWN = """format: 1
triggers:
  - {id: gap, title: Reality and the scores disagree, rule: own.gap}
  - {id: gap-long, title: The same for a month, rule: own.gap, for: 30d}
  - {id: gap-new, title: The same on its first day, rule: own.gap, within: 1d}
  - {id: gap-off, title: The same and switched off, rule: own.gap, enabled: false}
  - {id: other-task, title: The other kind of model, rule: model.mae}
rules:
  - {id: own.gap, title: Gap, layer: model, signal: late_gap, window: 72h,
     warning: 0.1, critical: 0.2, playbook: quality-collapse, severity: page}
"""


@pytest.fixture
def place(place: Place) -> Place:
    """The rules change here after the last evaluation, so that nothing that it kept counts."""
    shutil.rmtree(place.paths.store / "health")
    return place


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    (place.paths.policies / "own.yaml").write_text(OWN)
    return Verb(place, capsys, monkeypatch)


def triggers(qd: Verb) -> dict[str, Any]:
    assert qd("traffic", MODEL, "--json") == 0, qd.err
    return {each["id"]: each for each in qd.data["triggers"]}


def signals(qd: Verb) -> dict[str, Any]:
    assert qd("model", MODEL, "--json") == 0, qd.err
    return {signal["id"]: signal for layer in qd.data["layers"] for signal in layer["signals"]}


def test_a_trigger_goes_by_the_verdict_of_its_rule_and_says_what_it_asks_for(qd: Verb, place: Place) -> None:
    known, found = signals(qd), triggers(qd)
    gap = found["gap"]
    assert known["own.gap"]["state"] == "critical"
    assert (gap["state"], gap["lamp"], gap["verb"]) == ("would fire", "critical", f"rollback {MODEL}")
    assert (gap["why"], gap["since"]) == (known["own.gap"]["why"], known["own.gap"]["since"])
    assert gap["place"] is not None and gap["place"].endswith("own.yaml:3")
    assert next(iter(found)) == "gap", "what would fire stands first"
    assert found["gap-long"]["state"] == "armed"
    assert (found["gap-new"]["state"], found["gap-off"]["state"]) == ("not armed", "not armed")
    assert "took over" in found["gap-new"]["why"] and found["gap-off"]["why"] == "switched off"
    assert found["other-task"]["why"] == "the alert rule model.mae does not watch this model"
    assert found["candidate-worse"]["why"] == "no rollout is under way"
    # What nobody measures is never armed, and so never counts as well.
    for name in ("outcome", "harm"):
        assert (found[name]["state"], found[name]["lamp"]) == ("not armed", "unknown")
    for shipped, rule in (("latency", "system.latency_p95"), ("errors", "system.errors"), ("worse-than-before", "model.brier")):
        state = known[rule]["state"]
        late = "took over" in found[shipped]["why"]
        assert found[shipped]["state"] == ("not armed" if state == "unknown" or late else "would fire" if state == "critical" else "armed")
    assert qd("traffic", MODEL) == 0
    assert "X would fire now: Reality and the scores disagree; qd rollback delay" in qd.out.replace("\n   ", " ")
    assert max(len(each) for each in qd.out.splitlines()) <= 80
    assert place.version == "2" and not read_state(place.paths).actions


@pytest.mark.parametrize(("bad", "state"), [(True, "would fire"), (False, "armed")])
def test_latency_errors_outcomes_and_harm_each_go_by_their_own_rule(qd: Verb, place: Place, bad: bool, state: str) -> None:
    slow = "{id: system.latency_p95, title: Slow, layer: system, signal: latency_p95, window: 72h, warning: 1, critical: LIMIT"
    text = f"format: 1\nrules:\n  - {slow}, playbook: slow-or-failing, severity: page}}\ntriggers:\n"
    text = text.replace("LIMIT", "4" if bad else "6")
    for name, rule in (("latency", "system.latency_p95"), ("errors", "system.errors")):
        text += f"  - {{id: {name}, title: {name}, rule: {rule}}}\n"
    (place.paths.policies / "more.yaml").write_text(text)
    values = {"error_share": 0.2 if bad else 0.001, "kpi_loss_at_least": 0.05 if bad else -0.01, "harm_reports": 1.0 if bad else 0.0}
    layers = {"error_share": "system", "kpi_loss_at_least": "business", "harm_reports": "business"}
    names = [name for name in values for _ in range(3)]
    columns = {
        "model": [MODEL] * 9, "layer": [layers[name] for name in names], "name": names, "value": [values[name] for name in names],
        "n": [500.0] * 9, "event_at": [NOW - timedelta(minutes=minutes) for _ in values for minutes in (12, 6, 1)],
    }  # fmt: skip
    land(place.paths, "metrics", columns, now=NOW)
    known, found = signals(qd), triggers(qd)
    for name, rule in (
        ("latency", "system.latency_p95"),
        ("errors", "system.errors"),
        ("outcome", "business.kpi"),
        ("harm", "business.harm"),
    ):
        assert (found[name]["state"], found[name]["verb"]) == (state, f"rollback {MODEL}"), found[name]
        assert found[name]["why"] == known[rule]["why"] and (known[rule]["state"] == "critical") is bad


def test_where_nothing_could_be_done_none_is_armed(qd: Verb, place: Place) -> None:
    assert qd("kill", MODEL, "--confirm", MODEL) == 0
    gap = triggers(qd)["gap"]
    assert (gap["state"], gap["verb"], gap["why"]) == ("not armed", None, "the switch stands at fallback: no version answers")
    assert qd("restore", MODEL, "--dry-run") in {0, 3}
    place.without_store()
    assert qd("traffic", MODEL, "--json") == 0
    assert {each["state"] for each in qd.data["triggers"]} == {"not armed"}


def test_a_rollout_whose_candidate_is_worse_or_late_asks_for_its_end(qd: Verb, place: Place) -> None:
    slow = "{id: own.slow, title: Slow, layer: system, signal: latency_p95, window: 72h, warning: 1, critical: 4"
    text = f"format: 1\nrules:\n  - {slow}, playbook: slow-or-failing, severity: page}}\n"
    (place.paths.policies / "slow.yaml").write_text(text + "triggers:\n  - {id: slow, title: Slow, rule: own.slow, within: 1d}\n")
    assert triggers(qd)["slow"]["why"].startswith("v2 took over 38d ago")
    assert qd(*SHADOW) == 0, qd.err
    before = triggers(qd)
    # What was let in a moment ago may be why answers are late, and can be taken out at once.
    assert (before["slow"]["state"], before["slow"]["verb"]) == ("would fire", f"traffic {MODEL} abort")
    assert before["gap"]["verb"] == f"rollback {MODEL}", "what the serving version does badly is not mended by ending a rollout"
    assert before["candidate-worse"]["state"] == "not armed" and before["candidate-worse"]["why"] == "nothing was scored since"
    scored(place, 2, ("2", "live", 0.7), ("3", "shadow", 0.4))
    found = triggers(qd)["candidate-worse"]
    assert (found["state"], found["verb"]) == ("would fire", f"traffic {MODEL} abort")
    assert qd.data["measured"]["difference"] == pytest.approx(0.6**2 - 0.3**2)
    assert found["why"].startswith("difference +.270") and qd.data["next"][0]["move"] == "abort"
    assert qd.data["value"].startswith("shadow"), "it sends nothing by itself"


def test_a_trigger_of_a_rollout_that_cannot_be_measured_says_why(qd: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = ("shift", "--to", "3", "--strategy", "shadow", "--reason", "look", "--confirm", MODEL, "--elevate")
    assert qd("traffic", MODEL, *shadow, who="ines") == 0, qd.err

    def unreadable(*_: object) -> None:
        raise StoreError("segment 7 is damaged")

    monkeypatch.setattr("console.views.release.measured.measured", unreadable)
    found = triggers(qd)["candidate-worse"]
    assert (found["state"], found["why"]) == ("not armed", "segment 7 is damaged")


async def test_the_screen_shows_them_and_e_explains(qd: Verb, place: Place) -> None:
    del qd
    async with console(place, size=(120, 40)) as screen:
        await screen.press("W")
        await screen.shows("would fire now")
        await screen.shows("X would fire gap")
        await screen.press("n")
        await screen.shows("Reality and the scores disagree; own.gap")
        await screen.press("enter")
        await screen.until(lambda: screen.app.screen.scope == "explain", "its rule explained")
        await screen.shows("own.gap")
    assert not read_state(place.paths).actions


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{id: a, title: A, rule: model.late_gab}", "there is no alert rule model.late_gab; did you mean model.late_gap"),
        ("{id: a, title: A}", "give either rule or rollout"),
        ("{id: a, title: A, rule: model.ece, rollout: worse}", "give either rule or rollout"),
        ("{id: a, title: A, rollout: worse, within: 3d}", "belong to a trigger that goes by a rule"),
        ("{id: a, title: A, rule: model.ece, fires: true}", "fires"),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "own.yaml").write_text(f"format: 1\ntriggers:\n  - {line}\n")
    with pytest.raises(PoliciesError) as refused:
        read_policies(tmp_path)
    assert said in str(refused.value) and "own.yaml:3" in str(refused.value)


def test_a_trigger_of_ones_own_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("format: 1\ntriggers:\n  - {id: latency, title: Mine, rule: system.latency_p95, within: 2d}\n")
    [mine] = [each for each in read_policies(tmp_path).triggers if each.id == "latency"]
    assert (mine.title, mine.within) == ("Mine", timedelta(days=2))
