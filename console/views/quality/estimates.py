"""Estimates of quality for the periods of a page, beside what is realised on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from backends.profile.days import DAY
from backends.records import State
from console.analysis.intervals import Bools, Floats, Ints
from console.analysis.performance_estimate import MEASURES, MINIMUM, MOST_SCORES, PossibleOutcomes, expected_auc, possible_outcomes, usable
from console.analysis.ranking import auc
from console.views.health.estimated import Estimates, KeptCalibration, kept_estimates
from console.views.health.estimation import A_NUMBER, Estimated, Estimation, Measure, Realised
from console.views.health.windows import micros
from console.views.sight import Sight

LEAST_WINDOWS: Final = 3
"""Windows of the reference from which a difference is called usual."""

OLD: Final = timedelta(days=2)
"""Age of what was learnt from which it is stale: the watch looks at it every day."""

LEARNT_ON: Final = "these days lie in the reference, whose outcomes the calibration was learnt on"

_COMPARED: Final = ("auc", "brier", "base_rate")


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Rows in order of time; `own` are the scores that the serving version gave itself."""

    event_at: Ints
    score: Floats
    label: Floats
    own: Bools


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates over any period, from what the watch learnt; without `possible` there are none."""

    rows: ScoredRows
    threshold: float | None
    calibration: KeptCalibration | None
    reason: str
    places: Ints
    """Places of the rows that `possible` is of, in order."""
    possible: PossibleOutcomes | None
    known: Floats
    """Probabilities of the reference's rows, whose places are `held`."""
    held: Ints

    def over(self, start: datetime, end: datetime) -> Estimated | None:
        """The estimate over [start, end); None when nothing was learnt, or it was learnt on outcomes of this very period."""
        if self.possible is None or self.calibration is None or start < self.calibration.until:
            return None
        first, last = np.searchsorted(self.rows.event_at[self.places], [micros(start), micros(end)])
        inside = np.arange(first, last)
        found = self.possible.over(inside, self.threshold)
        labelled = inside[np.isfinite(self.rows.label[self.places[inside]])]
        measures = []
        for name in MEASURES:
            if name in found.values or name in found.reasons:
                interval = found.intervals.get(name)
                measures.append(
                    Measure(name=name, value=found.values.get(name), low=interval.low if interval else None,
                            high=interval.high if interval else None, reason=found.reasons.get(name, ""))
                )  # fmt: skip
        days = max(1, round((end - start) / DAY))
        return Estimated(n=found.n, labelled=len(labelled), measures=tuple(measures), realised=tuple(self._realised(labelled, days)))

    def _realised(self, labelled: Ints, days: int) -> list[Realised]:
        assert self.possible is not None
        if len(labelled) < MINIMUM:
            return []
        expected = self.possible.over(labelled)
        places = self.places[labelled]
        values = _values(self.rows.score[places], self.rows.label[places])
        usual = self._usual(days)
        found = []
        for name in _COMPARED:
            value, interval = values[name], expected.intervals.get(name)
            if value is None or interval is None or name not in expected.values:
                continue
            off, most = abs(value - expected.values[name]), usual.get(name)
            found.append(
                Realised(name=name, value=value, expected=expected.values[name], low=interval.low, high=interval.high, usual=most,
                         beyond=interval.excludes(value) and most is not None and off > most)
            )  # fmt: skip
        return found

    def _usual(self, days: int) -> dict[str, float]:
        """The largest difference between realised and expected in windows of so many days of the reference, a window each day."""
        if self.calibration is None or not len(self.held):
            return {}
        at, score, label = self.rows.event_at[self.held], self.rows.score[self.held], self.rows.label[self.held]
        step, start, end = micros_of_day(), micros(self.calibration.since), micros(self.calibration.until)
        starts = np.arange(start, end - days * step + 1, step)
        found: dict[str, list[float]] = {name: [] for name in _COMPARED}
        for begin in starts.tolist():
            first, last = np.searchsorted(at, [begin, begin + days * step])
            inside = slice(int(first), int(last))
            known = np.isfinite(label[inside])
            if known.sum() < MINIMUM:
                continue
            scores, p = score[inside][known], self.known[inside][known]
            values = _values(scores, label[inside][known])
            expected = {"auc": expected_auc(scores, p), "brier": _brier(scores, p), "base_rate": float(p.mean())}
            for name in _COMPARED:
                value, hoped = values[name], expected[name]
                if value is not None and hoped is not None:
                    found[name].append(abs(value - hoped))
        return {name: max(off) for name, off in found.items() if len(off) >= LEAST_WINDOWS}

    def described(self, periods: Sequence[tuple[str, datetime, datetime, Estimated | None]], at: datetime) -> Estimation:
        """Where the estimates of some periods come from, and what they say beside the realised numbers."""
        kept = self.calibration
        found = [(name, start, end, each) for name, start, end, each in periods if each is not None]
        if kept is None or not found:
            return Estimation(reason=self.reason if kept is None else LEARNT_ON)
        _, start, end, _ = found[0]
        low, high = np.searchsorted(self.rows.event_at, [micros(start), micros(end)])
        said = [(each, name, max(1, round((end - start) / DAY))) for name, start, end, each in found]
        beyond = [each for each in said if any(one.beyond for one in each[0].realised)]
        state, conclusion = _concluded(*(beyond or [each for each in said if each[0].realised] or said)[0])
        old = at - kept.learnt_at > OLD
        return Estimation(
            learnt_at=kept.learnt_at, since=kept.since, until=kept.until, n=kept.n, digest=kept.digest,
            left_out=int((~self.rows.own[low:high]).sum()), state=State.STALE if old and state is State.OK else state,
            conclusion=conclusion, reason=self.reason,
        )  # fmt: skip


def micros_of_day() -> int:
    """Microseconds of a day."""
    return round(DAY / timedelta(microseconds=1))


def estimator_of(sight: Sight, model: str, version: str | None, task: str, rows: ScoredRows, threshold: float | None) -> Estimator:
    """What can be estimated of the rows after the reference, by what the watch learnt of this version up to now."""
    kept = kept_estimates(sight.workspace.paths, sight.environment, model, version, sight.at)
    reason = _why_not(kept, task, version, past=sight.past)
    calibration = kept.calibration if kept else None
    nothing = np.array([], dtype=np.int64)
    if calibration is None:
        return Estimator(rows, threshold, None, reason, nothing, None, np.array([]), nothing)
    fit = rows.own & usable(rows.score)
    places = np.flatnonzero(fit & (rows.event_at >= micros(calibration.until)))
    places = places[:: max(1, -(-len(places) // MOST_SCORES))]
    held = np.flatnonzero(fit & (rows.event_at >= micros(calibration.since)) & (rows.event_at < micros(calibration.until)))
    known = possible_outcomes(rows.score[held], calibration.alone()).p
    return Estimator(rows, threshold, calibration, reason, places, calibration.possible(rows.score[places]), known, held)


def _why_not(kept: Estimates | None, task: str, version: str | None, *, past: bool) -> str:
    if kept is not None:
        return kept.reasons.get("calibration", "")
    if version is None:
        return "no version serves"
    if task != "binary":
        return A_NUMBER
    if past:
        return "nothing had been learnt of this version by then"
    return "the watch has not learnt what the scores of this version stand for yet: qd watch --once"


def _values(scores: Floats, labels: Floats) -> dict[str, float | None]:
    return {"auc": auc(scores, labels == 1), "brier": float(np.mean((scores - labels) ** 2)), "base_rate": float(labels.mean())}


def _brier(scores: Floats, p: Floats) -> float:
    return float(np.mean(p * (1 - scores) ** 2 + (1 - p) * scores**2))


_NAMES: Final = {"auc": "AUC", "brier": "Brier", "base_rate": "observed share"}


def _concluded(found: Estimated, name: str, days: int) -> tuple[State, str]:
    title = f"{name[0].upper()}{name[1:]}"
    if not found.n:
        return State.UNKNOWN, f"{title}: nothing was scored that could be estimated."
    if not found.realised:
        known = f"only {found.labelled} outcomes are known" if found.labelled else "no outcome is known yet"
        return State.UNKNOWN, f"An estimate, not a measurement: {known} of {found.n:,} scores, {name}."
    beyond = [each for each in found.realised if each.beyond]
    length = "day" if days == 1 else f"{days} days"
    if beyond:
        off = f"{title}: {_listed(beyond)}: further off than in any {length} of the reference."
        return State.WARNING, f"{off} The scores do not explain it: suspect concept drift."
    if all(each.usual is None for each in found.realised):
        outside = [each for each in found.realised if not each.low <= each.value <= each.high]
        said = _listed(outside) if outside else "realised numbers lie within the estimate's intervals"
        return State.UNKNOWN, f"{title}: {said}; the reference is too short to say how far off is usual in {length}."
    return State.OK, f"{title}: realised numbers are as near to the estimate as in {length} of the reference."


def _listed(found: Sequence[Realised]) -> str:
    return ", ".join(
        f"{_NAMES[each.name]} is {_short(each.value)}, estimated {_short(each.expected)} ({_short(each.low)}-{_short(each.high)})"
        for each in found
    )


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")
