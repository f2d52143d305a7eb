"""How alike the groups of a column are treated by what serves, against the limits that a candidate is held to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from backends.records import State
from backends.text import Untrusted
from console.analysis.fairness import Fairness, GroupRates, fairness
from console.analysis.intervals import Interval
from console.policies.rules import Gate
from console.render import figures
from console.views.health.windows import Floats
from console.views.quality.slices import group_names
from console.views.quality.view import FairnessLimit, GroupedBy, GroupRow, Rate


def treatment(scores: Floats, labels: Floats, values: npt.NDArray[Any], threshold: float | None, minimum: int) -> Fairness:
    """Fairness between the groups of a column, over the rows with a finite score; None is the group of rows where it is missing."""
    usable = np.isfinite(scores)
    names = np.array(["" if each is None else f"={each}" for each in group_names(values)])[usable]
    masks = {name[1:] if name else None: names == name for name in np.unique(names).tolist()}
    return fairness(scores[usable], labels[usable], masks, threshold, minimum=minimum)


def grouped(scores: Floats, labels: Floats, values: npt.NDArray[Any], threshold: float | None, column: str, gates: list[Gate]) -> GroupedBy:
    """The view of one column: every group, the three numbers (with the rows that the first gate asks for), and the limit of each gate."""
    judged = [treatment(scores, labels, values, threshold, gate.minimum_n) for gate in gates]
    found = judged[0]
    return GroupedBy(
        column=Untrusted(column),
        demographic_parity_difference=found.demographic_parity_difference,
        demographic_parity_ratio=found.demographic_parity_ratio,
        equalized_odds_difference=found.equalized_odds_difference,
        groups=tuple(_row(name, rates, name in found.left_out) for name, rates in found.by_group.items()),
        limits=tuple(_limit(each, gate) for each, gate in zip(judged, gates, strict=True)),
        reasons=dict(found.reasons),
    )


def furthest(found: Fairness, metric: str) -> str:
    """The two groups that are furthest apart in the rate that decides the metric, with their rates. Two groups must have been judged."""
    judged = {name: rates for name, rates in found.by_group.items() if name not in found.left_out}
    names = ("true positive rate", "false positive rate") if metric == "equalized_odds_difference" else ("selection rate",)
    apart = [(_ends(judged, each.replace(" ", "_")), each) for each in names]
    (least, most), rate = max(apart, key=lambda each: each[0][1][0] - each[0][0][0])
    return f"{rate} {figures.share(least[0])} of {least[1]} to {figures.share(most[0])} of {most[1]}"


def holds(gate: Gate, value: float) -> bool:
    """Whether a number keeps the limit of a gate of kind at_most or at_least."""
    bound = gate.limit or 0.0
    return value <= bound if gate.kind == "at_most" else value >= bound


def _limit(found: Fairness, gate: Gate) -> FairnessLimit:
    metric = gate.metric or ""
    value: float | None = getattr(found, metric)
    state = State.UNKNOWN if value is None else State.OK if holds(gate, value) else State.CRITICAL
    side = "up to" if gate.kind == "at_most" else "at least"
    why = found.reasons.get(metric, "not computable") if value is None else furthest(found, metric)
    return FairnessLimit(
        title=gate.title, metric=metric, value=value, kind="at_most" if gate.kind == "at_most" else "at_least", limit=gate.limit or 0.0,
        state=state, why=Untrusted(f"{why}; {side} {gate.limit:g}"),
    )  # fmt: skip


def _row(name: str | None, rates: GroupRates, small: bool) -> GroupRow:
    return GroupRow(
        value=None if name is None else Untrusted(name),
        scored=rates.n,
        labelled=rates.labelled,
        selection=_rate(rates.selection_rate, rates.selection_interval),
        true_positive=_rate(rates.true_positive_rate, rates.true_positive_interval),
        false_positive=_rate(rates.false_positive_rate, rates.false_positive_interval),
        left_out=small,
    )


def _rate(value: float | None, interval: Interval | None) -> Rate | None:
    return None if value is None or interval is None else Rate(value=value, low=interval.low, high=interval.high)


def _ends(judged: dict[str | None, GroupRates], rate: str) -> tuple[tuple[float, str], tuple[float, str]]:
    known = sorted(
        (value, "missing" if name is None else name) for name, rates in judged.items() if (value := getattr(rates, rate)) is not None
    )
    return known[0], known[-1]
