"""Landing the demo's facts: what was served and what was known, up to the moment at which its clock stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from backends.store.landing import land_frame, land_records
from backends.store.paths import WorkspacePaths
from console.demo.fallbacks import fallback_scores
from console.demo.handling import handled_rows
from console.demo.models import Trained
from console.demo.registry_records import deployments, evaluation_between, model_records, upstream_records
from console.demo.scoring import label_rows, sampled_latencies, served_rows, shadow_rows
from console.demo.story import ENVIRONMENT, LOGGED_FROM, ModelStory, local

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

FALLBACK: Final = "fallback"
LATENCY_DAYS: Final = 21
"""Days before the start for which latencies are measured, flight by flight."""


def served_from(model: ModelStory) -> datetime:
    """When the first version of a model took over, or when logging began: nothing was answered before."""
    return max(LOGGED_FROM, min(version.promoted_at for version in model.versions if version.promoted_at is not None))


def land_model(paths: WorkspacePaths, model: ModelStory, trained: dict[str, Trained], frame: pl.DataFrame, at: datetime) -> int:
    """Land everything scored and learnt about one model from when it first served up to `at`; returns the rows of predictions."""
    rows = between(frame, served_from(model), at)
    if not len(rows):
        return 0
    scores = {version: each.score(rows) for version, each in trained.items()}
    served = _served(model, rows)
    import numpy as np

    live = np.full(len(rows), np.nan)
    latency = np.full(len(rows), np.nan)
    recent = (rows["scheduled_at"] >= (at - timedelta(days=LATENCY_DAYS)).replace(tzinfo=None)).to_numpy()
    for version in dict.fromkeys(served.tolist()):
        mine = served == version
        live[mine] = scores[version][mine]
        measured = mine & recent
        if measured.any():
            latency[measured] = sampled_latencies(trained[version], rows.filter(_mask(measured)))
    land_frame(paths, "predictions", served_rows(model, rows, served, live, latency=latency), now=at, name=f"{model.name}-live")
    land_frame(paths, "metrics", _handled(trained, rows, served, live, at), now=at, name=f"{model.name}-handled")
    landed = len(rows)
    for version, values in scores.items():
        made = trained[version].story.made_at
        shadow = (served != version) & (rows["scheduled_at"] >= made.replace(tzinfo=None)).to_numpy()
        if version == model.challenger:
            # The challenger also scored the days before it was made that it was not trained on: its report needs them.
            shadow = (rows["scheduled_at"] >= trained[version].story.trained_to.replace(tzinfo=None)).to_numpy()
        if shadow.any():
            chosen = rows.filter(_mask(shadow))
            taken = sampled_latencies(trained[version], chosen) if version == model.challenger else None
            part = shadow_rows(model, chosen, version, values[shadow], latency=taken)
            land_frame(paths, "predictions", part, now=at, name=f"{model.name}-shadow-{version}")
            landed += len(part)
    whole = between(frame, LOGGED_FROM - timedelta(days=14), at)
    answered = fallback_scores(whole, model)[len(whole) - len(rows) :]
    land_frame(paths, "predictions", shadow_rows(model, rows, FALLBACK, answered), now=at, name=f"{model.name}-shadow-fallback")
    land_frame(paths, "labels", label_rows(model, rows, None, at), now=at, name=f"{model.name}-labels")
    return landed + len(rows)


def land_registry(
    paths: WorkspacePaths, models: Iterable[ModelStory], trained: dict[str, dict[str, Trained]], frame: pl.DataFrame, at: datetime
) -> None:
    """Land the registry, the pipelines, and the reports on the week before the incident."""
    records: list[Any] = []
    for model in models:
        versions = trained[model.name]
        records += model_records(model, versions.values(), at)
        records += deployments(model, at)
        report_until = min(local(4, 22), at)
        report_from = local(4, 15)
        if report_from < report_until:
            for each in versions.values():
                if each.story.made_at <= report_until:
                    records.append(evaluation_between(model, each, frame, report_from, report_until, report_until))
    records += upstream_records(frame, LOGGED_FROM, at)
    land_records(paths, records, now=at, name="registry")


def land_metrics(
    paths: WorkspacePaths, models: Iterable[ModelStory], frame: pl.DataFrame, start: datetime, at: datetime, name: str
) -> None:
    """Land by hour: how old the weather was, and how many requests of each model got no score (counted while scoring)."""
    import polars as pl

    hours = between(frame, start, at).group_by(pl.col("scheduled_at").dt.truncate("1h").alias("hour")).agg(pl.len().alias("n")).sort("hour")
    if not len(hours):
        return
    ages = _weather_ages(frame, hours["hour"])
    common = {"environment": pl.lit(ENVIRONMENT), "version": pl.lit(None, dtype=pl.Utf8), "simulated": pl.lit(False)}
    weather = pl.DataFrame({"event_at": hours["hour"], "value": ages}).with_columns(
        **common,
        source=pl.lit("weather"),
        model=pl.lit(None, dtype=pl.Utf8),
        layer=pl.lit("data"),
        name=pl.lit("age_hours"),
        unit=pl.lit("h"),
        labels=pl.lit('{"source":"weather"}'),
        n=pl.lit(1, dtype=pl.Int64),
    )
    land_frame(paths, "metrics", weather, now=at, name=f"{name}-weather")
    for model in models:
        ended = hours.select((pl.col("hour") + pl.duration(hours=1)).alias("event_at"), pl.col("n").cast(pl.Int64))
        ended = ended.filter(pl.col("event_at") <= at.replace(tzinfo=None)).with_columns(
            **common,
            source=pl.lit("score-server"),
            model=pl.lit(model.name),
            layer=pl.lit("system"),
            name=pl.lit("error_share"),
            value=pl.lit(0.0),
            unit=pl.lit("share"),
            labels=pl.lit("{}"),
        )
        land_frame(paths, "metrics", ended, now=at, name=f"{name}-errors-{model.name}")


def _handled(
    trained: dict[str, Trained], rows: pl.DataFrame, served: np.ndarray[Any, Any], live: np.ndarray[Any, Any], at: datetime
) -> pl.DataFrame:
    """What the versions that served rejected and repaired, by hour."""
    import polars as pl

    hour = pl.min_horizontal(pl.col("scheduled_at").dt.truncate("1h") + pl.duration(hours=1), pl.lit(at.replace(tzinfo=None)))
    parts = []
    for version in dict.fromkeys(served.tolist()):
        mine = served == version
        flights = rows.filter(_mask(mine))
        ends = flights.select(hour.dt.cast_time_unit("us")).to_series()
        parts.append(handled_rows(trained[version], version, flights, live[mine], ends))
    return pl.concat(parts)


def between(frame: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Flights scheduled in `[start, end)` (aware)."""
    import polars as pl

    column = pl.col("scheduled_at")
    return frame.filter((column >= start.replace(tzinfo=None)) & (column < end.replace(tzinfo=None)))


def _served(model: ModelStory, rows: pl.DataFrame) -> np.ndarray[Any, Any]:
    import numpy as np

    times = rows["scheduled_at"].to_numpy()
    served = np.full(len(rows), "", dtype=object)
    for version in model.versions:
        if version.promoted_at is not None:
            served[times >= np.datetime64(version.promoted_at.replace(tzinfo=None))] = version.version
    return served


def _weather_ages(frame: pl.DataFrame, hours: pl.Series) -> list[float]:
    """Hours since the newest hour with a temperature at any origin, at each of `hours`."""
    import numpy as np
    import polars as pl

    seen = (
        frame.filter(pl.col("temp").is_not_null()).select(pl.col("scheduled_at").dt.truncate("1h")).unique().to_series().sort().to_numpy()
    )
    asked = hours.to_numpy()
    places = np.searchsorted(seen, asked, side="right") - 1
    ages = (asked - seen[np.maximum(places, 0)]) / np.timedelta64(1, "h")
    return [float(age) if place >= 0 else 0.0 for age, place in zip(ages, places, strict=True)]


def _mask(chosen: np.ndarray[Any, Any]) -> pl.Series:
    import polars as pl

    return pl.Series(chosen)
