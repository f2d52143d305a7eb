"""Signals of harm that are counted here: the error that the model's record declares harmful, how often it happens and to whom.

Nothing is guessed: where no record says which error hurts, neither signal has a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backends.records import Harm, Model
from backends.text import Untrusted
from console.analysis.fairness import FEWEST_OF_A_KIND
from console.analysis.harm import Suffered, furthest_apart, suffered
from console.policies.rules import AlertRule
from console.policies.signals import OF_HARM
from console.render import figures
from console.views.health.deleted_rows import Gone, without_deleted
from console.views.health.judging import Judged, judge, limits_of, unknown
from console.views.health.measures import Material, Measured
from console.views.health.windows import Ints

ERRORS, APART = "harm_errors", "harm_gap"
NOT_DECLARED, NO_GROUP = OF_HARM[ERRORS], OF_HARM[APART]


def is_declared(signal: str, model: Model) -> bool:
    """Whether the record of the model says what one of these signals needs: only then a missing value is worth a row."""
    return model.harm is not None and (signal == ERRORS or (signal == APART and model.harm.group is not None))


def columns_of_harm(rules: Sequence[AlertRule], model: Model) -> list[str]:
    """The input that says which group a row is of, when a rule asks for it."""
    asked = any(rule.signal == APART for rule in rules)
    return [model.harm.group] if asked and model.harm is not None and model.harm.group is not None else []


def harm_signals(rules: Sequence[AlertRule], model: Model, material: Material, strip: Ints, lost: Gone) -> list[Judged]:
    """Both signals, as far as rules watch them, judged once a step of the strip."""
    return [_signal(rule, model, material, strip, lost) for rule in rules if rule.signal in OF_HARM]


def _signal(rule: AlertRule, model: Model, material: Material, strip: Ints, lost: Gone) -> Judged:
    harm = model.harm
    if harm is None:
        return unknown(rule, NOT_DECLARED)
    if rule.signal == APART and harm.group is None:
        return unknown(rule, NO_GROUP)
    if material.threshold is None:
        return unknown(rule, "no threshold is declared with the model, so which scores are errors is not known")
    if rule.signal == APART and harm.group not in material.rows.columns:
        return unknown(rule, f"{harm.group} is not logged with the predictions")
    width = round(rule.window.total_seconds() * 1_000_000)
    measure = _errors if rule.signal == ERRORS else _apart
    measured = without_deleted(measure(material, harm, material.threshold, strip, width), strip, width, lost)
    declared = harm.limit if rule.signal == ERRORS else harm.group_limit
    judged = judge(rule, measured, replace(limits_of(rule, model.name, None, declared=declared), because=""), strip, strip)
    if judged.signal.value is None or rule.signal != ERRORS:
        return judged
    last = _of_window(material, harm, material.threshold, int(strip[-1]), width)
    # `why` is text of ours; what the record says of the harm is not, and stands beside it.
    why = f"{judged.signal.why}; {figures.count(last.errors)} of {figures.count(last.n)}{_costs(harm, last)}"
    return replace(judged, signal=judged.signal.model_copy(update={"why": why, "of": Untrusted(harm.about.raw or f"{harm.error}s")}))


def _costs(harm: Harm, last: Suffered) -> str:
    if harm.cost is None:
        return ""
    return f", at {harm.cost:g} each {harm.cost * last.errors:,.6g}"


def _of_window(material: Material, harm: Harm, threshold: float, end: int, width: int) -> Suffered:
    span = material.rows.between(end - width, end)
    return suffered(material.rows.score[span], material.rows.known_labels(span, end), threshold, harm.error)


def _errors(material: Material, harm: Harm, threshold: float, ends: Ints, width: int) -> Measured:
    """The lower end of the 95 % interval of the rate: over the limit it is surely over it."""
    found = [_of_window(material, harm, threshold, end, width) for end in ends.tolist()]
    intervals = [each.interval for each in found]
    last = intervals[-1]
    outcome = "positive" if harm.error == "false negative" else "negative"
    return Measured(
        np.array([each.low if each is not None else np.nan for each in intervals]),
        np.array([each.n for each in found], dtype=np.int64),
        low=last.low if last is not None else None,
        high=last.high if last is not None else None,
        of=f"{harm.error}s",
        is_a="at least",
        why_not=f"no {outcome} outcome is known in its window",
    )


def _apart(material: Material, harm: Harm, threshold: float, ends: Ints, width: int) -> Measured:
    values, counted, named = [], [], ""
    for end in ends.tolist():
        span = material.rows.between(end - width, end)
        scores, labels = material.rows.score[span], material.rows.known_labels(span, end)
        here = material.rows.columns[str(harm.group)][span]
        groups = {value: suffered(scores, labels, threshold, harm.error, here == value) for value in set(here.tolist()) - {None}}
        by_name = {str(value): each for value, each in groups.items()}
        found = furthest_apart(by_name)
        values.append(np.nan if found is None else found[0])
        counted.append(0 if found is None else by_name[found[1]].n + by_name[found[2]].n)
        named = "" if found is None else f"{harm.group} {found[1]} over {found[2]}"
    why_not = f"no two groups of {harm.group} have {FEWEST_OF_A_KIND} rows on which the error could happen"
    return Measured(np.array(values), np.array(counted, dtype=np.int64), of=named or None, is_a="at least", why_not=why_not)
