"""The Drift pages: every column of a model ranked, and one column in detail."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from backends.records import State
from backends.shell_words import command_line
from backends.text import Untrusted
from console.render import figures
from console.render.curves import drift_curve
from console.render.dates import day, span
from console.render.distances import distance, number
from console.render.drift_bug import bug_rows
from console.render.drift_counted import counted_lines, different_line, distances_line, tail_line
from console.render.drift_together import together_rows
from console.render.drift_trend import trend_lines
from console.render.model import RAMP, model_heading, tabs
from console.views.drift.column import TEXT, ColumnShift
from console.views.drift.view import BIG_PSI, Against, DriftDetailView, DriftView
from widgets.chart import hist_lines, strip
from widgets.line import MARKS, Line, Page, Row, columns, line
from widgets.wrapping import wrapped

NAME_WIDTH = 13
NULLS_WIDTH = 14

WITH_COURSES = 112
"""Width from which each column has its course beside it: PSI of the earlier windows and now, the full ramp at its own limit."""

COURSE_WIDTH = 16

OTHERS: Final[dict[Against, str]] = {
    "reference": "",
    "weekday": "weekdays of ",
    "previous": "the days before, ",
    "season": "a year before, ",
}
"""What stands before the dates of what is compared with."""


def drift_page(view: DriftView, *, width: int = 80, height: int = 20, complete: bool = True, tabbed: bool = True) -> Page:
    """Every column, the worst first. Without `complete` those that are plainly ok are only counted. `tabbed`: a screen of a model."""
    del height
    verb = command_line("drift", view.line.model, options=_against(view.against))
    heading = (
        model_heading(view.line, width) if tabbed else line((view.line.model, "bold"), f" {_version(view.line.version)}, {_spans(view)}")
    )
    rows = [Row(tabs("Drift"))] if tabbed else []
    if view.why_not:
        rows += [Row(each) for each in wrapped(line(f" Nothing to show: {view.why_not}"), width, 1)]
        return Page(heading, tuple(rows), verb)
    if tabbed:
        rows.append(Row(line(f" {_spans(view)}")))
    if view.deleted:
        said = f" Unknown where no profile was kept: {view.deleted}"
        rows += [Row(each) for each in wrapped(line((said, "dim")), width, 1)]
    wide = width >= WITH_COURSES
    rows += bug_rows(view.bug, width)
    # Where to look comes before the columns: with many of them nobody sees what stands below.
    if view.quality is not None:
        rows.append(Row(_outcome(view)))
    rows += [Row(each) for each in wrapped(line(" ", (view.closing, "bold")), width, 1)]
    name = NAME_WIDTH + max(0, min(20, width - 85 - (COURSE_WIDTH + 9 if wide else 0)))
    nulls = NULLS_WIDTH + (1 if wide else 0)
    # Since when is worth more than a second distance where there is no room for both.
    js = f" {'JS':>5}" if wide else ""
    head = f"   {'COLUMN':<{name}}{'PSI':>6}{js} {'KS':>5}{'USUAL TO':>9}{'FURTHER':>9}{'SINCE':>7}  {'NULLS':<{nulls}}{'IMPORTANCE':>10}"
    rows.append(Row(line((head + (f"  {'EARLIER, NOW':>{COURSE_WIDTH}}" if wide else ""), "dim"))))
    shown = [each for each in view.columns if complete or _worth_showing(each)]
    rows += [Row(_row(each, name, nulls, wide), key=each.column.raw, why=_why(each), state=str(each.state)) for each in shown]
    left = len(view.columns) - len(shown)
    if left:
        rows.append(Row(line((f"   {left} more {'is' if left == 1 else 'are'} ok (--all)", "dim"))))
    for each in view.columns:
        if each.needs_words:
            rows += [Row(part) for part in wrapped(line(("   ", ""), (each.column, "dim"), (f": {each.verdict}.", "dim")), width, 5)]
    rows += [Row(part) for each in view.columns for part in trend_lines(each, width, found_only=True)]
    rows += together_rows(view.together, width)
    if not view.bins_from.startswith("deciles of the reference"):
        rows += [Row(Line()), Row(line((f"Bins: {view.bins_from}.", "dim")))]
    return Page(heading, tuple(rows), verb)


def drift_detail_page(view: DriftDetailView, *, width: int = 80, height: int = 20, tabbed: bool = True, curves: bool = False) -> Page:
    """One column: the verdict first, then what it rests on. `curves`: where there is room below, the course of its PSI is drawn too."""
    shift = view.shift
    state = str(shift.state)
    rank = f"{view.place} of {view.of} by importance" if view.place else f"one of {view.of} inputs"
    rank = "the scores" if shift.is_score else rank
    heading = line(
        "Fleet > ", (view.line.model, "bold"), " > Drift > ", (shift.column, "bold"), f"   {rank}   ", (f"{MARKS[state]} {state}", state)
    )
    said = wrapped(line(" VERDICT  ", (f"{shift.verdict}.", "bold" if state != "ok" else ""), _at_stake(view)), width - 1, 10)
    rows = [Row(each, key=None if number else shift.column.raw, why=_why(shift), state=state) for number, each in enumerate(said)]
    if view.against != "reference":
        rows.append(Row(line(f" AGAINST  {OTHERS[view.against]}{span(view.reference_first, view.reference_last)}")))
    rows += [Row(_side("reference r", shift, view, width)), Row(_side("current   c", shift, view, width))]
    if shift.kind != TEXT:
        rows += [Row(each) for each in wrapped(distances_line(shift), width, 1)]
    if shift.bins:
        unit = f" {shift.unit.raw}" if shift.unit else ""
        drawn = hist_lines(
            [each.label for each in shift.bins], [each.reference for each in shift.bins], [each.current for each in shift.bins],
            width, title=Untrusted(f"{shift.column.raw}{unit}"),
        )  # fmt: skip
        rows += [Row(each) for each in drawn]
    elif shift.kind != TEXT:
        rows.append(Row(line((f" no histogram: {shift.reasons.get('psi', 'no values on one side')}", "dim"))))
    rows += [Row(each) for each in (_course(view, width) if shift.kind != TEXT else [])]
    rows += [Row(each) for each in _beside(view, width)]
    if curves:
        rows += [Row(each) for each in drift_curve(view, width, height - len(rows))]
    verb = command_line("drift", view.line.model, options={"-f": shift.column.raw, **_against(view.against)})
    if not tabbed:
        periods = f"{span(view.first, view.last)} against {OTHERS[view.against]}{span(view.reference_first, view.reference_last)}"
        heading = line((view.line.model, "bold"), f" {_version(view.line.version)} ", (shift.column, "bold"), f", {periods}, {rank}")
    return Page(heading, tuple(rows), verb)


def _at_stake(view: DriftDetailView) -> str:
    """Since when, and what the column is to the model: of one that is not ok that belongs to the verdict."""
    shift = view.shift
    if shift.state not in {State.WARNING, State.CRITICAL}:
        return ""
    since = f" Since {day(shift.high_since)}." if shift.high_since is not None else ""
    costs = (
        f" To {_version(view.line.version)} shuffling it costs {figures.share(shift.importance)}." if shift.importance is not None else ""
    )
    return since + costs


def _worth_showing(shift: ColumnShift) -> bool:
    return shift.state != State.OK or shift.is_score or (shift.judged or 0.0) > BIG_PSI


def _spans(view: DriftView) -> str:
    columns = [each for each in view.columns if each.n_reference or each.n_current]
    n = max((each.n_current for each in columns), default=0)
    against = max((each.n_reference for each in columns), default=0)
    until = _until(view.at, view.zone) if view.last_is_today and view.against != "weekday" else ""
    now = f"{span(view.first, view.last)}{until} (n {figures.count(n)})"
    if view.reference_first is None or view.reference_last is None:
        return now
    return f"{now} against {OTHERS[view.against]}{span(view.reference_first, view.reference_last)} (n {figures.count(against)})"


def _row(shift: ColumnShift, name: int, nulls_width: int, wide: bool) -> Line:
    state = str(shift.state)
    nulls = (
        figures.MISSING
        if shift.is_score or shift.nulls_current is None
        else f"{_nulls(shift.nulls_reference)} -> {_nulls(shift.nulls_current)} %"
    )
    further = f"{shift.further} of {shift.windows}" if shift.psi is not None and shift.windows else figures.MISSING
    psi = distance(shift.psi) if shift.psi is not None else figures.MISSING if shift.kind == TEXT else "unkn"
    cells = columns(
        [
            (shift.column, name, ""),
            (psi, -5, state if state in {"warning", "critical", "unknown"} else ""),
            *([(figures.share(shift.js, 3), -5, "")] if wide else []),
            (figures.share(shift.ks, 3), -5, ""),
            (distance(shift.limit), -8, ""),
            (further, -8, ""),
            (
                day(shift.high_since) if shift.high_since is not None else figures.MISSING,
                -6,
                "bold" if shift.high_since is not None else "",
            ),
            ("", 0, ""),
            (nulls, nulls_width, ""),
            (figures.share(shift.importance, 3) if shift.importance is not None else figures.MISSING, -9, ""),
        ]
    )
    course = [line("  ", (_small(shift), state if state in {"warning", "critical"} else "")).spans] if wide else []
    return Line((*line((f" {MARKS[state]} ", state)).spans, *cells.spans, *(part for spans in course for part in spans)))


def _small(shift: ColumnShift) -> str:
    """The PSI of earlier windows and of now, on a scale of the column's own: from 0 to what it is judged by."""
    values = [*(each.psi for each in shift.earlier), shift.judged]
    if shift.psi is None or shift.limit is None:
        return " " * COURSE_WIDTH
    return strip(values, COURSE_WIDTH, RAMP, low=0.0, high=shift.limit)


def _why(shift: ColumnShift) -> Line:
    text = f" {shift.column.raw}: {shift.verdict} (n {figures.count(shift.n_current)})"
    if shift.new_categories:
        text += f"; new: {_listed(shift.new_categories)}"
    return line((MARKS[str(shift.state)], str(shift.state)), Untrusted(text))


def _outcome(view: DriftView) -> Line:
    quality = view.quality
    assert quality is not None
    state = str(view.model_state) if view.last_is_today else ""
    mark = (f" {MARKS[state]} " if state else "   ", state)
    coverage = figures.percent(quality.labelled / quality.scored)
    sample = f"n {figures.count(quality.labelled)} labelled of {figures.count(quality.scored)} ({coverage})"
    if not quality.labelled:
        return line((" ? ", "unknown"), f"no outcome is known of the {figures.count(quality.scored)} scored in these days")
    if quality.mae is not None:
        return line(mark, f"MAE {figures.amount(quality.mae, 'ratio')}, bias {figures.signed(quality.bias, 2)}, {sample}")
    return line(mark, f"share observed {figures.share(quality.observed)}, scored {figures.share(quality.mean_score)}, {sample}")


def _side(title: str, shift: ColumnShift, view: DriftDetailView, width: int) -> Line:
    current = title.startswith("current")
    first, last = (view.first, view.last) if current else (view.reference_first, view.reference_last)
    n, nulls, mean = (
        (shift.n_current, shift.nulls_current, shift.mean_current)
        if current
        else (shift.n_reference, shift.nulls_reference, shift.mean_reference)
    )
    low, high = (shift.low_current, shift.high_current) if current else (shift.low_reference, shift.high_reference)
    unit = f" {shift.unit.raw}" if shift.unit else ""
    text = f" {title}  {span(first, last) + ' ' + str(last.year):<17}  n {figures.count(n):>7}"
    text += f"  null {_percent(nulls)}" if nulls is not None else ""
    text += f"  mean {number(mean)}{unit}" if mean is not None else ""
    spread = f"  {number(low)} to {number(high)}" if low is not None and high is not None else ""
    return line(Untrusted(text + spread if len(text + spread) <= width else text))


def _course(view: DriftDetailView, width: int) -> list[Line]:
    shift = view.shift
    known = [each for each in shift.earlier if each.psi is not None]
    if not known:
        nothing = line((" No earlier window of this length has facts on every day: there is no band to judge by.", "dim"))
        return wrapped(nothing, width - 1, 1)
    length = (view.last - view.first).days + 1
    name = {1: "day", 7: "week"}.get(length, f"{length} days")
    head = f" {shift.measure} by {name} {span(known[0].first, known[-1].last)}: "
    values = " ".join(distance(each.psi, 1) if (each.psi or 0) >= 0.095 else distance(each.psi, 2) for each in known)
    lines = wrapped(line(head + values), width - 1, 13)
    band = f"{distance(shift.band_low)} to {distance(shift.band_high)}, median {distance(shift.band_median)}"
    usual = f" Usual band  {band}, {shift.windows} windows"
    usual += f"; {shift.further} further from the reference" if shift.psi is not None else ""
    lines.append(line(usual))
    if shift.high_since is not None:
        over = "its limit" if shift.state != State.OK else "the median of the band"
        lines.append(line(" Far since   ", (day(shift.high_since), "bold"), f", when such a window first passed {over}"))
    beyond = [each for each in known if each.beyond]
    if beyond:
        lines.append(line(f" Beyond now's limit before: {', '.join(span(each.first, each.last) for each in beyond[-4:])}"))
    return lines


def _beside(view: DriftDetailView, width: int) -> list[Line]:
    shift = view.shift
    lines = []
    if shift.importance is not None:
        others = ", ".join(f"{name.raw} {figures.share(value)}" for name, value in view.more_important)
        costs = f"shuffling it costs {figures.share(shift.importance)}{'; ' + others if others else ''}"
        lines.append(line(f" To {_version(view.line.version):<10}", Untrusted(costs)))
    elif not shift.is_score:
        lines.append(line((" Importance  not recorded for this version", "dim")))
    if shift.new_categories:
        lines.append(line(Untrusted(f" New         {_listed(shift.new_categories)}")))
    if shift.vanished_categories:
        lines.append(line(Untrusted(f" Vanished    {_listed(shift.vanished_categories)}")))
    if shift.calendar:
        lines.append(line(" Calendar    follows the calendar: compared with equal weekdays of the reference only"))
    if view.worst is not None:
        lines += wrapped(line(" Compare     ", view.worst, f": {view.worst_verdict}"), width - 1, 13)
    if shift.kind == TEXT:
        return [*lines, *different_line(shift)]
    lines += [*tail_line(shift), *different_line(shift), *trend_lines(shift, width - 1)]
    lines += counted_lines(view, width - 1)
    if shift.ks is not None:
        exact = "exact, from the rows" if shift.method == "samples" else "with their bounds, from profiles; --exact reads the rows"
        lines.append(line((f" KS and Wasserstein are {exact}", "dim")))
    lines += [line((f" Note        {note}", "dim")) for note in shift.notes]
    many = f"; of {view.of} columns one is under {figures.share(1 / view.of, 2)} by chance" if view.of > 1 else ""
    lines += wrapped(line((f" p counts rows, not importance: the verdict uses the band{many}", "dim")), width - 1, 1)
    return lines


def _until(at: datetime, zone: str) -> str:
    text = figures.clock_time(at, ZoneInfo(zone))
    return "" if text == "00:00" else f" {text}"


def _nulls(rate: float | None) -> str:
    return figures.MISSING if rate is None else f"{rate * 100:.1f}" if 0 < rate < 0.9995 else f"{rate * 100:.0f}"


def _percent(rate: float) -> str:
    return f"{rate * 100:.1f} %"


def _listed(names: tuple[Untrusted, ...]) -> str:
    shown = ", ".join(name.raw for name in names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown


def _version(version: str | None) -> str:
    if version is None:
        return "no version"
    return version if version.startswith("v") else f"v{version}"


def _against(other: str) -> dict[str, str | None]:
    return {} if other == "reference" else {"--against": other}
