"""Looking at quality: reads scores with their outcomes and puts the view together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from backends.profile.days import DAY, day_start
from backends.records import Layer, Model
from backends.store import queries
from backends.store.reader import Reader
from backends.text import Untrusted
from console.analysis.quality import BinaryQuality, RegressionQuality
from console.closest import closest
from console.policies.rules import Gate
from console.views.health.deleted_rows import NOTHING_GONE, Gone, gone_of
from console.views.health.estimation import Measure
from console.views.health.live_rows import without_candidates
from console.views.health.model import ModelHealth
from console.views.health.windows import HOUR
from console.views.incidents.marks import marks_of
from console.views.model_line import line_of
from console.views.quality.estimates import Estimator, ScoredRows, estimator_of
from console.views.quality.groups import grouped
from console.views.quality.outcomes import Outcomes, complete_to, name_of_day, outcomes_of
from console.views.quality.slices import measures_of, sliced
from console.views.quality.thresholds import curve, trade_offs
from console.views.quality.view import (
    ARRIVAL_HOURS,
    Arrival,
    CalibrationRow,
    NoSuchSlice,
    Period,
    QualityAsked,
    QualityView,
    SliceRow,
)
from console.views.release.rollout import let_in
from console.views.sight import Sight
from console.views.versions.registry import no_such_model, registry_of

COURSE_DAYS = 14
COURSE_WEEKS = 10


def quality_view(sight: Sight, reader: Reader, health: ModelHealth, asked: QualityAsked) -> QualityView:
    """All of `QualityView` for a model whose health is known. Raises NoSuchSlice."""
    registry = registry_of(reader, sight.environment, sight.at)
    model = registry.models.get(health.model)
    if model is None:
        raise no_such_model(health.model, registry.models)
    wanted = _slices(reader, model, asked)
    held = _held(sight, reader, model)
    zone = ZoneInfo(model.zone)
    spans = _spans(health, sight.at)
    days = COURSE_DAYS if asked.by == "day" else COURSE_WEEKS * 7
    earliest = min([sight.at - (days + 7) * DAY, *(start for _, start, _ in spans)])
    scored = queries.scored(
        reader, sight.environment, model.name, earliest, sight.at, role="live", columns=list(dict.fromkeys((*wanted, *held))), keys=False
    )
    scored = without_candidates(scored, let_in(sight, model.name))
    found = outcomes_of(scored, model, health.version)
    laid = ScoredRows(found.event_at, found.score, found.label, found.own)
    estimator = estimator_of(sight, model.name, health.version, model.task, laid, model.threshold)
    gone = gone_of(reader, sight.environment, model.name, "predictions", "labels")
    periods = [_period(found, name, start, end, estimator, gone) for name, start, end in spans]
    _, start, end = spans[0]
    rows = found.between(start, end)
    measured = found.quality(rows)
    binary = model.task == "binary"
    layer = health.layer(Layer.MODEL)
    course = _course(found, asked.by, sight.at, zone, estimator, gone)
    return QualityView(
        line=line_of(health),
        task=model.task,
        target=model.target,
        threshold=model.threshold,
        zone=model.zone,
        at=sight.at,
        state=layer.state,
        verdict=layer.why,
        broke_at=health.broke_first_at if health.broke_first is Layer.MODEL else layer.since,
        periods=tuple(periods),
        by=asked.by,
        course=course,
        marks=marks_of(sight, reader, model.name, course[0].since) if course else (),
        estimation=estimator.described([(each.name, each.since, each.until, each.estimated) for each in periods], sight.at),
        calibration=_calibration(measured),
        calibration_of=spans[0][0],
        trade_offs=trade_offs(found.score[rows], found.label[rows], model.threshold) if binary else (),
        precision_recall=curve(found.score[rows], found.label[rows]) if binary else (),
        slices=tuple(row for column in wanted for row in _sliced(found, rows, column, model)),
        sliced_by=tuple(map(Untrusted, wanted)),
        fairness=tuple(
            grouped(found.score[rows], found.label[rows], found.columns[column][rows], model.threshold, column, gates)
            for column, gates in held.items()
        ),
        arrivals=_arrivals(found, sight.at, health),
        notes=_notes(found, measured, model, asked, gone if gone.touches(earliest, sight.at) else NOTHING_GONE),
    )


def _slices(reader: Reader, model: Model, asked: QualityAsked) -> list[str]:
    known = reader.features(model.name)
    if asked.slice is None:
        return [name for name in model.slices if name in known]
    if asked.slice not in known:
        near = closest(asked.slice, known, n=3, cutoff=0.4)
        advice = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(list(known)[:12]) or 'none'}"
        raise NoSuchSlice(f"{model.name} has no input {asked.slice!r} to slice by; {advice}")
    return [asked.slice]


def _held(sight: Sight, reader: Reader, model: Model) -> dict[str, list[Gate]]:
    """The gates that compare groups, by the column that they group by, where it is logged."""
    known = reader.features(model.name)
    held: dict[str, list[Gate]] = {}
    for gate in sight.policies.gates_for(model.name, sight.environment, model.task):
        if gate.group is not None and gate.group in known:
            held.setdefault(gate.group, []).append(gate)
    return held


def _spans(health: ModelHealth, at: datetime) -> list[tuple[str, datetime, datetime]]:
    """(name, start, end) of the periods side by side."""
    week = at - timedelta(days=7)
    spans = []
    broken = health.since_onset is not None and abs(health.since_onset.since - week) > timedelta(hours=1)
    if health.since_onset is not None and broken:
        spans.append(("since it broke", health.since_onset.since, at))
    else:
        spans.append(("last 24 h", at - DAY, at))
    spans.append(("last 7 days", week, at))
    if health.reference_from is not None and health.reference_to is not None:
        spans.append(("reference", health.reference_from, min(health.reference_to, at)))
    return spans


def _period(found: Outcomes, name: str, start: datetime, end: datetime, estimator: Estimator, gone: Gone) -> Period:
    rows = found.between(start, end)
    lost = gone.touches(start, end)
    # What is left is no sample of what was there.
    quality = found.quality(slice(rows.start, rows.start) if lost else rows)
    return Period(
        name=name,
        since=start,
        until=end,
        scored=rows.stop - rows.start,
        labelled=quality.labelled,
        left_out=quality.left_out,
        complete_to=complete_to(found, start, end),
        deleted=lost,
        measures=_lost(measures_of(quality), gone.why) if lost else measures_of(quality),
        estimated=None if lost else estimator.over(start, end),
    )


def _lost(measures: tuple[Measure, ...], why: str) -> tuple[Measure, ...]:
    return tuple(each.model_copy(update={"value": None, "low": None, "high": None, "reason": why}) for each in measures)


def _course(found: Outcomes, by: str, at: datetime, zone: ZoneInfo, estimator: Estimator, gone: Gone) -> tuple[Period, ...]:
    last = (at - timedelta(microseconds=1)).astimezone(zone).date()
    if by == "day":
        starts = [last - timedelta(days=back) for back in range(COURSE_DAYS - 1, -1, -1)]
        length = 1
    else:
        monday = last - timedelta(days=last.weekday())
        starts = [monday - timedelta(days=7 * back) for back in range(COURSE_WEEKS - 1, -1, -1)]
        length = 7
    course = []
    for day in starts:
        start, end = day_start(day, zone), min(at, day_start(day + timedelta(days=length), zone))
        if start < end:
            course.append(_period(found, name_of_day(day), start.astimezone(UTC), end.astimezone(UTC), estimator, gone))
    while course and not course[0].scored and not course[0].deleted:
        course.pop(0)
    return tuple(course)


def _calibration(quality: BinaryQuality | RegressionQuality) -> tuple[CalibrationRow, ...]:
    if isinstance(quality, RegressionQuality):
        return ()
    return tuple(
        CalibrationRow(
            low=each.low,
            high=each.high,
            n=each.n,
            mean_score=each.mean_score,
            observed=each.rate,
            observed_low=each.rate_interval.low if each.rate_interval else None,
            observed_high=each.rate_interval.high if each.rate_interval else None,
        )
        for each in quality.calibration
    )


def _sliced(found: Outcomes, rows: slice, column: str, model: Model) -> list[SliceRow]:
    return sliced(found.score[rows], found.label[rows], found.columns[column][rows], column, model.task, model.threshold)


def _arrivals(found: Outcomes, at: datetime, health: ModelHealth) -> tuple[Arrival, ...]:
    """Over the last 7 days, and over the reference."""
    reference = (health.reference_from, health.reference_to)
    arrivals = []
    for hours in ARRIVAL_HOURS:
        n, share = _arrived(found, at - timedelta(days=7), at, hours, at)
        n_before, share_before = _arrived(found, reference[0], reference[1], hours, at) if reference[0] and reference[1] else (0, None)
        arrivals.append(Arrival(hours=hours, n=n, share=share, n_reference=n_before, share_reference=share_before))
    return tuple(arrivals)


def _arrived(found: Outcomes, start: datetime, end: datetime, hours: int, at: datetime) -> tuple[int, float | None]:
    rows = found.between(start, min(end, at - timedelta(hours=hours)) if end > start else end)
    n = max(0, rows.stop - rows.start)
    if not n:
        return 0, None
    waited = found.known_at[rows] - found.event_at[rows]
    known = ~np.isnan(found.label[rows])
    return n, float((known & (waited <= hours * HOUR)).mean())


def _notes(found: Outcomes, measured: BinaryQuality | RegressionQuality, model: Model, asked: QualityAsked, gone: Gone) -> tuple[str, ...]:
    notes = [gone.why] if gone.why else []
    if gone.why and not np.isfinite(found.label).any():
        pass
    elif not len(found.event_at):
        notes.append("nothing was scored in these weeks")
    elif not np.isfinite(found.label).any():
        notes.append("no outcome is known: land labels with qd ingest labels FILE --model " + model.name)
    if measured.left_out:
        notes.append(f"{measured.left_out} rows without a usable score are left out")
    if isinstance(measured, BinaryQuality) and model.threshold is None:
        notes.append("no threshold is declared, so precision and recall do not apply")
    if asked.slice is None and not model.slices:
        notes.append("no slices are declared for this model; --slice COLUMN takes any input")
    return tuple(notes)
