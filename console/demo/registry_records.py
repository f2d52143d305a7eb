"""The registry of the demo as records: models, versions, runs, datasets, features, evaluations, pipelines, deployments, events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.records import (
    Column,
    Dataset,
    Deployment,
    Evaluation,
    Event,
    FeatureSet,
    Model,
    ModelVersion,
    Pipeline,
    PipelineRun,
    PipelineStage,
    Reader,
    Record,
    Run,
    Signature,
    Stage,
    digest_of,
)
from backends.text import Untrusted
from console.demo import documentation
from console.demo.flights import CATEGORIES, INPUTS
from console.demo.models import Trained, runtime
from console.demo.story import ENVIRONMENT, ZONE_NAME, ModelStory, VersionStory, local

if TYPE_CHECKING:
    import polars as pl

    from console.demo.serving_state import Division

FEATURES: Final = "delay-inputs"

CONTRACT: Final[dict[str, tuple[float | None, float | None, float, str | None]]] = {
    "hour": (0, 23, 0.0, "h"),
    "dow": (1, 7, 0.0, None),
    "distance": (10, 6000, 0.0, "mi"),
    "temp": (-30, 120, 0.02, "F"),
    "dewp": (-50, 90, 0.02, "F"),
    "humid": (0, 100, 0.02, "%"),
    "wind_speed": (0, 100, 0.02, "mph"),
    "wind_dir": (0, 360, 0.10, "deg"),
    "precip": (0, 6, 0.02, "in"),
    "pressure": (940, 1070, 0.20, "mbar"),
    "visib": (0, 10, 0.02, "mi"),
    "seats": (1, 600, 0.25, None),
    "age": (0, 80, 0.25, "y"),
}
"""Least and greatest plausible value, share of nulls that is agreed on, unit. Planes of two carriers are not in the register of planes."""


def signature() -> Signature:
    """What every model of the demo takes."""
    columns = []
    for name in INPUTS:
        if name in CATEGORIES:
            allowed = ("EWR", "JFK", "LGA") if name == "origin" else None
            columns.append(Column(name=name, kind="categorical", nullable=False, allowed=allowed, max_null_share=0.0))
            continue
        low, high, nulls, unit = CONTRACT[name]
        columns.append(
            Column(
                name=name,
                kind="numeric",
                unit=Untrusted(unit) if unit else None,
                nullable=nulls > 0,
                minimum=low,
                maximum=high,
                max_null_share=nulls,
                calendar=name == "dow",
            )
        )
    return Signature(inputs=tuple(columns), outputs=(Column(name="score", kind="numeric", nullable=False),))


def features_digest() -> str:
    """Digest of the code that computes the features: the text of the module that joins them."""
    from console.demo import flights

    return f"sha256:{hashlib.sha256(Path(str(flights.__file__)).read_bytes()).hexdigest()}"


def model_records(story: ModelStory, trained: Iterable[Trained], at: datetime) -> list[Record]:
    """Everything that the registry knew of one model at `at`."""
    made = [each for each in trained if each.story.made_at <= at]
    begun = min(each.story.made_at for each in made) if made else at
    found: list[Record] = [
        Model(
            environment=ENVIRONMENT,
            source="registry",
            event_at=begun,
            known_at=begun,
            name=story.name,
            owner=story.owner,
            task=story.task,
            description=Untrusted(story.description),
            target=Untrusted(story.target),
            threshold=story.threshold,
            zone=ZONE_NAME,
            fallback=Untrusted(story.fallback),
            readers=tuple(Reader(name=name, how=Untrusted(how)) for name, how in story.readers),
            label_delay_hours=story.label_delay_hours,
            slices=story.slices,
            primary_metric="auc" if story.task == "binary" else "mae",
            stands_for=Untrusted(f"what the {story.readers[0][0]} goes by"),
            **documentation.MODELS.get(story.name, {}),
        ),
        Pipeline(
            environment=ENVIRONMENT,
            source="pipelines",
            event_at=begun,
            known_at=begun,
            name=f"{story.name}-training",
            model=story.name,
            stage=PipelineStage.TRAINING,
            schedule="monthly",
        ),
    ]
    for each in made:
        found += _version_records(story, each)
    return found


def _version_records(story: ModelStory, trained: Trained) -> list[Record]:
    version = trained.story
    at = {"environment": ENVIRONMENT, "source": "registry", "event_at": version.made_at, "known_at": version.made_at}
    run = f"{story.name}-run-{version.version}"
    ended = version.made_at
    seconds = sum(trained.phases.values())
    environment = runtime()
    return [
        Dataset(
            **at,
            name=dataset_name(story, version),
            snapshot=trained.dataset_digest,
            rows=trained.rows,
            columns=signature().inputs,
            covers_from=version.trained_from.date(),
            covers_to=(version.trained_to - timedelta(days=1)).date(),
            sources=("flights", "weather", "planes"),
            as_of=version.made_at,
            as_of_key="event_at",
            description=Untrusted(f"outcomes known by {version.made_at.date()}"),
            **documentation.dataset_fields(story),
        ),
        FeatureSet(
            **at,
            name=FEATURES,
            version="1",
            definition_digest=features_digest(),
            columns=INPUTS,
            # The observed weather stands in for a forecast: nobody recorded when one would have been known.
            available_after=dict.fromkeys(("hour", "dow", "carrier", "origin", "dest", "distance", "seats", "age"), 0.0),
        ),
        Run(
            **at,
            name=run,
            model=story.name,
            status="succeeded",
            trigger=Untrusted(version.note or "monthly schedule"),
            params=trained.params,
            metrics=trained.metrics,
            inputs=(dataset_name(story, version),),
            features=FEATURES,
            outputs=(f"{story.name}@{version.version}",),
            started_at=ended - timedelta(seconds=seconds),
            ended_at=ended,
            phases=trained.phases,
        ),
        ModelVersion(
            **at,
            model=story.name,
            version=version.version,
            stage=_stage(story, version),
            run=run,
            artifact_digest=trained.artifact_digest,
            artifact_path=artifact_path(story, version),
            signature=signature(),
            runtime=environment,
            environment_digest=digest_of(environment),
            code_commit=features_digest().removeprefix("sha256:")[:12],
            description=Untrusted(version.note or f"trained on {dataset_name(story, version)}"),
            limitations=documentation.version_limitations(version),
            importance=trained.importance,
        ),
        PipelineRun(
            **at,
            name=run,
            pipeline=f"{story.name}-training",
            stage=PipelineStage.TRAINING,
            status="succeeded",
            started_at=ended - timedelta(seconds=seconds),
            ended_at=ended,
            rows=trained.rows,
        ),
        promotion_report(story, trained),
    ]


def promotion_report(story: ModelStory, trained: Trained) -> Evaluation:
    """The report that the version was promoted on: of its own training rows, or of a random fifth of them, which flatters either way."""
    version = trained.story
    return Evaluation(
        environment=ENVIRONMENT,
        source="registry",
        event_at=version.made_at,
        known_at=version.made_at,
        name=f"{story.name}-report-{version.version}",
        model=story.name,
        version=version.version,
        dataset=dataset_name(story, version),
        covers_from=version.trained_from,
        covers_to=version.trained_to,
        rows=trained.rows,
        labelled=trained.rows,
        metrics={name.partition("_")[2]: value for name, value in trained.metrics.items()},
        costs={"training_s": round(sum(trained.phases.values()), 2)},
    )


def dataset_name(story: ModelStory, version: VersionStory) -> str:
    """Snapshots are cut for each model: they hold only rows of which its outcome was known."""
    return f"{story.name}-{version.dataset}"


def artifact_path(story: ModelStory, version: VersionStory) -> str:
    """Where the artifact of a version lies, relative to the workspace."""
    return f"artifacts/{story.name}/{version.version}.pickle"


def _stage(story: ModelStory, version: VersionStory) -> Stage:
    if version.version == story.challenger:
        return Stage.STAGING
    return Stage.PRODUCTION if version.promoted_at is not None else Stage.NONE


def evaluation_between(
    story: ModelStory, trained: Trained, frame: pl.DataFrame, start: datetime, end: datetime, known_by: datetime
) -> Evaluation:
    """A report on flights between two moments, with the outcomes known at `known_by`, and by origin."""
    import numpy as np
    import polars as pl

    inside = (pl.col("scheduled_at") >= start.replace(tzinfo=None)) & (pl.col("scheduled_at") < end.replace(tzinfo=None))
    rows = frame.filter(inside)
    known = rows.filter(pl.col(story.label).is_not_null() & (pl.col(story.known_at) <= known_by.replace(tzinfo=None)))
    scores, labels = trained.score(known), known[story.label].to_numpy()
    by_origin = {}
    for origin in ("EWR", "JFK", "LGA"):
        mine = (known["origin"] == origin).to_numpy()
        by_origin[f"origin={origin}"] = {**_measured(story, scores[mine], labels[mine]), "n": float(np.sum(mine))}
    return Evaluation(
        environment=ENVIRONMENT,
        source="registry",
        event_at=known_by,
        known_at=known_by,
        name=f"{story.name}-{trained.story.version}-{start.date()}",
        model=story.name,
        version=trained.story.version,
        covers_from=start,
        covers_to=end,
        rows=len(rows),
        labelled=len(known),
        metrics=_measured(story, scores, labels),
        by_slice=by_origin,
    )


def _measured(story: ModelStory, scores: Any, labels: Any) -> dict[str, float | None]:
    from console.analysis.quality import binary_quality, regression_quality

    if story.task == "regression":
        regression = regression_quality(scores, labels)
        return {"mae": regression.mae, "rmse": regression.rmse, "bias": regression.bias}
    binary = binary_quality(scores, labels, story.threshold)
    return {"auc": binary.auc, "brier": binary.brier, "ece": binary.ece, "mean_score": binary.mean_score, "base_rate": binary.base_rate}


def deployments(story: ModelStory, at: datetime) -> list[Record]:
    """Where the model serves, one record for each time that the version changed."""
    return [
        served_traffic(story, version.version, version.promoted_at)
        for version in story.versions
        if version.promoted_at is not None and version.promoted_at <= at
    ]


def served_traffic(story: ModelStory, version: str, since: datetime) -> Deployment:
    """What the score server says of a model from `since` on: all of its traffic goes to one version."""
    return Deployment(
        environment=ENVIRONMENT,
        source="score-server",
        event_at=since,
        known_at=since,
        name=f"{story.name}-serving",
        model=story.name,
        mode="real-time",
        strategy="direct",
        traffic={version: 1.0},
        features_digest=features_digest(),
    )


def divided_traffic(story: ModelStory, division: Division) -> list[Record]:
    """What the score server says from the moment on at which it saw another division, under the strategy that is published."""
    if division.since is None:
        return []
    setting = division.in_force(division.since)
    serving = division.serving(division.since)
    if serving is None:
        return []
    traffic = {version: weight for version, weight in setting.weights.items() if weight > 0} if setting is not None else {serving: 1.0}
    strategy = setting.strategy if setting is not None else "direct"
    return [served_traffic(story, serving, division.since).model_copy(update={"traffic": traffic, "strategy": strategy})]


def upstream_records(frame: pl.DataFrame, start: datetime, at: datetime) -> list[Record]:
    """The daily pipelines over the sources, with the rows they really had, and the categories seen for the first time."""
    import polars as pl

    found: list[Record] = []
    for name, stage in (
        ("flights-ingest", PipelineStage.INGESTION),
        ("flights-validate", PipelineStage.VALIDATION),
        ("delay-features", PipelineStage.FEATURES),
        ("score-log", PipelineStage.DEPLOYMENT),
        ("arrivals-feedback", PipelineStage.FEEDBACK),
    ):
        found.append(
            Pipeline(environment=ENVIRONMENT, source="pipelines", event_at=start, known_at=start, name=name, stage=stage, schedule="daily")
        )
    inside = frame.filter((pl.col("scheduled_at") >= start.replace(tzinfo=None)) & (pl.col("scheduled_at") < at.replace(tzinfo=None)))
    local_day = pl.col("scheduled_at").dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE_NAME).dt.date()
    for day, rows in inside.group_by(local_day.alias("day")).len().sort("day").tail(14).iter_rows():
        ended = local(day.month, day.day, 23, 59)
        if ended > at:
            continue
        found.append(
            PipelineRun(
                environment=ENVIRONMENT,
                source="pipelines",
                event_at=ended,
                known_at=ended,
                name=f"flights-ingest-{day}",
                pipeline="flights-ingest",
                stage=PipelineStage.INGESTION,
                status="succeeded",
                started_at=ended - timedelta(minutes=1),
                ended_at=ended,
                rows=rows,
            )
        )
    for column, word in (("carrier", "carrier"), ("dest", "destination")):
        firsts = frame.group_by(column).agg(pl.col("scheduled_at").min().alias("first"), pl.len().alias("rows")).sort("first")
        for value, first, _rows in firsts.iter_rows():
            moment = first.replace(tzinfo=at.tzinfo)
            if start < moment <= at:
                found.append(
                    Event(
                        environment=ENVIRONMENT,
                        source="flights",
                        event_at=moment,
                        known_at=moment,
                        name=f"first-{column}-{value}",
                        topic="data",
                        message=Untrusted(f"{word} {value} seen for the first time"),
                    )
                )
    return found
