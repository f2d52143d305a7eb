"""The page of rows held against a contract."""

from __future__ import annotations

from backends.text import Untrusted, shortened
from console.render import figures
from console.views.contract import ContractCheckView, Offender, RuleVerdict
from widgets.line import MARKS, Line, Page, Row, columns, line
from widgets.wrapping import wrapped

NAME_WIDTH = 24


def contract_page(view: ContractCheckView, *, width: int = 80) -> Page:
    """Rules that are not kept, the worst first, each with its reason and the first rows; then how many are."""
    heading = line((shortened(view.file, 36), "bold"), " against contract ", (shortened(view.name, 24), "bold"))
    moment = "at any moment" if view.moment is None else f"at the moment: {view.moment}"
    rows = [Row(line(f" {figures.count(view.rows)} rows, {moment}: ", (str(view.state), str(view.state))))]
    rows.append(Row(line((f"   {'RULE':<10}{'COLUMN':<{NAME_WIDTH}}{'ROWS':>10}{'SHARE':>10}  LINE", "dim"))))
    kept = [each for each in view.rules if str(each.state) == "ok"]
    for each in view.rules:
        if str(each.state) == "ok":
            continue
        rows.append(Row(_row(each), key=f"{each.rule} {'' if each.column is None else each.column.raw}", state=str(each.state)))
        said = [line("     ", (Untrusted(each.why), "dim"))]
        said += [line("     ", (Untrusted(_offender(found)), "dim")) for found in each.sample]
        rows += [Row(part) for one in said for part in wrapped(one, width - 1, 5)]
    rows.append(Row(line(f" {len(kept)} of {len(view.rules)} rules are kept")))
    return Page(heading, tuple(rows), "contract")


def _row(each: RuleVerdict) -> Line:
    state = str(each.state)
    cells = columns(
        [
            (each.rule, 10, ""),
            ("the file" if each.column is None else each.column, NAME_WIDTH, ""),
            (figures.MISSING if each.count is None else figures.count(each.count), -10, state),
            (figures.MISSING if each.share is None else f"{each.share * 100:.3g} %", -10, ""),
            (f"  {each.line}", 6, "dim"),
        ],
        gap=0,
    )
    return Line((*line((f" {MARKS[state]} ", state)).spans, *cells.spans))


def _offender(found: Offender) -> str:
    if found.value is None:
        return f"row {found.row:,}: no value"
    return f"row {found.row:,}: {found.value.raw[:200]}" + (" (its shape)" if found.redacted else "")
