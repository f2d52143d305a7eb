"""What is meant by the plain counts beside every number: rows, missing values, categories, bins, ends of columns, changes of the schema."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import Definition

ROWS: Final[dict[str, Definition]] = {
    "rows": Definition(
        "rows, n",
        "How many rows a number rests on.",
        "n: rows with a value (of a distance: on that side; of quality: labelled, with a score). left out: rows without a usable score. "
        "minimum: below it nothing is said.",
        "rows",
        "the file, or the live predictions of the period",
        misleads="Rows of one day, or of one customer, are not independent: a large n promises more than it keeps.",
        also=("n", "left_out", "left out", "minimum", "negatives", "positives"),
        see=("coverage",),
    ),
    "missing": Definition(
        "missing values",
        "The share of rows that have no value in a column.",
        "rows that are null or NaN / all rows; every distance leaves them out.",
        "share",
        "the file, or the inputs of live predictions",
        "A column that lost all its values, or rose by over 10 points to more than double: critical, whatever its distances.",
        "A default that stands for a missing value, such as 0 or -1, is a value here: `parity` and `contract` see those.",
        ("nulls", "null rate", "missing rate", "missing share", "missing values", "gone"),
        ("null_share", "contract"),
    ),
    "new categories": Definition(
        "new and vanished categories",
        "Values of a column of text that only one of two sides has.",
        "new: now and not in the reference; vanished: the other way round. The hundred most frequent are named, all are counted.",
        "categories",
        "qd compare, qd drift M -f COLUMN",
        "Judged by how many rows have them, by way of the PSI and of the severity of compare.",
        "Where a column has thousands of values some are new by chance.",
        ("new", "vanished", "vanished categories", "categories"),
        ("psi", "compare severity"),
    ),
    "schema changes": Definition(
        "changes of the schema",
        "Columns that were added, were removed, or have another type.",
        "By name and by the engine's type; a text file has no types, so there only another kind of value counts. A column "
        "without any value has no type.",
        "columns",
        "qd compare",
        "Removed, or of another kind: critical. Added, or another type of one kind: at least a warning. Never no drift.",
        also=("schema", "added", "removed", "type_changed", "type change"),
        see=("compare severity", "schema_violations"),
    ),
    "bins": Definition(
        "bins of a distribution",
        "The ranges of values whose shares are compared.",
        "[a, b), the outer ones open, at the unique linear quantiles 0, .1, ..., 1 of the reference; a value that dominates has its own.",
        "share of the values on each side",
        "fixed by the reference, so that every later window is counted alike",
        misleads="What moves inside a bin is not seen by PSI, JS and chi2; KS and Wasserstein of rows see it.",
        also=("bin", "decile", "deciles", "quantile bins", "histogram", "edges"),
        see=("psi", "ks"),
    ),
    "mean": Definition(
        "mean and ends of a column",
        "Mean, lowest and highest value of a column over a period.",
        "sum of the finite values / how many there are; the lowest; the highest.",
        "that of the column",
        "profiles of days; exact",
        "None by themselves; a change of unit is told from them.",
        "One outlier moves the mean and makes the end.",
        ("low_reference", "high_reference", "low_current", "high_current", "range"),
        ("real or a bug",),
    ),
    "interval": Definition(
        "interval",
        "What a number may be, given how few rows it rests on.",
        "95 %: of a share Wilson's, of an AUC DeLong's on the logit, of a mean +- 1.96 standard errors, of a mean loss Hall's for "
        "skewed means, of an average precision normal on the logit, of an ECE by inverting a test, of an estimate by bootstrap.",
        "that of the number",
        "the same rows as the number",
        misleads="Says how much chance is in it, not how wrong the rows are: labels that come late, rows that hang together.",
        also=("intervals", "low", "high", "confidence interval", "observed_low", "observed_high"),
        see=("rows", "coverage"),
    ),
    "threshold": Definition(
        "threshold",
        "The score from which a row counts as selected.",
        "score >= threshold; of a model its declared one, of a file --threshold.",
        "score",
        "the model's record, or the command line",
        also=("selected",),
        misleads="Precision, recall and fairness hold for this one threshold only.",
        see=("precision", "recall", "demographic parity"),
    ),
    "corrected": Definition(
        "corrected outcomes",
        "Outcomes that were known and were told again with another value.",
        "keys of the day with a later label of another value; the latest one counts from then on.",
        "rows",
        "labels of the workspace",
        misleads="A day whose outcomes are still corrected is not final, although all of them are known.",
        also=("corrections",),
        see=("complete up to",),
    ),
}
"""By name, in lower case."""
