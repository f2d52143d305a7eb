"""What a candidate shows before promotion: every gate judged on the same rows for it and for what serves, none of them trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.records import State
from backends.store.reader import Reader
from backends.text import Untrusted
from console.analysis.gates import GateResult, GateRule, judge_gates
from console.analysis.quality import binary_quality, regression_quality
from console.control.actions import Gate, version_label
from console.policies.rules import Gate as Rule
from console.render import figures
from console.views.release.documentation_gate import documentation_gate
from console.views.release.fairness_gate import fairness_gate
from console.views.release.plan_facts import Evidence
from console.views.release.recorded_gate import recorded_gate
from console.views.release.same_rows import SameRows, same_rows

_STATES = {"pass": State.OK, "fail": State.CRITICAL, "unknown": State.UNKNOWN}


@dataclass(frozen=True, slots=True)
class JudgedGates:
    """The gates, and the rows they were judged on."""

    gates: tuple[Gate, ...]
    rows: SameRows
    numbers: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The rows as JSON, for the audit and for the page."""
        since = self.rows.since.isoformat() if self.rows.since else None
        until = self.rows.until.isoformat()
        return {
            "since": since, "until": until, "before_onset": self.rows.before_onset, "labelled": self.rows.n, "scored": self.rows.scored
        }  # fmt: skip


def gates_of(evidence: Evidence, reader: Reader, to: str, waivers: Mapping[str, str], *, until: datetime | None = None) -> JudgedGates:
    """Judge every gate of the policy for the promotion of `to`, on rows up to `until` where that is given. Raises StoreError."""
    asked = evidence.sight.policies.gates_for(evidence.model.name, evidence.sight.environment, evidence.model.task)
    rules = [rule for rule in asked if _applies(rule, evidence)]
    rows = same_rows(evidence, reader, to, until, groups=[rule.group for rule in rules if rule.group is not None])
    found = [_recorded(rule, evidence, reader, to) or _gate(rule, evidence, rows, to) for rule in rules]
    return JudgedGates(tuple(_waived(gate, rule, waivers) for gate, rule in zip(found, rules, strict=True)), rows)


def _applies(rule: Rule, evidence: Evidence) -> bool:
    """Where nothing serves there is nothing to be worse than or to go back to; where no slice is declared there is none to judge."""
    if rule.by_slice and not evidence.model.slices:
        return False
    return evidence.serving.version is not None or rule.kind not in {"not_worse", "rollback_possible"}


def _recorded(rule: Rule, evidence: Evidence, reader: Reader, to: str) -> Gate | None:
    """A gate on what was recorded of a version; None for one on rows, its artifact or the budget."""
    if rule.check is not None:
        return recorded_gate(rule, evidence, reader, to)
    return documentation_gate(rule, evidence, reader, to) if rule.kind == "documented" else None


def _gate(rule: Rule, evidence: Evidence, rows: SameRows, to: str) -> Gate:
    if rule.group is not None:
        return fairness_gate(rule, evidence, rows, limit_of(rule))
    if rule.kind in {"not_worse", "at_most", "at_least"}:
        return _measured(rule, evidence, rows, to)
    if rule.kind == "slo_budget":
        return _budget(rule, evidence)
    if rule.kind == "inputs_compatible":
        return _inputs(rule, evidence, to)
    version = to if rule.kind == "artifact_verified" else evidence.serving.version
    artifact = evidence.artifact(version)
    state = {"matches": State.OK, "missing": State.CRITICAL, "different": State.CRITICAL}.get(artifact.found, State.UNKNOWN)
    return Gate(name=rule.title, state=state, after=version_label(version), detail=Untrusted(artifact.problem or artifact.sentence))


def _measured(rule: Rule, evidence: Evidence, rows: SameRows, to: str) -> Gate:
    metric = rule.metric or ""
    if rule.by_slice:
        return _by_slice(rule, evidence, rows)
    numbers = {version: _numbers(evidence, rows, version == to) for version in (to, evidence.serving.version or "")}
    if metric == "latency_p95":
        mine: dict[str, float | None] = {metric: rows.latency.get(to)}
        theirs: dict[str, float | None] = {metric: rows.latency.get(evidence.serving.version or "")}
        reasons = {metric: f"no latency of {version_label(to)} was recorded on these rows"}
    else:
        mine, theirs = numbers[to], numbers[evidence.serving.version or ""]
        short = f"only {rows.n} rows have an outcome, {rule.minimum_n} are needed"
        reasons = {metric: rows.why_not or (short if rows.n < rule.minimum_n else f"{metric} cannot be computed")}
        if rows.n < rule.minimum_n:
            mine = {}
    [result] = judge_gates([_rule(rule)], mine, theirs, reasons)
    written = _ms if metric == "latency_p95" else figures.share
    return Gate(
        name=rule.title,
        state=_STATES[result.outcome],
        before=written(theirs.get(metric)) if theirs.get(metric) is not None else "",
        after=written(mine.get(metric)) if mine.get(metric) is not None else "",
        limit=limit_of(rule),
        detail=Untrusted(_detail(rule, result, rows)),
    )


def _rule(rule: Rule) -> GateRule:
    metric = rule.metric or ""
    if rule.kind == "not_worse":
        higher = rule.better == "higher"
        return GateRule(metric, ">=" if higher else "<=", -rule.margin if higher else rule.margin, "champion", rule.title)
    return GateRule(metric, "<=" if rule.kind == "at_most" else ">=", rule.limit or 0.0, "fixed", rule.title)


def limit_of(rule: Rule) -> str:
    """The limit in words that do not move with the data: an approval holds on to it."""
    if rule.kind == "not_worse":
        word = "at least the champion's" if rule.better == "higher" else "at most the champion's"
        return f"{word}, {rule.margin:g} allowed" if rule.margin else word
    return f"{'up to' if rule.kind == 'at_most' else 'at least'} {rule.limit:g}"


def _detail(rule: Rule, result: GateResult, rows: SameRows) -> str:
    if result.outcome == "unknown":
        return result.reason
    against = f", {figures.share(result.champion)} now" if rule.kind == "not_worse" else ""
    return f"{result.reason}{against}, n {figures.count(rows.n)}"


def _numbers(evidence: Evidence, rows: SameRows, candidate: bool) -> dict[str, float | None]:
    return _quality(evidence, rows.candidate if candidate else rows.champion, rows.label)


def _quality(evidence: Evidence, scores: npt.NDArray[np.float64], label: npt.NDArray[np.float64]) -> dict[str, float | None]:
    if not len(label):
        return {}
    if evidence.model.task == "regression":
        found = regression_quality(scores, label)
        return {"mae": found.mae, "rmse": found.rmse, "bias": found.bias}
    binary = binary_quality(scores, label, evidence.model.threshold)
    return {"auc": binary.auc, "brier": binary.brier, "ece": binary.ece, "log_loss": binary.log_loss, "gap": binary.gap}


def _by_slice(rule: Rule, evidence: Evidence, rows: SameRows) -> Gate:
    """The slice that comes off worst against the champion on its own rows; slices with too few rows are left out."""
    metric = rule.metric or ""
    worst: tuple[float, str, float, float, int] | None = None
    for column in (name for name in evidence.model.slices if name in rows.slices):
        values = rows.slices[column]
        for value in sorted({str(each) for each in values.tolist() if each is not None}):
            chosen = np.array([str(each) == value for each in values.tolist()])
            if int(chosen.sum()) < rule.minimum_n:
                continue
            mine = _quality(evidence, rows.candidate[chosen], rows.label[chosen]).get(metric)
            theirs = _quality(evidence, rows.champion[chosen], rows.label[chosen]).get(metric)
            if mine is None or theirs is None:
                continue
            loss = theirs - mine if rule.better != "lower" else mine - theirs
            if worst is None or loss > worst[0]:
                worst = (loss, f"{column} {value}", mine, theirs, int(chosen.sum()))
    limit = limit_of(rule)
    if worst is None:
        why = rows.why_not or ("no slice has enough rows" if rows.slices else "the model declares no column to slice by")
        return Gate(name=rule.title, state=State.UNKNOWN, limit=limit, detail=Untrusted(why))
    loss, name, mine, theirs, n = worst
    state = State.OK if loss <= rule.margin else State.CRITICAL
    detail = f"worst {name}: {figures.share(mine)} against {figures.share(theirs)}, n {figures.count(n)}"
    return Gate(
        name=rule.title, state=state, before=figures.share(theirs), after=figures.share(mine), limit=limit, detail=Untrusted(detail)
    )


def _budget(rule: Rule, evidence: Evidence) -> Gate:
    budget, limit = evidence.health.budget, f"more than {rule.limit or 0.0:g} left"
    if budget is None or budget.left is None:
        why = budget.why if budget is not None else "no objective can be computed for this model"
        return Gate(name=rule.title, state=State.UNKNOWN, limit=limit, detail=Untrusted(why))
    left = budget.left
    after = f"{figures.percent(left)} left" if left > 0 else f"spent {1 - left:.1f} times"
    state = State.OK if left > (rule.limit or 0.0) else State.CRITICAL
    return Gate(name=rule.title, state=state, after=after, limit=limit, detail=Untrusted(f"{after} of {budget.slo}"))


def _inputs(rule: Rule, evidence: Evidence, to: str) -> Gate:
    version = evidence.version(to)
    if version is None or version.signature is None:
        return Gate(name=rule.title, state=State.UNKNOWN, detail=Untrusted(f"no signature of {version_label(to)} is recorded"))
    wanted = [column.name for column in version.signature.inputs]
    missing = [name for name in wanted if name not in evidence.inputs]
    after = f"{len(wanted) - len(missing)} of {len(wanted)}"
    detail = f"{after} present" + (f", missing {', '.join(missing[:3])}" if missing else "")
    return Gate(name=rule.title, state=State.CRITICAL if missing else State.OK, after=after, detail=Untrusted(detail))


def _waived(gate: Gate, rule: Rule, waivers: Mapping[str, str]) -> Gate:
    waiver = waivers.get(gate.name) or waivers.get("*")
    if gate.state is State.OK or not rule.waivable or waiver is None:
        return gate
    return gate.model_copy(update={"waiver": waiver})


def _ms(value: float | None) -> str:
    return figures.amount(value, "ms")
