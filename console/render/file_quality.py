"""The page of the quality of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backends.text import Untrusted, shortened
from console.render import figures
from console.render.trade_offs import trade_off_rows
from console.views.quality.file import FileQualityView, GroupFairness, Metrics
from widgets.line import Line, Page, Row, columns, line, rule
from widgets.wrapping import wrapped

_COLUMNS: Final = (
    ("base_rate", "OBS"),
    ("mean_score", "MEAN"),
    ("auc", "AUC"),
    ("average_precision", "AP"),
    ("brier", "BRIER"),
    ("ece", "ECE"),
    ("selection_rate", "SEL"),
    ("precision", "PREC"),
    ("recall", "REC"),
)

_IN_WORDS: Final = {
    "base_rate": "observed", "auc": "AUC", "average_precision": "AP", "brier": "Brier", "precision": "precision",
    "recall": "recall",
}  # fmt: skip


def file_quality_page(view: FileQualityView, *, width: int) -> Page:
    """Overall first, then where it is worst, by period, by slice, by group."""
    overall = view.overall
    heading = line(
        (shortened(Untrusted(view.file), 20), "title"),
        f"  {figures.count(overall.rows)} rows, {figures.count(overall.labelled)} labelled ({figures.percent(overall.label_coverage)})",
        "" if view.threshold is None else f", threshold {figures.share(view.threshold, 2)}",
    )
    rows = [
        Row(Line()),
        Row(_head()),
        Row(_numbers("all rows", overall)),
        *(Row(each) for each in wrapped(_intervals(overall), width - 1, 7)),
    ]
    rows += [Row(line((f" unkn: {reason}", "dim"))) for reason in sorted(set(overall.reasons.values()))]
    rows += _worst(view, width)
    rows += trade_off_rows(view.trade_offs, width, "all rows")
    if view.by is not None:
        rows += _table(f"By {view.by}", view.by_period, width)
    for column, values in view.by_slice.items():
        rows += _table(f"By {column}", values, width)
    for column, found in view.fairness.items():
        rows += _fairness(column, found, width)
    notes = [each for note in view.notes for each in wrapped(line((f" {note}", "dim")), width - 1, 1)]
    rows += [Row(Line()), *map(Row, notes)] if notes else []
    return Page(heading, tuple(rows), "quality")


def _head() -> Line:
    heads = [(name, -6, "dim") for _, name in _COLUMNS]
    return columns([("", 14, "dim"), ("LABELLED", -9, "dim"), *heads], gap=0)


def _numbers(name: str, metrics: Metrics) -> Line:
    values = [getattr(metrics, field) for field, _ in _COLUMNS]
    cells = [("unkn" if value is None else figures.share(value), -6, "unknown" if value is None else "") for value in values]
    return columns([(_named(name), 14, ""), (figures.count(metrics.labelled), -9, ""), *cells], gap=0)


def _named(value: str) -> Untrusted:
    """A value as it is drawn: an empty text would be no name at all."""
    return Untrusted(value or '""')


def _intervals(metrics: Metrics) -> Line:
    said = [
        f"{_IN_WORDS[name]} {figures.share(low)}-{figures.share(high)}"
        for name, (low, high) in metrics.intervals.items()
        if name in _IN_WORDS
    ]
    loss, ends = metrics.log_loss, metrics.intervals.get("log_loss")
    if loss is not None:
        said.append(f"log loss {figures.share(loss)}" + (f" ({figures.share(ends[0])}-{figures.share(ends[1])})" if ends else ""))
    return line((f" 95 %: {', '.join(said)}" if said else "", "dim"))


def _table(title: str, values: Mapping[str, Metrics], width: int) -> list[Row]:
    rows = [Row(Line()), Row(rule(title, width)), Row(_head())]
    rows += [Row(_numbers(name, metrics)) for name, metrics in values.items()]
    shown = {field for field, _ in _COLUMNS}
    reasons = {reason for metrics in values.values() for field, reason in metrics.reasons.items() if field in shown}
    return rows + [Row(line((f" unkn: {reason}", "dim"))) for reason in sorted(reasons)]


def _worst(view: FileQualityView, width: int) -> list[Row]:
    if not view.slices_searched:
        return []
    note = f"{view.slices_searched:,} slices of at least {view.minimum} labelled rows"
    rows = [Row(Line()), Row(rule("Worst slices", width, note))]
    for each in view.worst_slices:
        where = " and ".join(f"{column} {_named(value).raw}" for column, value in each.where.items())
        figure = f"Brier {figures.share(each.brier)}, {figures.signed(each.excess)} ({figures.share(each.low)}-{figures.share(each.high)})"
        rows.append(Row(columns([(" ", 1, ""), (Untrusted(where), 30, ""), (f"n {figures.count(each.n)}", -9, ""), (figure, -36, "")])))
    if not view.worst_slices:
        rows.append(Row(line(" none is certainly worse than the rest")))
    return rows


def _fairness(column: str, found: GroupFairness, width: int) -> list[Row]:
    compared = len(found.by_group) - len(found.left_out)
    note = f"{compared} of {len(found.by_group)} groups compared, from {found.minimum} scored rows up"
    rows = [Row(Line()), Row(rule(f"Groups of {column}", width, note))]
    for title, value, field in (
        ("demographic parity difference", found.demographic_parity_difference, "demographic_parity_difference"),
        ("demographic parity ratio", found.demographic_parity_ratio, "demographic_parity_ratio"),
        ("equalized odds difference", found.equalized_odds_difference, "equalized_odds_difference"),
    ):
        said = figures.share(value) if value is not None else f"unkn: {found.reasons.get(field, '')}"
        rows.append(Row(line(f" {title:<31}", (said, "" if value is not None else "unknown"))))
    if found.few:
        said = "; ".join(f"{_named(name).raw}: {why}" for name, why in found.few.items())
        rest = line(" ", ("equalized odds are mostly chance here, ", "warning"), Untrusted(f"{said} (read the intervals)"))
        rows += [Row(part) for part in wrapped(rest, width, 1)]
    head = columns(
        [("", 14, "dim"), ("ROWS", -9, "dim"), ("SELECTED", -20, "dim"), ("TRUE POSITIVE", -18, "dim"), ("FALSE POSITIVE", -18, "dim")],
        gap=0,
    )
    rows.append(Row(head))
    for name, each in found.by_group.items():
        cells = [
            (_rate(each.selection_rate, each.intervals.get("selection_rate")), -20, ""),
            (_rate(each.true_positive_rate, each.intervals.get("true_positive_rate")), -18, ""),
            (_rate(each.false_positive_rate, each.intervals.get("false_positive_rate")), -18, ""),
        ]
        rows.append(Row(columns([(_named(name), 14, ""), (figures.count(each.rows), -9, ""), *cells], gap=0)))
    if found.left_out:
        small = ", ".join(
            f"{_named(name).raw} (n {figures.count(found.by_group[name].rows - found.by_group[name].left_out)})" for name in found.left_out
        )
        told = line((" left out of the differences, too few rows: ", "warning"), Untrusted(small))
        rows += [Row(each) for each in wrapped(told, width - 1, 3)]
    return rows


def _rate(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return "unkn"
    return figures.share(value) + (f" ({figures.share(interval[0])}-{figures.share(interval[1])})" if interval else "")
