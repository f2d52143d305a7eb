"""`docs/coverage.csv` names every capability once, and whatever is said to work has a test that exists."""

from __future__ import annotations

import ast
import csv
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from console.cli.parser import verb_of
from console.cli.verbs import VERBS

ROOT = Path(__file__).parents[2]
HEADER = ["id", "status", "where", "field", "test"]
AT_MOST = 5
"""Rows that one test may stand for."""


def rows() -> list[dict[str, str]]:
    with (ROOT / "docs" / "coverage.csv").open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        assert reader.fieldnames == HEADER
        return list(reader)


ROWS = rows()
WORKING = [row for row in ROWS if row["status"] == "works"]


@cache
def names_in(path: str) -> frozenset[str]:
    """Names of the test functions of a file, with their class where they have one."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    return frozenset(found)


def exists(test: str) -> bool:
    path, _, name = test.partition("::")
    return name.rpartition("::")[2].startswith("test_") and (ROOT / path).is_file() and name in names_in(path)


def test_every_capability_has_exactly_one_line() -> None:
    listed = (ROOT / "tests" / "data" / "mission_ids.txt").read_text(encoding="utf-8").split()
    assert [row["id"] for row in ROWS] == listed
    assert len(set(listed)) == len(listed)


def test_every_line_has_a_status_and_says_what_goes_with_it() -> None:
    for row in ROWS:
        assert None not in row and None not in row.values(), row
        match row["status"]:
            case "works":
                assert row["where"] and row["field"] and row["test"], row
                assert "lacks:" not in row["field"], row
            case "partly":
                assert row["where"] and row["field"].partition("lacks: ")[2], row
            case "open":
                assert not (row["where"] or row["field"] or row["test"]), row
            case other:
                pytest.fail(f"{row['id']}: {other!r} is no status")


def test_every_test_that_is_named_exists() -> None:
    missing = [(row["id"], row["test"]) for row in ROWS if row["test"] and not exists(row["test"])]
    assert not missing


def test_every_verb_that_is_named_exists() -> None:
    commands = [
        part.strip().split()[1:] for row in ROWS for part in row["where"].replace(", ", "; ").split(";") if part.strip().startswith("qd ")
    ]
    assert len(commands) > len(WORKING) / 2
    assert {verb_of(words) for words in commands} <= set(VERBS) | {"VERB"}


def test_no_test_stands_for_more_than_five_lines() -> None:
    assert [(test, count) for test, count in Counter(row["test"] for row in WORKING).items() if count > AT_MOST] == []


def test_a_test_that_is_gone_would_be_found() -> None:
    assert not exists("tests/architecture/test_coverage.py::test_of_nothing")
    assert not exists("tests/nowhere/test_nothing.py::test_of_nothing")
    assert not exists("tests/architecture/test_coverage.py::rows")
