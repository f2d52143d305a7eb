"""The signals that alert rules may watch: what each number means, in which unit, and which way is bad.

A signal without data is `unknown`, never `ok`. `metric.NAME` watches a metric that somebody lands under that name, so that a rule
can exist before its producer does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from backends.records import Layer

Bad = Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One number that can be computed for a model over a window ending now."""

    layer: Layer
    unit: str
    bad: Bad
    about: str
    by_column: bool = False
    """One number a column; the rule judges each and reports the worst."""
    estimate: bool = False
    """Not measured: what the scores alone let expect before outcomes are known."""
    task: Literal["binary", "regression"] | None = None
    """The only task that it can be computed for; None: any."""


_S, _D, _M, _B = Layer.SYSTEM, Layer.DATA, Layer.MODEL, Layer.BUSINESS

SIGNALS: Final[dict[str, Signal]] = {
    "latency_p95": Signal(_S, "ms", "above", "95th percentile of the measured latency of live predictions."),
    "error_share": Signal(_S, "share", "above", "Requests without a usable score, or landed as errors, as a share of all requests."),
    "fallback_share": Signal(_S, "share", "above", "Live predictions answered by the fallback while the switch is normal."),
    "volume_ratio": Signal(_S, "ratio", "below", "Live predictions over the median of the same hours in the past weeks."),
    "failed_runs": Signal(_S, "runs", "above", "Pipeline runs of this model that failed and were not repeated with success."),
    "schema_violations": Signal(_D, "columns", "above", "Columns that are missing, new, of another type or with new categories."),
    "null_share": Signal(_D, "share", "above", "Missing values of a column.", by_column=True),
    "out_of_range_share": Signal(_D, "share", "above", "Values outside the contract's range or set.", by_column=True),
    "duplicate_share": Signal(_D, "share", "above", "Requests whose key was scored before by the same version."),
    "reject_share": Signal(_D, "share", "above", "Requests that were rejected at inference, as their producer counts them."),
    "repair_share": Signal(_D, "share", "above", "Values that were repaired at inference over requests, as their producer counts them."),
    "age_hours": Signal(_D, "h", "above", "Age of the newest fact of the model's stalest source."),
    "input_psi": Signal(
        _D,
        "psi",
        "above",
        "PSI of a column against the reference; of rare categories how far their shares moved, of texts by how much the share of "
        "different ones changed.",
        by_column=True,
    ),
    "score_psi": Signal(_M, "psi", "above", "PSI of the scores against the reference."),
    "score_mean_jump": Signal(
        _M, "sd", "above", "Size of the change of the mean score against the window before, in standard deviations of past windows."
    ),
    "late_gap": Signal(_M, "share", "above", "Observed share of positives minus the mean score, on labelled rows.", task="binary"),
    "ece": Signal(_M, "share", "above", "Expected calibration error, 10 equal-width bins.", task="binary"),
    "auc": Signal(_M, "auc", "below", "Area under the ROC curve.", task="binary"),
    "auc_drop": Signal(_M, "auc", "above", "AUC of the reference minus AUC now.", task="binary"),
    "estimated_auc_drop": Signal(
        _M,
        "auc",
        "above",
        "Estimated AUC of the reference minus that of the scores now, at least; before labels.",
        task="binary",
        estimate=True,
    ),
    "brier_ratio": Signal(
        _M, "ratio", "above", "Brier score of this version over that of the version before it, on the same rows.", task="binary"
    ),
    "mae_ratio": Signal(
        _M, "ratio", "above", "MAE of this version over that of the version before it, on the same rows.", task="regression"
    ),
    "bias_ratio": Signal(_M, "ratio", "above", "Size of the mean error over the MAE of the reference.", task="regression"),
    "label_coverage": Signal(_M, "share", "below", "Labelled rows among those whose label is due by the declared delay."),
    "slice_auc_gap": Signal(_M, "auc", "above", "AUC of all rows minus AUC of the worst declared slice.", task="binary"),
    "harm_errors": Signal(
        _B,
        "share",
        "above",
        "Errors that the model's record declares harmful, as a share of those who can meet them, at least.",
        task="binary",
    ),
    "harm_gap": Signal(
        _B,
        "share",
        "above",
        "How much more often one protected group meets the declared harmful error than another, at least.",
        task="binary",
    ),
    "slo_burn": Signal(
        _S,
        "ratio",
        "above",
        "How many times its limit an SLO burns in both of a pair of windows; of pairs that page, if one burns, the largest.",
    ),
}
"""By name. An alert on `slo_burn` is filed under the layer of the SLO that burns."""

OF_HARM: Final[dict[str, str]] = {
    "harm_errors": "no harmful error is declared with the model (harm)",
    "harm_gap": "no harmful error with a group to protect is declared with the model (harm: group, group_limit)",
}
"""Signals of harm that are counted here, and what is said where the record of the model does not declare what they count."""

_METRIC: Final = re.compile(r"metric\.[A-Za-z0-9_.:-]{1,100}")


ONLY_AN_ESTIMATE: Final = "estimate, before labels; blind to concept drift"


def caveat_of(name: str) -> str:
    """What has to be said beside every number of a signal; empty for what was measured."""
    known = SIGNALS.get(name)
    return ONLY_AN_ESTIMATE if known is not None and known.estimate else ""


def is_signal(name: str) -> bool:
    """Whether `name` is a signal of the catalogue or the name of a landed metric."""
    return name in SIGNALS or is_landed(name)


def is_landed(name: str) -> bool:
    """Whether `name` is that of a landed metric, `metric.NAME`."""
    return _METRIC.fullmatch(name) is not None
