"""A gate on how differently a candidate treats the groups of one column, at the model's threshold."""

from __future__ import annotations

from backends.records import State
from backends.text import Untrusted
from console.analysis.fairness import Fairness
from console.control.actions import Gate
from console.policies.rules import Gate as Rule
from console.render import figures
from console.views.quality.groups import furthest, holds, treatment
from console.views.release.plan_facts import Evidence
from console.views.release.same_rows import SameRows


def fairness_gate(rule: Rule, evidence: Evidence, rows: SameRows, limit: str) -> Gate:
    """The candidate's difference or ratio between groups of at least `minimum_n` rows, against the limit; the champion's beside it."""
    column, metric = rule.group or "", rule.metric or ""
    values = rows.slices.get(column)
    if rows.why_not or values is None:
        why = rows.why_not or f"{column} is not logged with the predictions"
        return Gate(name=rule.title, state=State.UNKNOWN, limit=limit, detail=Untrusted(why))
    mine, theirs = (
        treatment(scores, rows.label, values, evidence.model.threshold, rule.minimum_n) for scores in (rows.candidate, rows.champion)
    )
    value, serving = _value(mine, metric), _value(theirs, metric)
    if value is None:
        why = mine.reasons.get(metric, f"{metric} cannot be computed")
        return Gate(name=rule.title, state=State.UNKNOWN, limit=limit, detail=Untrusted(f"{column}: {why}{_left_out(mine, rule)}"))
    detail = f"{furthest(mine, metric)}, n {figures.count(rows.n)}{_left_out(mine, rule)}"
    return Gate(
        name=rule.title,
        state=State.OK if holds(rule, value) else State.CRITICAL,
        before=figures.share(serving) if serving is not None else "",
        after=figures.share(value),
        limit=limit,
        detail=Untrusted(f"{column}: {detail}"),
    )


def _value(found: Fairness, metric: str) -> float | None:
    value: float | None = getattr(found, metric)
    return value


def _left_out(found: Fairness, rule: Rule) -> str:
    if not found.left_out:
        return ""
    return f"; left out, under {rule.minimum_n} rows: {', '.join('missing' if name is None else name for name in found.left_out[:3])}"
