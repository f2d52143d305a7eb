"""Did it help, and would it? Recomputed from the rows that were landed; and what policy files make of people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from acting_workspace import BROKE, MODEL, NOW, Place, recorded

from backends.records import State
from backends.store.landing import land
from console.acting import control_policy, open_desk
from console.cli.main import main
from console.clock import SimulatedClock, SystemClock
from console.config import open_workspace
from console.control.actions import ActionKind, ActionRequest, Confirmation
from console.control.identity import Actor
from console.errands import Errand
from console.lookout import Lookout
from console.overrides import open_overrides
from console.policies.load import load_policies
from console.simulation import write_clock

ROWS = 240


def facts(place: Place, kind: ActionKind, to: str | None = None):  # type: ignore[no-untyped-def]
    errand = Errand(place.session(), MODEL, (kind,), to)
    errand.read_facts()
    assert errand.problem is None
    return errand.facts[kind]


def test_would_it_help_says_what_the_rows_say(place: Place) -> None:
    found = facts(place, ActionKind.ROLLBACK).would_help
    rows = recorded()
    since = Lookout(open_workspace(place.root), "production").model(MODEL).since_onset
    assert since is not None
    for candidate in found.candidates:
        assert candidate.metrics["brier"] == pytest.approx(rows.brier(candidate.name, since.since), abs=1e-9)
    assert found.best == "fallback"
    assert found.state.value == "warning"


def test_gates_are_judged_before_the_onset_on_rows_that_neither_version_was_trained_on(place: Place) -> None:
    found = facts(place, ActionKind.PROMOTE, "3")
    assert found.shown["gates"]["since"].startswith("2013-04-15")
    brier = next(gate for gate in found.gates if "Brier" in gate.name)
    rows = recorded()
    from datetime import UTC, datetime

    start, end = datetime(2013, 4, 15, tzinfo=UTC), datetime.fromisoformat(found.shown["gates"]["until"])
    chosen = np.array([start <= moment < end for moment in rows.at]) & rows.known
    expected = ((rows.scores["3"][chosen] - rows.label[chosen]) ** 2).mean()
    assert brier.after == f"{expected:.3f}".removeprefix("0")
    champion = ((rows.scores["2"][chosen] - rows.label[chosen]) ** 2).mean()
    assert (brier.before, brier.state) == (f"{champion:.3f}".removeprefix("0"), State.OK if expected <= champion else State.CRITICAL)
    auc = next(gate for gate in found.gates if "AUC" in gate.name and "slice" not in gate.name)
    late, other = (chosen & (rows.label == outcome) for outcome in (1, 0))
    for version, said in (("2", auc.before), ("3", auc.after)):
        apart = np.sign(rows.scores[version][late][:, None] - rows.scores[version][other][None, :])
        assert said == f"{(apart.mean() + 1) / 2:.3f}".removeprefix("0")
    limits = {gate.name: gate.limit for gate in found.gates}
    assert (brier.limit, limits["ECE up to .100"]) == ("at most the champion's", "up to 0.1")
    assert found.shown["gates"]["labelled"] == int(chosen.sum())


def test_a_request_is_judged_on_the_rows_it_was_asked_on_though_the_breach_is_dated_otherwise_by_now(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    assert main(["-w", str(place.root), "promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better"]) == 0
    asked = facts(place, ActionKind.PROMOTE, "3").shown["gates"]
    broke = Lookout(open_workspace(place.root), "production").model(MODEL).since_onset
    # Outcomes of the two days before are corrected: the breach is dated otherwise.
    rows = recorded()
    late = [row for row, moment in enumerate(rows.at) if BROKE - timedelta(days=2) <= moment < BROKE]
    corrected = {
        "model": [MODEL] * len(late), "key": [f"f{row}" for row in late], "label": [1.0] * len(late),
        "event_at": [rows.at[row] for row in late], "known_at": [NOW] * len(late),
    }  # fmt: skip
    land(place.paths, "labels", corrected, now=NOW)
    by_now = Lookout(open_workspace(place.root), "production").model(MODEL).since_onset
    assert broke is not None
    assert by_now is not None
    assert by_now.since != broke.since
    assert facts(place, ActionKind.PROMOTE, "3").shown["gates"]["until"] == asked["until"] == broke.since.isoformat()


def test_a_changed_artifact_is_refused(place: Place) -> None:
    (place.root / "artifacts" / "1.bin").write_bytes(b"something else")
    refusal = facts(place, ActionKind.ROLLBACK).refusal
    assert refusal is not None
    assert "is not the recorded one" in refusal


def test_a_waiver_is_needed_for_a_gate_that_fails(place: Place) -> None:
    waived = next(gate for gate in facts(place, ActionKind.PROMOTE, "3").gates if gate.name == "SLO budget left")
    assert (waived.state, waived.waiver) == (State.CRITICAL, "INC-1"), "an open incident of the model is the waiver"
    assert facts(place, ActionKind.PROMOTE, "3").refusal is None
    with open_desk(open_workspace(place.root), "production") as desk:
        close = ActionRequest(kind=ActionKind.CLOSE, model=MODEL, subject="INC-1", reason="for the test")
        assert desk.act(close).exit_code == 0
    refusal = facts(place, ActionKind.PROMOTE, "3").refusal
    assert refusal is not None
    assert "SLO budget left fails" in refusal


def after_the_fallback(place: Place, brier: float) -> None:
    """Two hours pass; the fallback answers with a constant whose Brier score is `brier`, version 2 goes on in the shadow at .25."""
    workspace = open_workspace(place.root)
    with open_desk(workspace, "production") as desk:
        plan = desk.plan(ActionRequest(kind=ActionKind.FALLBACK, model=MODEL, reason="it broke"))
        assert desk.execute(plan, Confirmation(typed_name=MODEL, reason="it broke")).exit_code == 0
    at = [NOW + timedelta(seconds=30 + row * 25) for row in range(ROWS)]
    keys = [f"later{row}" for row in range(ROWS)]
    constant = 1 - brier**0.5
    for version, role, served_by, score in (("2", "live", "fallback", constant), ("2", "shadow", "model", 0.5)):
        columns = {
            "model": [MODEL] * ROWS, "version": [version] * ROWS, "key": keys, "event_at": at, "score": [score] * ROWS,
            "role": [role] * ROWS, "served_by": [served_by] * ROWS, "source": [role] * ROWS,
        }  # fmt: skip
        land(workspace.paths, "predictions", columns, now=NOW)
    labels = {"model": [MODEL] * ROWS, "key": keys, "label": [1.0] * ROWS, "event_at": at, "known_at": at}
    land(workspace.paths, "labels", labels, now=NOW)
    write_clock(workspace.paths, SimulatedClock(NOW + timedelta(hours=2), SystemClock().real_now(), 0.0))


@pytest.mark.parametrize(("brier", "verdict"), [(0.04, "helped"), (0.49, "worse")])
def test_the_effect_is_measured_on_the_very_rows_scored_since(place: Place, brier: float, verdict: str) -> None:
    after_the_fallback(place, brier)
    found = Lookout(open_workspace(place.root), "production").latest_effect(MODEL)
    assert found is not None
    assert (found.scored_since, found.as_wanted, found.same_rows) == (ROWS, ROWS, ROWS)
    assert found.loss == pytest.approx(brier)
    assert found.loss_otherwise == pytest.approx(0.25)
    assert found.verdict == verdict


def test_scores_that_do_not_come_from_the_fallback_are_called_no_effect(place: Place) -> None:
    workspace = open_workspace(place.root)
    with open_desk(workspace, "production") as desk:
        plan = desk.plan(ActionRequest(kind=ActionKind.FALLBACK, model=MODEL, reason="it broke"))
        desk.execute(plan, Confirmation(typed_name=MODEL, reason="it broke"))
    columns = {
        "model": [MODEL] * 40, "version": ["2"] * 40, "key": [f"later{row}" for row in range(40)],
        "event_at": [NOW + timedelta(minutes=row + 1) for row in range(40)], "score": [0.5] * 40, "served_by": ["model"] * 40,
    }  # fmt: skip
    land(workspace.paths, "predictions", columns, now=NOW)
    write_clock(workspace.paths, SimulatedClock(NOW + timedelta(hours=2), SystemClock().real_now(), 0.0))
    found = Lookout(open_workspace(place.root), "production").latest_effect(MODEL)
    assert found is not None
    assert found.verdict == "no effect"
    assert "serving has not followed" in found.message


def policy_for(place: Place, person: str, *, played: bool, text: str = ""):  # type: ignore[no-untyped-def]
    (place.paths.policies / "people.yaml").write_text("format: 1\n" + text)
    workspace = open_workspace(place.root)
    actor = Actor.named(person, played=played)
    return control_policy(load_policies(workspace.paths.policies), workspace, "production", actor)


def test_the_owner_is_alone_but_a_played_person_never_is(place: Place) -> None:
    owner = Actor.from_os().name
    assert policy_for(place, owner, played=False).solo is True
    played = policy_for(place, "ilse", played=True)
    assert played.solo is False
    assert played.refusal("ilse", ActionKind.APPROVE, "production", MODEL) is None


def test_roles_of_the_files_hold_and_a_role_of_ones_own_allows_exactly_what_it_says(place: Place) -> None:
    text = "people: {mara: operator, tom: watcher}\nroles:\n  - {id: watcher, may: [note, kill]}\n"
    policy = policy_for(place, "mara", played=True, text=text)
    assert policy.refusal("mara", ActionKind.ROLLBACK, "production", MODEL) is None
    assert policy.refusal("mara", ActionKind.APPROVE, "production", MODEL) is not None
    allowed = {kind for kind in ActionKind if policy.refusal("tom", kind, "production", MODEL) is None}
    assert allowed == {ActionKind.NOTE, ActionKind.KILL}


def test_a_guardrail_denies_by_pattern(place: Place) -> None:
    text = "guardrails:\n  - {id: frozen, title: Frozen until Monday, where: {models: ['del*']}, actions: [promote], deny: true}\n"
    policy = policy_for(place, "ilse", played=True, text=text)
    assert "Frozen until Monday" in (policy.refusal("ilse", ActionKind.PROMOTE, "production", MODEL) or "")
    assert policy.refusal("ilse", ActionKind.ROLLBACK, "production", MODEL) is None


def test_a_second_person_can_be_asked_for_by_a_guardrail(place: Place) -> None:
    text = "approvals:\n  - {action: restore, environments: [production], quorum: 0}\nguardrails:\n"
    text += "  - {id: two, title: Two people, actions: [restore], second_person: true}\n"
    assert policy_for(place, "ilse", played=True, text=text).approvals_needed(ActionKind.RESTORE, "production", MODEL) == 1


def test_the_banner_says_what_is_overridden_and_for_how_long(place: Place) -> None:
    workspace = open_workspace(place.root)
    with open_desk(workspace, "production") as desk:
        plan = desk.plan(ActionRequest(kind=ActionKind.FALLBACK, model=MODEL, reason="it broke"))
        desk.execute(plan, Confirmation(typed_name=MODEL, reason="it broke"))
    paths = workspace.paths
    assert open_overrides(paths, "production", NOW + timedelta(minutes=2)) == (f"OVERRIDE {MODEL} fallback 3h58",)
    assert open_overrides(paths, "production", NOW + timedelta(hours=5)) == (f"OVERRIDE {MODEL} fallback overdue 60m",)
    assert open_overrides(paths, "production", NOW - timedelta(days=1), past=True) == ()
    assert open_overrides(paths, "staging", NOW) == ()
    paths.switches.write_text("{")
    assert open_overrides(paths, "production", NOW) == ("OVERRIDE unknown: switches.json cannot be read",)


def test_no_file_means_no_override(tmp_path: Path) -> None:
    assert open_overrides(Place(tmp_path).paths, "production", NOW) == ()
