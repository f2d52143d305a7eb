"""Looking at drift by segment: reads the scores of every window that judges, and the inputs of the two periods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from backends.profile.days import DAY, day_start
from backends.records import Model, State, severity_rank
from backends.store import queries
from backends.store.queries import Scored
from backends.store.reader import Reader
from backends.text import Untrusted
from console.analysis.bands import band, verdict
from console.analysis.drift import psi_between
from console.analysis.samples import profile_categories, profile_sample, reference_edges
from console.analysis.slicing import DISTINCT
from console.views.drift.input_days import BAND_WINDOWS
from console.views.drift.look import no_such_column
from console.views.drift.segments import MINIMUM_ROWS, SegmentRow, SegmentsView
from console.views.drift.shifts import Periods, drift_rule, periods_of
from console.views.drift.view import Asked
from console.views.health.live_rows import without_candidates
from console.views.health.model import ModelHealth
from console.views.health.subject import LetIn
from console.views.health.windows import Floats
from console.views.model_line import line_of
from console.views.not_found import NoSuchColumn
from console.views.quality.slices import group_names
from console.views.release.rollout import let_in
from console.views.sight import Sight
from console.views.versions.registry import no_such_model, registry_of
from console.views.versions.serving import serving_at

MOST_VALUES: Final = 50
"""Values beyond which a column is no segmentation: each would hold too little to be judged."""

Mask = npt.NDArray[np.bool_]


def segments_view(sight: Sight, reader: Reader, health: ModelHealth, column: str, asked: Asked) -> SegmentsView:
    """Every value of a column between the reference and the current period. Raises NoSuchColumn."""
    registry = registry_of(reader, sight.environment, sight.at)
    model = registry.models.get(health.model)
    if model is None:
        raise no_such_model(health.model, registry.models)
    known = queries.feature_columns(reader, model.name)
    if column not in known:
        raise no_such_column(column, list(known), model.name)
    serving, beside = serving_at(sight.alias_history(model.name), sight.at), let_in(sight, model.name)
    version = registry.versions.get((model.name, serving.version)) if serving.version else None
    rule = drift_rule(sight.policies, model, sight.environment)
    opened = [incident.opened_at for incident in sight.control.open_incidents(sight.environment, model.name)]
    periods = periods_of(reader, rule, model, version, health, min(opened, default=None), asked, sight.at, beside)
    if periods is None:
        raise NoSuchColumn(f"{model.name} has no week of history to compare {column!r} with; give both periods with --from and the like")
    return _Look(sight, reader, model, column, periods, beside).view(health)


class _Look:
    """One column's segments over one pair of periods."""

    def __init__(self, sight: Sight, reader: Reader, model: Model, column: str, periods: Periods, beside: Sequence[LetIn]) -> None:
        self.sight, self.reader, self.model, self.column, self.periods, self.beside = sight, reader, model, column, periods, beside
        self.zone = ZoneInfo(model.zone)
        self.reference_days = periods.inputs.reference_days()
        self.length = timedelta(days=len(periods.days))

    def view(self, health: ModelHealth) -> SegmentsView:
        days = self.periods.days
        earliest = min(self.reference_days[0], days[0] - BAND_WINDOWS * self.length)
        rows = self._scored(earliest, days[-1], [self.column])
        names = np.array([_NONE if each is None else each for each in group_names(rows.columns[self.column])], dtype=object)
        values = set(names.tolist())
        if len(values) > MOST_VALUES or not _few_numbers(rows.columns[self.column]):
            raise NoSuchColumn(
                f"{self.column!r} of {self.model.name} has too many values to segment by: name a column of at most "
                f"{DISTINCT} numbers or {MOST_VALUES} words"
            )
        before, now = (self._within(rows, each[0], each[-1]) for each in (self.reference_days, days))
        pasts = [
            self._within(rows, days[0] - number * self.length, days[-1] - number * self.length) for number in range(BAND_WINDOWS, 0, -1)
        ]
        worst = self._worst_inputs()
        found = [
            self._segment(name, rows.score, names == name, before, now, pasts, worst)
            for name in sorted(set(names[before | now].tolist()), key=str)
        ]
        mix = _psi(names[before], names[now]) if before.any() and now.any() else None
        return SegmentsView(
            line=line_of(health),
            zone=self.model.zone,
            at=self.sight.at,
            column=Untrusted(self.column),
            first=days[0],
            last=days[-1],
            reference_first=self.reference_days[0],
            reference_last=self.reference_days[-1],
            rows_reference=int(before.sum()),
            rows_current=int(now.sum()),
            mix_psi=mix,
            segments=tuple(sorted(found, key=lambda each: (each.state is State.UNKNOWN, severity_rank(each.state), -each.rows_current))),
        )

    def _segment(
        self,
        name: object,
        score: Floats,
        mine: Mask,
        before: Mask,
        now: Mask,
        pasts: Sequence[Mask],
        worst: dict[object, tuple[str, float]],
    ) -> SegmentRow:
        usable = np.isfinite(score)
        reference, current = score[mine & before & usable], score[mine & now & usable]
        counts = {
            "value": None if name is _NONE else Untrusted(str(name)),
            "rows_reference": int((mine & before).sum()),
            "rows_current": int((mine & now).sum()),
            "share_reference": float(mine[before].mean()) if before.any() else None,
            "share_current": float(mine[now].mean()) if now.any() else None,
            "mean_reference": float(reference.mean()) if reference.size else None,
            "mean_current": float(current.mean()) if current.size else None,
        }
        few = min(reference.size, current.size)
        if few < MINIMUM_ROWS:
            found = verdict(None, None, 0)
            side = "in the reference" if reference.size <= current.size else "now"
            return SegmentRow(**counts, state=found.state, verdict=f"{few} rows {side}, fewer than {MINIMUM_ROWS}")
        spec = reference_edges(reference, "score")
        held = profile_sample(reference, spec)
        earlier = [score[mine & past & usable] for past in pasts]
        past = band([psi_between(held, profile_sample(each, spec)) if each.size >= MINIMUM_ROWS else None for each in earlier])
        psi = psi_between(held, profile_sample(current, spec))
        rule = self.periods.rule
        found = verdict(
            psi, past, int(current.size), minimum_n=MINIMUM_ROWS, minimum_windows=rule.calibration.least_windows,
            critical_factor=rule.calibration.critical_times,
        )  # fmt: skip
        furthest = worst.get(name)
        return SegmentRow(
            **counts,
            score_psi=psi,
            usual_to=found.warning_over,
            state=found.state,
            verdict=found.reason,
            worst_input=Untrusted(furthest[0]) if furthest else None,
            worst_psi=furthest[1] if furthest else None,
        )

    def _worst_inputs(self) -> dict[object, tuple[str, float]]:
        """The input that is furthest within each segment, of those that have distances and do not follow the calendar."""
        inputs = self.periods.inputs
        columns = [each.column for each in inputs.specs if each.kind in {"numeric", "categorical", "boolean"}]
        columns = [each for each in columns if each != self.column and each not in inputs.calendar]
        sides = [self._scored(each[0], each[-1], [self.column, *columns]) for each in (self.reference_days, self.periods.days)]
        both = group_names(np.concatenate([each.columns[self.column] for each in sides]))
        names = np.array([_NONE if each is None else each for each in both], dtype=object)
        of_before, of_now = names[: len(sides[0])], names[len(sides[0]) :]
        worst: dict[object, tuple[str, float]] = {}
        for name in set(of_now.tolist()):
            before, now = of_before == name, of_now == name
            if min(before.sum(), now.sum()) < MINIMUM_ROWS:
                continue
            for column in columns:
                psi = _psi(sides[0].columns[column][before], sides[1].columns[column][now])
                if psi is not None and (name not in worst or psi > worst[name][1]):
                    worst[name] = (column, psi)
        return worst

    def _scored(self, first: date, last: date, columns: Sequence[str]) -> Scored:
        start, end = self._span(first, last)
        rows = queries.scored(self.reader, self.sight.environment, self.model.name, start, end, role="live", columns=columns, keys=False)
        return without_candidates(rows, self.beside)

    def _within(self, rows: Scored, first: date, last: date) -> Mask:
        start, end = (np.datetime64(each.replace(tzinfo=None), "us") for each in self._span(first, last))
        return (rows.event_at >= start) & (rows.event_at < end)

    def _span(self, first: date, last: date) -> tuple[datetime, datetime]:
        return day_start(first, self.zone), min(self.sight.at, day_start(last + DAY, self.zone))


def _few_numbers(values: npt.NDArray[Any]) -> bool:
    return values.dtype.kind != "f" or np.unique(values[np.isfinite(values)]).size <= DISTINCT


_NONE = ("missing",)
"""Stands for a missing value among names, which are texts."""


def _psi(before: npt.NDArray[Any], now: npt.NDArray[Any]) -> float | None:
    if before.dtype.kind == "f":
        spec = reference_edges(before)
        return psi_between(profile_sample(before, spec), profile_sample(now, spec))
    if before.dtype.kind == "O":
        return psi_between(profile_categories(before.tolist()), profile_categories(now.tolist()))
    return None
