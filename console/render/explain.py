"""The Explain page: one number or word, and the list of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.line import Line, Page, Row, columns, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.definitions.explain import ExplainListView, ExplainView

INDENT = 11


def explain_page(view: ExplainView, *, width: int = 80, height: int = 20) -> Page:
    """What a number says, how it is computed, and where it misleads."""
    del height
    rows = []
    parts = [("says", view.says), ("formula", view.formula), ("unit", view.unit), ("source", view.source), ("limits", view.limits)]
    for name, text in (*parts, ("misleads", view.misleads)):
        if text:
            rows += [Row(each) for each in wrapped(line((f" {name:<{INDENT - 1}}", "bold"), text), width - 1, INDENT)]
    if view.rules:
        rows += [Row(Line()), Row(rule("Rules that watch it", width))]
    for each in view.rules:
        named = (("warn", each.warning), ("crit", each.critical))
        limits = "  ".join(f"{word} {limit}" for word, limit in named if limit)
        head = columns([(f" {each.id}", 26, "bold"), (f"over {each.window}, n at least {each.minimum_n}", 30, "")])
        rows.append(Row(head))
        rows += [Row(one) for one in wrapped(line(f"   {limits or 'no limit'}; playbook {each.playbook}"), width - 1, 3)]
    if view.see:
        rows += [Row(Line()), Row(line((" See also", "bold")))]
        rows += [Row(line(f"   {name}"), key=name, why=line(f"Enter explains {name}")) for name in view.see]
    return Page(line("Explain > ", (view.title, "bold")), tuple(rows), f"explain {_quoted(view.name)}")


def explain_list_page(view: ExplainListView, *, width: int = 80, height: int = 20) -> Page:
    """Every name that can be explained."""
    del height
    rows = []
    for kind, title in (("signal", "Signals: rules watch these"), ("term", "Numbers and words")):
        rows.append(Row(rule(title, width)))
        for each in (one for one in view.names if one.kind == kind):
            rows.append(Row(columns([(f" {each.name}", 22, "bold"), (each.title, width - 24, "")]), key=each.name, why=line(each.title)))
    return Page(line(("Explain", "bold"), f"  {len(view.names)} numbers and words"), tuple(rows), "explain")


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
