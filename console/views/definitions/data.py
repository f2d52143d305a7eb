"""What is meant by the checks of data: contracts of rows, leakage, parity."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import Definition

DATA: Final[dict[str, Definition]] = {
    "contract": Definition(
        "contract of rows",
        "What rows that go into a model, or come out of it, must look like, and whether they do.",
        "schema: a column is not there, has another kind, or no row has a value. nulls, range, among: rows that break it / rows. allowed: "
        "one row is critical. unique: rows whose key stood in an earlier row (on logs: of the same 12 hours) / rows. freshness: age of the "
        "newest time. columns: columns that nobody promised.",
        "shares; freshness in hours",
        "contracts/*.yaml of the workspace; the last 24 hours of live predictions, judged every 12 hours; without a contract the signature "
        "of the version that serves",
        "Those of the alert rules data.nulls, data.range, data.duplicates and data.schema; max_null_share and freshness by the contract.",
        "A contract that was proposed says what the rows were, not what is right: winter's range of temperatures is broken in spring.",
        (
            *(f"contract.{rule}" for rule in ("schema", "nulls", "allowed", "among", "range", "unique", "freshness", "columns")),
            "referential integrity",
            "uniqueness",
            "allowed values",
        ),
        ("null_share", "out_of_range_share", "schema_violations", "duplicate_share", "shape"),
    ),
    "handled at inference": Definition(
        "rejects and repairs at inference",
        "Requests that a service could not score as they came: it refused them, or put something in place of a value first.",
        "Sum of what was counted over the window / sum of the requests that were counted over. A request that is repaired in two fields "
        "counts twice.",
        "shares of the requests; requests",
        "metrics inference_rejects and inference_repairs of the layer data, which the service lands: value requests in the time up to "
        "event_at, of n in all, with the labels reason and field; nothing found is a value of 0 without labels",
        "Those of the alert rules data.rejects (1 %, 5 %) and data.repairs (2 %, 10 %), over 24 h. Where nobody counts there is no row.",
        "Only what the service counts is seen: a default that its code fills in silently is not. parity counts those.",
        ("rejects", "repairs", "inference_rejects", "inference_repairs", "rejected", "repaired"),
        ("contract", "parity"),
    ),
    "leakage": Definition(
        "leakage",
        "Signs that training rows know what they could not have known when the model is asked.",
        "alone: AUC of one column by itself; of a category the share of outcome 1 in the other four of five folds, with 10 rows of the "
        "overall share added. absence: AUC of whether it has a value. time: rows whose feature time is later than the as-of key, or than "
        "the time of the outcome. as-of key: rows that do not say as of when their features were taken. Interval: Hanley and McNeil 1982. "
        "together (--together): AUC of gradient boosted trees (scikit-learn, 60 trees of 15 leaves) of all columns on the fifth of the "
        "rows that they were not trained on, at most 2,000 of each outcome. shuffled: the same with one column shuffled there, mean of 3.",
        "AUC, .5 tells nothing; rows",
        "one file of rows: qd leakage FILE --label COLUMN",
        "AUC: warns when the lower end of its interval is over .90, critical over .98; 30 rows of each outcome are needed. One row from "
        "the future, or without an as-of time, is critical. No as-of key named: unknown. shuffled: the same limits on the AUC of all "
        "columns, where more than 80 % of what it has beyond .5 goes with one column. together: warns over .98.",
        "A strong honest feature looks the same as a leak: ask whether it is known at the moment of the score. Columns that leak only "
        "together are seen with --together alone; of two copies of a leak, shuffling one may cost nothing: each is seen alone.",
        ("target leakage", "as-of key", "single-feature auc", "late features", "permutation", "shuffled"),
        ("auc", "contract"),
    ),
    "parity": Definition(
        "training-serving parity",
        "Whether the same requests have the same values as computed offline and as used online.",
        "Requests that stand exactly once on either side, joined by the key. differ: requests whose values differ, or that only one side "
        "has a value for, / requests; numbers may differ by 1e-6 of the greater one (--tolerance). nulls, defaults: shares of either "
        "side. Of a feature with a time (FEATURE_at on both sides, or --feature-time): age, time of the request less that of the feature; "
        "gap, its time online less offline.",
        "shares of the requests on both sides",
        "qd parity OFFLINE ONLINE|MODEL --key COLUMN: files, or what a model logged; scores of logged requests, computed again: a replay",
        "differ: warns over .1 %, critical over 2 %. Missing values or a default that is counted: warns when the shares are 1 point apart, "
        "critical at 5. gap: warns when 5 % are over 1h (--gap), critical at twice that; one value offline from after the request is "
        "critical. 30 requests on both sides are needed.",
        "Requests that only one side has take no part: read how many those are.",
        (
            "training-serving skew",
            "skew",
            "replay",
            "default rate",
            "defaults",
            "differing",
            "share",
            "largest",
            "matched",
            "repeated",
            "tolerance",
            "freshness gap",
            "age of features",
        ),
        ("null_share", "shape"),
    ),
    "shape": Definition(
        "shape of a value",
        "An offending value without the value: enough to see what went wrong, too little to know who it is about.",
        "Letters as a or A, digits as 9, all else as it is; at most 40 characters. A column with show_values: true shows values.",
        source="the rows that break a rule of a contract",
        misleads="Marks and the number of characters stay: a short list of possible values can still be told apart.",
        also=("redacted", "its shape"),
        see=("contract",),
    ),
}
"""By name, in lower case."""
