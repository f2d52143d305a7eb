"""The Versions page: one row a version, the one under the cursor spelt out below."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.render.facts import fact
from console.render.model import tabs
from console.views.versions.listing import ReportSeen, Stretch, TrainedOn, VersionRow, VersionsView, main_metric
from widgets.line import Line, Page, Row, columns, line, mark, rule, sides

ARTIFACT_WORDS = {
    "matches": "matches",
    "missing": "GONE",
    "different": "DIFFERS",
    "elsewhere": "remote",
    "outside": "not read",
    "unrecorded": "unkn",
}


def model_line(model: str, serving: str | None, environment: str, owner: str | None, incidents: tuple[str, ...], width: int) -> Line:
    """Line 2 of the screens that say what a model is made of."""
    label = f"{version_label(serving)} serves in {environment}" if serving else f"nothing serves in {environment}"
    right = f"{incidents[0]} open" if incidents else f"owner {owner or 'nobody'}"
    return sides(line("Fleet > ", (model, "bold"), f"   {label}"), line((right, "critical" if incidents else "dim")), width)


def versions_page(view: VersionsView, *, width: int = 80, height: int = 20, preview: bool = True, tabbed: bool = True) -> Page:
    """Every version; the serving one spelt out below unless `preview` is off. `tabbed`: a screen of the model."""
    del height
    zone = ZoneInfo(view.zone)
    aliases = 10 + max(0, min(20, width - 100))
    head = columns(
        [("", 2, ""), ("VERSION", 7, "dim"), ("ALIASES", aliases, "dim"), ("STAGE", 10, "dim"), ("SERVED", 14, "dim"),
         ("ROWS", -8, "dim"), ("RESULT", 14, "dim"), ("FILE", 8, "dim")]
    )  # fmt: skip
    rows = [*([Row(tabs("Versions"))] if tabbed else []), Row(head)]
    rows += [_row(each, zone, aliases) for each in view.rows]
    if not view.rows:
        rows += [
            Row(line(text))
            for text in ("", " No version of this model is recorded. Records bring them in:", "   qd ingest records registry.jsonl")
        ]
    if preview and view.rows:
        rows += [Row(Line()), *(Row(each) for each in version_detail(view, view.serving, width))]
    heading = model_line(view.model, view.serving, view.environment, view.owner, view.incidents, width)
    return Page(heading, tuple(rows), command_line("versions", view.model))


def version_detail(view: VersionsView, version: str | None, width: int) -> list[Line]:
    """A version spelt out; the newest one when there is no such version."""
    shown = next((row for row in view.rows if row.version == version), view.rows[0] if view.rows else None)
    if shown is None:
        return []
    return [rule(f"{view.model} {version_label(shown.version)}", width), *details(shown, view.at, ZoneInfo(view.zone), width)]


def _row(row: VersionRow, zone: ZoneInfo, aliases: int) -> Row:
    state, why = judged(row)
    metric = main_metric(row.metrics)
    result = f"{metric[0].replace('_', ' ')} {figures.share(metric[1])}" if metric and metric[1] is not None else "unkn"
    trained = [each.rows for each in row.trained_on if each.rows is not None]
    file_role = "critical" if row.artifact.found in {"missing", "different"} else "" if row.artifact.found == "matches" else "unknown"
    cells = columns(
        [
            (version_label(row.version), 7, "bold" if row.serves else ""),
            (", ".join(row.aliases) or figures.MISSING, aliases, ""),
            (row.stage.value if row.stage else "no record", 10, "" if row.stage else "unknown"),
            (_served(row, zone), 14, ""),
            (figures.count(sum(trained)) if trained else "unkn", -8, "" if trained else "unknown"),
            (result, 14, "" if result != "unkn" else "unknown"),
            (ARTIFACT_WORDS[row.artifact.found], 8, file_role),
        ]
    )
    return Row(Line((*line(" ", mark(state), " ").spans, *cells.spans)), key=row.version, why=line(mark(state), " ", why), state=state)


def judged(row: VersionRow) -> tuple[str, Untrusted]:
    """The mark of a version and why: a wrong artifact is critical, sources that disagree warn, what is not recorded is unknown."""
    if row.artifact.found in {"missing", "different"}:
        return "critical", row.artifact.sentence
    if row.contradictions:
        return "warning", row.contradictions[0]
    if row.missing:
        more = f" (and {len(row.missing) - 1} more)" if len(row.missing) > 1 else ""
        return "unknown", Untrusted(row.missing[0].raw + more)
    return "ok", Untrusted(f"{row.artifact.sentence.raw}; everything is recorded")


def _served(row: VersionRow, zone: ZoneInfo) -> str:
    if not row.serving:
        return "never"
    last = row.serving[-1]
    more = f" +{len(row.serving) - 1}" if len(row.serving) > 1 else ""
    if last.until is None:
        return f"since {figures.day(last.since, zone)}{more}"
    return f"{figures.day(last.since, zone)}-{figures.day(last.until, zone)}{more}"


def details(row: VersionRow, at: datetime, zone: ZoneInfo, width: int) -> Iterator[Line]:
    """What is known of one version, a line or more for each thing."""
    yield from fact("Served", "; ".join(stretch(each, at, zone) for each in reversed(row.serving)) or "never", width)
    yield from fact("Run", f"{row.run} ({row.run_status or 'not recorded'})" if row.run else "unknown: none is recorded", width)
    yield from fact("Trained on", "; ".join(dataset(each) for each in row.trained_on) or "unknown: no dataset is recorded", width)
    yield from fact("Artifact", row.artifact.sentence.raw, width)
    yield from fact("Signature", _signature(row), width)
    yield from fact("Runtime", ", ".join(f"{name} {version}" for name, version in row.runtime.items()) or "unknown: not recorded", width)
    if row.importance:
        yield from fact(
            "Importance", ", ".join(f"{name} {figures.share(value)}" for name, value in list(row.importance.items())[:6]), width
        )
    for each in row.contradictions:
        yield from fact("Contradicted", each.raw, width)
    for report in row.reports[:3]:
        metrics = "  ".join(
            f"{name} {figures.share(value)}" for name, value in report.metrics.items() if value is not None and name != report.primary
        )
        period = f"{figures.day(report.covers_from, zone)}-{figures.day(report.covers_to, zone)}"
        sample = f"n {figures.count(report.labelled)} of {figures.count(report.rows)}"
        yield from fact("Report", f"{report.name}: {period}, {sample}", width)
        yield from fact("  primary", _primary(report), width)
        yield from fact("  others", metrics or "none", width)
        yield from fact("  costs", ", ".join(f"{name} {value:,g}" for name, value in report.costs.items()) or "not recorded", width)
    yield from fact("Missing", "; ".join(each.raw for each in row.missing) or "nothing", width)


def _primary(report: ReportSeen) -> str:
    """`auc .720, stands for minutes of delay avoided`; what nobody declared is said to be unknown."""
    if report.primary is None:
        return "unknown: no metric is declared to decide"
    value = report.metrics.get(report.primary)
    number = figures.share(value) if value is not None else "not in this report"
    stands_for = f", stands for {report.stands_for.raw}" if report.stands_for is not None else "; what it stands for is not declared"
    return f"{report.primary} {number}{stands_for}"


def stretch(each: Stretch, at: datetime, zone: ZoneInfo) -> str:
    """`11 Mar 09:00 to now (46d)`."""
    end = "now" if each.until is None else figures.moment(each.until, zone)
    return f"{figures.moment(each.since, zone)} to {end} ({figures.age((each.until or at) - each.since)})"


def dataset(each: TrainedOn) -> str:
    """`flights-jan, 26,398 rows, 2013-01-01 to 2013-01-31, 90aa 12d4`."""
    if not each.recorded:
        return f"{each.name} (named by the run, not recorded)"
    period = f", {each.covers_from} to {each.covers_to}" if each.covers_from else ""
    return f"{each.name}, {figures.count(each.rows)} rows{period}, {figures.short_digest(each.snapshot)}"


def _signature(row: VersionRow) -> str:
    if row.signature is None:
        return "unknown: none is recorded"
    kinds = ", ".join(f"{number} {kind}" for kind, number in row.signature.kinds.items())
    outputs = f"; gives {', '.join(row.signature.outputs)}" if row.signature.outputs else ""
    return f"{row.signature.inputs} inputs ({kinds}){outputs}"
