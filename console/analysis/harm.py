"""How often a harmful error happens, and how much more often it happens to one group than to another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from console.analysis.fairness import FEWEST_OF_A_KIND
from console.analysis.intervals import Bools, Floats, Interval, wilson

Error = Literal["false negative", "false positive"]


@dataclass(frozen=True, slots=True)
class Suffered:
    """Errors among the rows on which this error could happen: for false negatives the positives whose outcome is known."""

    errors: int
    n: int

    @property
    def rate(self) -> float | None:
        return self.errors / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """95 % (Wilson 1927)."""
        return wilson(self.errors, self.n)


def suffered(scores: Floats, labels: Floats, threshold: float, error: Error, among: Bools | None = None) -> Suffered:
    """Errors at a threshold. `labels` are 0, 1 or NaN (not known); a score that is not known counts nowhere."""
    could = (labels == (1.0 if error == "false negative" else 0.0)) & ~np.isnan(scores)
    if among is not None:
        could = could & among
    wrong = scores[could] < threshold if error == "false negative" else scores[could] >= threshold
    return Suffered(int(wrong.sum()), int(could.sum()))


def apart_at_least(more: Suffered, less: Suffered) -> float | None:
    """The lower end of the 95 % interval of the difference of two rates; None where one of them is not known.

    Newcombe, Statistics in Medicine 17 (1998), method 10: from the Wilson intervals of both, so that it holds for few rows and for rates
    near 0 and 1.
    """
    first, second = more.interval, less.interval
    if first is None or second is None or more.rate is None or less.rate is None:
        return None
    return more.rate - less.rate - math.hypot(more.rate - first.low, second.high - less.rate)


def furthest_apart(groups: dict[str, Suffered]) -> tuple[float, str, str] | None:
    """How much more the worst off group meets than another one, at least, with both names; None without two groups of 30 such rows.

    Never below 0. The largest of all pairs is taken, so with many groups it is passed by chance more often than once in forty.
    """
    counted = {name: each for name, each in groups.items() if each.n >= FEWEST_OF_A_KIND}
    found = [
        (apart, name, other)
        for name, more in counted.items()
        for other, less in counted.items()
        if name != other and (apart := apart_at_least(more, less)) is not None
    ]
    if not found:
        return None
    apart, name, other = max(found)
    return max(0.0, apart), name, other
