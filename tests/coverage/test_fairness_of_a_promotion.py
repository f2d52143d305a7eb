"""How alike groups are treated, by a candidate at its gates and by what serves: counted by hand, against the limits of the policies."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from backends.records import State
from console.config import open_workspace
from console.control.actions import ActionKind, Gate, PlanFacts
from console.errands import Errand
from console.lookout import Lookout
from console.render.quality import quality_page

sys.path.insert(0, str(Path(__file__).parents[1] / "acting"))
from acting_workspace import MODEL, Place, built, recorded

GATES = """format: 1
gates:
  - {id: parity, title: Parity, kind: at_most, metric: demographic_parity_difference, group: origin, limit: 0.05, minimum_n: 20}
  - {id: ratio, title: Ratio, kind: at_least, metric: demographic_parity_ratio, group: origin, limit: 0.99}
  - {id: odds, title: Odds, kind: at_most, metric: equalized_odds_difference, group: origin, limit: 1}
  - {id: small, title: Small, kind: at_most, metric: demographic_parity_difference, group: origin, limit: 1, minimum_n: 1000000}
  - {id: unlogged, title: Unlogged, kind: at_most, metric: demographic_parity_difference, group: age, limit: 1}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fairness") / "w"
    built(root)
    Place(root).paths.policies.mkdir(exist_ok=True)
    (Place(root).paths.policies / "fair.yaml").write_text(GATES)
    return root


@pytest.fixture(scope="module")
def facts(root: Path) -> PlanFacts:
    errand = Errand(Place(root).session(), MODEL, (ActionKind.PROMOTE,), "3")
    errand.read_facts()
    assert errand.problem is None
    return errand.facts[ActionKind.PROMOTE]


def gate(facts: PlanFacts, name: str) -> Gate:
    return next(each for each in facts.gates if each.name == name)


def rates(facts: PlanFacts, version: str) -> dict[str, tuple[float, float, float]]:
    """By origin the selection rate, the true and the false positive rate at the model's threshold of .3, from the recorded rows."""
    judged = facts.shown["gates"]
    return rates_between(np.datetime64(judged["since"][:19]), np.datetime64(judged["until"][:19]), version, unlabelled=False)


def rates_between(since: np.datetime64, until: np.datetime64, version: str, *, unlabelled: bool) -> dict[str, tuple[float, float, float]]:
    rows = recorded()
    at = np.array([np.datetime64(moment.replace(tzinfo=None)) for moment in rows.at])
    chosen = (at >= since) & (at < until) & (rows.known | unlabelled)
    selected, known = rows.scores[version][chosen] >= 0.3, rows.known[chosen]
    label = (rows.label[chosen] == 1) & known
    origin = np.array(["LGA", "JFK"])[np.flatnonzero(chosen) % 2]
    return {
        name: (selected[own].mean(), selected[own & label].mean(), selected[own & ~label & known].mean())
        for name in ("JFK", "LGA")
        for own in [origin == name]
    }


def written(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def test_the_difference_between_groups_is_that_of_the_rows_and_stands_beside_the_champions(facts: PlanFacts) -> None:
    found, mine, theirs = gate(facts, "Parity"), rates(facts, "3"), rates(facts, "2")
    difference = abs(mine["JFK"][0] - mine["LGA"][0])
    assert found.after == written(difference) and found.before == written(abs(theirs["JFK"][0] - theirs["LGA"][0]))
    assert (found.state, found.limit) == (State.OK if difference <= 0.05 else State.CRITICAL, "up to 0.05")
    least, most = sorted((rate, name) for name, (rate, _, _) in mine.items())
    assert f"origin: selection rate {written(least[0])} of {least[1]} to {written(most[0])} of {most[1]}, n " in found.detail.raw


def test_the_ratio_below_its_limit_and_the_larger_of_the_odds(facts: PlanFacts) -> None:
    mine = rates(facts, "3")
    ratio, odds = gate(facts, "Ratio"), gate(facts, "Odds")
    selected = [rate for rate, _, _ in mine.values()]
    assert ratio.after == written(min(selected) / max(selected)) and ratio.state is State.CRITICAL
    assert odds.after == written(max(abs(mine["JFK"][place] - mine["LGA"][place]) for place in (1, 2)))
    assert "positive rate" in odds.detail.raw and odds.state is State.OK


def test_groups_that_are_too_small_and_columns_that_nobody_logs_are_unknown_which_is_no_pass(facts: PlanFacts) -> None:
    small, unlogged = gate(facts, "Small"), gate(facts, "Unlogged")
    assert small.state is State.UNKNOWN
    assert small.detail.raw == "origin: needs two groups with enough rows; left out, under 1000000 rows: JFK, LGA"
    assert (unlogged.state, unlogged.detail.raw) == (State.UNKNOWN, "age is not logged with the predictions")


def test_what_serves_is_held_to_the_same_limits_on_the_page_of_its_quality(root: Path) -> None:
    view = Lookout(open_workspace(root), "production").quality(MODEL)
    [origin] = view.fairness
    since, until = (np.datetime64(each.replace(tzinfo=None)) for each in (view.periods[0].since, view.periods[0].until))
    mine = rates_between(since, until, "2", unlabelled=True)
    for group in origin.groups:
        assert group.value is not None and group.selection and group.true_positive and group.false_positive
        found = (group.selection.value, group.true_positive.value, group.false_positive.value)
        assert found == pytest.approx(mine[group.value.raw], abs=1e-12)
    difference = abs(mine["JFK"][0] - mine["LGA"][0])
    assert origin.demographic_parity_difference == pytest.approx(difference, abs=1e-12)
    judged = {each.title: (each.value, each.state) for each in origin.limits}
    assert judged["Parity"] == (pytest.approx(difference), State.OK if difference <= 0.05 else State.CRITICAL)
    assert judged["Small"] == (None, State.UNKNOWN)
    page = quality_page(view).plain()
    assert "Groups of origin" in page and "Parity" in page and f"{written(mine['JFK'][0])} (" in page


@pytest.mark.parametrize(
    "gate",
    [
        "{id: g, title: G, kind: at_most, metric: demographic_parity_difference, limit: 0.1}",
        "{id: g, title: G, kind: at_most, metric: auc, group: origin, limit: 0.1}",
        "{id: g, title: G, kind: not_worse, metric: equalized_odds_difference, better: lower, group: origin}",
    ],
)
def test_a_gate_of_fairness_names_its_column_and_a_limit(tmp_path: Path, gate: str) -> None:
    from console.policies.load import load_policies

    (tmp_path / "g.yaml").write_text(f"format: 1\ngates: [{gate}]\n")
    [problem] = load_policies(tmp_path).problems
    assert "group: COLUMN" in problem.reason or "held against a limit" in problem.reason
