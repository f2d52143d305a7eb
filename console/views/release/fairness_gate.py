"""A gate on how differently a candidate treats the groups of one column, at the model's threshold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backends.records import State
from backends.text import Untrusted
from console.analysis.fairness import Fairness, GroupRates, fairness
from console.control.actions import Gate
from console.policies.rules import Gate as Rule
from console.render import figures
from console.views.health.windows import Floats
from console.views.quality.slices import group_names
from console.views.release.plan_facts import Evidence
from console.views.release.same_rows import SameRows


def fairness_gate(rule: Rule, evidence: Evidence, rows: SameRows, limit: str) -> Gate:
    """The candidate's difference or ratio between groups of at least `minimum_n` rows, against the limit; the champion's beside it."""
    column, metric = rule.group or "", rule.metric or ""
    values = rows.slices.get(column)
    if rows.why_not or values is None:
        why = rows.why_not or f"{column} is not logged with the predictions"
        return Gate(name=rule.title, state=State.UNKNOWN, limit=limit, detail=Untrusted(why))
    names = np.array(["missing" if each is None else each for each in group_names(values)])
    mine, theirs = (_treatment(scores, rows, names, evidence.model.threshold, rule.minimum_n) for scores in (rows.candidate, rows.champion))
    value, serving = _value(mine, metric), _value(theirs, metric)
    if value is None:
        why = mine.reasons.get(metric, f"{metric} cannot be computed")
        return Gate(name=rule.title, state=State.UNKNOWN, limit=limit, detail=Untrusted(f"{column}: {why}{_left_out(mine, rule)}"))
    bound = rule.limit or 0.0
    holds = value <= bound if rule.kind == "at_most" else value >= bound
    detail = f"{_furthest(mine, metric)}, n {figures.count(rows.n)}{_left_out(mine, rule)}"
    return Gate(
        name=rule.title,
        state=State.OK if holds else State.CRITICAL,
        before=figures.share(serving) if serving is not None else "",
        after=figures.share(value),
        limit=limit,
        detail=Untrusted(f"{column}: {detail}"),
    )


def _treatment(scores: Floats, rows: SameRows, names: npt.NDArray[np.str_], threshold: float | None, minimum: int) -> Fairness:
    usable = np.isfinite(scores)
    masks: dict[str | None, npt.NDArray[np.bool_]] = {str(name): names[usable] == name for name in np.unique(names)}
    return fairness(scores[usable], rows.label[usable], masks, threshold, minimum=minimum)


def _value(found: Fairness, metric: str) -> float | None:
    value: float | None = getattr(found, metric)
    return value


def _furthest(found: Fairness, metric: str) -> str:
    """The two groups that are furthest apart in the rate that decides, with their rates."""
    judged = {str(name): rates for name, rates in found.by_group.items() if name not in found.left_out}
    names = ("true positive rate", "false positive rate") if metric == "equalized_odds_difference" else ("selection rate",)
    apart = [(_ends(judged, each.replace(" ", "_")), each) for each in names]
    (least, most), rate = max(apart, key=lambda each: each[0][1][1] - each[0][0][1])
    return f"{rate} {figures.share(least[1])} of {least[0]} to {figures.share(most[1])} of {most[0]}"


def _ends(judged: dict[str, GroupRates], rate: str) -> tuple[tuple[str, float], tuple[str, float]]:
    known = sorted((value, name) for name, rates in judged.items() if (value := getattr(rates, rate)) is not None)
    return (known[0][1], known[0][0]), (known[-1][1], known[-1][0])


def _left_out(found: Fairness, rule: Rule) -> str:
    if not found.left_out:
        return ""
    return f"; left out, under {rule.minimum_n} rows: {', '.join(str(name) for name in found.left_out[:3])}"
