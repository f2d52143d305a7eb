"""Text from outside reaches a terminal by one way only; what could draw it by another is not used anywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.source

ROOT = Path(__file__).parents[2]

RAW_MODULES = (
    "textual.widgets",
    "textual.content",
    "textual.markup",
    "textual.visual",
    "rich.text",
    "rich.markup",
    "rich.console",
    "rich.table",
)
"""They read square brackets as markup, or draw whatever they are given."""

RAW_CALLS = frozenset({"notify", "from_markup", "from_ansi", "render_str"})
"""Methods of the screen library that take a `str` and read markup in it."""

RAW_ATTRIBUTES = frozenset({"border_title", "border_subtitle", "sub_title", "tooltip"})
"""Attributes of a widget in which the screen library reads markup."""


def raw_ways(source: str) -> Iterator[str]:
    """Each place in `source` where text could be drawn without having been made displayable."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(RAW_MODULES):
            yield f"line {node.lineno}: from {node.module} import"
        elif isinstance(node, ast.Import) and any(each.name.startswith(RAW_MODULES) for each in node.names):
            yield f"line {node.lineno}: import {node.names[0].name}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RAW_CALLS:
            yield f"line {node.lineno}: .{node.func.attr}()"
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in RAW_ATTRIBUTES:
            yield f"line {node.lineno}: .{node.attr} ="
        elif (
            isinstance(node, ast.keyword)
            and node.arg == "markup"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        ):
            yield f"line {node.value.lineno}: markup="


def test_no_widget_of_the_library_that_reads_markup_is_used() -> None:
    found = [
        f"{path.relative_to(ROOT)} {way}"
        for package in ("console", "widgets")
        for path in sorted((ROOT / package).rglob("*.py"))
        for way in raw_ways(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "from textual.widgets import Static",
        "import textual.widgets",
        "from rich.text import Text",
        "from rich.markup import render",
        "self.app.notify(name)",
        "Text.from_markup(name)",
        "self.border_title = name",
        "Widget(name, markup=True)",
        "self.tooltip = name",
    ],
)
def test_each_raw_way_would_be_found(source: str) -> None:
    assert len(list(raw_ways(source))) == 1


@pytest.mark.parametrize(
    "source", ["from textual.widget import Widget", "from rich.segment import Segment", "Widget(name, markup=False)", "notify(x)"]
)
def test_what_draws_what_it_was_given_as_it_is_may_be_used(source: str) -> None:
    assert list(raw_ways(source)) == []
