"""Text reaches the terminal only through `Line` and `Strip`: nothing that reads markup is used at all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from terminal import ROOT

FORBIDDEN_WIDGETS = {"Static", "Label", "DataTable", "Markdown", "RichLog", "Log", "OptionList", "ListView", "Input", "Button"}
FORBIDDEN_CALLS = {"notify", "from_markup", "from_ansi", "render_markup"}
FOLDERS = ("widgets", "console/screens")


def offences(source: str) -> list[str]:
    """What in `source` could interpret text as markup."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual.widgets"):
            found += [one.name for one in node.names if one.name in FORBIDDEN_WIDGETS]
        elif isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.startswith("textual.widgets")]
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in FORBIDDEN_CALLS:
                found.append(name)
            for keyword in node.keywords:
                if keyword.arg == "markup" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
                    found.append("markup=")
    return found


def sources() -> list[Path]:
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*files, *(path for path in [ROOT / "console" / "app.py"] if path.exists())]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_widget_or_screen_reads_markup(path):
    assert offences(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "from textual.widgets import Static",
        "import textual.widgets as w",
        "self.notify('hello')",
        "Text.from_markup(name)",
        "Content.from_markup(name)",
        "Thing(name, markup=True)",
    ],
)
def test_the_rule_finds_what_it_forbids(source):
    assert offences(source)


def test_the_rule_lets_lines_pass():
    assert offences("from widgets.line import line\nline(name)\nThing(markup=False)") == []
