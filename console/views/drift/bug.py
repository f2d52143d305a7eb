"""Real or a bug? What is looked at before anybody thinks of a retrain: schema, nulls, units, volume, freshness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from backends.profile.days import DAY, day_start
from backends.records import State, severity_rank
from console.analysis.units import Spread, changed_unit
from console.views.health.model import ModelHealth, Signal, View

if TYPE_CHECKING:
    from datetime import date, datetime

    from console.views.drift.column import ColumnShift
    from console.views.drift.input_days import InputDays

Name = Literal["schema", "nulls", "units", "volume", "freshness"]

FEW, MANY, HARDLY = 0.5, 2.0, 0.1
"""Rows a day against those of the reference: below or above which volume warns, and below which it is critical."""

FAILING: Final = frozenset({State.WARNING, State.CRITICAL})
NOW_ONLY: Final = "judged for now only, not for the days asked for"


class BugCheck(View):
    """One thing that a fault of a pipeline shows in."""

    name: Name
    state: State
    why: str


class RealOrBug(View):
    """The first question of a look at drift, and what its answer rests on."""

    state: State = State.UNKNOWN
    verdict: str = "nothing to compare, so a bug cannot be told from the world"
    checks: tuple[BugCheck, ...] = ()

    def failing(self, *names: Name) -> BugCheck | None:
        """The worst of these checks that is not in order; None when all are, or nobody knows."""
        found = [each for each in self.checks if each.name in names and each.state in FAILING]
        return min(found, key=lambda each: severity_rank(each.state), default=None)


def real_or_bug(
    shifts: Sequence[ColumnShift], health: ModelHealth, by_signal: Mapping[str, str], ratio: float | None, *, today: bool
) -> RealOrBug:
    """Judge; `by_signal` names the rule that watches a signal, `ratio` is rows a day now by rows a day in the reference."""
    signals = {signal.id: signal for layer in health.layers for signal in layer.signals}
    watched = {name: signals.get(rule) for name, rule in by_signal.items()}
    checks = (
        _schema(shifts, watched.get("schema_violations"), today),
        _nulls(shifts, watched.get("null_share"), today),
        _units(shifts),
        _volume(ratio),
        _watched("freshness", watched.get("age_hours"), today),
    )
    failing = sorted((each for each in checks if each.state in FAILING), key=lambda each: severity_rank(each.state))
    fine = [each.name for each in checks if each.state is State.OK]
    unknown = [each.name for each in checks if each.state not in FAILING | {State.OK}]
    if failing:
        said = "; ".join(f"{each.name}: {each.why}" for each in failing)
        return RealOrBug(state=failing[0].state, verdict=f"suspect a bug before the world: {said}", checks=checks)
    if unknown:
        said = f"no bug seen in {', '.join(fine)}; " if fine else ""
        return RealOrBug(verdict=f"{said}{', '.join(unknown)} not known", checks=checks)
    return RealOrBug(state=State.OK, verdict=f"no bug seen in {', '.join(fine)}", checks=checks)


def volume_ratio(inputs: InputDays, days: Sequence[date], at: datetime) -> float | None:
    """Answers a day over `days`, up to `at`, by answers a day of what they are compared with; None when either has none.

    Answers of every version: that a candidate gave some of them says nothing of how much was asked.
    """
    from console.views.drift.input_days import SCORE  # what is only shown needs no arithmetic

    before, now = inputs.against(SCORE, days), inputs.judged(SCORE, days)
    then, current = inputs.answered(before), inputs.answered(now)
    if not then or current is None:
        return None
    # Days without a single fact count as days: that there were none is what is asked.
    elapsed = (min(at, day_start(now[-1] + DAY, inputs.zone)) - day_start(now[0], inputs.zone)) / DAY if len(now) == len(days) else len(now)
    return (current / elapsed) / (then / len(before)) if elapsed > 0 else None


def _watched(name: Name, signal: Signal | None, today: bool) -> BugCheck:
    if not today:
        return BugCheck(name=name, state=State.UNKNOWN, why=NOW_ONLY)
    if signal is None:
        return BugCheck(name=name, state=State.UNKNOWN, why="no rule watches it")
    return BugCheck(name=name, state=signal.state, why=signal.why)


def _schema(shifts: Sequence[ColumnShift], signal: Signal | None, today: bool) -> BugCheck:
    turned = [each for each in shifts if each.fault == "schema"]
    if turned:
        return BugCheck(name="schema", state=State.CRITICAL, why="; ".join(f"{each.column.raw}: {each.verdict}" for each in turned[:3]))
    return _watched("schema", signal, today)


def _nulls(shifts: Sequence[ColumnShift], signal: Signal | None, today: bool) -> BugCheck:
    lost = [each for each in shifts if each.fault == "nulls"]
    if lost:
        return BugCheck(name="nulls", state=State.CRITICAL, why="; ".join(f"{each.column.raw} {each.verdict}" for each in lost[:3]))
    if today and signal is not None and signal.state in FAILING:
        return BugCheck(name="nulls", state=signal.state, why=signal.why)
    rises = [
        each.nulls_current - each.nulls_reference for each in shifts if each.nulls_current is not None and each.nulls_reference is not None
    ]
    if not rises:
        return BugCheck(name="nulls", state=State.UNKNOWN, why="no input is known on both sides")
    return BugCheck(name="nulls", state=State.OK, why=f"missing values rose by at most {max(0.0, *rises):.1%} of the rows")


def _units(shifts: Sequence[ColumnShift]) -> BugCheck:
    found, looked = [], 0
    for each in shifts:
        before, now = _spread(each, "reference"), _spread(each, "current")
        if each.is_score or before is None or now is None:
            continue
        looked += 1
        unit = changed_unit(before, now) if each.state is not State.OK else None
        if unit is not None:
            found.append(f"{each.column.raw} looks converted ({unit})")
    if found:
        return BugCheck(name="units", state=State.CRITICAL, why="; ".join(found))
    if not looked:
        return BugCheck(name="units", state=State.UNKNOWN, why="no number is known on both sides")
    return BugCheck(name="units", state=State.OK, why="no column moved as a change of its unit would move it")


def _spread(shift: ColumnShift, side: Literal["reference", "current"]) -> Spread | None:
    mean, low, high = (
        (shift.mean_reference, shift.low_reference, shift.high_reference)
        if side == "reference"
        else (shift.mean_current, shift.low_current, shift.high_current)
    )
    return None if shift.kind != "numeric" or mean is None or low is None or high is None else Spread(mean, low, high)


def _volume(ratio: float | None) -> BugCheck:
    if ratio is None:
        return BugCheck(name="volume", state=State.UNKNOWN, why="one of the periods has no rows")
    state = State.CRITICAL if ratio < HARDLY else State.WARNING if not FEW <= ratio <= MANY else State.OK
    return BugCheck(name="volume", state=state, why=f"{ratio:.2f} times the rows a day of the reference")
