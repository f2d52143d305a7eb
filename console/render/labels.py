"""The Labels page: how much is known, how fast outcomes come, what is overdue, and up to when numbers of quality can be believed."""

from __future__ import annotations

from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from console.render import figures
from console.render.dates import span as dates
from console.render.model import model_heading, tabs
from console.render.waiting import queue_rows
from widgets.line import MARKS, WORDS, Line, Page, Row, columns, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.quality.labels import LabelPeriod, LabelsView

BARS = 30


def labels_page(view: LabelsView, *, width: int = 80, height: int = 20, tabbed: bool = True) -> Page:
    """All of the view. `tabbed`: a screen of a model."""
    del height
    zone = ZoneInfo(view.zone)
    heading = model_heading(view.line, width) if tabbed else line((view.line.model, "bold"), ": its outcomes, and when they come")
    state = str(view.state)
    said = wrapped(line(f" {MARKS[state]} ", (WORDS[state], state), f"  {view.verdict}"), width, 3)
    rows = [Row(tabs("Labels"))] if tabbed else []
    rows += [Row(each, key="label_coverage" if not place else None, state=state) for place, each in enumerate(said)]
    rows += _side_by_side(view, zone, width)
    rows += _waiting(view, zone, width)
    rows += queue_rows(view.queues, zone, width)
    rows += _arrivals(view, width)
    rows += _days(view, width)
    rows += [Row(each) for note in view.notes for each in wrapped(line((f" Note: {note}.", "dim")), width, 2)]
    return Page(heading, tuple(rows), command_line("labels", view.line.model))


def _side_by_side(view: LabelsView, zone: tzinfo, width: int) -> list[Row]:
    cell = max(16, (width - 29) // 3)
    known = _outcome(view)

    def row(name: str, key: str | None, why: str, texts: list[str]) -> Row:
        texts = ["unkn" if each.deleted else text for text, each in zip(texts, view.periods, strict=True)]
        cells = [(text, -cell, "unknown" if text == "unkn" else "") for text in texts]
        return Row(columns([(name, 24, ""), *cells]), key=key, why=line(why) if why else Line())

    periods = view.periods
    due = "declared" if view.delay_because == "declared" else "90 % of the reference were known by then"
    return [
        Row(Line()),
        Row(columns([("", 24, ""), *((each.name, -cell, "bold") for each in periods)])),
        Row(columns([("", 24, ""), *((_since(each, zone), -cell, "dim") for each in periods)])),
        row(" scored", None, "", [figures.count(each.scored) for each in periods]),
        row(
            " outcome known",
            "coverage",
            "quality of the rows without an outcome is not known",
            [f"{figures.count(each.labelled)}, {_percent(each.labelled, each.scored)}" for each in periods],
        ),
        row(
            f" of those {_hours(view.delay_usual)} old" if view.delay_usual is not None else " of those due",
            "label_coverage",
            f"an outcome is due after {_hours(view.delay_usual)}: {due}" if view.delay_usual is not None else "when is not known",
            [f"{figures.count(each.due_labelled)}, {_percent(each.due_labelled, each.due)}" for each in periods],
        ),
        row(
            " complete to",
            "complete up to",
            "95 % of the 24 hours before it have an outcome",
            [figures.moment(each.complete_to, zone) if each.complete_to else "nowhere" for each in periods],
        ),
        row(
            " hours to half, 90, 99 %",
            "arrival curve",
            "rows that still wait count as waiting; later: not within the time that was waited",
            [", ".join(_delay(hours) for hours in (each.delay_50, each.delay_90, each.delay_99)) for each in periods],
        ),
        row(f" {known}", "base_rate", "over the rows whose outcome is known", [_share(each.observed) for each in periods]),
        row(" scored, outcome known", "mean_score", "", [_share(each.score_labelled) for each in periods]),
        row(" scored, outcome not yet", "mean_score", "", [_share(each.score_waiting) for each in periods]),
        row(" known lean by", "lean", _lean_why(periods[0]), [_lean(each) for each in periods]),
    ]


def _outcome(view: LabelsView) -> str:
    return "mean outcome" if view.line is not None and any((each.observed or 0) > 1 for each in view.periods) else "observed"


def _waiting(view: LabelsView, zone: tzinfo, width: int) -> list[Row]:
    found = view.waiting
    if any(each.name == "last 7 days" and each.deleted for each in view.periods):
        return [
            Row(Line()),
            Row(rule("Waiting", width, "the last 7 days")),
            Row(line((" unkn: rows of these days were deleted", "unknown"))),
        ]
    usual = f", {figures.count(round(found.overdue_usual))} would be usual" if found.overdue_usual is not None else ""
    parts = f"{figures.count(found.not_due)} not due, {figures.count(found.late)} late, {figures.count(found.overdue)} overdue{usual}"
    rows = [Row(Line()), Row(rule("Waiting", width, "the last 7 days"))]
    rows += [Row(each, key="overdue") for each in wrapped(line(f" {figures.count(found.total)} without an outcome: {parts}"), width, 2)]
    to = figures.moment(view.evaluable_to, zone) if view.evaluable_to is not None else "nowhere"
    by = f"; what was scored until now by {figures.moment(view.complete_by, zone)}" if view.complete_by is not None else ""
    rows += [Row(each, key="complete up to") for each in wrapped(line(f" Quality can be evaluated up to {to}{by}"), width, 2)]
    return rows


def _arrivals(view: LabelsView, width: int) -> list[Row]:
    reference = next((each for each in view.periods if each.name == "reference"), None)
    note = f"c last 7 days, r reference {dates(reference.since.date(), reference.until.date())}" if reference else "c last 7 days"
    rows = [Row(Line()), Row(rule("Outcomes arrive", width, f"{note}, # both"))]
    head = f" {'AFTER':<8}{'LAST 7 DAYS':>12}{'REFERENCE':>12}  0 %{' ' * (BARS - 6)}100 %"
    rows.append(Row(line((head, "dim"))))
    for each in view.arrivals:
        drawn = [" "] * (BARS + 1)
        for share, mark in ((each.share_reference, "r"), (each.share, "c")):
            if share is not None:
                place = round(share * BARS)
                drawn[place] = "#" if drawn[place] != " " else mark
        cells = f" {_hours(each.hours):<8}{_known(each.share):>12}{_known(each.share_reference):>12}  "
        rows.append(Row(line(cells, "".join(drawn).rstrip()), key="arrival curve"))
    return rows


def _days(view: LabelsView, width: int) -> list[Row]:
    if not view.days:
        return []
    rows = [Row(Line()), Row(rule("By day", width, view.zone))]
    names = [(" DAY", 12), ("SCORED", -8), ("KNOWN", -8), ("COVERAGE", -10), ("HALF AFTER", -12), ("OBSERVED", -10), ("CORRECTED", -11)]
    rows.append(Row(columns([(name, room, "dim") for name, room in names])))
    for each in view.days:
        cells = [
            figures.count(each.scored), figures.count(each.labelled), _percent(each.labelled, each.scored),
            _hours(each.delay_50) if each.delay_50 is not None else ("unkn" if each.scored else figures.MISSING),
            _share(each.observed), figures.count(each.corrected),
        ]  # fmt: skip
        if each.deleted:
            cells = ["deleted", *[figures.MISSING] * 5]
        rows.append(
            Row(columns([(f" {each.name}", 12, ""), *((text, room, "") for text, (_, room) in zip(cells, names[1:], strict=True))]))
        )
    return rows


def _delay(hours: float | None) -> str:
    return "later" if hours is None else f"{hours:.1f}" if hours < 10 else f"{hours:.0f}"


def _hours(hours: float | None) -> str:
    if hours is None:
        return "unkn"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.3g} h" if hours < 48 else figures.age(timedelta(hours=hours))


def _percent(part: int, whole: int) -> str:
    return figures.percent(part / whole) if whole else figures.MISSING


def _known(share: float | None) -> str:
    return figures.percent(share) if share is not None else "unkn"


def _share(value: float | None) -> str:
    return figures.share(value) if value is not None and abs(value) < 10 else f"{value:,.1f}" if value is not None else "unkn"


def _lean(period: LabelPeriod) -> str:
    if period.lean is None or period.lean_low is None or period.lean_high is None:
        return "unkn"
    sure = "" if period.lean_low <= 0 <= period.lean_high else " !"
    return f"{figures.signed(period.lean)}{sure}"


def _lean_why(period: LabelPeriod) -> str:
    if period.lean is None or period.lean_low is None or period.lean_high is None:
        return f"{period.name}: too few rows with, or without, an outcome to compare their scores"
    between = f"{figures.signed(period.lean_low)} to {figures.signed(period.lean_high)}"
    if period.lean_low <= 0 <= period.lean_high:
        return f"{period.name}: {between}; what is known looks like what is not"
    return f"{period.name}: {between}; what is known is not like what is not: quality may change as outcomes come"


def _since(period: LabelPeriod, zone: tzinfo) -> str:
    if period.name == "reference":
        return f"{figures.day(period.since, zone)}-{figures.day(period.until, zone)}"
    return f"from {figures.moment(period.since, zone)}"
