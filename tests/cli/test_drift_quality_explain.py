"""The verbs drift, quality and explain: pages within 80 columns, JSON that fits its schema, exit codes that say what happened."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from published_schemas import assert_fits

from console.cli.exits import Exit
from console.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, days_of_predictions, made


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = made(tmp_path_factory.mktemp("verbs") / "w", START + 60 * DAY, slices=("carrier",))
    days_of_predictions(place, 60, 150, temp=lambda day, row: float(row % 50) + (60 if day > 54 else 0))
    return place.root


def run(capsys: pytest.CaptureFixture[str], root: Path, *words: str) -> tuple[int, str, str]:
    code = main(["--workspace", str(root), *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def as_json(capsys: pytest.CaptureFixture[str], root: Path, schema: str, *words: str) -> dict[str, Any]:
    code, out, _ = run(capsys, root, *words, "--json")
    assert code == Exit.OK
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == f"quarterdeck/{schema}/1"
    assert_fits(found, schema)
    return found


@pytest.mark.parametrize(
    ("schema", "words"),
    [("drift", ["drift", "delay"]), ("drift-column", ["drift", "delay", "-f", "temp"]),
     ("drift-column", ["drift", "delay", "-f", "temp", "--from", "2024-01-25", "--to", "2024-02-20"]),
     ("drift-segments", ["drift", "delay", "--segment", "carrier"]),
     ("quality", ["quality", "delay", "--by", "week"]),
     ("explain", ["explain", "psi"]), ("explain-list", ["explain"])],
)  # fmt: skip
def test_json_fits_its_schema_and_pages_fit_80_columns(
    capsys: pytest.CaptureFixture[str], root: Path, schema: str, words: list[str]
) -> None:
    as_json(capsys, root, schema, *words)
    code, out, _ = run(capsys, root, *words)
    assert code == Exit.OK
    assert max(map(len, out.splitlines())) <= 80


def test_drift_lists_the_far_column_first_and_counts_the_rest(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    _, out, _ = run(capsys, root, "drift", "delay")
    lines = out.splitlines()
    assert lines[0] == "delay v1, 25-29 Feb (n 750) against 1-21 Jan (n 3,150)"
    assert "Real or a bug?" in lines[1]
    header = next(number for number, each in enumerate(lines) if each.startswith("   COLUMN"))
    above = lines[2:header]
    assert above[0].startswith(" X share observed") and len(above) <= 3 and lines[header + 1].startswith(" X temp")
    assert "2 more are ok (--all)" in out
    assert "dow" not in out
    assert "dow" in run(capsys, root, "drift", "delay", "--all")[1]


def test_fail_on_turns_a_verdict_into_an_exit_code(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    assert run(capsys, root, "drift", "delay", "--fail-on", "critical")[0] == Exit.NO
    assert run(capsys, root, "drift", "delay", "-f", "carrier", "--fail-on", "warning")[0] == Exit.OK


def test_two_periods_of_ones_own(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    words = ["--from", "2024-02-05", "--to", "2024-02-11", "--reference-from", "2024-01-29", "--reference-to", "2024-02-04"]
    found = as_json(capsys, root, "drift", "drift", "delay", *words)
    assert (found["first"], found["last"], found["reference_first"]) == ("2024-02-05", "2024-02-11", "2024-01-29")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["drift", "nobody"], Exit.NOT_FOUND, "no model 'nobody'"),
        (["drift", "delay", "-f", "tmp"], Exit.NOT_FOUND, "did you mean temp?"),
        (["drift", "delay", "--from", "yesterday"], Exit.USAGE, "is not a day"),
        (["drift", "delay", "--from", "2024-02-05", "--to", "2024-02-01"], Exit.USAGE, "is after the end"),
        (["drift", "delay", "--reference-from", "2024-02-05"], Exit.USAGE, "needs both"),
        (["drift", "delay", "--exact"], Exit.USAGE, "name it with -f"),
        (["quality", "nobody"], Exit.NOT_FOUND, "no model 'nobody'"),
        (["quality", "delay", "--slice", "tmp"], Exit.NOT_FOUND, "did you mean temp?"),
        (["explain", "psy"], Exit.NOT_FOUND, "nearest: psi"),
    ],
)
def test_what_cannot_be_answered_is_one_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], root: Path, words: list[str], code: Exit, said: str
) -> None:
    found, out, err = run(capsys, root, *words)
    assert (found, out) == (code, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_explain_needs_no_workspace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, tmp_path / "none", "explain", "burn", "rate")
    assert code == Exit.OK
    assert out.startswith("Explain > burn rate")
