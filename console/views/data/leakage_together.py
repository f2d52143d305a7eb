"""What columns tell beside each other: a model of all of them, and what is left of its AUC when one of them is shuffled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from backends.data_files.columns import TableColumn
from backends.data_files.leakage_counts import drawn_by_outcome
from backends.data_files.table import Table
from backends.records import State
from backends.text import Untrusted
from console.learning.encoding import codes, numbers
from console.learning.process import NotLearnt, learn
from console.learning.shuffled import FOLDS, REPEATS, SEED
from console.views.data.leakage_checks import CRITICAL, LEAST, LeakageCheck, interval, passed, too_good
from console.views.health.model import View

PROGRAM: Final = ("-m", "console.learning.shuffled")

MOST_ROWS: Final = 2_000
"""Rows of each outcome that the model is given at most: an AUC does not depend on how frequent the outcomes are."""

MOST_COLUMNS: Final = 100
"""Columns that are tried together at most, in the order of the file."""

NEARLY_ALL: Final = 0.8
"""Share of what all columns tell beyond chance, beyond which a column carries nearly all of it."""

NO_FEATURE: Final = {"nested", "binary", "mixed", "empty"}


class Together(View):
    """How the features were tried together; enough to do it again and get the same numbers."""

    method: str
    seed: int
    positives: int
    negatives: int
    """Rows that were drawn."""
    columns: int
    folds: int
    repeats: int
    nearly_all: float


def shuffling(table: Table, features: Sequence[TableColumn], label: TableColumn) -> tuple[Together, tuple[LeakageCheck, ...]]:
    """The check of all columns together, and one for each column that took part."""
    able = [column for column in features if column.kind not in NO_FEATURE and not column.why_not]
    taken = able[:MOST_COLUMNS]
    outcome, values = drawn_by_outcome(table, taken, label, MOST_ROWS)
    positives = int(outcome.sum())
    negatives = len(outcome) - positives
    together = Together(
        method="scikit-learn gradient boosted trees; AUC on rows that they were not trained on, and with one column shuffled there",
        seed=SEED,
        positives=positives,
        negatives=negatives,
        columns=len(taken),
        folds=FOLDS,
        repeats=REPEATS,
        nearly_all=NEARLY_ALL,
    )
    if min(positives, negatives) < LEAST or not taken:
        few = f"{positives:,} rows with outcome 1 and {negatives:,} with 0; {LEAST} of each are needed"
        return together, (_not_tried(few if taken else "no column can be learnt from", len(outcome)),)
    categorical = [at for at, column in enumerate(taken) if column.kind == "categorical"]
    matrix = np.column_stack([codes(each) if at in categorical else numbers(each) for at, each in enumerate(values)])
    arrays = {"columns": matrix, "categorical": np.array(categorical, dtype=np.int64), "outcome": outcome}
    try:
        found = learn(arrays, PROGRAM)
    except NotLearnt as error:
        return together, (_not_tried(str(error), len(outcome)),)
    return together, tuple(_checks(found, [each.name for each in taken], positives, negatives, len(able) - len(taken)))


def _not_tried(why: str, rows: int) -> LeakageCheck:
    return LeakageCheck(check="together", column=None, state=State.UNKNOWN, why=why, rows=rows)


def _checks(found: dict[str, Any], names: Sequence[str], positives: int, negatives: int, left_out: int) -> Iterator[LeakageCheck]:
    auc, rows = float(found["auc"]), positives + negatives
    low, high = interval(auc, positives, negatives)
    said = f"all columns tell the outcome with AUC {auc:.3f} ({low:.3f}-{high:.3f})"
    # Many honest columns may well tell an outcome together; that nothing is left untold is what no honest ones do.
    state, why = (State.WARNING, f"{said}; over {CRITICAL:.2f}") if low > CRITICAL else (State.OK, said)
    yield LeakageCheck(check="together", column=None, state=state, why=why, auc=auc, low=low, high=high, rows=rows)
    if left_out:
        yield _not_tried(f"{left_out:,} columns beyond {MOST_COLUMNS} took no part; name some with --columns", rows)
    for name, left in zip(names, map(float, found["left"]), strict=True):
        lost = max(0.0, (auc - left) / (auc - 0.5)) if auc > 0.5 else 0.0
        state = too_good(low) if lost > NEARLY_ALL else State.OK
        why = "nearly all goes with it: " if state is not State.OK else ""
        why += f"shuffled, it leaves {left:.3f} of the AUC {auc:.3f} of all columns ({low:.3f}-{high:.3f}{passed(state)})"
        yield LeakageCheck(
            check="shuffled", column=Untrusted(name), state=state, why=why, auc=auc, low=low, high=high, left=left, lost=lost, rows=rows
        )
