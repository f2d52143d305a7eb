"""Looking at outcomes as such: reads scores with when each outcome became known, and puts the view together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from backends.profile.days import DAY, day_start
from backends.records import Model, State
from backends.shell_words import command_line
from backends.store import queries
from backends.store.queries import COMPLETE_SHARE, RepeatedLabels, Scored
from backends.store.reader import Reader
from console.analysis.arrivals import ArrivalCurve, arrival_curve
from console.analysis.intervals import Floats
from console.views.health.deleted_rows import Gone, gone_of
from console.views.health.live_rows import without_candidates
from console.views.health.model import ModelHealth, Signal
from console.views.health.windows import HOUR, micros
from console.views.model_line import line_of
from console.views.quality.labels import ARRIVAL_HOURS, ArrivalStep, LabelDay, LabelPeriod, LabelsView, Waiting
from console.views.quality.outcomes import Outcomes, complete_to, name_of_day, outcomes_of
from console.views.release.rollout import let_in
from console.views.sight import Sight
from console.views.versions.registry import no_such_model, registry_of
from console.views.waiting.scores import score_queues

NORMAL_95 = 1.96
DAYS = 14
WEEK = timedelta(days=7)
USUAL_SHARE = 0.9
"""Share of the reference's outcomes by whose arrival an outcome is due, when no delay is declared."""
FEWEST = 30
"""Rows with an outcome, and without, below which their scores are not compared."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Rows with how long each waited, or waits, for its outcome, in hours; a row whose outcome was changed since is `corrected`."""

    rows: Outcomes
    known: npt.NDArray[np.bool_]
    waited: Floats
    corrected: npt.NDArray[np.bool_]

    def curve(self, span: slice) -> ArrivalCurve:
        return arrival_curve(self.waited[span], self.known[span])


def labels_view(sight: Sight, reader: Reader, health: ModelHealth) -> LabelsView:
    """All of `LabelsView` for a model whose health is known. Raises NoSuchModel."""
    registry = registry_of(reader, sight.environment, sight.at)
    model = registry.models.get(health.model)
    if model is None:
        raise no_such_model(health.model, registry.models)
    spans = [("last 24 h", sight.at - DAY, sight.at), ("last 7 days", sight.at - WEEK, sight.at)]
    if health.reference_from is not None and health.reference_to is not None:
        spans.append(("reference", health.reference_from, min(health.reference_to, sight.at)))
    zone = ZoneInfo(model.zone)
    earliest = min([sight.at - (DAYS + 1) * DAY, *(start for _, start, _ in spans)])
    repeated = queries.repeated_labels(reader, sight.environment, model.name, earliest, sight.at)
    scored = queries.scored(reader, sight.environment, model.name, earliest, sight.at, role="live", keys=bool(len(repeated.key)))
    # As on Quality, so that both pages count the same rows.
    scored = without_candidates(scored, let_in(sight, model.name))
    waits = _waits(scored, repeated, outcomes_of(scored, model, health.version), sight.at)
    usual = waits.curve(waits.rows.between(spans[2][1], spans[2][2])) if len(spans) > 2 else arrival_curve([], [])
    due, because = _due(model, usual)
    waiting = _waiting(waits, usual, due, sight.at)
    signal = next((each for layer in health.layers for each in layer.signals if each.id == "model.label_coverage"), None)
    week = waits.rows.between(sight.at - WEEK, sight.at)
    state, verdict = _verdict(waits, week, signal, model, waiting)
    gone = gone_of(reader, sight.environment, model.name, "predictions", "labels")
    if gone.touches(sight.at - WEEK, sight.at):
        state, verdict = State.UNKNOWN, gone.why
    wait = usual.delay_of(COMPLETE_SHARE)
    return LabelsView(
        line=line_of(health),
        target=model.target,
        zone=model.zone,
        at=sight.at,
        state=state,
        verdict=verdict,
        delay_declared=model.label_delay_hours,
        delay_usual=due,
        delay_because=because,
        periods=tuple(_period(waits, name, start, end, due, sight.at, gone) for name, start, end in spans),
        waiting=waiting,
        evaluable_to=complete_to(waits.rows, earliest, sight.at),
        complete_by=sight.at + timedelta(hours=wait) if wait is not None and week.stop > week.start else None,
        arrivals=_arrivals(waits.curve(week), usual),
        days=_days(waits, zone, sight.at, gone),
        queues=score_queues(reader, sight.environment, sight.at, model.name),
        notes=((gone.why,) if gone.touches(earliest, sight.at) else ()) + _notes(waiting, model, usual),
    )


def _waits(scored: Scored, repeated: RepeatedLabels, rows: Outcomes, at: datetime) -> Waits:
    """The rows, of which `scored` has the keys in the same order, with the first moment at which each outcome was known."""
    known_at, corrected = rows.known_at.copy(), np.zeros(len(rows.known_at), dtype=np.bool_)
    if len(repeated.key):
        place = np.minimum(np.searchsorted(repeated.key, scored.key), len(repeated.key) - 1)
        hit = (repeated.key[place] == scored.key) & ~np.isnan(rows.label)
        first = repeated.first_known_at.astype(np.int64)[place]
        known_at[hit] = np.minimum(known_at[hit], first[hit])
        corrected[hit] = repeated.corrected[place][hit]
    known = ~np.isnan(rows.label)
    waited = (np.where(known, known_at, micros(at)) - rows.event_at) / HOUR
    return Waits(replace(rows, known_at=known_at), known, np.asarray(waited, dtype=np.float64), corrected)


def _due(model: Model, usual: ArrivalCurve) -> tuple[float | None, str]:
    if model.label_delay_hours is not None:
        return model.label_delay_hours, "declared"
    found = usual.delay_of(USUAL_SHARE)
    return found, "by when 90 % were known in the reference" if found is not None else ""


def _period(waits: Waits, name: str, start: datetime, end: datetime, due: float | None, at: datetime, gone: Gone) -> LabelPeriod:
    rows = waits.rows
    span = rows.between(start, end)
    known, score = waits.known[span], rows.score[span]
    is_due = rows.event_at[span] <= micros(at) - (due or 0.0) * HOUR if due is not None else np.zeros(len(known), dtype=np.bool_)
    usable = np.isfinite(score)
    with_outcome, without = score[known & usable], score[~known & usable]
    lean, error = None, None
    if len(with_outcome) >= FEWEST and len(without) >= FEWEST:
        lean = float(with_outcome.mean() - without.mean())
        error = math.sqrt(float(with_outcome.var(ddof=1)) / len(with_outcome) + float(without.var(ddof=1)) / len(without))
    curve = waits.curve(span)
    return LabelPeriod(
        name=name,
        since=start,
        until=end,
        scored=len(known),
        labelled=int(known.sum()),
        deleted=gone.touches(start, end),
        due=int(is_due.sum()),
        due_labelled=int((is_due & known).sum()),
        complete_to=complete_to(rows, start, end),
        observed=float(rows.label[span][known].mean()) if known.any() else None,
        score_labelled=float(with_outcome.mean()) if len(with_outcome) else None,
        score_waiting=float(without.mean()) if len(without) else None,
        lean=lean,
        lean_low=lean - NORMAL_95 * error if lean is not None and error is not None else None,
        lean_high=lean + NORMAL_95 * error if lean is not None and error is not None else None,
        delay_50=curve.delay_of(0.5),
        delay_90=curve.delay_of(0.9),
        delay_99=curve.delay_of(0.99),
    )


def _waiting(waits: Waits, usual: ArrivalCurve, due: float | None, at: datetime) -> Waiting:
    span = waits.rows.between(at - WEEK, at)
    known, waited = waits.known[span], waits.waited[span]
    without = waited[~known]
    # Where some outcomes never come, the last that did is the best limit there is.
    limit = usual.delay_of(0.99 * float(usual.shares[-1])) if len(usual.shares) else None
    first = min(due, limit) if due is not None and limit is not None else due
    not_due = int((without < first).sum()) if first is not None else 0
    overdue = int((without >= limit).sum()) if limit is not None else 0
    age = (micros(at) - waits.rows.event_at[span]) / HOUR
    share = usual.share_at(limit) if limit is not None else None
    expected = float((age >= limit).sum() * (1 - share)) if limit is not None and share is not None else None
    return Waiting(total=len(without), not_due=not_due, late=len(without) - not_due - overdue, overdue=overdue, overdue_usual=expected)


def _arrivals(now: ArrivalCurve, usual: ArrivalCurve) -> tuple[ArrivalStep, ...]:
    return tuple(ArrivalStep(hours=hours, share=now.share_at(hours), share_reference=usual.share_at(hours)) for hours in ARRIVAL_HOURS)


def _days(waits: Waits, zone: ZoneInfo, at: datetime, gone: Gone) -> tuple[LabelDay, ...]:
    last = (at - timedelta(microseconds=1)).astimezone(zone).date()
    found = []
    for back in range(DAYS - 1, -1, -1):
        day = last - timedelta(days=back)
        start, end = day_start(day, zone).astimezone(UTC), min(at, day_start(day + timedelta(days=1), zone).astimezone(UTC))
        span = waits.rows.between(start, end)
        known = waits.known[span]
        found.append(
            LabelDay(
                name=name_of_day(day),
                since=start,
                scored=len(known),
                labelled=int(known.sum()),
                deleted=gone.touches(start, end),
                observed=float(waits.rows.label[span][known].mean()) if known.any() else None,
                delay_50=waits.curve(span).delay_of(0.5),
                corrected=int(waits.corrected[span].sum()),
            )
        )
    while found and not found[0].scored and not found[0].deleted:
        found.pop(0)
    return tuple(found)


def _verdict(waits: Waits, week: slice, signal: Signal | None, model: Model, waiting: Waiting) -> tuple[State, str]:
    if week.stop == week.start:
        return State.UNKNOWN, "nothing was scored in the last 7 days"
    if not waits.known[week].any():
        landing = command_line("ingest", "labels", "FILE", options={"--model": model.name})
        return State.UNKNOWN, f"no outcome of the last 7 days is known: land labels with qd {landing}"
    if signal is not None and signal.state is not State.UNKNOWN:
        return signal.state, signal.why
    if waiting.overdue_usual is None:
        return State.UNKNOWN, signal.why if signal is not None else "no rule watches label_coverage, and the reference has no outcomes"
    if waiting.beyond_usual:
        return State.WARNING, f"{waiting.overdue:,} outcomes are overdue where {waiting.overdue_usual:,.0f} would be usual"
    return State.OK, f"outcomes come as in the reference; {waiting.overdue:,} are overdue, {waiting.overdue_usual:,.0f} would be usual"


def _notes(waiting: Waiting, model: Model, usual: ArrivalCurve) -> tuple[str, ...]:
    notes = []
    if waiting.beyond_usual:
        notes.append(
            f"{waiting.overdue:,} are overdue where {waiting.overdue_usual:,.0f} would be usual: the feed of outcomes stopped, its keys do "
            "not match, or more of what is scored never has an outcome"
        )
    if model.label_delay_hours is None:
        notes.append("no label delay is declared with the model (label_delay_hours), so the reference says when an outcome is due")
    if not usual.known:
        notes.append("the reference has no outcomes: what is usual is not known")
    return tuple(notes)
