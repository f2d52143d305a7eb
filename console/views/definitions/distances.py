"""How far two samples are apart, and when that is drift: by the statistics that are shown and the past that judges them."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import Definition

_BINS = "Numeric columns: 10 bins at the unique linear quantiles 0, .1, ..., 1 of the reference, [a, b), outer ones open. A column that "
_BINS += "collapses to one bin has its dominating value split off; over time, not between two files, a largest value that is a decile too "
_BINS += "has a bin of its own. Categories: the union of both sides. Missing values are left out."
_BAND = "No fixed limit: warns beyond all of up to 15 earlier windows of the same length, critical beyond 1.5 times the highest, and "
_BAND += "never below .10. Fewer than 6 such windows, or fewer rows than the rule's minimum: unknown."

DISTANCES: Final[dict[str, Definition]] = {
    "psi": Definition(
        "PSI, population stability index",
        "How far the shares of the bins now are from those of the reference.",
        "sum over bins of (c - r) ln(c / r); shares floored at 1e-4 on both sides, not renormalised. " + _BINS,
        "none; 0 is equal, no upper end",
        "profiles of days, counted on edges that the reference fixes",
        _BAND,
        "The customary .1 and .25 would page nearly every day on seasonal data: the band of the column's own past decides. One empty bin "
        "adds a lot, because of the floor.",
        ("population stability index",),
        ("js", "ks", "band", "score_psi", "input_psi"),
    ),
    "js": Definition(
        "JS, Jensen-Shannon distance",
        "How far two distributions are apart, on a scale that ends.",
        "sqrt((KL(r || m) + KL(c || m)) / 2), m = (r + c) / 2, natural logarithm, no smoothing. " + _BINS,
        "none; 0 to .8326 (the root of ln 2)",
        "the same bins as PSI",
        "Shown beside PSI; it judges nothing by itself.",
        "Counts of bins only: it does not see how far values moved, only that they are in other bins.",
        ("jensen shannon", "jensen-shannon"),
        ("psi", "wasserstein"),
    ),
    "ks": Definition(
        "KS, Kolmogorov-Smirnov statistic",
        "Largest distance between the two cumulative distributions of a numeric column.",
        "max |F_r(x) - F_c(x)|. From profiles: the largest distance at a bin edge, with the bound that the bins allow (.55-.58); "
        "--exact reads the rows and equals scipy's ks_2samp.",
        "share, 0 to 1",
        "profiles of days, or the rows with --exact",
        "Shown beside PSI; it judges nothing by itself.",
        "Its p-value counts rows: at a million rows everything is significant. From profiles the p-value is an upper one (p <=).",
        ("kolmogorov smirnov", "kolmogorov-smirnov", "ks p"),
        ("p_value", "psi"),
    ),
    "wasserstein": Definition(
        "Wasserstein distance",
        "How far, on average, values moved: the area between the two cumulative distributions.",
        "integral of |F_r(x) - F_c(x)| dx. From profiles: an estimate with its bounds in brackets; never below the difference of "
        "the means. --exact equals scipy's wasserstein_distance.",
        "the unit of the column",
        "profiles of days, or the rows with --exact",
        "Shown beside PSI; it judges nothing by itself.",
        "Follows outliers; open outer bins make its upper bound wide.",
        ("earth mover", "emd"),
        ("ks",),
    ),
    "chi2": Definition(
        "chi2, test of equal shares",
        "Whether the categories of both periods can have the same shares.",
        "Pearson's statistic of the 2 x bins table, empty columns dropped, no continuity correction; degrees of freedom = bins - 1.",
        "none",
        "profiles of days",
        "Shown with its p-value; it judges nothing by itself.",
        "Grows with rows: a tiny change of many rows is significant.",
        ("chi squared", "chi-squared", "chi square"),
        ("p_value", "psi"),
    ),
    "p_value": Definition(
        "p-value",
        "How probable a difference this large would be, if nothing had changed and rows were independent.",
        "KS: exact up to 10,000 rows in the larger sample, else the Kolmogorov limit. chi2: the chi-squared tail.",
        "share",
        "the test that it stands beside",
        "Never a limit: verdicts use the size of the effect and its band.",
        "Counts rows, not importance; rows of one day are not independent.",
        ("p", "significance"),
        ("ks", "chi2", "band"),
    ),
    "compare severity": Definition(
        "severity of compare",
        "How bad a difference between two files is, where there is no past to judge by.",
        "PSI over .1 warns, over .25 is critical, after taking off what chance gives two samples of these sizes, (bins - 1) (1/n + 1/m); "
        "KS over .125 and .2, what a shift of a normal column has at these PSI. Of categories the smaller of "
        "2 sum((r - c)^2 / (r + c)) and "
        "(chi2 - (bins - 1)(n + m)/(n + m - 1)) (1/n + 1/m) is judged like a PSI too: it sees those too rare for the PSI's floor. "
        "Each needs a p-value below .01 / columns.",
        "a state",
        "quarterdeck compare",
        "A removed or emptied column, another kind of type, or missing values more than doubled by over 10 points: critical. An added or "
        "retyped column, or missing values moved by over 5 points: at least a warning. Fewer than 200 values on a side, texts "
        "of which over half differ, whole numbers that only name rows, times: unknown.",
        "Fixed limits know no season: where there is a past, `drift` judges by it.",
        ("compare", "severity"),
        ("psi", "ks", "p_value"),
    ),
    "band": Definition(
        "usual band",
        "Where the number lay in earlier windows of the same length: lowest, median, highest.",
        "Up to 15 windows before the current one, as long as it, none overlapping; only windows with facts on every day.",
        "that of the number",
        "profiles of days",
        _BAND,
        "A season that only rises makes every window the furthest so far.",
        ("usual", "usual to", "further", "windows above", "limit", "band_median", "earlier", "earlier, now"),
        ("psi", "drift verdict"),
    ),
    "drift verdict": Definition(
        "verdict of drift",
        "Whether a column is further from its reference than it used to be.",
        "PSI against the band of earlier windows; a column whose values are gone, or whose missing values rose by more than 10 points "
        "and more than doubled, is critical whatever its PSI; so are texts of which more than half were different and at most a quarter "
        "are, or the reverse, in equally many rows.",
        "a state",
        "the rule that watches input_psi (data.drift unless a policy says otherwise)",
        _BAND,
        "Drift of an input is not loss of quality: only outcomes show that.",
        ("drift",),
        ("band", "psi", "concept drift"),
    ),
    "slow trend": Definition(
        "slow trend",
        "Whether the mean of a column rises or falls from window to window, each step being too small to be seen.",
        "Theil-Sen slope (median of the slopes of all pairs of windows, Sen's 95 % interval) of the means of up to 16 windows that do not "
        "overlap; Mann-Kendall's p-value, exact without ties.",
        "the unit of the column, a week",
        "profiles of days",
        "Said when p is below .01 / columns looked at (Bonferroni), and the change over all windows is at least half the width from the "
        "10th to the 90th percentile of the reference. Sets no state. Fewer than 6 windows: not looked for.",
        "A season that only rises is a trend too. Windows of one season are not independent, so p is too small.",
        ("trend", "slope", "theil-sen", "mann-kendall", "multiple testing", "per_week", "p_needed", "windows", "change", "columns"),
        ("band", "psi"),
    ),
    "real or a bug": Definition(
        "real or a bug?",
        "Whether schema, nulls, units, volume and freshness are in order: what is looked at before anybody thinks of a retrain.",
        "schema and freshness: the rules that watch schema_violations and age_hours. nulls: missing values rose by more than 10 points and "
        "more than doubled, or the rule that watches null_share. units: of a column beyond its past the range is 1.5 times wider or "
        "narrower, and a known conversion takes mean (within .1) and ends (within .25 widths) of the reference to those of now. volume: "
        "rows a day by those of what is compared with.",
        "a state",
        "profiles of days; health of the model as last judged",
        "Volume warns below .5 and above 2, and is critical below .1. One part that is not known leaves the answer unknown, never ok.",
        "A bug that keeps all five in order is not seen; a holiday halves volume too. Schema and freshness are judged as they are now.",
        ("data bug", "bug", "units", "unit change", "volume"),
        ("drift verdict", "schema_violations", "null_share", "freshness"),
    ),
    "calendar": Definition(
        "calendar column",
        "A column that follows the calendar, such as the weekday, is compared with equal weekdays of the reference only.",
        "Reference days with the same mix of weekdays as the current days, the latest first, as often as the reference allows.",
        source="declared in the version's signature",
        misleads="A period shorter than a week always differs from three whole weeks; this comparison takes that out.",
        also=("equal weekdays",),
        see=("psi",),
    ),
    "concept drift": Definition(
        "concept drift",
        "The relation between inputs and outcome changed: inputs look usual, outcomes do not match the scores.",
        "Said when the model layer is critical while no input is critically beyond its past and neither schema nor missing values broke.",
        misleads="A cause that no input carries looks the same; so does a label that is computed differently.",
        see=("late_gap", "drift verdict"),
    ),
    "importance": Definition(
        "importance",
        "What shuffling a column costs the model: how much it relies on it.",
        "Loss of AUC (binary) or gain of MAE (regression) when the column is permuted, on the evaluation data of the version.",
        "AUC, or the unit of the target",
        "the record of the version (ModelVersion.importance)",
        "Ranks columns; sets no state.",
        "Two columns that say the same share their importance: each alone looks unimportant.",
        ("permutation importance", "feature importance"),
        ("drift verdict",),
    ),
}
