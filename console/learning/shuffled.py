"""What a classifier loses when one column is shuffled, in a process that yields to everybody else: `python -m ... IN OUT`.

Reads arrays (`numpy.savez`), writes JSON. A column that tells nothing alone may tell everything beside another one.
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

SEED: Final = 20130426
FOLDS: Final = 5
REPEATS: Final = 3
TREES: Final = 60
LEAVES: Final = 15


def shuffled(columns: Floats, categorical: npt.NDArray[np.int64], outcome: npt.NDArray[np.int64]) -> dict[str, Any]:
    """`auc` of gradient boosted trees on rows that they were not trained on, and for each column `left`: the same with it shuffled.

    `columns` is (rows, columns) with NaN for missing and codes for categories. Means over the folds, and over repeats of the shuffling.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    areas, drops = [], []
    for train, test in StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=SEED).split(columns, outcome):
        model = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=LEAVES, early_stopping=False, random_state=SEED,
            categorical_features=list(map(int, categorical)) or None,
        ).fit(columns[train], outcome[train])  # fmt: skip
        areas.append(float(roc_auc_score(outcome[test], model.predict_proba(columns[test])[:, 1])))
        found = permutation_importance(model, columns[test], outcome[test], scoring="roc_auc", n_repeats=REPEATS, random_state=SEED)
        drops.append(found.importances_mean)
    area = float(np.mean(areas))
    return {"auc": area, "left": (area - np.mean(drops, axis=0)).tolist()}


def main(words: list[str]) -> int:
    """Read, learn, write."""
    give_way()
    source, target = map(Path, words)
    with np.load(source, allow_pickle=False) as arrays:
        found = shuffled(arrays["columns"], arrays["categorical"], arrays["outcome"])
    target.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
