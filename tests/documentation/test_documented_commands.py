"""Every command that the documentation shows is one that the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from console.cli.parser import UsageProblem, parse, verb_of
from console.cli.verbs import VERBS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(?:sh|bash)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )?(?:qd|quarterdeck) [^`]+)`")
_PLACEHOLDERS = re.compile(r"[|\[\]]|\.\.\.|\b[A-Z]{2,}\b(?!-)|--help")
"""A line with these describes a form rather than a command."""


def commands(document: Path) -> list[str]:
    text = document.read_text(encoding="utf-8")
    lines = [line for block in _BLOCK.findall(text) for line in block.splitlines()] + _INLINE.findall(text)
    words = [re.sub(r"^[A-Z_]+=\S+ ", "", line) for line in lines]
    return [line for line in words if re.match(r"(qd|quarterdeck) ", line) and not _PLACEHOLDERS.search(line.split("#")[0])]


FOUND = [pytest.param(line, id=f"{document.name}: {line[:60]}") for document in DOCUMENTS for line in commands(document)]


def test_the_readme_shows_commands() -> None:
    assert len(commands(ROOT / "README.md")) >= 20


@pytest.mark.parametrize("line", FOUND)
def test_the_program_takes_it(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    verb = verb_of(words)
    assert verb is None or verb in VERBS, f"{verb} is no verb"
    parse(words, verb)


def test_the_line_of_a_command_that_is_none_would_be_found() -> None:
    with pytest.raises(UsageProblem):
        parse(["drift", "churn", "--column", "age"], "drift")
