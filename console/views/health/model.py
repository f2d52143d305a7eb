"""Health of one model in four layers, as screens and verbs show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from backends.records import Layer, Moment, State, SwitchState
from backends.text import Untrusted

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Unit = Literal["", "share", "signed", "count", "ms", "hours", "minutes", "ratio"]
"""How a value is written: a share of one, a signed difference, a count, a duration, a plain ratio."""


class View(BaseModel):
    """What a screen or a verb shows: frozen, complete, values that round-trip exactly through JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null", defer_build=True)

    def to_pandas(self, table: str | None = None, *, exact: bool = False) -> pd.DataFrame:
        """One table of this view, the main one unless named, as `console.views.frames` lays it out. Raises NoSuchTable.

        Text from outside is made displayable unless `exact`.
        """
        from console.views.frames import pandas_frame  # only notebooks pay for frames

        return pandas_frame(self, table, exact)

    def to_polars(self, table: str | None = None, *, exact: bool = False) -> pl.DataFrame:
        """As `to_pandas`, for polars. Raises NoSuchTable."""
        from console.views.frames import polars_frame  # only notebooks pay for frames

        return polars_frame(self, table, exact)


class Signal(View):
    """One number of one layer: its value now, its limits, how sure it is, and its course."""

    id: str
    """The signal's name in rules: `model.late_gap`."""
    layer: Layer
    title: str
    state: State
    value: float | None
    unit: Unit = ""
    warning: float | None = None
    critical: float | None = None
    worse: Literal["above", "below"] = "above"
    """On which side of its limits it is worse."""
    n: int | None = None
    """Rows that the value rests on."""
    low: float | None = None
    high: float | None = None
    """95 % interval of the value, where one is defined."""
    coverage: float | None = None
    """Share of the rows that have a label, for numbers that need one."""
    since: Moment | None = None
    """When the current run of windows that are not ok began."""
    why: str
    """Why it has its state: number, limit, sample."""
    of: Untrusted | None = None
    """The column or source that the value is the worst of."""
    is_a: str = ""
    """What the value is, where it is not the number that the signal is usually made from."""
    source: str = "local"
    window_hours: float | None = None
    history: tuple[float | None, ...] = ()
    """The value at each of `ModelHealth.ends`, as it was known then."""
    states: tuple[State, ...] = ()
    """The state at each of `ModelHealth.ends`."""
    proxy: bool = False
    """Known before outcomes are, and fewer than 95 % of those of its window have come: it stands for quality and is not it."""
    outcomes_known: float | None = None
    """Share of the window's answers whose outcome is known, of a signal that is known early."""
    simulated: bool = False
    only_logged: bool = False
    """Its rule only logs: it keeps its own state, turns no lamp and answers no step of a playbook."""


class LayerHealth(View):
    """One of the four layers."""

    layer: Layer
    state: State
    signals: tuple[Signal, ...]
    since: Moment | None = None
    why: str
    """The sentence of its worst signal, or why nothing is known."""


class LabelCoverage(View):
    """How much is known of the outcomes in a window."""

    scored: int
    labelled: int
    complete_to: Moment | None
    """Before this moment at least 95 % of the requests have their label."""

    @property
    def share(self) -> float | None:
        return self.labelled / self.scored if self.scored else None


class Quality(View):
    """Quality over one window; None where it cannot be computed, with the reason."""

    since: Moment
    until: Moment
    scored: int
    labelled: int
    observed: float | None
    mean_score: float | None
    gap: float | None
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    brier: float | None = None
    ece: float | None = None
    mae: float | None = None
    bias: float | None = None
    reasons: dict[str, str] = {}


class Budget(View):
    """What is left of an SLO's error budget."""

    slo: str
    objective: float
    left: float | None
    """Share of the budget that is left; negative when overspent."""
    state: State
    why: str


class BesideHealth(View):
    """What the candidate of a rollout answered, which takes no part in the model's own quality."""

    version: str
    last_day: Quality


class Mark(View):
    """Something that changed, as it is marked on a course over time."""

    at: Moment
    topic: str
    message: Untrusted
    name: str = ""
    """Of the event, or the id of the action."""


class ModelHealth(View):
    """A model's health at one moment."""

    environment: str
    model: str
    task: Literal["binary", "regression"]
    version: str | None
    version_since: Moment | None
    owner: str | None
    target: Untrusted
    at: Moment
    zone: str
    state: State
    since: Moment | None
    layers: tuple[LayerHealth, ...]
    broke_first: Layer | None
    """The layer whose current trouble began first, as the open incident recorded it where one did."""
    broke_first_at: Moment | None
    broke_first_why: str = ""
    now_seen: Layer | None = None
    """What the windows and limits of now would name in its place; None where that is no other, or no incident recorded any."""
    now_seen_since: Moment | None = None
    last_day: Quality | None
    """Answers of the version that serves, as in all of the model layer; system, data and budget count what everybody got."""
    since_onset: Quality | None
    """Since the day the model layer broke; the last seven days when it did not."""
    labels: LabelCoverage
    drift: float | None
    """PSI of the scores against the reference."""
    drift_state: State
    drift_only_logged: bool = False
    """Only a rule that logs watches the scores: their drift has a number and no lamp."""
    budget: Budget | None
    switch: SwitchState
    scored_last_day: int
    latency_p95_ms: float | None
    ends: tuple[Moment, ...]
    """Ends of the windows of every signal's history."""
    reference_from: Moment | None
    reference_to: Moment | None
    incidents: tuple[str, ...] = ()
    oldest_source_at: Moment | None = None
    readers: tuple[str, ...] = ()
    beside: tuple[BesideHealth, ...] = ()
    """Candidates that answered in the last 24 h beside the version that serves."""

    deleted: str = ""
    """What of the rows that these numbers would rest on retention has deleted: what is missing there is unknown, and was not nothing."""

    marks: tuple[Mark, ...] = ()
    """What changed in the time of the histories, oldest first."""

    @property
    def leading_signal(self) -> Signal | None:
        """The worst signal of the layer that broke first, else of the first layer in trouble; None when nothing is."""
        broke = [layer for layer in self.layers if layer.layer is self.broke_first]
        for layer in (*broke, *self.layers):
            if layer.state in {State.WARNING, State.CRITICAL}:
                trouble = [each for each in layer.signals if each.state is layer.state]
                if trouble:
                    return trouble[0]
        return None

    def layer(self, which: Layer) -> LayerHealth:
        """The layer named."""
        return next(layer for layer in self.layers if layer.layer == which)
