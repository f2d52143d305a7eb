"""Quality and fairness between slices and groups."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import EARLY, Definition

GROUPS: Final[dict[str, Definition]] = {
    "slices": Definition(
        "quality by slice",
        "Quality of the rows that share one value of a column, worst first: by size of the gap, or by MAE.",
        "As the whole, over the rows of the slice. Numbers with more than 20 distinct values are sliced by quartile.",
        source="scores joined with labels and inputs",
        limits="At least 200 labelled rows, else only the count is shown.",
        misleads="Of twenty slices one is outside its 95 % interval by chance.",
        also=("slice", "segment"),
        see=("slice_auc_gap",),
    ),
    "demographic parity": Definition(
        "demographic parity",
        "Whether groups are selected equally often, whatever their outcomes.",
        "selection rate of a group = rows that score the threshold or more / its scored rows; difference = largest minus smallest, "
        "ratio = smallest / largest, over groups of at least 30 rows.",
        "share; difference 0 and ratio 1 are equal",
        "qd quality FILE --threshold T --group COLUMN",
        "None by itself; a ratio below .8 is the customary alarm (four-fifths rule).",
        "Equal selection is not equal error: groups whose outcomes differ in truth cannot have both.",
        ("demographic_parity_difference", "demographic_parity_ratio", "selection rate", "selection_rate", "sel", "fairness"),
        ("equalized odds",),
    ),
    "equalized odds": Definition(
        "equalized odds",
        "Whether the model errs equally often on every group, among those with the outcome and among those without.",
        "the larger of: largest minus smallest true positive rate, and the same of false positive rates, over groups of at least 30 rows "
        "(Hardt, Price and Srebro 2016). Groups with fewer than 30 known outcomes of one kind are named beside it (`few`).",
        "share; 0 is equal",
        "qd quality FILE --threshold T --group COLUMN; labelled rows only",
        "None by itself.",
        "Rates of small groups are mostly chance: read their intervals. " + EARLY,
        ("equalized_odds_difference", "true positive rate", "false positive rate"),
        ("demographic parity",),
    ),
    "worst slices": Definition(
        "worst slices",
        "Values, and pairs of values of two columns, on which the squared error is certainly above that of all other rows.",
        "excess = mean squared error inside minus outside; its interval by Welch's standard error at 5 % over the whole search "
        "(Bonferroni); named when the lower end is above 0, and a pair only when that end is above the excess of both its halves.",
        "Brier score",
        "qd quality FILE: every number (by value, or by quartile) and every column of 2 to 200 values, named by --slice or not; up to 30 "
        "columns that were not named, fewer from 2 million rows; none that says the outcome itself",
        "Never below --minimum labelled rows (200).",
        "Found by looking at many: what is named here is a place to look, with a chance of 5 % that a search names one for nothing.",
        ("worst_slices", "slice finder", "excess", "share_of_loss", "slices_searched", "slices searched"),
        ("slices", "brier"),
    ),
}
