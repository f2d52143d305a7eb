"""The learning behind estimates, in a process of its own that yields to everybody else: `python -m console.watch.estimator IN OUT`.

Reads arrays (`numpy.savez`), writes JSON. Nothing else of the program loads scikit-learn, and a console is never slower for it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from console.background import give_way

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RESAMPLES: Final = 60
FOLDS: Final = 4


def calibrations(scores: Floats, labels: Floats, days: Ints) -> list[list[list[float]]]:
    """Isotonic maps `[x, y]`: of all rows first, then of resampled days, since rows of one day are not independent."""
    from sklearn.isotonic import IsotonicRegression

    def fitted(rows: npt.NDArray[Any]) -> list[list[float]]:
        found = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores[rows], labels[rows])
        return [np.round(found.X_thresholds_, 6).tolist(), np.round(found.y_thresholds_, 6).tolist()]

    draws = np.random.default_rng(0)
    known = np.unique(days)
    rows_of = {day: np.flatnonzero(days == day) for day in known.tolist()}
    maps = [fitted(np.arange(len(scores)))]
    for _ in range(RESAMPLES):
        maps.append(fitted(np.concatenate([rows_of[day] for day in draws.choice(known, len(known)).tolist()])))
    return maps


def told_apart(columns: Floats, categorical: Ints, current: npt.NDArray[np.bool_], days: Ints, *, explain: bool) -> dict[str, Any]:
    """How well a classifier tells the current rows from the reference: AUC on days that it was not trained on, and by which columns.

    `columns` is (rows, columns) with NaN for missing and codes for categories. Drops of the AUC are those of shuffled columns.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import StratifiedGroupKFold

    scores = np.full(len(current), np.nan)
    drops = np.zeros(columns.shape[1])
    parts = min(FOLDS, len(np.unique(days[current])), len(np.unique(days[~current])))
    if parts < 2:
        return {"scores": [], "current": [], "drops": drops.tolist()}
    folds = StratifiedGroupKFold(n_splits=parts)
    used = 0
    for train, test in folds.split(columns, current, days):
        if len(np.unique(current[train])) < 2 or len(np.unique(current[test])) < 2:
            continue
        model = HistGradientBoostingClassifier(
            max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=0, categorical_features=list(map(int, categorical)) or None
        ).fit(columns[train], current[train])
        scores[test] = model.predict_proba(columns[test])[:, 1]
        used += 1
        if explain:
            found = permutation_importance(model, columns[test], current[test], scoring="roc_auc", n_repeats=2, random_state=0)
            drops += found.importances_mean
    known = np.isfinite(scores)
    return {"scores": scores[known].tolist(), "current": current[known].tolist(), "drops": (drops / max(used, 1)).tolist()}


def estimate(given: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """`maps` of the labelled reference, and `apart` for each pair of periods (the last one is explained), as far as arrays are given."""
    out: dict[str, Any] = {}
    if "score" in given:
        out["maps"] = calibrations(given["score"], given["label"], given["score_day"])
    if "columns" in given:
        pairs = int(given["pair"].max()) + 1
        out["apart"] = []
        for number in range(pairs):
            rows = given["pair"] == number
            apart = told_apart(
                given["columns"][rows], given["categorical"], given["current"][rows], given["day"][rows], explain=number == pairs - 1
            )
            out["apart"].append(apart)
    return out


def main(words: list[str]) -> int:
    """Read, learn, write."""
    give_way()
    source, target = map(Path, words)
    with np.load(source, allow_pickle=False) as arrays:
        given = {name: arrays[name] for name in arrays.files}
    target.write_text(json.dumps(estimate(given)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
