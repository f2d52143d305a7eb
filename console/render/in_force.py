"""Policies as a page: their digest, what has changed since, and every item with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from widgets.line import MARKS, Page, Row, line, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.in_force import InForceView

_SAID = {
    "files": "as the files say",
    "last good": "the files are broken: what was adopted last",
    "shipped": "the files are broken: what ships",
    "kept": "kept by their digest",
}


def in_force_page(view: InForceView, *, width: int = 80) -> Page:
    """What is in force, or was for one decision."""
    heading = sides(line(("Policies", "bold"), "  ", view.of if view.of is not None else "now"), line((_SAID[view.origin], "dim")), width)
    lines = [line(f" {view.digest}")]
    lines += [line(" ", (MARKS["critical"], "critical"), " ", problem) for problem in view.problems]
    if view.of is not None:
        lines.append(rule("Now" if view.changed_since else "Now: the same", width))
        lines += [line(f" {each}") for each in view.changed_since]
    section = ""
    for item in view.items:
        if item.section != section:
            section = item.section
            lines.append(rule(section, width))
        place = f"  {item.place}" if item.place else ""
        lines.append(line((f" {item.name}", "bold"), (place, "dim")))
        lines.append(line("   ", json.dumps(item.body, ensure_ascii=False, sort_keys=True)))
    return Page(heading, tuple(Row(part) for each in lines for part in wrapped(each, width, 3)), "config policies")
