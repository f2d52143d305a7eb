"""Hourly sums: from the roll-ups of the generation wherever they say exactly what the facts say, from the facts elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backends.store.queries.arrays import floats, integers, moments, texts
from backends.store.reader import Reader
from backends.store.rollups import HOURLY, PREDICTION_HOURS
from backends.store.schema import PREDICTIONS
from backends.store.sql import text

if TYPE_CHECKING:
    from backends.store.queries.arrays import Floats, Integers, Moments, Texts


@dataclass(frozen=True)
class Hourly:
    """Predictions per hour, version, role and way of serving. `hour` is the start of the UTC hour; sums are over `n` scores."""

    hour: Moments
    version: Texts
    role: Texts
    served_by: Texts
    n: Integers
    score_sum: Floats
    score_sumsq: Floats
    latency_n: Integers
    """Predictions with a recorded latency."""
    latency_sum: Floats
    """Milliseconds; NaN where no latency was recorded, like `latency_max`."""
    latency_max: Floats


@dataclass(frozen=True)
class Volume:
    """How many predictions one version made in one role, and the hour of the first."""

    version: str
    role: str
    n: int
    first_hour: datetime


def volumes(reader: Reader, environment: str, model: str, start: datetime | None, end: datetime | None) -> list[Volume]:
    """Predictions of [start, end) by version and role. Needs no arrays."""
    counted = _counted(
        reader, environment, model, start, end,
        by=("version", "role"), of=("CAST(sum(n) AS BIGINT) AS n", "min(hour) AS first_hour"),
    )  # fmt: skip
    return [Volume(version, role, n, first.replace(tzinfo=UTC)) for version, role, n, first in reader.fetch(counted)]


def hourly(reader: Reader, environment: str, model: str, start: datetime | None, end: datetime | None) -> Hourly:
    """Predictions of [start, end) per hour, oldest first. An hour that the window cuts holds only its part inside."""
    counted = _counted(
        reader, environment, model, start, end,
        by=("hour", "version", "role", "served_by"),
        of=("sum(n) AS n", "sum(score_sum) AS score_sum", "sum(score_sumsq) AS score_sumsq", "sum(latency_n) AS latency_n",
            "sum(latency_sum) AS latency_sum", "max(latency_max) AS latency_max"),
    )  # fmt: skip
    found = reader.arrays(counted)
    return Hourly(
        hour=moments(found["hour"]),
        version=texts(found["version"]),
        role=texts(found["role"]),
        served_by=texts(found["served_by"]),
        n=integers(found["n"]),
        score_sum=floats(found["score_sum"]),
        score_sumsq=floats(found["score_sumsq"]),
        latency_n=integers(found["latency_n"]),
        latency_sum=floats(found["latency_sum"]),
        latency_max=floats(found["latency_max"]),
    )


def _counted(
    reader: Reader,
    environment: str,
    model: str,
    start: datetime | None,
    end: datetime | None,
    *,
    by: tuple[str, ...],
    of: tuple[str, ...],
) -> str:
    """The query that adds up hours: from the roll-up where it says what the facts say, else from the facts."""
    days = frozenset(segment.day for segment in reader.rolled(PREDICTIONS.name, model, start, end))
    facts = reader.rows(PREDICTIONS.name, model=model, start=start, end=end, without_days=days)
    parts = [PREDICTION_HOURS.format(facts=f"(SELECT * FROM {facts} WHERE environment = {text(environment)})")]
    if days:
        listed = ", ".join(text(day) for day in sorted(days))
        parts.append(
            f"SELECT * FROM generation.{HOURLY} WHERE environment = {text(environment)} AND model = {text(model)} "
            f"AND strftime(hour, '%Y-%m-%d') IN ({listed})"
        )
    union = " UNION ALL BY NAME ".join(f"({part})" for part in parts)
    keys = ", ".join(by)
    return f"SELECT {keys}, {', '.join(of)} FROM ({union}) GROUP BY {keys} ORDER BY {keys}"
