"""The estimate step: learn from the reference what scores stand for, and whether the inputs of the last week can be told from it.

Each part is learnt at most once a day, and only when the rows that it is learnt on changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from backends.profile.days import DaySource, day_start
from backends.profile.profile import ColumnKind
from backends.records import Column, Model
from backends.store.reader import Reader
from backends.text import Untrusted
from console.analysis.performance_estimate import usable
from console.analysis.ranking import auc, auc_interval
from console.learning.process import Arrays, NotLearnt, digest_of, learn
from console.views.health.estimated import EarlierTelling, Estimates, KeptCalibration, Telling, keep_estimates, kept_estimates
from console.views.health.estimation import A_NUMBER
from console.views.health.kept import last_health
from console.views.health.live_rows import apart, live_rows
from console.views.health.model import ModelHealth
from console.views.health.windows import Rows, micros
from console.views.release.rollout import let_in
from console.views.sight import Sight
from console.views.versions.registry import registry_of
from console.watch.period_inputs import (
    DAY_MICROS,
    MINIMUM_ROWS,
    WINDOW_DAYS,
    Span,
    as_logged,
    earliest,
    last_days,
    learnable,
    matrix_of,
    spans_of,
)

MINIMUM_LABELLED: Final = 500
"""Labelled rows of the reference below which there is no calibration."""

MOST_LABELLED: Final = 50_000
"""Labelled rows that a calibration is learnt on at most."""

NAMED: Final = 5
"""Columns that are named as telling periods apart."""

PROGRAM: Final = ("-m", "console.watch.estimator")

PAUSE: Final = timedelta(hours=1)
"""After learning failed it is not tried again for so long."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learnt of one version, and what is known of it."""

    sight: Sight
    model: Model
    version: str
    columns: Sequence[Column]
    """Inputs as declared; as logged, where nothing is."""
    declared: bool
    stored: Mapping[str, str]
    """The engine's types of what is logged, by name."""
    reference: tuple[datetime, datetime]
    known: Estimates | None

    @property
    def zone(self) -> ZoneInfo:
        """The zone that the model's days are of."""
        return ZoneInfo(self.model.zone)


def estimate_environment(sight: Sight) -> tuple[int, list[str]]:
    """Learn anew for each model whose reference or last week changed; returns how many and what went wrong. Raises StoreError."""
    learnt, problems = 0, []
    with sight.reader() as reader:
        registry = registry_of(reader, sight.environment, sight.at)
        for name, model in sorted(registry.models.items()):
            health = last_health(sight.workspace.paths, sight.environment, name)
            if health is None or health.version is None:
                continue
            known = kept_estimates(sight.workspace.paths, sight.environment, name, health.version, sight.at)
            if known is not None and known.failed_at is not None and sight.at - known.failed_at < PAUSE:
                continue
            reference = _whole_days(health, ZoneInfo(model.zone))
            if reference is None:
                continue
            stored, record = reader.features(name), registry.versions.get((name, health.version))
            signature = record.signature if record is not None else None
            columns = signature.inputs if signature else as_logged(stored)
            try:
                learnt += _estimate(Task(sight, model, health.version, columns, bool(signature), stored, reference, known), reader)
            except NotLearnt as error:
                problems.append(f"estimates of {name}: {error}")
    return learnt, problems


def _whole_days(health: ModelHealth, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The reference up to the last midnight in it, so that one which grows is not another at every round."""
    if health.reference_from is None or health.reference_to is None:
        return None
    end = day_start(health.reference_to.astimezone(zone).date(), zone).astimezone(UTC)
    return (health.reference_from, end) if end > health.reference_from else None


def _estimate(task: Task, reader: Reader) -> int:
    """1 when something was learnt. Raises NotLearnt, after keeping why."""
    known, sight, zone = task.known, task.sight, task.zone
    today = sight.at.astimezone(zone).date()
    calibration, telling = (known.calibration, known.telling) if known else (None, None)
    fresh = [part is not None and part.learnt_at.astimezone(zone).date() == today for part in (calibration, telling)]
    # What a number stands for is known without looking: such a model is not read again at every round for it.
    fresh[0] = fresh[0] or (known is not None and known.reasons.get("calibration") == A_NUMBER)
    if all(fresh):
        return 0
    current = last_days(sight.at, zone)
    columns, left_out = ([], []) if fresh[1] else learnable(task.columns, task.stored, _free_texts(task, reader))
    start = task.reference[0] if fresh[1] else earliest(task.reference[0], current, zone)
    every = live_rows(reader, sight.environment, task.model.name, start, sight.at, columns=[each.name for each in columns])
    rows, _ = apart(every, let_in(sight, task.model.name))
    reference = rows.between(micros(task.reference[0]), micros(task.reference[1]))
    reasons = {"calibration": A_NUMBER} if task.model.task != "binary" else {}
    labelled = {} if fresh[0] else _labelled(task, rows, reference, reasons)
    spans = [] if fresh[1] else spans_of(rows, reference, current, zone)
    if not fresh[1] and not (columns and spans):
        logged = f"the last {WINDOW_DAYS} days, or the days of the reference beside them, have fewer than {MINIMUM_ROWS} rows"
        reasons["telling"] = logged if columns else "no input is logged that periods could be told apart by"
    inputs = matrix_of(rows, columns, spans) if columns and spans else {}
    marks = digest_of(labelled), digest_of(inputs)
    if calibration is not None and labelled and calibration.digest == marks[0]:
        calibration, labelled = calibration.model_copy(update={"learnt_at": sight.at}), {}
    elif "calibration" in reasons:
        calibration = None
    if telling is not None and inputs and telling.digest == marks[1]:
        telling, inputs = telling.model_copy(update={"learnt_at": sight.at}), {}
    elif "telling" in reasons:
        telling = None
    failed: NotLearnt | None = None
    if labelled or inputs:
        try:
            found = learn({**labelled, **inputs}, PROGRAM)
            calibration = _calibration(task, labelled, marks[0], found) if labelled else calibration
            telling = _telling(task, spans, [each.name for each in columns], left_out, marks[1], found) if inputs else telling
        except NotLearnt as error:
            failed = error
            reasons |= dict.fromkeys([name for name, given in (("calibration", labelled), ("telling", inputs)) if given], str(error))
    result = Estimates(
        environment=sight.environment,
        model=task.model.name,
        version=task.version,
        made_at=sight.at,
        calibration=calibration,
        telling=telling,
        reasons=reasons,
        failed_at=sight.at if failed else None,
    )
    if known is None or result != known.model_copy(update={"made_at": sight.at}):
        keep_estimates(sight.workspace.paths, result)
    if failed is not None:
        raise failed
    return int(bool(labelled or inputs))


def _free_texts(task: Task, reader: Reader) -> dict[str, str]:
    """Why columns of texts have no categories, by name, as their profiles say."""
    declared: dict[str, ColumnKind] = {each.name: each.kind for each in task.columns if each.name in task.stored}
    source = DaySource(reader, task.sight.environment, task.model.name, task.zone)
    specs = source.specs(*task.reference, list(declared), declared if task.declared else {})
    return {spec.column: spec.edges_from for spec in specs if spec.kind == "text"}


def _labelled(task: Task, rows: Rows, reference: slice, reasons: dict[str, str]) -> Arrays:
    """The labelled scores that this version gave in the reference; empty, with the reason, when nothing can be learnt of them."""
    if task.model.task != "binary":
        return {}
    own = (rows.version[reference] == task.version) & (rows.served_by[reference] == "model")
    scores, labels = rows.score[reference], rows.known_labels(reference, micros(task.sight.at))
    known = own & np.isfinite(scores) & np.isfinite(labels)
    if not usable(scores[known]).all():
        reasons["calibration"] = "scores lie outside 0 to 1, so they are no probabilities"
        return {}
    few = int(known.sum())
    if few < MINIMUM_LABELLED:
        reasons["calibration"] = f"the reference has {few} labelled rows of this version, fewer than {MINIMUM_LABELLED}"
        return {}
    if len(np.unique(labels[known])) < 2:
        reasons["calibration"] = "only one outcome is known in the reference"
        return {}
    places = np.flatnonzero(known)
    places = places[:: -(-len(places) // MOST_LABELLED)]
    return {"score": scores[places], "label": labels[places], "score_day": rows.event_at[reference][places] // DAY_MICROS}


def _calibration(task: Task, labelled: Arrays, digest: str, found: dict[str, Any]) -> KeptCalibration:
    return KeptCalibration(
        since=task.reference[0],
        until=task.reference[1],
        learnt_at=task.sight.at,
        n=len(labelled["score"]),
        digest=digest,
        maps=found["maps"],
    )


def _telling(
    task: Task, spans: list[Span], names: list[str], left_out: list[tuple[Untrusted, str]], digest: str, found: dict[str, Any]
) -> Telling:
    judged = [(np.array(each["scores"]), np.array(each["current"], dtype=bool)) for each in found["apart"]]
    areas = [auc(scores, current) for scores, current in judged]
    interval = auc_interval(*judged[-1])
    last = spans[-1]
    drops = sorted(zip(names, found["apart"][-1]["drops"], strict=True), key=lambda pair: -pair[1])
    # A perfect order has no estimated variance, and so no interval: nothing is more certain than that.
    low, high = (interval.low, interval.high) if interval else (areas[-1], areas[-1])
    return Telling(
        first=last.first,
        last=last.last,
        learnt_at=task.sight.at,
        digest=digest,
        n_reference=len(last.reference),
        n_current=len(last.rows),
        auc=areas[-1],
        low=low,
        high=high,
        earlier=tuple(
            EarlierTelling(first=span.first, last=span.last, auc=area)
            for span, area in zip(spans[:-1], areas[:-1], strict=True)
            if area is not None
        ),
        by=tuple((Untrusted(name), float(drop)) for name, drop in drops[:NAMED] if drop > 0),
        left_out=tuple(left_out),
        reason="" if areas[-1] is not None else "no day of both periods was left to try it on",
    )
