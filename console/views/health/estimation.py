"""What an estimate of quality says beside, or before, the realised number."""

from __future__ import annotations

from typing import Final

from backends.records import Moment, State
from console.views.health.model import View

METHOD: Final = "CBPE: isotonic calibration of the reference's labelled scores; each measure is its expectation under these probabilities"
ASSUMPTIONS: Final = (
    "a score means what it meant in the reference",
    "what is scored now is of a kind that the reference holds",
    "the reference's labels are right, and not of a special part of its rows",
)
BLIND_SPOT: Final = (
    "Blind to concept drift: when the same inputs come to mean something else, the scores do not show it, and an estimate stays good "
    "while the model is wrong. Only outcomes show that."
)


A_NUMBER: Final = "only scores that are probabilities have an estimate without outcomes, and this model predicts a number"
"""Why a regression has none."""


class Measure(View):
    """One number of quality; `value` None has its reason, never a 0 in its place."""

    name: str
    """As `explain` knows it."""
    value: float | None
    low: float | None = None
    high: float | None = None
    """95 % interval, where one is defined."""
    reason: str = ""


class Realised(View):
    """A measure on the rows whose outcome is known, beside what the estimate expects of exactly these rows."""

    name: str
    value: float
    expected: float
    low: float
    high: float
    """Where 95 % of the outcomes drawn lie."""
    usual: float | None
    """Largest difference in windows of this length of the reference; None when it holds fewer than three."""
    beyond: bool
    """Outside the interval, and further off than in any such window."""


class Estimated(View):
    """Quality to expect over one period, from scores alone. An estimate, never a measurement."""

    n: int
    """Scores of the serving version that it rests on, whether or not their outcome is known."""
    labelled: int
    """Those of them whose outcome is known."""
    measures: tuple[Measure, ...]
    realised: tuple[Realised, ...] = ()

    def measure(self, name: str) -> Measure:
        """The measure called `name`. Raises KeyError."""
        found = next((each for each in self.measures if each.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


class Estimation(View):
    """Where the estimates of a page come from; with `reason` there are none."""

    learnt_at: Moment | None = None
    since: Moment | None = None
    until: Moment | None = None
    """The labelled rows that the calibration was learnt on."""
    n: int = 0
    digest: str = ""
    method: str = METHOD
    assumptions: tuple[str, ...] = ASSUMPTIONS
    blind_spot: str = BLIND_SPOT
    left_out: int = 0
    """Scores of the first period that another version, or what stood in for the model, gave."""
    state: State = State.UNKNOWN
    conclusion: str = ""
    reason: str = ""
