"""Gates of a promotion: each a number against a limit. What is unknown never passes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Comparison = Literal[">=", "<=", ">", "<"]
Outcome = Literal["pass", "fail", "unknown"]

Numbers: TypeAlias = Mapping[str, float | None]
"""Numbers by metric; None or absent: not measured."""

_HOLDS: Final = {
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
}


@dataclass(frozen=True, slots=True)
class GateRule:
    """`metric` of the candidate compared with `limit`; against `champion`, with the champion's own number plus `limit`.

    `auc >= -0.01 against champion` says: at most .01 less than what serves now.
    """

    metric: str
    comparison: Comparison
    limit: float
    against: Literal["fixed", "champion"] = "fixed"
    title: str = ""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate, judged. `limit` is the number compared with; None when it needed a champion's number that is not known."""

    metric: str
    title: str
    comparison: Comparison
    value: float | None
    limit: float | None
    champion: float | None
    outcome: Outcome
    reason: str


def judge_gates(
    rules: Sequence[GateRule],
    candidate: Numbers,
    champion: Numbers | None = None,
    reasons: Mapping[str, str] | None = None,
) -> tuple[GateResult, ...]:
    """Every rule judged, in order. `reasons` says, by metric, why the candidate's number is missing."""
    return tuple(_judged(rule, candidate, champion or {}, reasons or {}) for rule in rules)


def _judged(rule: GateRule, candidate: Numbers, champion: Numbers, reasons: Mapping[str, str]) -> GateResult:
    value, serving = _number(candidate.get(rule.metric)), _number(champion.get(rule.metric))
    limit = rule.limit if rule.against == "fixed" else None if serving is None else serving + rule.limit
    outcome: Outcome = "unknown"
    if value is None:
        reason = reasons.get(rule.metric) or f"{rule.metric} was not measured"
    elif limit is None or not math.isfinite(limit):
        reason = f"{rule.metric} of what serves now was not measured on the same rows"
    else:
        holds = _HOLDS[rule.comparison](value, limit)
        outcome = "pass" if holds else "fail"
        reason = f"{value:.4g} is {'' if holds else 'not '}{rule.comparison} {limit:.4g}"
    return GateResult(rule.metric, rule.title or rule.metric, rule.comparison, value, limit, serving, outcome, reason)


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
