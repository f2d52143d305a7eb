"""What the numbers mean that the watch learns: estimates before outcomes, and periods told apart."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import Definition

_ASSUMES: Final = (
    "Holds while a score means what it meant in the reference. Blind to concept drift: when the same inputs come to mean something else, "
    "the estimate stays good and the model is wrong. Only outcomes show that."
)
_FROM: Final = "scores of the serving version; calibration learnt by the watch on the reference's labelled rows, at most once a day"
_INTERVAL: Final = (
    "interval: 2.5th and 97.5th percentile over 60 draws of outcomes, each with a calibration learnt on resampled days of the reference"
)
_BEYOND: Final = (
    "Sets no state of the model; only the rule on estimated_auc_drop judges an estimate. `!` beside a realised number: outside the "
    "interval, and further off than in any window of this length of the reference. Fewer than 30 scores: not estimated."
)

LEARNT: Final[dict[str, Definition]] = {
    "estimate": Definition(
        "estimate before outcomes",
        "Which quality the scores alone let expect, before their outcomes are known; beside it what is realised on the same rows.",
        "CBPE: p(s) = isotonic regression of outcome on score over the reference's labelled rows; each measure is its expectation when "
        "score s comes true with p(s); " + _INTERVAL + ".",
        "that of the measure",
        _FROM,
        _BEYOND,
        _ASSUMES + " Windows of the reference are near the estimate, because it was learnt on them.",
        ("cbpe", "performance estimation", "estimated performance", "estimated quality", "estimated gap", "estimated precision",
         "estimated recall", "realised", "realised auc", "realised brier", "realised share", "off", "expected", "estimated"),
        ("estimated_auc", "estimated_brier", "estimated_share", "concept drift"),
    ),
    "estimated_auc": Definition(
        "estimated AUC",
        "How well the scores would order outcomes, if each came true as often as in the reference.",
        "expected pairs in order / expected pairs: sum over i, j of p_i (1 - p_j) [s_i > s_j, ties half] / sum of p_i (1 - p_j), i != j; "
        + _INTERVAL + ".",
        "share; .5 is chance",
        _FROM,
        _BEYOND,
        _ASSUMES,
        ("est auc",),
        ("auc", "estimate"),
    ),
    "estimated_auc_drop": Definition(
        "AUC lost, estimated",
        "How much worse than in the reference the scores would order outcomes at least, if each came true as often as there.",
        "max(0, lower end of the 95 % interval of: estimated AUC of the reference - estimated AUC of the window); both sides by the 60 "
        "calibrations, each learnt on resampled days of the reference; at most 2,000 scores a side, evenly over time.",
        "share",
        _FROM,
        "By the rule on it: warns beyond every window of the reference of the same length and beyond .02, critical at 1.5 times the "
        "largest of them and beyond .04. It opens an alert and never an incident. Fewer than 200 scores of its own: unknown.",
        _ASSUMES + " It falls where scores crowd together, whether or not outcomes do.",
        ("auc lost, estimated",),
        ("estimated_auc", "auc", "concept drift"),
    ),
    "estimated_brier": Definition(
        "estimated Brier score",
        "How far scores would be from outcomes, if each came true as often as in the reference.",
        "mean of p (1 - s)^2 + (1 - p) s^2; " + _INTERVAL + ".",
        "share; 0 is perfect",
        _FROM,
        _BEYOND,
        _ASSUMES,
        (),
        ("brier", "estimate"),
    ),
    "estimated_share": Definition(
        "estimated observed share",
        "How many outcomes would be positive, if each score came true as often as in the reference.",
        "mean of p; " + _INTERVAL + ".",
        "share",
        _FROM,
        _BEYOND,
        _ASSUMES,
        ("estimated_base_rate", "estimated base rate"),
        ("base_rate", "estimate"),
    ),
    "told apart": Definition(
        "all inputs together, told apart",
        "How well a classifier tells the inputs of the last whole week from those of the reference: it sees what no column shows alone.",
        "AUC of gradient boosted trees (scikit-learn, 40 trees of 15 leaves) on days that they were not trained on, 4 folds of whole days; "
        "at most 2,000 rows a side; interval: DeLong on the logit, 95 %. A column's part is the AUC that shuffling it costs.",
        "share; .5 is chance, 1 is certain",
        "inputs of live predictions, learnt by the watch once a day",
        "No fixed limit: warns when even the lower end of the interval is above each of up to 6 earlier weeks, and above .59; never "
        "critical. Weeks that reach into the reference are told from the rest of it. Fewer than 4 earlier weeks: unknown.",
        "Weather and season alone make weeks easy to tell apart: the earlier weeks take that out. Inputs that changed need not make the "
        "model worse. Its interval counts rows, and rows of one day are not independent. Text, lists, times and calendar columns are "
        "left out.",
        ("domain classifier", "multivariate drift", "together", "all inputs together", "domain auc", "told apart by"),
        ("psi", "drift verdict", "auc"),
    ),
}  # fmt: skip
"""By name, in lower case."""
