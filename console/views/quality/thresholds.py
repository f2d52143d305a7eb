"""Puts precision and recall at other thresholds together, for models and for files alike."""

from __future__ import annotations

import numpy.typing as npt

from console.analysis import trade_offs as analysis
from console.views.quality.trade_offs import CurvePoint, TradeOff


def trade_offs(scores: npt.ArrayLike, labels: npt.ArrayLike, threshold: float | None) -> tuple[TradeOff, ...]:
    """At round thresholds around the one in force, or from .1 to .9 where there is none; lowest first."""
    return tuple(
        TradeOff(
            threshold=each.threshold,
            in_force=each.threshold == threshold,
            selected=each.selected,
            share=each.share,
            precision=each.precision,
            precision_low=each.precision_interval.low if each.precision_interval else None,
            precision_high=each.precision_interval.high if each.precision_interval else None,
            recall=each.recall,
            recall_low=each.recall_interval.low if each.recall_interval else None,
            recall_high=each.recall_interval.high if each.recall_interval else None,
            reasons=each.reasons,
        )
        for each in analysis.trade_offs(scores, labels, threshold)
    )


def curve(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[CurvePoint, ...]:
    """Precision at recalls of .05, .1, ... 1, over the labelled rows; none without a positive outcome."""
    return tuple(
        CurvePoint(at_least=each.at_least, recall=each.recall, precision=each.precision, threshold=each.threshold)
        for each in analysis.precision_recall_curve(scores, labels)
    )
