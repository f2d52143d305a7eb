"""Looking at drift: reads what a sight sees and puts the view together."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from backends.profile.days import DAY, day_start
from backends.records import Layer
from backends.store import queries
from backends.store.reader import Reader
from console.analysis.samples import compare_samples
from console.closest import closest
from console.views.drift.bug import real_or_bug, volume_ratio
from console.views.drift.closing import closing_of
from console.views.drift.column import ColumnShift
from console.views.drift.counted import counted
from console.views.drift.input_days import SCORE
from console.views.drift.shifts import Periods, detail_of, drift_rule, in_brief, periods_of, shifts_of
from console.views.drift.together import together_of
from console.views.drift.trend import with_trends
from console.views.drift.view import Asked, DriftColumnsView, DriftDetailView, DriftView
from console.views.health.deleted_rows import gone_of
from console.views.health.live_rows import apart, live_rows, without_candidates
from console.views.health.measures import quality_between
from console.views.health.model import Mark, ModelHealth
from console.views.health.subject import LetIn
from console.views.health.windows import Floats, micros
from console.views.incidents.marks import marks_of
from console.views.model_line import line_of
from console.views.not_found import NoSuchColumn
from console.views.release.rollout import let_in
from console.views.sight import Sight
from console.views.versions.registry import no_such_model, registry_of
from console.views.versions.serving import serving_at

NO_HISTORY = "there is no week of history to compare with; give both periods with --from, --to, --reference-from, --reference-to"


class _Every:
    def __contains__(self, _column: object) -> bool:
        return True


EVERY: Final[Container[str]] = _Every()


def drift_view(
    sight: Sight,
    reader: Reader,
    health: ModelHealth,
    asked: Asked,
    *,
    column: str | None = None,
    exact: bool = False,
    detail: Container[str] = (),
) -> DriftView:
    """Every column between two periods; `column`, or those in `detail`, get their bins and course too, with `exact` from its rows.

    Raises NoSuchColumn.
    """
    registry = registry_of(reader, sight.environment, sight.at)
    model = registry.models.get(health.model)
    if model is None:
        raise no_such_model(health.model, registry.models)
    serving = serving_at(sight.alias_history(model.name), sight.at)
    version = registry.versions.get((model.name, serving.version)) if serving.version else None
    rule = drift_rule(sight.policies, model, sight.environment)
    opened = [incident.opened_at for incident in sight.control.open_incidents(sight.environment, model.name)]
    beside = let_in(sight, model.name)
    periods = periods_of(reader, rule, model, version, health, min(opened, default=None), asked, sight.at, beside)
    today = (sight.at - timedelta(microseconds=1)).astimezone(ZoneInfo(model.zone)).date()
    common = {
        "line": line_of(health),
        "zone": model.zone,
        "at": sight.at,
        "rule": rule.id,
        "against": asked.against,
        "together": together_of(sight, model.name, health.version, model.zone, usual=asked == Asked()),
        "model_state": health.layer(Layer.MODEL).state,
        "data_state": health.layer(Layer.DATA).state,
    }
    gone = gone_of(reader, sight.environment, model.name, "predictions")
    if periods is None:
        return DriftView(
            **common, first=asked.first or today, last=asked.last or today, last_is_today=True, reference_first=None, reference_last=None,
            reference_because="", bins_from="", columns=(), quality=None, closing="", closing_state=health.state,
            deleted=gone.why, why_not=gone.why or NO_HISTORY,
        )  # fmt: skip
    shifts = with_trends(shifts_of(periods, model, version, detail=detail if column is None else (column,)), periods.inputs, periods.days)
    if column is not None:
        place = next((number for number, each in enumerate(shifts) if each.column.raw == column), None)
        if place is None:
            raise no_such_column(column, [each.column.raw for each in shifts], model.name)
        if exact:
            shifts[place] = _exact(shifts[place], reader, sight.environment, model.name, periods, beside)
    reference = periods.inputs.reference_days()
    start = day_start(periods.days[0], periods.inputs.zone)
    end = min(sight.at, day_start(periods.days[-1] + DAY, periods.inputs.zone))
    quality = None
    if start < end and not gone_of(reader, sight.environment, model.name, "predictions", "labels").touches(start, end):
        every = live_rows(reader, sight.environment, model.name, start.astimezone(UTC), end.astimezone(UTC))
        rows, _ = apart(every, beside)
        quality = quality_between(rows, model.task, micros(start), micros(end), micros(sight.at), model.threshold) if len(rows) else None
    rules = sight.policies.rules_for(model.name, sight.environment, model.task)
    broken = [each.id for each in rules if each.signal in {"schema_violations", "null_share"}]
    is_today = periods.days[-1] >= today
    by_signal = {each.signal: each.id for each in rules}
    bug = real_or_bug(shifts, health, by_signal, volume_ratio(periods.inputs, periods.days, sight.at), today=is_today)
    state, closing = closing_of(shifts, health, broken, is_today, bug)
    fixed = periods.inputs.fixed_by
    return DriftView(
        **common,
        first=periods.days[0],
        last=periods.days[-1],
        last_is_today=is_today,
        reference_first=reference[0],
        reference_last=reference[-1],
        reference_because=periods.inputs.reference.because,
        bins_from="deciles of the reference" if fixed is None else "deciles of the version's own reference, not of the one asked for",
        counted=counted(periods.inputs, reference, periods.days),
        bug=bug,
        columns=tuple(shifts),
        quality=quality,
        closing=closing,
        closing_state=state,
        deleted=gone.why if gone.touches(start, end) or gone.touches(periods.inputs.reference.start, periods.inputs.reference.end) else "",
        why_not="" if shifts else gone.why if gone.touches(start, end) else "no inputs are logged with the predictions of this model",
    )


def drift_detail(sight: Sight, reader: Reader, health: ModelHealth, column: str, asked: Asked, *, exact: bool = False) -> DriftDetailView:
    """One column in detail. Raises NoSuchColumn, also when there is nothing to compare with."""
    view = drift_view(sight, reader, health, asked, column=column, exact=exact)
    shift = next((each for each in view.columns if each.column.raw == column), None)
    if shift is None:
        raise NoSuchColumn(f"{column!r} cannot be compared: {view.why_not}")
    return detail_of(view, shift).model_copy(update={"marks": marks_of(sight, reader, view.line.model, _since(sight, view, shift))})


def usual_drift(sight: Sight, reader: Reader, health: ModelHealth) -> tuple[DriftView, DriftColumnsView]:
    """What is usually asked of drift, and every column of it in detail, computed in one go."""
    view = drift_view(sight, reader, health, Asked(), detail=EVERY)
    marks: dict[datetime, tuple[Mark, ...]] = {}
    details = []
    for shift in view.columns:
        since = _since(sight, view, shift)
        if since not in marks:
            marks[since] = marks_of(sight, reader, view.line.model, since)
        details.append(detail_of(view, shift).model_copy(update={"marks": marks[since]}))
    brief = view.model_copy(update={"columns": tuple(map(in_brief, view.columns))})
    return brief, DriftColumnsView(line=view.line, zone=view.zone, columns=tuple(details))


def _since(sight: Sight, view: DriftView, shift: ColumnShift) -> datetime:
    """When the earliest window begins that a column's course shows."""
    return min(day_start(min([view.first, *(each.first for each in shift.earlier)]), ZoneInfo(view.zone)), sight.at)


def no_such_column(column: str, known: list[str], model: str) -> NoSuchColumn:
    """The error for a column that is none, with the nearest names."""
    near = closest(column, known, n=3, cutoff=0.4)
    advice = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(sorted(known)[:12])}"
    return NoSuchColumn(f"{model} has no input {column!r}; {advice}")


def _exact(shift: ColumnShift, reader: Reader, environment: str, model: str, periods: Periods, beside: Sequence[LetIn]) -> ColumnShift:
    """KS and Wasserstein from the rows themselves; bins, PSI and JS are exact already."""
    if shift.kind != "numeric":
        return shift
    zone = periods.inputs.zone

    def values(days: list[date]) -> Floats:
        parts = []
        for first, last in _stretches(days):
            start, end = day_start(first, zone), min(day_start(last + DAY, zone), reader.at or day_start(last + DAY, zone))
            if start >= end:
                continue
            if shift.column.raw == SCORE:
                scored = queries.scored(reader, environment, model, start, end, role="live", keys=False)
                parts.append(without_candidates(scored, beside).score)
            else:
                parts.append(queries.feature_values(reader, environment, model, shift.column.raw, start, end).astype(np.float64))
        return np.concatenate(parts) if parts else np.array([])

    name, inputs = shift.column.raw, periods.inputs
    found = compare_samples(values(inputs.against(name, periods.days)), values(inputs.judged(name, periods.days)), name)
    if found.ks is None:
        return shift
    return shift.model_copy(
        update={
            "ks": found.ks,
            "ks_high": found.ks_high,
            "ks_p_value": found.ks_p_value,
            "wasserstein": found.wasserstein,
            "wasserstein_low": found.wasserstein_low,
            "wasserstein_high": found.wasserstein_high,
            "method": "samples",
        }
    )


def _stretches(days: list[date]) -> list[tuple[date, date]]:
    """(first, last) of every run of days without a gap."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and found[-1][1] + DAY == day:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
