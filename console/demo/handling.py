"""What becomes of requests that cannot be scored as they come, counted where they are scored: rejected, or a category encoded as unknown.

Values that are missing are no repair: the models have learnt what to do with them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from backends.store.queries.handled import METRICS, Kind
from console.demo.flights import CATEGORIES
from console.demo.models import Answering, inputs_of, one_thread
from console.demo.story import ENVIRONMENT

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

UNKNOWN: Final = -1
"""What the encoder of every model writes for a category that it was not trained on."""

NO_SCORE, UNKNOWN_CATEGORY = "no score", "unknown category"


def handled_rows(
    version: Answering, number: str, flights: pl.DataFrame, score: np.ndarray[Any, Any], ends: pl.Series | Any
) -> pl.DataFrame:
    """Metrics of requests that a version was asked: `ends` says in which period each of them falls, by the end of it (naive UTC)."""
    import numpy as np
    import polars as pl

    with one_thread():
        encoded = version.pipeline.steps[0][1].named_transformers_["ordinalencoder"].transform(inputs_of(flights)[list(CATEGORIES)])
    found = np.asarray(encoded) == UNKNOWN
    asked = pl.DataFrame({"event_at": ends, "reject": np.isnan(score), **{name: found[:, place] for place, name in enumerate(CATEGORIES)}})
    periods = asked.group_by("event_at").agg(pl.len().cast(pl.Int64).alias("n"), pl.exclude("event_at").sum()).sort("event_at")
    rows: list[dict[str, Any]] = []
    for period in periods.iter_rows(named=True):
        rows += _counted(period, "reject", {"": NO_SCORE}, {"": period["reject"]})
        rows += _counted(period, "repair", dict.fromkeys(CATEGORIES, UNKNOWN_CATEGORY), period)
    schema: dict[str, Any] = {"event_at": pl.Datetime("us"), "name": pl.Utf8, "value": pl.Float64, "labels": pl.Utf8, "n": pl.Int64}
    return pl.DataFrame(rows, schema=schema).with_columns(
        environment=pl.lit(ENVIRONMENT),
        source=pl.lit("score-server"),
        model=pl.lit(version.model.name),
        version=pl.lit(number),
        layer=pl.lit("data"),
        unit=pl.lit("requests"),
        simulated=pl.lit(False),
    )


def _counted(period: dict[str, Any], kind: Kind, reasons: dict[str, str], counts: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each field that something was found in; one without labels where nothing was."""
    row = {"event_at": period["event_at"], "name": METRICS[kind], "n": period["n"]}
    found = [
        {**row, "value": float(counts[field]), "labels": json.dumps({"reason": reason, **({"field": field} if field else {})})}
        for field, reason in reasons.items()
        if counts[field]
    ]
    return found or [{**row, "value": 0.0, "labels": "{}"}]
