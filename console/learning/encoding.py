"""Columns as the numbers that a tree learns from."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

MOST_CATEGORIES: Final = 200
"""Categories with a code of their own; the rest share one."""


def numbers(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Numbers as they are; NaN where there is none, and for infinities."""
    if values.dtype == object:
        values = np.array([np.nan if each is None else each for each in values.tolist()])
    found = values.astype(np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def codes(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """A number for each of the most frequent categories, one for all the rest, NaN for missing."""
    texts = [None if each is None or each != each else str(each) for each in values.tolist()]  # noqa: PLR0124 - NaN is not itself
    names, counts = np.unique([each for each in texts if each is not None], return_counts=True)
    kept = {name: code for code, name in enumerate(names[np.argsort(-counts, kind="stable")][:MOST_CATEGORIES].tolist())}
    return np.array([np.nan if each is None else kept.get(each, len(kept)) for each in texts], dtype=np.float64)
