"""Every gate of a promotion, with the number that it is judged by."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from backends.records import State
from console.control.actions import ActionKind, Gate, PlanFacts
from console.errands import Errand

sys.path.insert(0, str(Path(__file__).parents[1] / "acting"))
from acting_workspace import MODEL, Place, built, recorded


def facts_of(root: Path) -> PlanFacts:
    errand = Errand(Place(root).session(), MODEL, (ActionKind.PROMOTE,), "3")
    errand.read_facts()
    assert errand.problem is None
    return errand.facts[ActionKind.PROMOTE]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> PlanFacts:
    root = tmp_path_factory.mktemp("gates") / "w"
    built(root)
    return facts_of(root)


def gate(facts: PlanFacts, words: str) -> Gate:
    return next(each for each in facts.gates if words in each.name)


def test_the_calibration_of_the_candidate_has_a_limit(facts: PlanFacts) -> None:
    found = gate(facts, "ECE")
    assert (found.state, found.limit) == (State.OK, "up to 0.1")
    since, until = np.datetime64(facts.shown["gates"]["since"][:19]), np.datetime64(facts.shown["gates"]["until"][:19])
    rows = recorded()
    at = np.array([np.datetime64(moment.replace(tzinfo=None)) for moment in rows.at])
    chosen = (at >= since) & (at < until) & rows.known
    score, label = rows.scores["3"][chosen], rows.label[chosen]
    bins = np.minimum((score * 10).astype(int), 9)
    expected = sum(abs(score[bins == each].mean() - label[bins == each].mean()) * (bins == each).mean() for each in set(bins.tolist()))
    assert found.after == f"{expected:.3f}".removeprefix("0")


def test_no_slice_may_be_worse_and_the_worst_is_named_with_its_sample(facts: PlanFacts) -> None:
    found = gate(facts, "every slice")
    assert found.state is State.OK
    assert "worst origin LGA: .875 against .743, n 450" in found.detail.raw


def test_the_latency_of_the_candidate_has_a_limit(facts: PlanFacts) -> None:
    found = gate(facts, "p95")
    assert (found.after, found.limit, found.state) == ("5 ms", "up to 50", State.OK)


def test_the_candidate_must_take_the_inputs_that_are_served(facts: PlanFacts) -> None:
    assert (gate(facts, "inputs").after, gate(facts, "inputs").state) == ("2 of 2", State.OK)


def test_the_way_back_must_be_there(facts: PlanFacts, tmp_path: Path) -> None:
    assert gate(facts, "can serve again").state is State.OK
    root = tmp_path / "w"
    built(root)
    (root / "artifacts" / "2.bin").unlink()
    assert gate(facts_of(root), "can serve again").state is not State.OK


def test_a_gate_that_fails_names_its_waiver(facts: PlanFacts) -> None:
    found = gate(facts, "SLO budget")
    assert (found.state, found.waiver) == (State.CRITICAL, "INC-1")
