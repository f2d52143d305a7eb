"""The page of rows, or production logs, held against a contract."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from backends.records import State
from backends.shell_words import command_line
from backends.text import Untrusted, shortened
from console.render import figures
from console.render.handled import handled_rows
from console.render.holds import hold_lines
from console.render.kept_search import search_words, whose
from console.render.model import tabs
from console.views.data.contract import ContractCheckView, Offender, RuleVerdict
from console.views.data.kept_search import RecordedSearch
from widgets.chart import strip
from widgets.line import MARKS, Line, Page, Row, columns, line
from widgets.wrapping import wrapped

NAME_WIDTH = 24
STRIP_WIDTH = 29
WIDE = 116
"""Columns from which the course is drawn too."""

_RAMP = "_.-=*#"


def contract_page(view: ContractCheckView, *, width: int = 80, tabbed: bool = False) -> Page:
    """Rules that are not kept, the worst first, each with its reason and the newest or first rows; then how many are.

    `tabbed` is the screen of a model: there the rules that are kept are listed too.
    """
    where = ZoneInfo(view.zone)
    rows = [Row(tabs("Data"))] if tabbed else []
    rows += [Row(part, key=f"held:{each.pipeline or '*'}") for each in view.holds for part in hold_lines(each, view.at, where, width)]
    rows += [Row(each) for each in _summary(view, width)]
    rows += [Row(each) for problem in view.problems for each in wrapped(line(" ", (problem, "warning")), width - 1, 3)]
    rows.append(Row(_titles(view, width)))
    for each in view.rules:
        if each.state is not State.OK:
            rows += _broken(each, view, where, width)
    kept = [each for each in view.rules if each.state is State.OK]
    if tabbed:
        rows += [_row(each, view, width) for each in kept]
    rows.append(Row(line(f" {len(kept)} of {len(view.rules)} rules are kept")))
    rows += handled_rows(view.handled, width) if view.model is not None else []
    rows += _recorded(view, width)
    rows += _searched(view, width)
    return Page(_heading(view), tuple(rows), command_line("contract", "check", view.model.raw) if view.model is not None else "contract")


def _heading(view: ContractCheckView) -> Line:
    if view.model is None:
        return line((shortened(view.file, 36), "bold"), " against contract ", (shortened(view.name, 24), "bold"))
    state = str(view.state)
    told = (f"{MARKS[state]} {state.upper() if view.state is State.CRITICAL else state}", state)
    return line("Fleet > ", (shortened(view.model, 30), "bold"), " > Data   ", told)


def _summary(view: ContractCheckView, width: int) -> list[Line]:
    if view.model is None:
        moment = "at any moment" if view.moment is None else f"at the moment: {view.moment}"
        return [line(f" {figures.count(view.rows)} rows, {moment}: ", (str(view.state), str(view.state)))]
    scored = f" {figures.count(view.rows)} scored in 24 h, {view.environment}, against "
    if view.deleted:
        left = f": nothing of 24 h, {view.environment}, is held against "
        return wrapped(line(" ", Untrusted(view.deleted), left, view.name), width - 1, 3)
    if view.contract is not None:
        return wrapped(line(scored, (view.contract, "bold"), " (", view.name, ")"), width - 1, 3)
    proposed = command_line("contract", "propose", view.model.raw, options={"--to": "WORKSPACE/contracts/NAME.yaml"})
    advice = f"; no contract: qd {proposed}"
    return wrapped(line(scored, view.name, Untrusted(advice)), width - 1, 3)


def _titles(view: ContractCheckView, width: int) -> Line:
    tail = "  LINE" if view.model is None else f"{'LIMIT':>9}   SINCE"
    course = f"   {'24 h EACH, TO NOW':<{STRIP_WIDTH}}" if _is_wide(view, width) else ""
    return line((f"   {'RULE':<10}{'COLUMN':<{NAME_WIDTH}}{'ROWS':>9}{'SHARE':>9}{tail}{course}", "dim"))


def _is_wide(view: ContractCheckView, width: int) -> bool:
    return view.model is not None and width >= WIDE


def _broken(each: RuleVerdict, view: ContractCheckView, zone: ZoneInfo, width: int) -> list[Row]:
    said = [line("     ", (Untrusted(each.why), "dim"))]
    said += [line("     ", (Untrusted(_offender(found, zone)), "dim")) for found in each.sample]
    return [_row(each, view, width), *(Row(part) for one in said for part in wrapped(one, width - 1, 5))]


def _row(each: RuleVerdict, view: ContractCheckView, width: int) -> Row:
    state = str(each.state)
    limit = each.warning if each.critical is None or each.state is State.OK else each.critical
    if view.model is None:
        tail = [(f"  {each.line}", 6, "dim")]
    else:
        tail = [(_limit(each, limit), -9, "dim"), (f"{figures.since(each.since, view.at):>8}", 8, "")]
        if _is_wide(view, width):
            drawn = strip(each.history, STRIP_WIDTH, _RAMP) if any(value is not None for value in each.history) else ""
            tail.append((f"   {drawn}", STRIP_WIDTH + 3, ""))
    cells = columns(
        [
            (each.rule, 10, ""),
            ("the file" if each.column is None and view.model is None else each.column or "all", NAME_WIDTH, ""),
            (figures.MISSING if each.count is None else figures.count(each.count), -9, state),
            (figures.MISSING if each.share is None else f"{each.share * 100:.3g} %", -9, ""),
            *tail,
        ],
        gap=0,
    )
    key = f"{each.rule} {'' if each.column is None else each.column.raw}"
    why = line((MARKS[state], state), " ", Untrusted(each.why))
    return Row(Line((*line((f" {MARKS[state]} ", state)).spans, *cells.spans)), key=key, why=why, state=state)


def _limit(each: RuleVerdict, limit: float | None) -> str:
    if limit is None:
        return ""
    return f"{limit:g} h" if each.rule == "freshness" else "none" if each.rule == "allowed" else f"{limit * 100:.3g} %"


def _offender(found: Offender, zone: ZoneInfo) -> str:
    where = f"row {found.row:,}" if found.at is None else figures.moment(found.at, zone)
    if found.value is None:
        return f"{where}: no value"
    return f"{where}: {found.value.raw[:200]}" + (" (its shape)" if found.redacted else "")


def _recorded(view: ContractCheckView, width: int) -> list[Row]:
    if view.model is None:
        return []
    rows = [Row(Line()), Row(line((" FILES THAT WERE HELD AGAINST IT", "dim")))]
    by_moment = {each.moment: each for each in view.recorded}
    for moment in ("training", "batch", "online"):
        found = by_moment.get(moment)
        if found is None:
            checked = command_line("contract", "check", view.model.raw, "FILE", options={"--moment": moment})
            rows += [Row(each) for each in wrapped(line((" ? ", "unknown"), f"{moment:<10}never; qd {checked}"), width - 1, 13)]
            continue
        state = str(found.state)
        told = f"{figures.ago(view.at - found.at)}, {found.broken} rules broken, {figures.count(found.rows)} rows of "
        said = Line((*line((f" {MARKS[state]} ", state), f"{moment:<10}{told}", shortened(found.file, 40)).spans, *whose(found)))
        rows += [Row(each, state=state) for each in wrapped(said, width - 1, 13)]
    return rows


def _searched(view: ContractCheckView, width: int) -> list[Row]:
    """Below it how rows of the model were searched last: each on a line of its own, with the worst that was found."""
    if view.model is None:
        return []
    rows = [Row(Line()), Row(line((" LEAKAGE, AND OFFLINE AGAINST ONLINE", "dim")))]
    known: dict[str, RecordedSearch] = {each.search: each for each in view.searches}
    model = view.model.raw
    asked = {
        "leakage": command_line("leakage", "FILE", options={"--label": "COLUMN", "--record": model}),
        "parity": command_line("parity", "FILE", model, options={"--key": "key", "--record": model}),
    }
    for name, verb in asked.items():
        found = known.get(name)
        if found is None:
            never = wrapped(line((" ? ", "unknown"), f"{name:<10}never; qd {verb}"), width - 1, 13)
            rows += [Row(each, key=None if number else name, state="unknown") for number, each in enumerate(never)]
            continue
        state = str(found.state)
        said = Line((*line((f" {MARKS[state]} ", state), f"{name:<10}").spans, *search_words(found, view.at)))
        rows += [Row(each, key=None if number else name, state=state) for number, each in enumerate(wrapped(said, width - 1, 13))]
    return rows
