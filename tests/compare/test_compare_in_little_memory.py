"""Taken by ranges of values the answer is exactly the one of all values at once; profiles hold what is exact within their bounds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compared_files import parquet

from backends.data_files import rows
from console.views.compare.column import ComparedColumn
from console.views.compare.files import compared

SEEDED = np.random.default_rng(5)
VALUES = {
    "normal": (SEEDED.normal(size=5000), SEEDED.normal(0.2, size=4321)),
    "mostly one value": (np.where(SEEDED.random(5000) < 0.95, 0.0, SEEDED.random(5000)), np.where(SEEDED.random(4000) < 0.9, 0.0, 3.0)),
    "few values": (SEEDED.integers(0, 4, 5000).astype(float), SEEDED.integers(0, 5, 5000).astype(float)),
    "apart": (SEEDED.random(3000), SEEDED.random(3000) + 5),
    "infinities": (np.append(SEEDED.normal(size=3000), [math.inf, -math.inf]), SEEDED.normal(size=3000)),
    "constant": (np.full(3000, 2.5), np.full(3000, 2.5)),
    "heavy tails": (SEEDED.standard_t(2, 5000), SEEDED.standard_t(2, 4000) * 1.5),
    "sums beyond a float": (SEEDED.normal(size=3000) * 1e306, SEEDED.normal(1, size=2500) * 1e306),
    "nothing now": (SEEDED.random(3000), np.full(3000, math.nan)),
}


@pytest.fixture(params=VALUES)
def sides(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    # Many pieces of few rows, and samples that are samples.
    monkeypatch.setattr(rows, "PIECE_ROWS", 512)
    monkeypatch.setattr(rows, "SAMPLE_ROWS", 64)
    found = [
        str(parquet(tmp_path / f"{name}.parquet", {"x": ("DOUBLE", v.tolist())}))
        for name, v in zip("rc", VALUES[request.param], strict=True)
    ]
    return found[0], found[1]


def test_files_of_one_table_may_have_their_columns_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SAMPLE_ROWS", 64)
    x, kind = ("DOUBLE", SEEDED.normal(size=3000).tolist()), ("VARCHAR", ["a", "b", "c"] * 1000)
    parquet(tmp_path / "r1.parquet", {"x": x, "kind": kind})
    parquet(tmp_path / "r2.parquet", {"kind": kind, "x": x})
    whole = str(parquet(tmp_path / "c.parquet", {"x": x, "kind": kind}))
    said = compared(str(tmp_path / "r?.parquet"), whole, profiles=True)
    assert {each.name.raw: (each.n_reference, each.psi, each.ks) for each in said.columns} == {
        "x": (6000, pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12)),
        "kind": (6000, pytest.approx(0, abs=1e-12), None),
    }


def column(*words: Any, **how: Any) -> ComparedColumn:
    return compared(*words, **how).columns[0]


@pytest.mark.parametrize("held", [pytest.param(64 * 50, marks=pytest.mark.exhaustive), 64 * 700])
def test_ranges_say_what_the_whole_says(sides: tuple[str, str], held: int) -> None:
    whole, ranged = column(*sides), column(*sides, held=held)
    if whole.wasserstein is None:
        assert ranged.wasserstein is None
    else:
        assert ranged.wasserstein == pytest.approx(whole.wasserstein, rel=1e-9, abs=1e-12)
    same = {"wasserstein", "wasserstein_low", "wasserstein_high"}
    assert ranged.model_dump(exclude=same) == whole.model_dump(exclude=same)


def test_bounds_of_profiles_hold_what_is_exact(sides: tuple[str, str]) -> None:
    exact, profile = column(*sides), column(*sides, profiles=True)
    assert (profile.n_reference, profile.n_current, profile.missing_current) == (exact.n_reference, exact.n_current, exact.missing_current)
    if exact.ks is None:
        assert profile.ks is None
        return
    assert profile.ks is not None and profile.ks_high is not None
    assert profile.ks - 1e-12 <= exact.ks <= profile.ks_high + 1e-12
    if exact.ks == 0.0 and exact.wasserstein == 0.0:  # one value on both sides, which has a bin of its own
        assert profile.ks_high == 0.0
    if exact.wasserstein is not None and profile.wasserstein_low is not None and profile.wasserstein_high is not None:
        assert profile.wasserstein_low - 1e-9 <= exact.wasserstein <= profile.wasserstein_high + 1e-9
