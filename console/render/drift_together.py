"""All inputs together: a part of the Drift page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backends.text import Untrusted
from console.render import figures
from console.render.dates import span
from widgets.line import MARKS, Line, Row, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.drift.together import Together

KEY: Final = "\0together"
"""The row's key: no column can be called so."""

SHOWN: Final = 3
"""Columns left out that are named with their reason."""


def together_rows(found: Together, width: int) -> list[Row]:
    """The verdict, what it is judged by, and the columns that tell the periods apart."""
    state = str(found.state)
    of = f"{span(found.first, found.last)}, n {figures.count(found.n_current)}" if found.first and found.last else "not computed"
    rows = [Row(Line()), Row(rule("All inputs together", width, of))]
    number = f"AUC {figures.share(found.auc)} ({figures.share(found.low)}-{figures.share(found.high)}): " if found.auc is not None else ""
    said = wrapped(line(f" {MARKS[state]} ", (f"{number}{found.verdict}", state if found.state != "ok" else "")), width, 3)
    why = line((MARKS[state], state), f" all inputs together: {found.verdict}")
    rows += [Row(each, key=None if place else KEY, why=why, state=state) for place, each in enumerate(said)]
    if found.earlier:
        course = " ".join(figures.share(each.auc, 2) for each in found.earlier)
        over = f"; warns over {figures.share(found.limit, 2)}" if found.limit is not None else ""
        since = span(found.earlier[0].first, found.earlier[-1].last)
        rows += [Row(each) for each in wrapped(line((f"   Earlier weeks, {since}: {course}{over}", "dim")), width, 5)]
    if found.by:
        named = ", ".join(f"{name.raw} {figures.share(cost)}" for name, cost in found.by)
        rows += [
            Row(each) for each in wrapped(line("   Told apart by ", Untrusted(named), (" (AUC that shuffling it costs)", "dim")), width, 5)
        ]
    if found.left_out:
        left = "; ".join(f"{name.raw}: {why_not}" for name, why_not in found.left_out[:SHOWN])
        more = f"; and {len(found.left_out) - SHOWN} more" if len(found.left_out) > SHOWN else ""
        rows += [Row(each) for each in wrapped(line(("   Left out ", "dim"), (Untrusted(left + more), "dim")), width, 5)]
    if found.note:
        rows += [Row(each) for each in wrapped(line((f"   Not learnt anew: {found.note}", "warning")), width, 5)]
    return rows
