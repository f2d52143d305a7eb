"""In which order columns are read: the worst state first, and within it what matters most to the model."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from backends.records import State, severity_rank
from console.views.drift.column import ColumnShift


def ranked(shifts: Sequence[ColumnShift]) -> list[ColumnShift]:
    """Columns by state; those that are not ok by importance x effect, the others by importance; what has no distances last.

    The effect is the JS distance, which has an end, or 1 where values are gone. A column whose importance nobody recorded counts as
    one of median importance; where none is recorded, the effect decides alone.
    """
    known = [max(each.importance, 0.0) for each in shifts if each.importance is not None]
    typical = median(known) if known else 1.0

    def key(each: ColumnShift) -> tuple[object, ...]:
        fine = each.state == State.OK
        importance = typical if each.importance is None else max(each.importance, 0.0)
        weight = 0.0 if fine else importance * effect(each)
        return (
            each.refused,
            severity_rank(each.state),
            -weight,
            each.is_score,
            -(each.importance or 0.0),
            -(each.judged or 0.0),
            each.column.raw,
        )

    return sorted(shifts, key=key)


def effect(shift: ColumnShift) -> float:
    """How far a column is from its reference, 0 to 1."""
    if shift.js is not None:
        return shift.js
    return 1.0 if shift.state == State.CRITICAL else 0.0
