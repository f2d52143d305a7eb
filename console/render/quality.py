"""The Quality page: periods side by side, then by day, by slice, by score, and how fast outcomes arrive."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.records import State
from backends.shell_words import command_line
from backends.text import Untrusted, shortened
from console.control.actions import version_label
from console.render import figures
from console.render.curves import calibration_curve, precision_recall_curve, quality_curve
from console.render.estimates import estimates_of
from console.render.model import model_heading, tabs
from console.render.trade_offs import threshold_text, trade_off_rows
from widgets.line import MARKS, WORDS, Line, Page, Row, columns, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.health.estimation import Measure
    from console.views.quality.view import Period, QualityView, Rate, SliceRow

NAMES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "brier": "Brier",
    "log_loss": "log loss",
    "ece": "ECE",
    "base_rate": "observed share",
    "mean_score": "mean score",
    "gap": "observed less scored",
    "precision": "precision",
    "recall": "recall",
    "mae": "MAE",
    "rmse": "RMSE",
    "bias": "bias",
    "mean_label": "mean outcome",
}
"""What each measure is called on the page; `explain` knows it under its key."""

_SIGNED = frozenset({"gap", "bias"})
_IN_UNITS = frozenset({"mae", "rmse", "bias", "mean_label"})
BARS = 20
GROUP_RATES = ("SELECTED", "TRUE POSITIVE", "FALSE POSITIVE")


def quality_page(view: QualityView, *, width: int = 80, height: int = 20, tabbed: bool = True, curves: bool = False) -> Page:
    """All of the view. `tabbed`: a screen of a model. `curves`: where there is room its courses are drawn too."""
    del height
    zone = ZoneInfo(view.zone)
    verb = command_line("quality", view.line.model, options={"--by": "week"} if view.by == "week" else {})
    version = version_label(view.line.version) if view.line.version else "no version"
    heading = model_heading(view.line, width)
    if not tabbed:
        heading = line((view.line.model, "bold"), f" {version}: observed quality, on labelled rows only")
    rows = [Row(tabs("Quality"))] if tabbed else []
    rows += [Row(line((note, "warning"))) for note in view.notes if note.startswith(("no outcome", "nothing"))]
    rows += _verdict(view, zone, width)
    rows += _side_by_side(view, zone, width)
    rows += estimates_of(view, zone, width)
    rows += _slices(view, width)
    rows += _fairness(view, width)
    rows += _course(view, width, curves)
    rows += _calibration(view, width, curves)
    rows += trade_off_rows(view.trade_offs, width, view.calibration_of)
    rows += [Row(each) for each in (precision_recall_curve(view, width) if curves else ())]
    rows += _arrivals(view, width)
    left = [note for note in view.notes if not note.startswith(("no outcome", "nothing"))]
    rows += [Row(each) for note in left for each in wrapped(line((f" Note: {note}.", "dim")), width, 2)]
    return Page(heading, tuple(rows), verb)


def _verdict(view: QualityView, zone: tzinfo, width: int) -> list[Row]:
    """What the rules say of the model, since when, and where it is worst."""
    state = str(view.state)
    said = f"  {view.verdict}"
    if view.state in {State.WARNING, State.CRITICAL}:
        said += f"; since {figures.moment(view.broke_at, zone)}" if view.broke_at is not None else ""
        said += _worst(view)
    lines = wrapped(line(f" {MARKS[state]} ", (WORDS[state], state), Untrusted(said)), width, 3)
    return [Row(each, state=state) for each in lines]


def _worst(view: QualityView) -> str:
    name = "mae" if view.task == "regression" else "gap"
    known = [(each, measure) for each in view.slices for measure in each.measures if measure.name == name and measure.value is not None]
    if not known:
        return ""
    slice_, measure = max(known, key=lambda each: abs(each[1].value or 0.0))
    value = slice_.value.raw if slice_.value is not None else "missing"
    return f"; worst where {slice_.column.raw} is {value}: {NAMES[name]} {_number(measure)}, n {figures.count(slice_.labelled)}"


def _side_by_side(view: QualityView, zone: tzinfo, width: int) -> list[Row]:
    cell = max(17, (width - 26) // 3)
    periods = view.periods
    # Errors and means are in the units of what is predicted; shares have none.
    unit = f" {shortened(view.target, 21)}" if view.task == "regression" else ""
    rows = [
        Row(columns([(unit, 22, "dim"), *((each.name, -cell, "bold") for each in periods)])),
        Row(columns([("", 22, ""), *((_since(each, zone), -cell, "dim") for each in periods)])),
    ]
    for measure in periods[0].measures:
        found = [each.measure(measure.name) for each in periods]
        why = f"{NAMES[measure.name]}, {periods[0].name}: {_explained(measure)} (n {figures.count(periods[0].labelled)})"
        cells = [(_number(each, cell), -cell, "" if each.value is not None else "unknown") for each in found]
        name = f" {NAMES[measure.name]}" if measure.name not in {"precision", "recall"} else f" {measure.name} at {_threshold(view)}"
        rows.append(Row(columns([(name, 22, ""), *cells]), key=measure.name, why=line(why)))
    counted = [("unkn" if each.deleted else figures.count(each.labelled), -cell, "") for each in periods]
    covered = [(_covered(each), -cell, "unknown" if each.deleted else "") for each in periods]
    complete = [(figures.moment(each.complete_to, zone) if each.complete_to else "nowhere", -cell, "") for each in periods]
    rows += [
        Row(columns([(" n labelled", 22, ""), *counted])),
        Row(columns([(" coverage", 22, ""), *covered]), key="coverage", why=line(_coverage_why(view))),
        Row(
            columns([(" labels complete to", 22, ""), *complete]),
            key="complete up to",
            why=line("95 % of the 24 hours before it have a label"),
        ),
    ]
    missing = {each.reason for period in periods for each in period.measures if each.value is None}
    rows += [Row(each) for reason in sorted(missing) for each in wrapped(line((f" unkn: {reason}", "dim")), width, 7)]
    return rows


def _covered(period: Period) -> str:
    return "rows deleted" if period.deleted else f"{figures.percent(period.coverage)} of {figures.count(period.scored)}"


def _coverage_why(view: QualityView) -> str:
    first = view.periods[0]
    if first.deleted:
        return "retention deleted rows of this period: how many were labelled is not known any more"
    if first.coverage is None:
        return f"nothing was scored {first.name}"
    return f"{figures.count(first.labelled)} of {figures.count(first.scored)} have a label; quality of the others is not known"


def _course(view: QualityView, width: int, curves: bool) -> list[Row]:
    if not view.course:
        return []
    regression = view.task == "regression"
    shown = ("mae", "rmse", "bias") if regression else ("base_rate", "mean_score", "gap", "auc", "brier")
    heads = {
        "base_rate": "OBS",
        "mean_score": "SCORED",
        "gap": "GAP",
        "auc": "AUC",
        "brier": "BRIER",
        "mae": "MAE",
        "rmse": "RMSE",
        "bias": "BIAS",
    }
    estimated = any(period.estimated is not None for period in view.course)
    head = columns(
        [
            (f" {view.by.upper()}", 12, "dim"),
            ("N", -6, "dim"),
            ("LABELS", -7, "dim"),
            *((heads[name], -8, "dim") for name in shown),
            *([("EST AUC", -7, "dim")] if estimated else []),
        ]
    )
    rows = [Row(Line()), Row(rule(f"By {view.by}", width, view.zone))]
    rows += [Row(each) for each in (quality_curve(view, width) if curves else ())]
    rows.append(Row(head))
    for period in view.course:
        measures = [period.measure(name) for name in shown]
        cells = [(_plain(each), -8, "" if each.value is not None else "unknown") for each in measures]
        if estimated:
            expected = period.estimated.measure("auc").value if period.estimated is not None else None
            cells.append((figures.share(expected) if expected is not None else figures.MISSING, -7, "dim"))
        coverage = "deleted" if period.deleted else figures.percent(period.coverage) if period.scored else figures.MISSING
        rows.append(
            Row(
                columns(
                    [
                        (f" {period.name}", 12, ""),
                        ("unkn" if period.deleted else figures.count(period.labelled), -6, ""),
                        (coverage, -7, ""),
                        *cells,
                    ]
                )
            )
        )
    return rows


def _slices(view: QualityView, width: int) -> list[Row]:
    rows: list[Row] = []
    for column in view.sliced_by:
        mine = [each for each in view.slices if each.column == column]
        note = f"{view.calibration_of}, at least {view.minimum} labelled"
        rows += [Row(Line()), Row(rule(f"By {column.raw}", width, note))]
        judged = [each for each in mine if each.measures]
        rows += [Row(_slice(each, view.task), key=f"slice:{column.raw}={each.value.raw if each.value else ''}") for each in judged]
        few = [each for each in mine if not each.measures]
        if few:
            names = ", ".join(f"{each.value.raw if each.value else '(missing)'} {each.labelled}" for each in few[:8])
            more = f" and {len(few) - 8} more" if len(few) > 8 else ""
            rows += [Row(each) for each in wrapped(line((" too few labelled: ", "dim"), (Untrusted(names + more), "dim")), width, 2)]
        if not mine:
            rows.append(Row(line((" unkn: rows were deleted" if view.periods[0].deleted else " nothing was scored", "dim"))))
    return rows


def _slice(row: SliceRow, task: str) -> Line:
    known = {each.name: each for each in row.measures}
    name = row.value if row.value is not None else Untrusted("(missing)")
    cells: list[tuple[str | Untrusted, int, str]] = [(" ", 1, ""), (name, 14, ""), (f"n {figures.count(row.labelled)}", -8, "")]
    if task == "regression":
        cells += [(f"MAE {_number(known['mae'])}", -26, ""), (f"bias {_number(known['bias'])}", -28, "")]
    else:
        cells += [(f"gap {_number(known['gap'])}", -25, ""), (f"AUC {_number(known['auc'])}", -25, "")]
    return columns(cells)


def _fairness(view: QualityView, width: int) -> list[Row]:
    """Each column that a gate groups by: the limits with what serves against them, then every group."""
    rows: list[Row] = []
    for each in view.fairness:
        rows += [Row(Line()), Row(rule(f"Groups of {each.column.raw}", width, f"{view.calibration_of}; limits of the gates"))]
        for limit in each.limits:
            state = str(limit.state)
            value = figures.share(limit.value) if limit.value is not None else "unkn"
            bound = f"{'up to' if limit.kind == 'at_most' else 'at least'} {limit.limit:g}"
            cells: list[tuple[str | Untrusted, int, str]] = [(f" {MARKS[state]}", 3, state), (limit.title, 34, ""), (value, -8, state)]
            why = line((MARKS[state], state), f" {limit.title}: ", limit.why)
            rows.append(Row(columns([*cells, (bound, -16, "")]), key=limit.metric, why=why, state=state))
        rows.append(Row(columns([(" ", 16, ""), ("SCORED", -8, "dim"), *((head, -17, "dim") for head in GROUP_RATES)])))
        for group in each.groups:
            name = group.value if group.value is not None else Untrusted("(missing)")
            rates = [(_of_group(rate), -17, "") for rate in (group.selection, group.true_positive, group.false_positive)]
            few = " (few)" if group.left_out else ""
            rows.append(Row(columns([(Untrusted(f" {name.raw}{few}"), 16, ""), (figures.count(group.scored), -8, ""), *rates])))
    return rows


def _of_group(rate: Rate | None) -> str:
    return "unkn" if rate is None else f"{figures.share(rate.value)} ({figures.share(rate.low)}-{figures.share(rate.high)})"


def _calibration(view: QualityView, width: int, curves: bool) -> list[Row]:
    held = [each for each in view.calibration if each.n]
    if not held:
        return []
    rows = [Row(Line()), Row(rule("Calibration", width, f"{view.calibration_of}; s scored, o observed"))]
    rows.append(Row(line((f"  {'SCORE':<9}{'N':>6}{'MEAN':>7}{'OBSERVED':>10} {'INTERVAL':<13} 0{' ' * (BARS - 2)}1", "dim"))))
    for each in view.calibration:
        name = f"{figures.share(each.low, 1) if each.low else '0'}-{figures.share(each.high, 1)}"
        if not each.n or each.mean_score is None or each.observed is None:
            rows.append(Row(line((f"  {name:<9}{0:>6}", "dim"))))
            continue
        drawn = [" "] * (BARS + 1)
        drawn[round(each.mean_score * BARS)] = "s"
        place = round(each.observed * BARS)
        drawn[place] = "*" if drawn[place] == "s" else "o"
        interval = f"{figures.share(each.observed_low)}-{figures.share(each.observed_high)}"
        text = f"  {name:<9}{figures.count(each.n):>6}{figures.share(each.mean_score):>7}{figures.share(each.observed):>10} {interval:<13} "
        rows.append(Row(line(text, "".join(drawn).rstrip())))
    return rows + [Row(each) for each in (calibration_curve(view.calibration, width) if curves else ())]


def _arrivals(view: QualityView, width: int) -> list[Row]:
    rows = [Row(Line()), Row(rule("Outcomes arrive", width, "share known that long after the score"))]
    rows.append(
        Row(columns([(" AFTER", 8, "dim"), ("LAST 7 DAYS", -16, "dim"), ("OF", -8, "dim"), ("REFERENCE", -12, "dim"), ("OF", -8, "dim")]))
    )
    for each in view.arrivals:
        now = figures.percent(each.share) if each.share is not None else "unkn"
        before = figures.percent(each.share_reference) if each.share_reference is not None else "unkn"
        counts = [(figures.count(each.n), -8, "dim"), (before, -12, ""), (figures.count(each.n_reference), -8, "dim")]
        rows.append(Row(columns([(f" {each.hours} h", 8, ""), (now, -16, ""), *counts])))
    return rows


def _threshold(view: QualityView) -> str:
    return "" if view.threshold is None else threshold_text(view.threshold)


def _since(period: Period, zone: tzinfo) -> str:
    if period.name == "reference":
        return f"{figures.day(period.since, zone)}-{figures.day(period.until, zone)}"
    return f"from {figures.moment(period.since, zone)}"


def _number(measure: Measure, room: int = 24) -> str:
    """The value with its interval; with coarser bounds, or without, where there is no room for them."""
    value = _plain(measure)
    if measure.value is None or measure.low is None or measure.high is None:
        return value
    between = " " if measure.name in _SIGNED else "-"
    digits = 2 if measure.name in _IN_UNITS else 3
    for fewer in (0, 1):
        text = f"{value} ({_text(measure, measure.low, digits - fewer)}{between}{_text(measure, measure.high, digits - fewer)})"
        if len(text) <= room:
            return text
    return value


def _plain(measure: Measure) -> str:
    return "unkn" if measure.value is None else _text(measure, measure.value)


def _text(measure: Measure, value: float, digits: int | None = None) -> str:
    kept = digits if digits is not None else 2 if measure.name in _IN_UNITS else 3
    kept = min(kept, 2) if abs(value) >= 10 else kept
    return figures.signed(value, kept) if measure.name in _SIGNED else figures.share(value, kept)


def _explained(measure: Measure) -> str:
    if measure.value is None:
        return f"not computable: {measure.reason}"
    if measure.low is None or measure.high is None:
        return f"{_plain(measure)}, e explains it"
    return f"{_plain(measure)}, 95 % interval {_text(measure, measure.low)} to {_text(measure, measure.high)}"
