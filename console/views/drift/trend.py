"""Slow trends: whether the mean of a column rises or falls from window to window, however small each step is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from console.analysis.trend import MINIMUM, trend
from console.views.drift.column import ColumnShift, SlowTrend

if TYPE_CHECKING:
    from console.views.drift.input_days import InputDays

CHANCE: Final = 0.01
"""How likely one trend in all columns together may be found for nothing: each column gets its part of it."""

LARGE: Final = 0.5
"""Change over all windows from which a trend is called one, in widths from the 10th to the 90th percentile of the reference."""


def with_trends(shifts: Sequence[ColumnShift], inputs: InputDays, days: Sequence[date]) -> list[ColumnShift]:
    """The same columns, each with its trend, or under `reasons` why there is none."""
    means = {each.column.raw: _means(each, inputs, days) for each in shifts if each.kind == "numeric" and not each.calendar}
    means = {name: found for name, found in means.items() if len(found) >= MINIMUM}
    return [_with(each, inputs, means.get(each.column.raw), len(means), len(days)) for each in shifts]


def _with(shift: ColumnShift, inputs: InputDays, means: list[tuple[date, float]] | None, columns: int, length: int) -> ColumnShift:
    if means is None:
        why = "it follows the calendar" if shift.calendar else "only numbers rise or fall"
        why = f"fewer than {MINIMUM} windows have a mean" if shift.kind == "numeric" and not shift.calendar else why
        return shift.model_copy(update={"reasons": {**shift.reasons, "trend": why}})
    since = means[0][0]
    found = trend([(last - since).days / 7 for last, _ in means], [mean for _, mean in means])
    if found is None:
        return shift.model_copy(update={"reasons": {**shift.reasons, "trend": "every window has the same mean"}})
    needed = CHANCE / max(columns, 1)
    width = _width(inputs, shift.column.raw)
    change = found.slope * (means[-1][0] - since).days / 7 / width if width else None
    slow = SlowTrend(
        per_week=found.slope, low=found.low, high=found.high, p_value=found.p_value, p_needed=needed, columns=columns, windows=found.n,
        first=since - timedelta(days=length - 1), last=means[-1][0], change=change,
        found=found.p_value < needed and change is not None and abs(change) >= LARGE,
    )  # fmt: skip
    return shift.model_copy(update={"trend": slow})


def _means(shift: ColumnShift, inputs: InputDays, days: Sequence[date]) -> list[tuple[date, float]]:
    """(last day, mean) of the earlier windows that have facts on every day, and of the current one, oldest first."""
    lasts = [each.last for each in shift.earlier if each.psi is not None]
    found = []
    for last in (*lasts, days[-1]):
        window = [last - timedelta(days=back) for back in range(len(days) - 1, -1, -1)]
        profile = inputs.over(shift.column.raw, window)
        if profile is not None and profile.mean is not None:
            found.append((last, profile.mean))
    return found


def _width(inputs: InputDays, column: str) -> float:
    spec = next((each for each in (*inputs.specs, *([inputs.score] if inputs.score else [])) if each.column == column), None)
    return spec.edges[-1] - spec.edges[0] if spec is not None and spec.edges else 0.0
