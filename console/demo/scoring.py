"""Scores of a stretch of flights: what was served, and in the shadow what everything else would have answered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.demo.flights import INPUTS
from console.demo.models import Answering, measured_latencies
from console.demo.story import ENVIRONMENT, ModelStory

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MEASURED_PER_DAY = 48
"""Flights a day that are scored one by one, so that their latency is a measurement; the others have none."""


def served_rows(
    model: ModelStory,
    frame: pl.DataFrame,
    version: np.ndarray[Any, Any],
    score: np.ndarray[Any, Any],
    *,
    served_by: str = "model",
    latency: np.ndarray[Any, Any] | None = None,
) -> pl.DataFrame:
    """Live predictions as they land, with their inputs."""
    import polars as pl

    return (
        frame.select("key", *INPUTS, event_at=pl.col("scheduled_at"))
        .with_columns(
            environment=pl.lit(ENVIRONMENT),
            source=pl.lit("score-server"),
            model=pl.lit(model.name),
            version=pl.Series(version.tolist(), dtype=pl.Utf8),
            score=pl.Series(score.tolist(), dtype=pl.Float64, strict=False).fill_nan(None),
            role=pl.lit("live"),
            served_by=pl.lit(served_by),
            latency_ms=_latencies(latency, len(frame)),
        )
        .filter(pl.col("score").is_not_null())
    )


def shadow_rows(
    model: ModelStory, frame: pl.DataFrame, version: str, score: np.ndarray[Any, Any], *, latency: np.ndarray[Any, Any] | None = None
) -> pl.DataFrame:
    """What a version that did not serve would have answered; no inputs, they are with the live row of the same key."""
    import polars as pl

    return (
        frame.select("key", event_at=pl.col("scheduled_at"))
        .with_columns(
            environment=pl.lit(ENVIRONMENT),
            source=pl.lit("score-server"),
            model=pl.lit(model.name),
            version=pl.lit(version),
            score=pl.Series(score.tolist(), dtype=pl.Float64).fill_nan(None),
            role=pl.lit("shadow"),
            served_by=pl.lit("model"),
            latency_ms=_latencies(latency, len(frame)),
        )
        .filter(pl.col("score").is_not_null())
    )


def _latencies(latency: np.ndarray[Any, Any] | None, rows: int) -> pl.Series:
    import polars as pl

    return pl.Series([None] * rows if latency is None else latency.tolist(), dtype=pl.Float64).fill_nan(None)


def label_rows(model: ModelStory, frame: pl.DataFrame, after: datetime | None, until: datetime) -> pl.DataFrame:
    """Outcomes learnt of flights asked about: those of `frame` known at `until` that were not both asked and known at `after` (aware).

    `frame` holds flights scheduled before `until`; one that is known in the very minute of its schedule is learnt after that minute.
    """
    import polars as pl

    known = pl.col(model.known_at)
    window = known <= until.replace(tzinfo=None)
    if after is not None:
        before = after.replace(tzinfo=None)
        window &= (known > before) | (pl.col("scheduled_at") >= before)
    return (
        frame.filter(window & pl.col(model.label).is_not_null())
        .select("key", event_at=known, known_at=known, label=pl.col(model.label))
        .with_columns(environment=pl.lit(ENVIRONMENT), source=pl.lit("arrivals"), model=pl.lit(model.name))
    )


def sampled_latencies(version: Answering, frame: pl.DataFrame, per_day: int = MEASURED_PER_DAY) -> np.ndarray[Any, Any]:
    """Latency of each row in milliseconds, measured by scoring it alone; NaN for rows that were scored in a batch."""
    import numpy as np

    found = np.full(len(frame), np.nan)
    days = frame["scheduled_at"].dt.date().to_numpy()
    for day in dict.fromkeys(days.tolist()):
        places = np.flatnonzero(days == np.datetime64(day))
        chosen = places[np.linspace(0, len(places) - 1, min(per_day, len(places))).astype(int)]
        chosen = np.unique(chosen)
        taken = measured_latencies(version, frame.filter(_at(len(frame), chosen)))
        found[chosen] = taken
    return found


def _at(length: int, chosen: np.ndarray[Any, Any]) -> pl.Series:
    import numpy as np
    import polars as pl

    mask = np.zeros(length, dtype=bool)
    mask[chosen] = True
    return pl.Series(mask)
