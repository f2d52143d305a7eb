"""Harm is counted here only where the model's record declares which error hurts; then it is a signal with a limit and an armed trigger."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from published_schemas import assert_fits
from pydantic import ValidationError
from views_workspace import DAY, START, Made, days_of_predictions, made

from backends.records import Harm, State
from backends.text import Untrusted
from console.analysis.harm import Suffered, apart_at_least, furthest_apart, suffered
from console.cli.main import main
from console.render.model import model_page
from console.views.health.model import Signal
from console.views.release.rollout import TriggerView

NOW = START + 10 * DAY
FALSE_NEGATIVE: Any = {"error": "false negative", "about": "a patient who is sent home", "limit": 0.3, "cost": 40}


def place(root: Path, missed: int, harm: dict[str, Any] | None = FALSE_NEGATIVE, *, threshold: float | None = 0.5, only: str = "") -> Made:
    """100 rows a day for ten days, half of them positive; of every ten positives `missed` are scored below the threshold.

    `only`: no positive of any other carrier is missed.
    """
    found = made(root, NOW, threshold=threshold, harm=Harm.model_validate(harm) if harm else None)

    def score(_day: int, row: int) -> float:
        carrier = "AA" if row % 2 else "BB"
        positive = (row // 2) % 2 == 0
        wrong = positive and (row // 4) % 10 < missed and only in {"", carrier}
        return 0.8 if positive and not wrong else 0.2

    def label(_day: int, row: int) -> float:
        return float((row // 2) % 2 == 0)

    days_of_predictions(found, 10, 400, temp=lambda _day, row: float(row), score=score, label=label)
    return found


def signals(found: Made) -> dict[str, Signal]:
    return {each.id: each for layer in found.lookout().model("delay").layers for each in layer.signals}


def triggers(found: Made) -> dict[str, TriggerView]:
    return {each.id: each for each in found.lookout().traffic("delay").triggers}


@pytest.mark.parametrize(("missed", "state", "trigger"), [(2, State.OK, "armed"), (5, State.CRITICAL, "would fire")])
def test_the_declared_error_is_counted_over_the_rows_that_can_meet_it_and_a_trigger_goes_by_it(
    tmp_path: Path, missed: int, state: State, trigger: str
) -> None:
    found = place(tmp_path / "w", missed)
    signal = signals(found)["business.harm_errors"]
    known = [row for row in range(1200) if (row // 2) % 2 == 0 and row / 400 * 24 <= 71]
    met = sum((row % 400 // 4) % 10 < missed for row in known)
    assert (signal.state, signal.critical, signal.n) == (state, 0.3, len(known)), "positives of three days whose outcome is known"
    assert signal.value == signal.low and signal.low is not None and signal.high is not None
    assert signal.low < missed / 10 < signal.high
    assert f"{met} of {len(known)}, at 40 each {met * 40:,}" in signal.why
    assert signal.of == Untrusted("a patient who is sent home") and signal.layer == "business"
    armed = triggers(found)["harmful-errors"]
    assert (armed.state, armed.verb, armed.why.raw) == (trigger, "kill delay --state fallback", signal.why)
    business = next(each for each in found.lookout().model("delay").layers if each.layer == "business")
    assert (business.state is State.CRITICAL) is (state is State.CRITICAL)
    assert "harmful errors" in model_page(found.lookout().model("delay")).plain()


def test_a_rate_that_may_be_under_its_limit_by_chance_is_not_over_it(tmp_path: Path) -> None:
    signal = signals(place(tmp_path / "w", 3, {**FALSE_NEGATIVE, "limit": 0.29}))["business.harm_errors"]
    assert signal.state is State.OK and signal.value is not None and signal.value < 0.29
    assert signal.high is not None and signal.high > 0.3


def test_a_false_positive_is_an_error_of_the_negatives(tmp_path: Path) -> None:
    found = place(tmp_path / "w", 5, {"error": "false positive", "limit": 0.1})
    assert signals(found)["business.harm_errors"].value == 0.0, "no negative is flagged, however many positives are missed"


def test_nothing_declared_is_not_counted_and_its_triggers_say_so(tmp_path: Path) -> None:
    found = place(tmp_path / "w", 9, None)
    assert not {"business.harm_errors", "business.harm_gap"} & set(signals(found))
    armed = triggers(found)
    assert (armed["harmful-errors"].state, armed["unequal-harm"].state) == ("not armed", "not armed")
    assert armed["harmful-errors"].why.raw == "no harmful error is declared with the model (harm)"
    assert "group to protect" in armed["unequal-harm"].why.raw


def test_what_is_declared_and_cannot_be_counted_is_unknown_and_never_well(tmp_path: Path) -> None:
    signal = signals(place(tmp_path / "a", 5, threshold=None))["business.harm_errors"]
    assert (signal.state, signal.value) == (State.UNKNOWN, None) and "no threshold" in signal.why
    found = made(tmp_path / "b", NOW, threshold=0.5, harm=Harm.model_validate(FALSE_NEGATIVE))
    days_of_predictions(found, 10, 40, temp=lambda _day, row: float(row), label=lambda _day, _row: None)
    signal = signals(found)["business.harm_errors"]
    assert signal.state is State.UNKNOWN and "no positive outcome is known" in signal.why
    assert triggers(found)["harmful-errors"].state == "not armed"


@pytest.mark.parametrize(("only", "state"), [("AA", State.CRITICAL), ("", State.OK)])
def test_harm_that_falls_on_one_protected_group_is_seen_though_the_whole_is_within_its_limit(
    tmp_path: Path, only: str, state: State
) -> None:
    found = place(tmp_path / "w", 4 if only else 2, {**FALSE_NEGATIVE, "group": "carrier", "group_limit": 0.1}, only=only)
    seen = signals(found)
    assert seen["business.harm_errors"].state is State.OK
    signal = seen["business.harm_gap"]
    assert (signal.state, signal.critical) == (state, 0.1)
    assert triggers(found)["unequal-harm"].state == ("would fire" if only else "armed")
    if only:
        assert signal.of == Untrusted("carrier AA over BB") and signal.value is not None and 0.3 < signal.value < 0.4


def test_the_verbs_print_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = place(tmp_path / "w", 5)
    main(["-w", str(found.root), "model", "delay", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert_fits(answer, "model")
    main(["-w", str(found.root), "traffic", "delay"])
    assert "X would fire now: The declared harmful error happens too often" in capsys.readouterr().out
    assert main(["-w", str(found.root), "explain", "harm"]) == 0
    assert "Newcombe" in capsys.readouterr().out


def test_a_group_without_its_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match="go together"):
        Harm.model_validate({**FALSE_NEGATIVE, "group": "carrier"})


def test_the_difference_of_two_rates_is_that_of_newcombes_paper() -> None:
    # Newcombe 1998, table II, method 10: 56/70 against 48/80 has .0524 to .3339; 9/10 against 3/10 .1705 to .8090.
    assert apart_at_least(Suffered(56, 70), Suffered(48, 80)) == pytest.approx(0.0524, abs=5e-5)
    assert apart_at_least(Suffered(9, 10), Suffered(3, 10)) == pytest.approx(0.1705, abs=5e-5)
    assert apart_at_least(Suffered(0, 0), Suffered(3, 10)) is None


def test_errors_are_counted_among_those_who_can_meet_them() -> None:
    scores = np.array([0.9, 0.1, 0.5, 0.4, math.nan, 0.2])
    labels = np.array([1.0, 1.0, 1.0, 0.0, 1.0, math.nan])
    assert suffered(scores, labels, 0.5, "false negative") == Suffered(1, 3)
    assert suffered(scores, labels, 0.4, "false positive") == Suffered(1, 1)
    assert furthest_apart({"a": Suffered(30, 60), "b": Suffered(3, 60), "c": Suffered(20, 29)}) == (
        pytest.approx(apart_at_least(Suffered(30, 60), Suffered(3, 60))), "a", "b",
    )  # fmt: skip
    assert furthest_apart({"a": Suffered(30, 60), "c": Suffered(0, 29)}) is None, "29 are too few"
