"""The declared safe default of each model, computed causally: at every hour only from outcomes known by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from console.demo.story import ModelStory

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR


def fallback_scores(frame: pl.DataFrame, model: ModelStory) -> np.ndarray[Any, Any]:
    """What the fallback answers for each row of `frame` (in order of schedule).

    Binary: the share of positives of the last 24 h at the origin. Regression: the distance times the mean minutes a mile of the last
    seven days. Both from outcomes known at the last full hour before the schedule; where there is none at the origin, the same over
    all origins, and before any outcome at all NaN.
    """
    import numpy as np

    asked = _micros(frame, "scheduled_at") // HOUR * HOUR
    known = _micros(frame, model.known_at)
    label = frame[model.label].cast(float).to_numpy()
    if model.task == "regression":
        distance = frame["distance"].cast(float).to_numpy()
        rate = _windowed(known, label / distance, asked, 7 * DAY)
        answered: np.ndarray[Any, Any] = distance * rate
        return answered
    origins = frame["origin"].to_numpy()
    found = np.full(len(frame), np.nan)
    for origin in dict.fromkeys(origins.tolist()):
        mine = origins == origin
        found[mine] = _windowed(known[mine], label[mine], asked[mine], DAY)
    missing = np.isnan(found)
    if missing.any():
        found[missing] = _windowed(known, label, asked[missing], DAY)
    return found


def _windowed(known: np.ndarray[Any, Any], label: np.ndarray[Any, Any], asked: np.ndarray[Any, Any], width: int) -> np.ndarray[Any, Any]:
    """Mean of the labels that became known in `[asked - width, asked)`; NaN where there is none."""
    import numpy as np

    usable = ~np.isnan(label) & (known != np.iinfo(np.int64).min)
    order = np.argsort(known[usable], kind="stable")
    times = known[usable][order]
    total = np.concatenate(([0.0], np.cumsum(label[usable][order])))
    first, last = np.searchsorted(times, asked - width), np.searchsorted(times, asked)
    count = last - first
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, (total[last] - total[first]) / np.maximum(count, 1), np.nan)


def _micros(frame: pl.DataFrame, column: str) -> np.ndarray[Any, Any]:
    import numpy as np

    return frame[column].to_numpy().astype("datetime64[us]").astype(np.int64)
