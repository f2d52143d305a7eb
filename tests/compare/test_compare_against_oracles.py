"""What `compare` says is what scipy says of the same values, and what counting by hand says of categories."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compared_files import answered, column, parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from console.analysis.distances import reshuffle
from console.cli.main import main

SEEDED = np.random.default_rng(3)
PAIRS = {
    "shifted": (SEEDED.normal(size=3000), SEEDED.normal(0.3, size=2500)),
    "equal sizes": (SEEDED.lognormal(size=2000), SEEDED.lognormal(0.2, size=2000)),
    "ties": (SEEDED.poisson(3, 1500).astype(float), SEEDED.poisson(4, 999).astype(float)),
    "mostly zero": (np.where(SEEDED.random(4000) < 0.95, 0.0, 7.5), np.where(SEEDED.random(3000) < 0.8, 0.0, 7.5)),
    "constant": (np.full(300, 5.0), np.full(400, 5.0)),
    "one row": (np.array([1.0]), np.array([2.0])),
    "apart": (SEEDED.random(500), SEEDED.random(700) + 10),
    "a tiny p": (SEEDED.normal(size=2000), SEEDED.normal(2.5, size=1900)),
    "very large": (SEEDED.normal(size=300) * 1e300, SEEDED.normal(size=200) * 1e300),
    "sums beyond a float": (SEEDED.normal(size=3000) * 1e306, SEEDED.normal(size=2500) * 1e306),
    "sums of equal sizes beyond a float": (SEEDED.normal(size=3000) * 1e306, SEEDED.normal(1, size=3000) * 1e306),
    "beyond the exact p": (SEEDED.normal(size=12_000), SEEDED.normal(0.01, size=11_000)),
}


def numbers(folder: Path, one: Any, two: Any, kind: str = "DOUBLE") -> dict[str, Any]:
    sides = [parquet(folder / f"{name}.parquet", {"x": (kind, list(values))}) for name, values in (("r", one), ("c", two))]
    return column(answered(*sides), "x")


@pytest.mark.parametrize("name", PAIRS)
def test_numbers_are_compared_as_scipy_does(name: str, tmp_path: Path) -> None:
    one, two = PAIRS[name]
    said = numbers(tmp_path, one.tolist(), two.tolist())
    method = "auto" if max(one.size, two.size) <= 10_000 else "asymp"
    theirs = stats.ks_2samp(one, two, method=method)
    assert said["ks"] == pytest.approx(theirs.statistic, abs=1e-12)
    if method == "auto":
        assert said["ks_p_value"] == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-300)
    assert said["wasserstein"] == pytest.approx(stats.wasserstein_distance(one, two), rel=1e-9, abs=1e-12)


@given(
    st.lists(st.sampled_from([0.0, -0.0, 1.0, 1.5, 2.0, 5e-324, -1e300, 1e300]) | st.floats(-1e6, 1e6), min_size=1, max_size=80),
    st.lists(st.sampled_from([0.0, 1.0, 1.5, 3.0, 1e300]) | st.floats(-1e6, 1e6), min_size=1, max_size=80),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_numbers_are_compared_as_scipy_does_in_any_order(tmp_path: Path, one: list[float], two: list[float], random: Any) -> None:
    said = numbers(tmp_path, one, two)
    theirs = stats.ks_2samp(one, two, method="exact")
    assert said["ks"] == pytest.approx(theirs.statistic, abs=1e-12)
    assert said["ks_p_value"] == pytest.approx(theirs.pvalue, rel=1e-6)
    assert said["wasserstein"] == pytest.approx(stats.wasserstein_distance(one, two), rel=1e-9, abs=1e-12)
    assert said["psi"] >= 0 and 0 <= said["js"] <= math.sqrt(math.log(2)) + 1e-12
    random.shuffle(one)
    random.shuffle(two)
    assert numbers(tmp_path, one, two) == said


@pytest.mark.parametrize("least", [-(2**62), 2**53 + 1, 2**60 + 7])
def test_whole_numbers_beyond_the_floats_keep_their_last_digits(tmp_path: Path, least: int) -> None:
    one, two = SEEDED.integers(0, 50, 900), SEEDED.integers(3, 55, 800)
    said = numbers(tmp_path, (least + one).tolist(), (least + two).tolist(), "BIGINT")
    small = numbers(tmp_path, one.tolist(), two.tolist(), "BIGINT")
    theirs = stats.ks_2samp(least + one, least + two)
    assert (said["ks"], said["ks_p_value"]) == (pytest.approx(theirs.statistic, abs=1e-12), pytest.approx(theirs.pvalue, rel=1e-6))
    assert {key: said[key] for key in ("psi", "js", "chi2", "wasserstein")} == {
        key: small[key] for key in ("psi", "js", "chi2", "wasserstein")
    }
    assert f"distances from {least}" in said["notes"][-1]


def test_hashes_are_compared_too(tmp_path: Path) -> None:
    one, two = (SEEDED.integers(0, 2**64, size, dtype=np.uint64) for size in (700, 900))
    said = numbers(tmp_path, one.tolist(), two.tolist(), "UBIGINT")
    theirs = stats.ks_2samp(one, two)
    assert (said["ks"], said["ks_p_value"]) == (pytest.approx(theirs.statistic, abs=1e-12), pytest.approx(theirs.pvalue, rel=1e-6))
    assert said["wasserstein"] == pytest.approx(stats.wasserstein_distance(one.astype(float), two.astype(float)), rel=1e-9)


def test_bins_are_the_deciles_of_the_reference(tmp_path: Path) -> None:
    one, two = PAIRS["shifted"]
    said = numbers(tmp_path, one.tolist(), two.tolist())
    edges = np.quantile(one, np.arange(1, 10) / 10)
    r, c = (np.bincount(np.searchsorted(edges, values, side="right"), minlength=10) for values in (one, two))
    shares = np.maximum(r / r.sum(), 1e-4), np.maximum(c / c.sum(), 1e-4)
    assert said["psi"] == pytest.approx(float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0]))), rel=1e-12)
    assert said["js"] == pytest.approx(jensenshannon(r, c), rel=1e-9)
    theirs = stats.chi2_contingency(np.array([r, c]), correction=False)
    assert said["chi2"] == pytest.approx(theirs.statistic, rel=1e-12)
    assert said["chi2_p_value"] == pytest.approx(theirs.pvalue, rel=1e-9)


def test_a_column_that_collapses_is_split_and_says_so(tmp_path: Path) -> None:
    said = numbers(tmp_path, *(values.tolist() for values in PAIRS["mostly zero"]))
    r, c = ((values == 0).mean() for values in PAIRS["mostly zero"])
    assert said["psi"] == pytest.approx((c - r) * math.log(c / r) + (r - c) * math.log((1 - c) / (1 - r)))
    assert "0 has a bin of its own" in said["notes"][0]
    assert said["severity"] == "warning"


def test_what_is_no_number_is_missing_and_infinities_leave_no_area(tmp_path: Path) -> None:
    one = [None, math.nan, 1.0, 2.0, 3.0]
    said = numbers(tmp_path, one, [1.0, math.inf, -math.inf])
    assert (said["n_reference"], said["missing_reference"]) == (3, 0.4)
    assert said["ks"] == pytest.approx(stats.ks_2samp([1, 2, 3], [1, math.inf, -math.inf]).statistic)
    assert said["wasserstein"] is None
    assert said["reasons"]["wasserstein"] == "infinite or too large values"


@given(
    st.lists(st.none() | st.sampled_from(["a", "b", "", "\u2603", "'; DROP", "A"]), min_size=1, max_size=60),
    st.lists(st.none() | st.sampled_from(["a", "b", "c", "\u00e9", "e\u0301"]), min_size=1, max_size=60),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_categories_are_compared_over_their_union(tmp_path: Path, one: list[str | None], two: list[str | None]) -> None:
    sides = [parquet(tmp_path / f"{name}.parquet", {"x": ("VARCHAR", values)}) for name, values in (("r", one), ("c", two))]
    said = column(answered(*sides), "x")
    before, now = [value for value in one if value is not None], [value for value in two if value is not None]
    if not before or not now:
        assert (said["psi"], said["chi2"]) == (None, None)
        return
    union = sorted({*before, *now})
    r, c = np.array([before.count(each) for each in union]), np.array([now.count(each) for each in union])
    shares = np.maximum(r / r.sum(), 1e-4), np.maximum(c / c.sum(), 1e-4)
    assert said["psi"] == pytest.approx(float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0]))), abs=1e-12)
    assert said["chi2"] == pytest.approx(stats.chi2_contingency(np.array([r, c]), correction=False).statistic, abs=1e-9)
    assert set(said["new_categories"]) == {*now} - {*before}
    assert set(said["vanished_categories"]) == {*before} - {*now}


def test_rare_categories_that_all_became_others_are_no_usual_column(tmp_path: Path) -> None:
    # Twenty thousand categories of five rows each: every share lies under the floor of the PSI, on both sides.
    drawn = np.random.default_rng(8)
    sides = {
        "r": drawn.integers(0, 20_000, 100_000), "same": drawn.integers(0, 20_000, 100_000), "half": drawn.integers(10_000, 30_000, 100_000)
    }  # fmt: skip
    files = {name: parquet(tmp_path / f"{name}.parquet", {"x": ("VARCHAR", [f"u{v}" for v in values])}) for name, values in sides.items()}
    said = column(answered(files["r"], files["half"]), "x")
    assert (said["psi"], said["severity"]) == (pytest.approx(0.0, abs=0.01), "critical")
    counts = [np.bincount(sides[name], minlength=30_000) for name in ("r", "half")]
    held = sum(counts) > 0
    chi2 = stats.chi2_contingency(np.array([each[held] for each in counts]), correction=False)
    told = (chi2.statistic - (held.sum() - 1)) * 2 / 100_000
    assert f"moved by {told:.3f} beyond what chance gives, over 0.25" in said["reason"]
    same = column(answered(files["r"], files["same"]), "x")
    assert (same["severity"], same["new_count"] > 50) == ("ok", True)


@pytest.mark.parametrize(("n", "m"), [(100_000, 3_000), (3_000, 100_000), (2_000, 2_000)])
def test_rare_categories_of_one_distribution_are_usual_whatever_the_sizes(n: int, m: int) -> None:
    drawn, shares = np.random.default_rng(2), 1 / np.arange(1, 3001)
    alarms, sizes = 0, []
    for _ in range(200):
        found = reshuffle(*(drawn.multinomial(rows, shares / shares.sum()) for rows in (n, m)))
        assert found is not None
        sizes.append(found.size)
        alarms += found.p_value < 0.01
    assert alarms <= 8
    assert np.mean(sizes) < 0.06
    other = reshuffle(drawn.multinomial(n, shares / shares.sum()), drawn.multinomial(m, np.roll(shares, 1000) / shares.sum()))
    assert other is not None and other.size > 1 and other.p_value < 1e-9


def test_the_same_rows_in_another_order_are_no_drift(tmp_path: Path) -> None:
    values = [None if row % 9 == 0 else float(row % 50) for row in range(1000)]
    said = numbers(tmp_path, values, list(reversed(values)))
    assert (said["psi"], said["ks"], said["wasserstein"], said["chi2"], said["severity"]) == (0.0, 0.0, 0.0, 0.0, "ok")


def test_free_text_and_embeddings_are_refused_in_words_and_what_was_written_is_not_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def sides(rows: int) -> list[Path]:
        return [
            parquet(tmp_path / f"{name}{rows}.parquet", {
                "words": ("VARCHAR", [f"{name} wrote {row}" for row in range(rows)]),
                "vector": ("DOUBLE[]", [[float(row), 0.5] for row in range(rows)]),
            })
            for name in ("ada", "ben")
        ]  # fmt: skip

    told = answered(*sides(400))
    words, vector = column(told, "words"), column(told, "vector")
    assert words["severity"] == vector["severity"] == "unknown" and words["free_text"]
    assert words["reason"].startswith("free text or an identifier, which is not compared: 100% of the values are different")
    assert vector["reason"].startswith("holds lists or structures, such as embeddings") and vector["psi"] is None
    assert main(["compare", *map(str, sides(400))]) == 0
    page = capsys.readouterr().out
    assert page.count("-      -      -             -           -   0.0 -> 0.0 %") == 2
    assert "such as its length; 400 new; 400 vanished" in " ".join(page.split()) and "wrote" not in page
    few = column(answered(*sides(20)), "words")
    assert few["reason"].startswith("only 20 values") and not few["free_text"]


def test_a_hundred_thousand_categories_are_counted_not_listed(tmp_path: Path) -> None:
    sides = [parquet(tmp_path / f"{name}.parquet", {"x": ("VARCHAR", [f"{name}{row}" for row in range(100_000)])}) for name in "rc"]
    said = column(answered(*sides), "x")
    assert (said["new_count"], len(said["new_categories"])) == (100_000, 100)
    assert said["js"] == pytest.approx(math.sqrt(math.log(2)))
    assert (said["severity"], "identifier" in said["reason"]) == ("unknown", True)
