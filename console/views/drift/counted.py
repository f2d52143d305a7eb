"""What profiles say beside the distances: tails, different values, and how and by whom the rows were counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time, tzinfo
from typing import TYPE_CHECKING

from backends.profile.profile import Profile
from backends.records import Moment
from console.views.health.model import View

if TYPE_CHECKING:
    from datetime import date

    from console.views.drift.input_days import InputDays


class Different(View):
    """How many different values a side has, and how that is known: between `low` and `high`, of 95 % where it is estimated.

    `high` is None where nobody knows.
    """

    value: int
    low: int
    high: int | None
    method: str


class Tails(View):
    """Shares of the values beyond the quantiles .01 and .99 of the reference; None where these lie on the edge of a wider bin."""

    low: float | None
    high: float | None
    below_reference: float | None
    below_current: float | None
    above_reference: float | None
    above_current: float | None


class Counted(View):
    """How the profiles of both periods were counted, and the fingerprints of the inputs' names and types in each."""

    method: str
    engines: tuple[str, ...]
    schemas_reference: tuple[str, ...]
    schemas_current: tuple[str, ...]
    edges_from: Moment
    edges_to: Moment
    """The rows between fixed the bins. The periods compared are whole days: where these are not, they have some other rows too."""

    def whole_days(self, zone: tzinfo) -> bool:
        """Whether the rows that fixed the bins are those of whole days too."""
        return all(each.astimezone(zone).time() == time() for each in (self.edges_from, self.edges_to))


def different(profile: Profile) -> Different | None:
    """The different values of one side; None where nobody knows."""
    found = profile.distinct
    return None if found is None else Different(value=found.value, low=found.low, high=found.high, method=found.method)


def tails_of(reference: Profile, current: Profile) -> Tails | None:
    """The tails of two profiles that were counted in one way; None where there are none, or a side has no values."""
    low, high = reference.tails
    if (low is None and high is None) or not reference.n or not current.n:
        return None

    def share(side: Profile, place: int) -> float | None:
        return None if reference.tails[place] is None else side.tail_counts[place] / side.n

    return Tails(
        low=low, high=high, below_reference=share(reference, 0), below_current=share(current, 0),
        above_reference=share(reference, 1), above_current=share(current, 1),
    )  # fmt: skip


def counted(inputs: InputDays, reference: Iterable[date], current: Iterable[date]) -> Counted | None:
    """How the days of both periods were counted; None without any."""
    sides = [[inputs.windows[day] for day in days if day in inputs.windows] for days in (reference, current)]
    every = [window for side in sides for window in side]
    if not every:
        return None
    schemas = [tuple(sorted({schema for window in side for schema in window.schemas})) for side in sides]
    engines = tuple(sorted({engine for window in every for engine in window.engines}))
    edges = inputs.fixed_by or inputs.reference
    return Counted(
        method=every[0].method, engines=engines, schemas_reference=schemas[0], schemas_current=schemas[1],
        edges_from=edges.start, edges_to=edges.end,
    )  # fmt: skip
