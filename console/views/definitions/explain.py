"""Explaining a number: its definition, formula, unit, source and limits, and the rules that watch it."""

from __future__ import annotations

from typing import Final

from console.closest import closest
from console.policies.load import Policies
from console.policies.rules import AlertRule, ContractLimit, Limit
from console.policies.signals import SIGNALS, Signal
from console.render import figures
from console.views.definitions.catalogue import DEFINITIONS
from console.views.definitions.definition import Definition
from console.views.health.judging import TITLES
from console.views.health.model import View


class NoSuchTopic(LookupError):
    """Nothing is defined under a name; the message lists the nearest."""


class RuleLine(View):
    """A rule that watches the number."""

    id: str
    title: str
    window: str
    warning: str
    critical: str
    minimum_n: int
    playbook: str


class ExplainView(View):
    """One number or word."""

    name: str
    title: str
    says: str
    formula: str
    unit: str
    source: str
    limits: str
    misleads: str
    rules: tuple[RuleLine, ...]
    see: tuple[str, ...]


class ExplainedName(View):
    """A name that can be asked for."""

    name: str
    title: str
    kind: str
    """`signal` (rules may watch it) or `term`."""


class ExplainListView(View):
    """Everything that can be explained."""

    names: tuple[ExplainedName, ...]


METRIC: Final = "metric."

_BEHIND: Final = {
    "input_psi": "psi",
    "score_psi": "psi",
    "late_gap": "gap",
    "slo_burn": "burn rate",
    "age_hours": "freshness",
    "slice_auc_gap": "slices",
    "auc_drop": "auc",
    "brier_ratio": "brier",
    "mae_ratio": "mae",
    "bias_ratio": "bias",
    "label_coverage": "coverage",
    "harm_errors": "harm",
    "harm_gap": "harm",
}
"""The number that a signal is made from."""

_MADE_FROM: Final[dict[str, tuple[str, str]]] = {
    "latency_p95": ("the 95th percentile of latency_ms over the window", "latency_ms of live predictions, where it was recorded"),
    "error_share": ("errors / requests over the window, as its producer counts them", "landed metrics of the system layer"),
    "fallback_share": ("fallback answers that no switch asked for / predictions, over the window", "served_by of live predictions"),
    "volume_ratio": ("predictions of the window / median of the same window in the past 4 weeks", "count of live predictions"),
    "failed_runs": ("pipelines whose last finished run in the window failed", "records of pipeline runs"),
    "schema_violations": ("columns with no value at all, of another kind, or with a value outside the allowed set, over 24 h",
                          "inputs against the contract in force, else the signature of the serving version"),
    "null_share": ("missing values / rows of a column, over 24 h; NaN is missing", "inputs of live predictions"),
    "out_of_range_share": ("values outside minimum, maximum, the allowed set or another table / rows, over 24 h",
                           "inputs against contract or signature"),
    "duplicate_share": ("rows whose key the same version had scored before, or that repeat a key of the contract / rows, over 24 h",
                        "keys of live predictions"),
    "reject_share": ("sum of inference_rejects / requests, over the window of the rule", "landed metrics of the data layer"),
    "repair_share": ("sum of inference_repairs over reasons and fields / requests, over the window", "landed metrics of the data layer"),
    "score_mean_jump": ("|mean score of the window - that of the window before| / standard deviation of such changes in the reference",
                        "scores of live predictions"),
}  # fmt: skip
"""How a signal that has no number behind it is computed, and from what."""


_FIELDS: Final = {
    "_p_value": "p_value", "_reference": "", "_current": "", "_low": "", "_high": "", "_count": "", "_offline": "", "_online": "",
    "_labelled": "", "_interval": "",
}  # fmt: skip
"""Endings of the names of fields, and the word that explains the number where it is not the rest of the name."""


def explained(topic: str, policies: Policies) -> ExplainView:
    """The entry for a metric, a signal, a rule's id or a word, in any writing. Raises NoSuchTopic."""
    landed = _landed(topic.strip(), policies)
    if landed is not None:
        return landed
    name = _resolved(topic, policies)
    definition, signal = DEFINITIONS.get(name), SIGNALS.get(name)
    behind = DEFINITIONS.get(_BEHIND.get(name, ""))
    if signal is not None and definition is None:
        return _of_signal(name, signal, behind, policies)
    assert definition is not None
    return ExplainView(
        name=name,
        title=definition.title,
        says=definition.says,
        formula=definition.formula,
        unit=definition.unit,
        source=definition.source,
        limits=definition.limits,
        misleads=definition.misleads,
        rules=_rules(name, policies),
        see=definition.see,
    )


def _landed(topic: str, policies: Policies) -> ExplainView | None:
    """The entry for a metric that somebody lands and a rule watches: `metric.NAME`, or the id of such a rule."""
    rule = policies.rule(topic)
    name = rule.signal if rule is not None else topic
    watching = [each for each in policies.rules if each.signal == name]
    if not name.startswith(METRIC) or not watching:
        return None
    layer = watching[0].layer.value
    return ExplainView(
        name=name,
        title=f"{name.removeprefix(METRIC)}: a landed metric of the {layer} layer",
        says="A number that is measured elsewhere and landed; what it means its producer knows.",
        formula="the last value that was landed, while it is no older than the window of the rule, and an hour at least",
        unit="that of the metric",
        source=f"table metrics: layer {layer}, name {name.removeprefix(METRIC)}; qd ingest metrics",
        limits="Unknown while nobody lands it.",
        misleads="Nothing here counts it again.",
        rules=_rules(name, policies),
        see=(),
    )


def explain_list(policies: Policies) -> ExplainListView:
    """Every name, signals first, each group by name."""
    del policies
    signals = [ExplainedName(name=name, title=TITLES.get(name, (name, ""))[0], kind="signal") for name in sorted(SIGNALS)]
    terms = [ExplainedName(name=name, title=entry.title, kind="term") for name, entry in sorted(DEFINITIONS.items()) if name not in SIGNALS]
    return ExplainListView(names=(*signals, *terms))


def _of_signal(name: str, signal: Signal, behind: Definition | None, policies: Policies) -> ExplainView:
    title = TITLES.get(name, (name, ""))[0]
    formula, source = _MADE_FROM.get(name, ("", "facts of the workspace"))
    bad = "high" if signal.bad == "above" else "low"
    return ExplainView(
        name=name,
        title=f"{title}: a signal of the {signal.layer.value} layer",
        says=signal.about,
        formula=behind.formula if behind else formula,
        unit=signal.unit,
        source=behind.source if behind else source,
        limits=f"{bad.capitalize()} is bad. " + ("Judged by column; the worst is shown." if signal.by_column else "").strip(),
        misleads=behind.misleads if behind else "",
        rules=_rules(name, policies),
        see=(_BEHIND[name],) if name in _BEHIND else (),
    )


def _resolved(topic: str, policies: Policies) -> str:
    """The name of the entry: as it was asked for, else without what a field of --json adds to it: a side, an end, that it is a count."""
    wanted = " ".join(topic.strip().lower().split())
    rule = policies.rule(topic.strip())
    if rule is not None and (rule.signal in SIGNALS or rule.signal in DEFINITIONS):
        return rule.signal
    candidates = (wanted, wanted.replace(" ", "_"), wanted.replace("-", "_"), wanted.replace("_", " "), wanted.replace("-", " "))
    for each in candidates:
        if each in DEFINITIONS or each in SIGNALS:
            return each
        named = next((name for name, entry in DEFINITIONS.items() if each in entry.also or each == entry.title.lower()), None)
        named = named or next(
            (name for name, (title, _) in TITLES.items() if name in SIGNALS and each in {title.lower(), title.lower().partition(",")[0]}),
            None,
        )
        if named is not None:
            return named
    if ": " in wanted:
        # As it stands beside its column on the page: `inputs: pressure`.
        return _resolved(wanted.partition(": ")[0], policies)
    plain = wanted.replace(" ", "_").replace("-", "_")
    for ending, of in _FIELDS.items():
        if plain.endswith(ending) and len(plain) > len(ending):
            return _resolved(of or plain.removesuffix(ending), policies)
    known = {*DEFINITIONS, *SIGNALS, *(also for entry in DEFINITIONS.values() for also in entry.also)}
    near = closest(wanted, sorted(known), n=3, cutoff=0.5) or sorted(name for name in known if wanted and wanted in name)[:3]
    advice = f"nearest: {', '.join(near)}" if near else "`explain` alone lists everything"
    raise NoSuchTopic(f"nothing is called {topic!r}; {advice}")


def _rules(name: str, policies: Policies) -> tuple[RuleLine, ...]:
    signals = {name, *(signal for signal, behind in _BEHIND.items() if behind == name)}
    return tuple(
        RuleLine(
            id=rule.id,
            title=rule.title,
            window=figures.age(rule.window),
            warning=_limit(rule, rule.warning),
            critical=_limit(rule, rule.critical),
            minimum_n=rule.minimum_n,
            playbook=rule.playbook,
        )
        for rule in policies.rules
        if rule.signal in signals and rule.enabled
    )


def _limit(rule: AlertRule, limit: Limit | None) -> str:
    if limit is None:
        return ""
    if isinstance(limit, ContractLimit):
        if limit.contract.startswith("harm"):
            return "the limit that the model's record declares"
        return f"the contract's {limit.contract}, else {limit.otherwise:g}"
    side = "over" if rule.bad == "above" else "under"
    return "calibrated on the past" if limit == "calibrated" else f"{side} {limit:g}"
