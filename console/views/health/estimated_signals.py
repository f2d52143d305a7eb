"""Signals that are estimates: what scores alone let expect, before their outcomes are known."""

from __future__ import annotations

from typing import Final

import numpy as np

from console.analysis.performance_estimate import Calibration, expected_aucs, usable
from console.views.health.judging import Limits
from console.views.health.measures import Material, Measure, Measured
from console.views.health.windows import Floats, Ints, micros

MINIMUM: Final = 200
"""Scores below which a window is not estimated."""

MOST: Final = 2_000
"""Scores of a window that are looked at; of more, every k-th is taken, evenly over time."""

SMALL_DROP: Final = 0.02
"""An AUC lost up to this never alarms, however unusual for a quiet past."""


def estimated_auc_drop(material: Material, ends: Ints, width: int) -> Measured:
    """Estimated AUC of the reference less that of each window, at least: the lower end of the 95 % interval, never below 0.

    Both sides are estimated by the same calibrations, each learnt on resampled days of the reference: what differs between these is
    the doubt. Only scores that the serving version gave itself count.
    """
    rows, kept = material.rows, material.calibration
    counted = np.zeros(len(ends), dtype=np.int64)
    if kept is None or material.version is None:
        return Measured(np.full(len(ends), np.nan), counted, why_not=material.not_calibrated)
    own = (rows.version == material.version) & (rows.served_by == "model") & usable(rows.score)
    at, scores = rows.event_at[own], rows.score[own]
    # The first map is of all rows: it says how much, the others how sure that is.
    maps = kept.each()[1:]
    begin, until = np.searchsorted(at, [micros(kept.since), micros(kept.until)])
    then = _each(scores[begin:until], maps)
    least, most = np.full(len(ends), np.nan), np.full(len(ends), np.nan)
    for place, end in enumerate(ends.tolist()):
        first, last = np.searchsorted(at, [end - width, end])
        counted[place] = last - first
        if last - first >= MINIMUM and until - begin >= MINIMUM:
            lost = then - _each(scores[first:last], maps)
            if np.isfinite(lost).all():
                least[place], most[place] = np.maximum(np.percentile(lost, [2.5, 97.5]), 0.0)
    why = f"fewer than {MINIMUM} scores of its own in the window or in the reference"
    return Measured(least, counted, counted, float(least[-1]), float(most[-1]), why_not=why)


def beyond_custom(limits: Limits) -> Limits:
    """Limits of an estimated loss that are taken from a quiet past, raised to what is no loss worth a person."""
    warning, critical = limits.warning, limits.critical
    return Limits(
        None if warning is None else max(warning, SMALL_DROP), None if critical is None else max(critical, 2 * SMALL_DROP), limits.because
    )


def _each(scores: Floats, maps: list[Calibration]) -> Floats:
    # In order, each score is looked for in a map where the one before it was found.
    some = np.sort(scores[:: max(1, -(-len(scores) // MOST))])
    return expected_aucs(some, np.array([each(some) for each in maps])) if len(some) else np.full(len(maps), np.nan)


ESTIMATED: dict[str, Measure] = {"estimated_auc_drop": estimated_auc_drop}
"""Judged once a step of the strip, as what rests on outcomes is."""
