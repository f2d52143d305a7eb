"""The Lineage page: the tree of data flow, or who decided what; the blast radius of the node under the cursor on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from console.control.actions import version_label
from console.render import figures
from console.render.facts import paragraph
from console.render.model import tabs
from widgets.line import MARKS, Line, Page, Row, columns, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.lineage.node import Node
    from console.views.lineage.reach import Reach
    from console.views.lineage.view import LineageView

INDENT = 2


def lineage_page(
    view: LineageView, *, width: int = 80, height: int = 20, control_flow: bool = False, selected: str | None = None, blast: bool = False,
    detail: bool = True, whole: bool = False,
) -> Page:  # fmt: skip
    """The data flow, or with `control_flow` the decisions; below, unless `detail` is off, what depends on the selected node.

    `blast` spells it out. Without a selected node it is the version. `whole`: for a verb, long lines wrapped and no keys named.
    """
    del height
    zone = ZoneInfo(view.zone)
    flow = (" data flow  ", "dim") if control_flow else ("[data flow]", "bold")
    other = ("[control flow]", "bold") if control_flow else (" control flow: f", "dim")
    flows = line(("control flow" if control_flow else "data flow", "bold")) if whole else line(flow, " ", other)
    rows = [] if whole else [Row(sides(tabs("Lineage"), line(), width))]
    rows.append(Row(sides(_completeness(view), flows, width)))
    if control_flow:
        rows += _decisions(view, zone, width)
    else:
        rows += [row for each in view.nodes for row in _node(each, width, whole)]
        rows += _windows(view, width)
        rows += paragraph(f"siblings  {'   '.join(each.raw for each in view.siblings) or 'none'}", width)
        rows += [Row(each) for each in node_detail(view, selected, width, blast, key="" if whole else "b  ")] if detail else []
    rows += _missing(view, width)
    name = f"{view.model}@{view.version}" if view.version else view.model
    verb = command_line("lineage", name, options={"--control": None} if control_flow else {})
    label = version_label(view.version) if view.version else "no version"
    state = "serves" if view.serves else "does not serve"
    return Page(sides(line("Lineage ", (f"{view.model}@{label}", "bold")), line((state, "dim")), width), tuple(rows), verb)


def node_detail(view: LineageView, selected: str | None, width: int, blast: bool, key: str = "b  ") -> list[Line]:
    """What depends on a node (the version if None): in one line, or with `blast` by name."""
    chosen = next((each for each in view.nodes if each.id == selected), None)
    chosen = chosen or next((each for each in view.nodes if each.kind == "version"), None)
    if chosen is None:
        return []
    if blast:
        return [row.line for row in _blast(chosen, width)]
    return [row.line for row in paragraph(f"{key}blast radius of {'this node' if key else chosen.id}: {said_reach(chosen.reach)}", width)]


def _completeness(view: LineageView) -> Line:
    total = len(view.requirements)
    if not total:
        return line(("?", "unknown"), " completeness unknown: there is no version")
    state = "ok" if view.complete == total else "unknown"
    return line(mark(state), f" completeness {view.complete} of {total}")


def _node(node: Node, width: int, whole: bool) -> list[Row]:
    state = node.state.value
    lead = " " * (INDENT * node.depth) + ("`- " if node.depth else "")
    kind = "" if node.name.raw == node.kind else f"{node.kind} "
    name = version_label(node.name.raw) if node.kind == "version" else node.name.raw
    text = line((f" {MARKS[state]} ", state), lead, (kind, "dim"), (name, "bold" if node.kind == "version" else ""), "  ", node.detail)
    if node.state.value != "ok" and not node.detail:
        text = Line((*text.spans, *line((node.why, state)).spans))
    first, *rest = wrapped(text, width, len(lead) + 5) if whole else [text.cut(width)]
    return [Row(first, key=node.id, why=line(mark(state), " ", node.why), state=state), *(Row(more) for more in rest)]


def said_reach(reach: Reach) -> str:
    """`1 deployment, 2 readers, 980 scores in the last 24 h`."""
    parts = [
        _plural(len(reach.deployments), "deployment"),
        _plural(len(reach.readers), "reader"),
        f"{figures.count(reach.scores_last_day)} scores in the last 24 h",
    ]
    several = f"{_plural(len(reach.versions), 'version')} ({len(reach.serving)} serving), " if len(reach.versions) != 1 else ""
    return several + ", ".join(parts)


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _blast(node: Node, width: int) -> list[Row]:
    reach = node.reach
    rows = [Row(rule(f"Blast radius of {node.kind} {node.name.raw}", width))]
    for title, names in (
        ("versions", reach.versions),
        ("serving", reach.serving),
        ("deployments", reach.deployments),
        ("readers", reach.readers),
    ):
        rows += paragraph(f"{title:<12} {', '.join(names) or 'none'}", width)
    rows += paragraph(f"{'scores':<12} {figures.count(reach.scores_last_day)} live in the last 24 h", width)
    return rows


def _decisions(view: LineageView, zone: ZoneInfo, width: int) -> list[Row]:
    if not view.decisions:
        return [
            Row(Line()),
            *paragraph("Nothing was decided about this version here: no request, no approval, no move of an alias, no switch.", width),
        ]
    rows = [Row(columns([("", 2, ""), ("TIME", 13, "dim"), ("WHO", 16, "dim"), ("WHAT", max(20, width - 34), "dim")]))]
    for number, each in enumerate(view.decisions):
        state = each.state.value
        cells = columns([(figures.moment(each.at, zone), 13, ""), (each.who, 16, ""), (each.what, max(20, width - 35), "")])
        rows.append(
            Row(
                Line((*line(" ", mark(state), " ").spans, *cells.spans)),
                key=f"{each.id or each.kind}#{number}",
                why=line(mark(state), " ", each.what),
                state=state,
            )
        )
    return rows


def _windows(view: LineageView, width: int) -> list[Row]:
    """Features that are computed over another window where they serve, with what was measured of it."""
    if not view.windows:
        return []
    rows = [Row(rule("Windows that differ", width))]
    for each in view.windows:
        rows.append(Row(line(" ", mark("critical"), " ", (each.feature, "bold"), f": {', '.join(each.differ)}")))
        rows += paragraph(f"trained on  {each.training.raw}", width, indent=5)
        rows += paragraph(f"served as   {each.serving.raw}", width, indent=5)
        if each.share is None or each.measured_at is None:
            command = command_line("parity", "OFFLINE", view.model, options={"--key": "key", "--record": view.model})
            measured = f"not measured: qd {command}"
        else:
            share = f"{each.share * 100:.3g} % of {figures.count(each.requests)} requests differ"
            measured = f"measured    {share}, {figures.ago(view.at - each.measured_at)}"
        rows += paragraph(measured, width, indent=5)
    return rows


def _missing(view: LineageView, width: int) -> list[Row]:
    lacking = [each for each in view.requirements if not each.there]
    if not view.requirements:
        return []
    if not lacking:
        return [Row(line(" ", mark("ok"), " nothing that it takes to make this version again is missing"))]
    rows = [Row(line(" ", mark("unknown"), f" {len(lacking)} of {len(view.requirements)} missing:"))]
    for each in lacking:
        rows += paragraph(f"{each.name}: {each.why.raw}", width, indent=5)
    return rows
