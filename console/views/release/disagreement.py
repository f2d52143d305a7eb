"""Where two versions that score the same requests are apart: by the values of the slices that a model declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.text import Untrusted
from console.analysis.intervals import Floats
from console.analysis.would_help import MINIMUM_ROWS
from console.views.quality.slices import group_names
from console.views.release.rollout import DisagreementIn


def disagreements(
    stable: Floats, candidate: Floats, threshold: float | None, columns: Mapping[str, npt.NDArray[Any]]
) -> tuple[DisagreementIn, ...]:
    """For each value with at least MINIMUM_ROWS requests, the furthest apart first: by disagreement, without a threshold by the scores.

    All arrays have one entry a request that both versions scored.
    """
    found = []
    for column, values in columns.items():
        names = np.array(["" if each is None else f"={each}" for each in group_names(values)])
        for name in np.unique(names).tolist():
            here = names == name
            if int(here.sum()) < MINIMUM_ROWS:
                continue
            mine, theirs = candidate[here], stable[here]
            apart = None if threshold is None else float(((mine > threshold) != (theirs > threshold)).mean())
            value = Untrusted(name[1:]) if name else None
            shift = float((mine - theirs).mean())
            found.append(DisagreementIn(column=Untrusted(column), value=value, n=int(here.sum()), disagree=apart, shift=shift))
    return tuple(sorted(found, key=lambda each: (-(each.disagree or 0.0), -abs(each.shift))))
