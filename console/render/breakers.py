"""The breakers as lines: what is called outside the workspace, whether it is called now, and how that went."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from console.render import figures
from console.render.facts import paragraph
from widgets.line import Line, Page, Row, columns, line, mark, sides

if TYPE_CHECKING:
    from console.views.own.breakers import BreakersView


def breakers_page(view: BreakersView, *, width: int = 80, height: int = 20) -> Page:
    """One row a breaker."""
    del height
    name = 20 + max(0, min(30, width - 100))
    rows = []
    if view.problem is not None:
        rows += paragraph(f"Nothing that was remembered can be read, so every call is made: {view.problem.raw}", width, role="warning")
    if not view.rows:
        rows += paragraph(
            "Nothing outside this workspace is called: no database file of its own and no command that tells of alerts.", width
        )
    else:
        head = [("", 2, ""), ("CALLS", name, "dim"), ("BREAKER", 13, "dim"), ("FAILED", -9, "dim"), ("WITHIN", -7, "dim")]
        rows.append(Row(columns(head)))
    for each in view.rows:
        state = each.state.value
        cells = columns(
            [
                (each.name, name, "bold"),
                (each.breaker.value, 13, "" if state == "ok" else state),
                (f"{each.failures} of {each.calls}", -9, ""),
                (figures.age(timedelta(seconds=each.window_seconds)), -7, "dim"),
            ]
        )
        text = Line((*line(" ", mark(state), " ").spans, *cells.spans))
        rows.append(Row(text, key=each.name, why=line(mark(state), " ", each.why), state=state))
        rows += paragraph(each.what, width, indent=3, role="dim")
        rows += paragraph(each.why, width, indent=3)
        if each.last_error:
            rows += paragraph(f"last error: {each.last_error.raw}", width, indent=3)
    shut = sum(each.breaker.value in {"open", "forced-open"} for each in view.rows)
    words = f"{shut} open" if shut else "none open" if view.rows else "none"
    return Page(sides(line(("Breakers", "bold"), f"  {words}"), line(("by the clock on the wall", "dim")), width), tuple(rows), "breakers")
