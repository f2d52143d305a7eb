"""Estimates beside realised numbers: a part of the Quality page."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

from console.render import figures
from widgets.line import MARKS, Line, Row, columns, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.health.estimation import Estimated, Realised
    from console.views.quality.view import Period, QualityView

_NAMES = {"auc": "AUC", "brier": "Brier", "base_rate": "share"}
_TITLES = {"auc": "estimated AUC", "brier": "estimated Brier", "base_rate": "estimated share"}


def estimates_of(view: QualityView, zone: tzinfo, width: int) -> list[Row]:
    """The part of the page: estimates of each period, realised numbers of the same rows, what both say, and what they cannot say."""
    made = view.estimation
    learnt = f"learnt {figures.moment(made.learnt_at, zone)} on n {figures.count(made.n)}" if made.learnt_at else "from scores alone"
    rows = [Row(Line()), Row(rule("Estimated before outcomes", width, learnt))]
    periods = [each for each in view.periods if each.estimated is not None]
    if not periods:
        said = wrapped(line((f" ? Not estimated: {made.reason}.", "unknown")), width, 3)
        return rows + [Row(each, key="estimate" if not number else None, why=line("no estimate; e explains what one would be"))
                       for number, each in enumerate(said)]  # fmt: skip
    cell = max(22, (width - 26) // 3)
    rows.append(Row(columns([("", 22, ""), *((each.name, -cell, "bold") for each in periods)])))
    for name, title in _NAMES.items():
        rows.append(_estimated(periods, name, cell))
        rows.append(Row(columns([(f"   realised {title}", 22, ""), *((_realised(each, name), -cell, "") for each in periods)])))
    counted = [(_counted(each), -cell, "dim") for each in periods]
    rows.append(Row(columns([(" known outcomes", 22, "dim"), *counted])))
    state = str(made.state)
    said = wrapped(line((f"{MARKS[state]} ", state), (made.conclusion, "bold")), width, 2)
    rows += [Row(each, key="estimate" if not number else None, why=line(made.conclusion), state=state) for number, each in enumerate(said)]
    if made.left_out:
        left = f"  {figures.count(made.left_out)} scores of another version, or of what stood in for the model, are left out."
        rows += [Row(each) for each in wrapped(line((left, "dim")), width, 2)]
    if made.reason:
        rows += [Row(each) for each in wrapped(line((f"  Not learnt anew: {made.reason}.", "warning")), width, 2)]
    rows += [Row(each) for each in wrapped(line((f"  {made.blind_spot}", "")), width, 2)]
    rows += [Row(each) for each in wrapped(line((f"  Assumes: {'; '.join(made.assumptions)}.", "dim")), width, 2)]
    return rows


def _estimated(periods: list[Period], name: str, cell: int) -> Row:
    cells = []
    for each in periods:
        assert each.estimated is not None
        measure = each.estimated.measure(name)
        known = measure.value is not None
        between = f" ({figures.share(measure.low)}-{figures.share(measure.high)})" if known and measure.low is not None else ""
        cells.append((f"{figures.share(measure.value)}{between}" if known else "unkn", -cell, "" if known else "unknown"))
    first = periods[0].estimated
    assert first is not None
    measure = first.measure(name)
    why = f"{_TITLES[name]}, {periods[0].name}: "
    why += measure.reason if measure.value is None else f"an estimate from {figures.count(first.n)} scores, outcomes known or not"
    return Row(columns([(f" {_TITLES[name]}", 22, ""), *cells]), key=f"estimated_{name}", why=line(why))


def _realised(period: Period, name: str) -> str:
    assert period.estimated is not None
    found = realised_of(period.estimated, name)
    if found is None:
        return "unkn"
    off = figures.signed(found.value - found.expected, 3)
    return f"{figures.share(found.value)}  off {off}{' !' if found.beyond else ''}"


def realised_of(estimated: Estimated, name: str) -> Realised | None:
    """The realised number of the rows that were estimated, when there is one."""
    return next((each for each in estimated.realised if each.name == name), None)


def _counted(period: Period) -> str:
    assert period.estimated is not None
    return f"{figures.count(period.estimated.labelled)} of {figures.count(period.estimated.n)}"
