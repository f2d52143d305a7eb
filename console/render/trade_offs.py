"""Precision and recall at other thresholds, as rows of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.render import figures
from widgets.line import Line, Row, columns, line, rule

if TYPE_CHECKING:
    from console.views.quality.trade_offs import TradeOff


def trade_off_rows(found: Sequence[TradeOff], width: int, note: str = "") -> list[Row]:
    """A row for each threshold, the one in force marked in words; nothing where there is none."""
    if not found or not any(each.selected for each in found):
        return []
    heads = [("  FROM", 10, "dim"), ("SELECTED", -9, "dim"), ("SHARE", -7, "dim"), ("PRECISION", -19, "dim"), ("RECALL", -19, "dim")]
    rows = [Row(Line()), Row(rule("Precision and recall by threshold", width, note)), Row(columns(heads))]
    for each in found:
        role = "bold" if each.in_force else ""
        cells = [
            (f"  {threshold_text(each.threshold)}", 10, role),
            (figures.count(each.selected), -9, role),
            (figures.percent(each.share), -7, role),
            (_rate(each.precision, each.precision_low, each.precision_high), -19, role if each.precision is not None else "unknown"),
            (_rate(each.recall, each.recall_low, each.recall_high), -19, role if each.recall is not None else "unknown"),
            ("in force" if each.in_force else "", 8, "bold"),
        ]
        rows.append(Row(columns(cells)))
    # One reason for each number: it is the same at every threshold but for the threshold that it names.
    reasons = {name: reason for each in reversed(found) for name, reason in each.reasons.items()}
    return rows + [Row(line((f"  unkn: {reason}", "dim"))) for reason in reasons.values()]


def threshold_text(threshold: float) -> str:
    """`.3`, without a leading zero."""
    text = f"{threshold:g}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _rate(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "unkn"
    return figures.share(value) + (f" ({figures.share(low)}-{figures.share(high)})" if low is not None and high is not None else "")
