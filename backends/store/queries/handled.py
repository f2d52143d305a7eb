"""What a producer counted of the requests that it could not score as they came: rejected, or repaired first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from backends.store.queries.facts import MetricSeries, metric_series
from backends.store.reader import Reader

Kind = Literal["reject", "repair"]

METRICS: Final[dict[Kind, str]] = {"reject": "inference_rejects", "repair": "inference_repairs"}
"""Metrics of the data layer: `value` requests in the time up to `event_at`, of `n` in all, with the labels `reason` and `field`.

Nothing found is a value of 0 without labels, so that it is not taken for nothing counted.
"""


@dataclass(frozen=True, slots=True)
class Handled:
    """Counts of one kind, oldest first, in microseconds since 1970. `reasons` and `fields` are empty where nothing was found.

    `requests_at` and `requests` are those that were counted, each period of a version and source once.
    """

    at: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    reasons: tuple[str, ...]
    fields: tuple[str, ...]
    requests_at: npt.NDArray[np.int64]
    requests: npt.NDArray[np.float64]
    simulated: bool


def handled_requests(reader: Reader, environment: str, model: str, kind: Kind, start: datetime, end: datetime) -> Handled:
    """Everything that was counted with an end in [start, end)."""
    series = metric_series(reader, environment, METRICS[kind], start, end, model=model, layer="data")
    labels = [json.loads(each) for each in series.labels.tolist()]
    times = series.at.astype("datetime64[us]").astype(np.int64)
    at, requests = _periods(series, times)
    return Handled(
        at=times,
        value=np.nan_to_num(series.value),
        reasons=tuple(str(each.get("reason", "")) for each in labels),
        fields=tuple(str(each.get("field", "")) for each in labels),
        requests_at=at,
        requests=requests,
        simulated=series.simulated,
    )


def _periods(series: MetricSeries, times: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """One row says of how many requests it is, and so do the others of its period: each period is taken once."""
    found: dict[tuple[int, str, str], float] = {}
    for when, version, source, n in zip(times.tolist(), series.version.tolist(), series.source.tolist(), series.n.tolist(), strict=True):
        key = (when, str(version), str(source))
        found[key] = max(found.get(key, 0.0), 0.0 if np.isnan(n) else n)
    ordered = sorted(found)
    return np.array([when for when, *_ in ordered], dtype=np.int64), np.array([found[key] for key in ordered], dtype=np.float64)
