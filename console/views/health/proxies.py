"""Signals that are known before outcomes are: they stand for quality, and are not it, until the outcomes of their window have come."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from backends.store.queries import COMPLETE_SHARE
from console.views.health.judging import Judged
from console.views.health.windows import HOUR, Rows

KNOWN_EARLY: Final = frozenset({"score_psi", "score_mean_jump", "input_psi", "estimated_auc_drop"})


def as_proxies(judged: list[Judged], rows: Rows, now: int) -> list[Judged]:
    """The same signals, those that are known early with the share of outcomes of their window that is known, and what follows from it."""
    return [_marked(each, rows, now) for each in judged]


def _marked(judged: Judged, rows: Rows, now: int) -> Judged:
    if judged.rule is None or judged.rule.signal not in KNOWN_EARLY or judged.signal.value is None:
        return judged
    window = rows.between(now - round(judged.rule.window.total_seconds() / 3600 * HOUR), now)
    known = ~np.isnan(rows.label[window]) & (rows.label_known_at[window] <= now)
    share = float(known.mean()) if known.size else None
    proxy = share is None or share < COMPLETE_SHARE
    return replace(judged, signal=judged.signal.model_copy(update={"proxy": proxy, "outcomes_known": share}))
