"""Every number that a screen shows can be explained, under any of its names."""

from __future__ import annotations

import pytest

from console.policies.load import shipped_policies
from console.policies.rules import AlertRule
from console.policies.signals import SIGNALS
from console.render.explain import explain_list_page, explain_page
from console.render.quality import NAMES
from console.views.compare.column import ComparedColumn
from console.views.data.parity import ParityColumn
from console.views.definitions.catalogue import DEFINITIONS
from console.views.definitions.explain import NoSuchTopic, explain_list, explained
from console.views.drift.column import ColumnShift
from console.views.drift.together import Together
from console.views.drift.trend import SlowTrend
from console.views.quality.file import GroupFairness, GroupMetrics, Metrics, WorstSliceView
from console.views.quality.labels import LabelDay, LabelPeriod, Waiting
from console.views.quality.view import CalibrationRow, Period

POLICIES = shipped_policies()


@pytest.mark.parametrize("name", sorted({*SIGNALS, *DEFINITIONS, *NAMES}))
def test_every_signal_and_measure_has_a_definition_that_is_complete(name: str) -> None:
    view = explained(name, POLICIES)
    assert view.says
    page = explain_page(view)
    assert max(row.line.width for row in page.rows) <= 80
    if name in SIGNALS or name in NAMES:
        assert view.unit
        assert view.source
        assert view.formula


@pytest.mark.parametrize("rule", [rule.id for rule in POLICIES.rules if rule.signal in SIGNALS])
def test_every_shipped_rule_is_explained_by_its_signal(rule: str) -> None:
    assert rule in [each.id for each in explained(rule, POLICIES).rules]


@pytest.mark.parametrize(
    ("asked", "name"),
    [("PSI", "psi"), ("burn", "burn rate"), ("log-loss", "log_loss"), ("  Brier   score ", "brier"), ("complete up to", "complete up to"),
     ("complete_to", "complete up to"), ("warning", "states"), ("oldest source", "age_hours"), ("expected calibration error", "ece")],
)  # fmt: skip
def test_any_writing_finds_it(asked: str, name: str) -> None:
    assert explained(asked, POLICIES).name == name


SHOWN = (
    ComparedColumn, ColumnShift, SlowTrend, Together, Metrics, GroupMetrics, GroupFairness, WorstSliceView, Period, CalibrationRow,
    LabelPeriod, LabelDay, Waiting, ParityColumn,
)  # fmt: skip
NUMBERS = sorted(
    {name for view in SHOWN for name, field in view.model_fields.items() if any(kind in str(field.annotation) for kind in ("float", "int"))}
    - {"by", "total"}
)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_of_compare_drift_quality_labels_and_parity_is_explained_by_the_name_it_is_printed_under(name: str) -> None:
    assert explained(name, POLICIES).says


@pytest.mark.parametrize(
    ("field", "name"),
    [("ks_p_value", "p_value"), ("chi2 p-value", "p_value"), ("wasserstein_high", "wasserstein"), ("nulls_current", "missing"),
     ("low_reference", "mean"), ("lean_low", "lean"), ("n_reference", "rows"), ("new_count", "new categories"),
     ("severity", "compare severity"), ("type_changed", "schema changes"), ("deciles", "bins"), ("hours to half", "arrival curve")],
)  # fmt: skip
def test_a_field_is_explained_by_what_it_is_a_side_an_end_or_a_count_of(field: str, name: str) -> None:
    assert explained(field, POLICIES).name == name


@pytest.mark.parametrize(
    ("drawn", "name"),
    [("inputs: pressure", "input_psi"), ("nulls: age", "missing"), ("out of range: hour", "out_of_range_share"),
     ("AUC lost: carrier B6", "auc_drop"), ("EARLIER, NOW", "band"), ("high_since", "far since"), ("OBS", "base_rate"),
     ("KNOWN", "coverage"), ("realised AUC", "estimate"), ("Told apart by", "told apart"), ("delay_usual", "arrival curve"),
     ("slices_searched", "worst slices")],
)  # fmt: skip
def test_what_a_page_calls_a_number_is_found_as_it_is_drawn(drawn: str, name: str) -> None:
    assert explained(drawn, POLICIES).name == name


@pytest.mark.parametrize("rule", [rule for rule in POLICIES.rules if rule.signal.startswith("metric.")], ids=lambda rule: rule.id)
def test_a_rule_that_watches_a_landed_metric_is_explained_as_one(rule: AlertRule) -> None:
    for asked in (rule.id, rule.signal):
        view = explained(asked, POLICIES)
        assert (view.name, [each.id for each in view.rules]) == (rule.signal, [rule.id])
        assert rule.signal.removeprefix("metric.") in view.source and max(row.line.width for row in explain_page(view).rows) <= 80
    with pytest.raises(NoSuchTopic):
        explained("metric.nobody-watches-this", POLICIES)


def test_a_miss_names_the_nearest() -> None:
    with pytest.raises(NoSuchTopic, match=r"nearest: .*wasserstein"):
        explained("waserstein", POLICIES)
    with pytest.raises(NoSuchTopic, match=r"explain. alone lists everything"):
        explained("zzzzqq", POLICIES)


def test_limits_of_the_rules_in_force_are_shown() -> None:
    [rule] = explained("late_gap", POLICIES).rules
    assert (rule.id, rule.warning, rule.critical, rule.window) == ("model.late_gap", "over 0.2", "over 0.275", "24h")


def test_names_to_see_also_exist_and_no_name_is_taken_twice() -> None:
    for entry in DEFINITIONS.values():
        for name in entry.see:
            assert name in DEFINITIONS or name in SIGNALS, name
    also = [name for entry in DEFINITIONS.values() for name in entry.also]
    assert len(also) == len(set(also))
    assert not {name for name in also if name in DEFINITIONS}


def test_the_list_has_every_name_once() -> None:
    names = [each.name for each in explain_list(POLICIES).names]
    assert sorted(names) == sorted({*SIGNALS, *DEFINITIONS})
    assert {row.key for row in explain_list_page(explain_list(POLICIES)).rows if row.key} == set(names)
