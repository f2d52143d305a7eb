"""Are groups treated alike? Differences between the groups of a column in who is selected and who is found.

Definitions as in Hardt, Price and Srebro 2016 (equalized odds) and, for the names, as fairlearn: differences are the largest minus the
smallest of the groups, the ratio the smallest over the largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from console.analysis.intervals import Bools, Floats, Interval, wilson

FEWEST_OF_A_KIND = 30
"""Outcomes of one kind in a group below which its rate among them is mostly chance."""

NO_THRESHOLD = "needs a threshold: whom the model selects is not known without one"
ONE_GROUP = "needs two groups with enough rows"


@dataclass(frozen=True, slots=True)
class GroupRates:
    """What one group meets. Rates are None where nobody of the group could be counted.

    `selection_rate` is over all scored rows; the true and false positive rates are over the labelled ones.
    """

    n: int
    labelled: int
    positives: int
    selection_rate: float | None = None
    selection_interval: Interval | None = None
    true_positive_rate: float | None = None
    true_positive_interval: Interval | None = None
    false_positive_rate: float | None = None
    false_positive_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Fairness:
    """Differences between groups; each None with its reason where it cannot be computed.

    `left_out` names groups with fewer than the minimum of rows: they take no part in the differences.
    """

    demographic_parity_difference: float | None = None
    demographic_parity_ratio: float | None = None
    equalized_odds_difference: float | None = None
    by_group: Mapping[str | None, GroupRates] = field(default_factory=dict)
    left_out: tuple[str | None, ...] = ()
    few: Mapping[str | None, str] = field(default_factory=dict)
    """Groups of whose outcomes too few of one kind are known for the equalized odds, which rest on them all the same, and how many."""
    reasons: Mapping[str, str] = field(default_factory=dict)


def fairness(
    scores: Floats, labels: Floats, groups: Mapping[str | None, npt.NDArray[np.bool_]], threshold: float | None, *, minimum: int
) -> Fairness:
    """Fairness over `groups`, each a mask over the rows; None is the group of rows that name none.

    `scores` are finite, `labels` 0, 1 or NaN (not known). A row is selected when its score is at least `threshold`.
    Groups of fewer than `minimum` rows are reported and left out of the differences.
    """
    rates = {name: _rates(scores[mask], labels[mask], threshold) for name, mask in groups.items()}
    judged = {name: each for name, each in rates.items() if each.n >= minimum}
    left_out = tuple(name for name in rates if name not in judged)
    if threshold is None:
        names = ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference")
        return Fairness(by_group=rates, left_out=left_out, reasons=dict.fromkeys(names, NO_THRESHOLD))
    reasons: dict[str, str] = {}
    selected = [each.selection_rate for each in judged.values() if each.selection_rate is not None]
    difference = ratio = None
    if len(selected) < 2:
        reasons |= dict.fromkeys(("demographic_parity_difference", "demographic_parity_ratio"), ONE_GROUP)
    else:
        difference = max(selected) - min(selected)
        ratio = min(selected) / max(selected) if max(selected) > 0 else None
        if ratio is None:
            reasons["demographic_parity_ratio"] = "nobody is selected in any group"
    odds = _largest_difference(judged, reasons)
    few = {name: said for name, each in judged.items() if odds is not None and (said := _few(each))}
    return Fairness(difference, ratio, odds, rates, left_out, few, reasons)


def _few(rates: GroupRates) -> str:
    """What an equalized odds difference should not rest on."""
    negatives = rates.labelled - rates.positives
    counts = [f"{n} {of}" for n, of in ((rates.positives, "positive"), (negatives, "negative")) if n < FEWEST_OF_A_KIND]
    return f"{' and '.join(counts)} outcomes" if counts else ""


def _largest_difference(judged: Mapping[str | None, GroupRates], reasons: dict[str, str]) -> float | None:
    """The larger of the differences of true and of false positive rates."""
    if len(judged) < 2:
        reasons["equalized_odds_difference"] = ONE_GROUP
        return None
    differences = []
    for of, rates in (
        ("positive", [each.true_positive_rate for each in judged.values()]),
        ("negative", [each.false_positive_rate for each in judged.values()]),
    ):
        known = [rate for rate in rates if rate is not None]
        if len(known) < len(rates):
            without = [str(name) for (name, _), rate in zip(judged.items(), rates, strict=True) if rate is None]
            reasons["equalized_odds_difference"] = f"no {of} outcome is known in group {', '.join(without[:3])}"
            return None
        differences.append(max(known) - min(known))
    return max(differences)


def _rates(scores: Floats, labels: Floats, threshold: float | None) -> GroupRates:
    known = ~np.isnan(labels)
    labelled, positive = int(known.sum()), labels == 1.0
    counted = GroupRates(n=scores.size, labelled=labelled, positives=int(positive.sum()))
    if threshold is None:
        return counted
    selected: Bools = scores >= threshold
    of_positives, of_negatives = _rate(selected[positive]), _rate(selected[known & ~positive])
    overall = _rate(selected)
    return GroupRates(counted.n, labelled, counted.positives, *overall, *of_positives, *of_negatives)


def _rate(chosen: Bools) -> tuple[float | None, Interval | None]:
    if not chosen.size:
        return None, None
    return float(chosen.mean()), wilson(int(chosen.sum()), int(chosen.size))
