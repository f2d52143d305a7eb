"""Real or a bug? The first row of the Drift page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backends.text import Untrusted
from widgets.line import MARKS, Row, line
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.drift.bug import RealOrBug

KEY: Final = "\0bug"
"""The row's key: no column can be called so."""


def bug_rows(found: RealOrBug, width: int) -> list[Row]:
    """The verdict, in as many lines as it needs. The cursor stops at it only when something is wrong: else it begins at the columns."""
    state = str(found.state)
    said = wrapped(line((f" {MARKS[state]} ", state), ("Real or a bug? ", "bold"), Untrusted(f"{found.verdict}.")), width, 3)
    checks = "; ".join(f"{each.name} {each.state}: {each.why}" for each in found.checks)
    why = line((MARKS[state], state), Untrusted(f" {checks or found.verdict}"))
    stops = state in {"warning", "critical"}
    return [Row(each, key=KEY if stops and not place else None, why=why, state=state) for place, each in enumerate(said)]
