"""The demo's one batch job: each night it scores the day's flights once more with the version in force, unless it is held.

It asks before it runs, as any job should: `pipelines.json` says whether the jobs of its model are held; unreadable, it holds them.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from backends.durable import make_folder
from backends.local.reading import LocalPipelines
from backends.protocol import BackendError
from backends.records import Pipeline, PipelineRun, PipelineStage, Record
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.demo.facts import between
from console.demo.served_versions import ServedVersion
from console.demo.story import ENVIRONMENT, ZONE

if TYPE_CHECKING:
    import polars as pl

MODEL: Final = "arrival-delay"
PIPELINE: Final = "arrival-delay-board"
FOLDER: Final = "boards"
HOUR: Final = 23
"""When it runs, by the clock of New York."""


def board_runs(paths: WorkspacePaths, frame: pl.DataFrame, version: ServedVersion | None, start: datetime, end: datetime) -> list[Record]:
    """Run the job of every night in `(start, end]`, and what is recorded of it. Repeated, it writes the same file and the same record."""
    nights = _nights(start, end)
    return [_declared(nights[0]), *(_run(paths, frame, version, night) for night in nights)] if nights else []


def _nights(start: datetime, end: datetime) -> list[datetime]:
    first = start.astimezone(ZONE).replace(hour=HOUR, minute=0, second=0, microsecond=0)
    nights = [first + timedelta(days=number) for number in range((end - start).days + 2)]
    return [night for night in nights if start < night <= end]


def _declared(at: datetime) -> Pipeline:
    return Pipeline(
        environment=ENVIRONMENT,
        source="pipelines",
        event_at=at,
        known_at=at,
        name=PIPELINE,
        model=MODEL,
        stage=PipelineStage.DEPLOYMENT,
        schedule="nightly",
    )


def _run(paths: WorkspacePaths, frame: pl.DataFrame, version: ServedVersion | None, night: datetime) -> PipelineRun:
    held = _held(paths, night)
    until = night.astimezone(UTC)
    flights = between(frame, until - timedelta(days=1), until)
    if held is None and version is not None:
        _write(paths, flights, version, night)
    return PipelineRun(
        environment=ENVIRONMENT,
        source="pipelines",
        event_at=night,
        known_at=night,
        name=f"{PIPELINE}-{night:%Y-%m-%d}",
        pipeline=PIPELINE,
        stage=PipelineStage.DEPLOYMENT,
        status="skipped" if held is not None else "failed" if version is None else "succeeded",
        started_at=night,
        ended_at=night,
        rows=len(flights) if held is None and version is not None else 0,
        message=Untrusted(held or ("" if version is not None else "no version that is in force can be loaded")),
    )


def _held(paths: WorkspacePaths, night: datetime) -> str | None:
    """Why the job does not run; None: it may."""
    try:
        held = LocalPipelines(paths.pipelines).holding(ENVIRONMENT, MODEL, PIPELINE)
    except BackendError as error:
        return f"held: nobody can say whether it may run ({error})"
    # Only what stands now is published: what was set after that night did not hold it.
    begun = [each for each in held if each.begun_at <= night]
    return f"held by {begun[0].set_by}: {begun[0].reason}" if begun else None


def _write(paths: WorkspacePaths, flights: pl.DataFrame, version: ServedVersion, night: datetime) -> None:
    import polars as pl

    folder = paths.root / FOLDER
    make_folder(folder)
    path = folder / f"{MODEL}-{night:%Y-%m-%d}.csv"
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    scores = pl.Series(version.score(flights) if len(flights) else [], dtype=pl.Float64)
    flights.select("key").with_columns(version=pl.lit(version.version), score=scores).write_csv(beside)
    beside.replace(path)
