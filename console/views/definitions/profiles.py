"""What is meant by the numbers that profiles of days hold beside the distances."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import Definition

PROFILES: Final[dict[str, Definition]] = {
    "tails": Definition(
        "tails",
        "Shares of the values below the first and from the last hundredth of the reference on, before and now.",
        "values under the quantile .01 of the reference, and values not under its quantile .99, / values. A tail that ends where the outer "
        "bin does is not shown apart.",
        "shares of the values",
        "profiles of days, exact counts",
        "Sets no state. The tails are edges too for the bounds of KS and Wasserstein; the bins of PSI are the deciles alone.",
        "The reference has 1 % on either side only where values hardly repeat: read both numbers.",
        ("tail", "below_reference", "below_current", "above_reference", "above_current"),
        ("psi", "ks", "wasserstein"),
    ),
    "far since": Definition(
        "far since",
        "Since when a column is as far from its reference as it is now said to be.",
        "The window is slid back a day at a time while its PSI is above the limit that it is judged by; the last day of the first such "
        "window of the stretch. Of a column that is ok, on its own page: above the median of its band.",
        "a day of the model's zone",
        "profiles of days",
        "Sets no state.",
        "A window of five days passes its limit some days after its rows have changed.",
        ("high_since", "high since"),
        ("band", "drift verdict"),
    ),
    "different values": Definition(
        "different values",
        "How many different values a column has over a period.",
        "By name where every category is kept by name. Else each value sets one of 4,096 bits, which its hash names, in the profile "
        "of its day; of k bits set in all days -4096 ln(1 - k/4096) values are expected (linear counting). Where the reference has over "
        "2,048 only a share of the hashes sets bits. Interval of 95 %.",
        "values",
        "profiles of days; the hash is that of the engine that counted, which the page names",
        "Sets no state.",
        "A longer period has more of them: compare with that in mind. Days counted by two engines have no number together.",
        ("distinct", "distinct values", "different_reference", "different_current", "cardinality", "sketch"),
        ("tails", "shape"),
    ),
    "moved": Definition(
        "shares moved, without the floor of PSI",
        "How far the shares of categories are apart where most of them are too rare for the PSI, whose floor takes them for equal.",
        "the smaller of 2 sum (r - c)^2 / (r + c) over shares, and (chi2 - E chi2) (1/n + 1/m), which chance does not raise; both are the "
        "PSI where it is small. unseen: share of the reference's values in categories rarer than 1e-4, or not kept by name.",
        "none; 0 is equal, 4 is nothing in common",
        "profiles of days: every category by name, 10,000 a day",
        "As PSI, by earlier windows: it judges in place of PSI where it is more and over 2.5 % of the reference's values are unseen.",
        "A day with over 10,000 categories keeps the most frequent by name: then it is not computable, and a small PSI is unknown, not ok.",
        ("unseen", "moved_p_value", "judged", "reshuffle", "rare categories"),
        ("psi", "band", "profile"),
    ),
    "profile": Definition(
        "profile of a day",
        "What is kept of each column of a version and a day when its rows are read no more: days add up to any period.",
        "counts on the reference's bins and beyond its tails, categories by name (10,000, the rest together), missing values, sum, least "
        "and greatest, bits of the different values; the fingerprint (SHA-256) of the inputs' names and types.",
        "",
        "store/profiles.sqlite, written by the watch for every day that is over; computed where it is missing",
        "",
        "Counted anew when a fact of the day arrives late, or the reference changes: edges are fixed by the reference.",
        ("profiles", "counted", "schema fingerprint", "engines", "schemas_reference", "schemas_current"),
        ("psi", "tails", "different values"),
    ),
}
