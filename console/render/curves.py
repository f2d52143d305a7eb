"""Curves where a screen has room for them: the course of a signal, of quality, of a drift, and how scores and outcomes go together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from console.render import figures
from console.render.dates import day
from console.render.distances import distance
from console.render.marks import MOST as MOST_MARKED
from console.render.marks import marked
from console.render.trade_offs import threshold_text
from widgets.chart import Limit, Series, chart_lines
from widgets.line import Line, joined, line, sides

if TYPE_CHECKING:
    from console.views.drift.view import DriftDetailView
    from console.views.health.model import ModelHealth, Signal
    from console.views.quality.view import CalibrationRow, QualityView

LEAST, MOST = 9, 16
"""Lines of a curve with its title and its axis: below the least it says no more than a strip does."""

WIDE: Final = 100
"""Cells below which a table beside nothing is read faster."""


_UNITS = {"share": (100.0, ", %"), "ms": (1.0, ", ms"), "hours": (1.0, ", hours"), "minutes": (1.0, ", minutes")}


def signal_curve(health: ModelHealth, key: str | None, zone: tzinfo, width: int, room: int) -> list[Line]:
    """The signal `key`, or the first of the worst ones, over the windows of its history, with its limits and the moment it broke."""
    shown = _drawable(health, key)
    if room < LEAST or shown is None:
        return []
    first, last = health.ends[0], health.ends[-1]
    places = [(0.0, figures.day(first, zone)), (1.0, figures.day(last, zone))]
    if shown.since is not None and first < shown.since < last:
        places.insert(1, ((shown.since - first) / (last - first), f"^ since {figures.moment(shown.since, zone)}"))
    kept = [("warn", shown.warning, "warning", "-"), ("crit", shown.critical, "dim", "=")]
    # Shares are written in percent everywhere, and so is their axis.
    scale, unit = _UNITS.get(shown.unit, (1.0, ""))
    limits = [Limit(value * scale, role, marker) for _, value, role, marker in kept if value is not None]
    history = [value * scale if value is not None else None for value in shown.history]
    said = "  ".join(f"{word} {figures.amount(value, shown.unit)} ({marker})" for word, value, _, marker in kept if value is not None)
    each = f"windows of {shown.window_hours:g} h" if shown.window_hours else "by window"
    title = sides(line((f" {shown.title}{unit}, {each}", "dim")), line((f"{said} ", "dim")), width)
    length = last - first
    changes = marked(health.marks, lambda at: (at - first) / length if length else None, zone, width, room - LEAST - 1)
    height = min(MOST, room - 2 - len(changes.words))
    drawn = chart_lines([Series(history, "bold")], width - 2, height, limits=limits, x_labels=places, x_marks=changes.letters)
    return [Line(), title, *_indented(drawn), *changes.words]


def _drawable(health: ModelHealth, key: str | None) -> Signal | None:
    signals = [signal for layer in health.layers for signal in layer.signals if sum(each is not None for each in signal.history) > 1]
    by_key = next((signal for signal in signals if signal.id == key), None)
    worst = next((signal for word in ("critical", "warning") for signal in signals if str(signal.state) == word), None)
    found = by_key if by_key is not None else worst
    return found if found is not None and len(health.ends) == len(found.history) else None


def quality_curve(view: QualityView, width: int) -> list[Line]:
    """What was observed beside what was scored, by period; of a regression its mean absolute error. None where fewer than two are known."""
    names = ("mae",) if view.task == "regression" else ("base_rate", "mean_score")
    words = {"mae": "MAE (*), its 95 % interval (.)", "base_rate": "observed share (*), its 95 % interval (.), mean score (o)"}
    measures = [[period.measure(name) for period in view.course] for name in names]
    if width < WIDE or sum(each.value is not None for each in measures[0]) < 2:
        return []
    series = [Series([getattr(each, end) for each in measures[0]], "dim", ".") for end in ("low", "high")]
    series += [Series([each.value for each in course], "", "o") for course in measures[1:]]
    series.append(Series([each.value for each in measures[0]], "bold"))
    places = [(0.0, view.course[0].name), (1.0, view.course[-1].name)]
    title = line((f" {words[names[0]]}, by {view.by}, {view.zone}", "dim"))
    spans = [(period.since, period.until) for period in view.course]
    changes = marked(view.marks, lambda at: _within(at, spans), ZoneInfo(view.zone), width, MOST_MARKED)
    drawn = chart_lines(series, width - 2, MOST - 4 + bool(changes.letters), x_labels=places, x_marks=changes.letters)
    return [title, *_indented(drawn), *changes.words]


def _within(at: datetime, spans: Sequence[tuple[datetime, datetime]]) -> float | None:
    """Where the period that holds a moment is drawn; None where none does."""
    number = next((number for number, (start, end) in enumerate(spans) if start <= at < end), None)
    return number / (len(spans) - 1) if number is not None and len(spans) > 1 else None


def calibration_curve(rows: Sequence[CalibrationRow], width: int) -> list[Line]:
    """Observed share of each bin of scores over its mean score: on a calibrated model `*` lies on `.`."""
    held = [each for each in rows if each.n]
    if width < WIDE or len(held) < 2:
        return []
    series = [
        Series([each.mean_score for each in rows], "dim", "."),
        Series([each.observed_low for each in rows], "dim", "-"),
        Series([each.observed_high for each in rows], "dim", "-"),
        Series([each.observed for each in rows], "bold"),
    ]
    places = [(0.0, "scores from 0"), (1.0, "to 1")]
    title = line((" observed (*) with its 95 % interval (-), and what a calibrated model would have (.)", "dim"))
    return [title, *_indented(chart_lines(series, min(width - 2, 80), MOST - 4, x_labels=places, low=0.0, high=1.0))]


def precision_recall_curve(view: QualityView, width: int) -> list[Line]:
    """Precision over recall, with the share that a choice by chance would have, and where the threshold in force lies."""
    points = view.precision_recall
    if width < WIDE or len(points) < 2:
        return []
    first, last = points[0].at_least, points[-1].at_least
    places = [(0.0, f"recall {figures.share(first, 2)}"), (1.0, figures.share(last, 2))]
    at = next((each for each in view.trade_offs if each.in_force and each.recall is not None), None)
    if at is not None and at.recall is not None:
        places.insert(1, (max(0.0, (at.recall - first) / (last - first)), f"^ from {threshold_text(at.threshold)}"))
    chance = view.periods[0].measure("base_rate").value
    limits = [Limit(chance, "dim", ".")] if chance is not None else []
    said = " precision (*) over recall, from the highest scores on" + (
        f", and of rows chosen by chance {figures.share(chance)} (.)" if limits else ""
    )
    series = [Series([each.precision for each in points], "bold")]
    return [
        line((said, "dim")),
        *_indented(chart_lines(series, min(width - 2, 80), MOST - 4, limits=limits, x_labels=places, low=0.0, high=1.0)),
    ]


def drift_curve(view: DriftDetailView, width: int, room: int) -> list[Line]:
    """PSI of one column in the earlier windows and now, with the median of these windows and the limit that now is judged by."""
    shift = view.shift
    values = [*(each.psi for each in shift.earlier), shift.judged]
    if room < LEAST or width < WIDE or sum(each is not None for each in values) < 2:
        return []
    kept = [("median", shift.band_median, "dim", "."), ("usual to", shift.limit, "warning", "-")]
    limits = [Limit(value, role, marker) for _, value, role, marker in kept if value is not None]
    said = "  ".join(f"{word} {distance(value)} ({marker})" for word, value, _, marker in kept if value is not None)
    now = f"now {distance(shift.judged)}" if shift.judged is not None else "now unknown"
    length = (view.last - view.first).days + 1
    title = sides(
        line((f" {shift.measure} in windows of {'a day' if length == 1 else f'{length} days'}, {now}", "dim")),
        line((f"{said} ", "dim")),
        width,
    )
    places = [(0.0, day(shift.earlier[0].last)), (1.0, day(view.last))]
    zone = ZoneInfo(view.zone)
    windows = [*((each.first, each.last) for each in shift.earlier), (view.first, view.last)]
    spans = [(_midnight(first, zone), _midnight(last + timedelta(days=1), zone)) for first, last in windows]
    changes = marked(view.marks, lambda at: _within(at, spans), zone, width, room - LEAST - 1)
    height = min(MOST, room - 2 - len(changes.words))
    drawn = chart_lines([Series(values, "bold")], width - 2, height, limits=limits, x_labels=places, x_marks=changes.letters)
    return [Line(), title, *_indented(drawn), *changes.words]


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _indented(drawn: Sequence[Line]) -> list[Line]:
    return [joined([line(" "), each]) for each in drawn]
