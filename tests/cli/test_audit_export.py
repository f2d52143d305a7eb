"""`audit export`: all of the journal for other programs, exact for them and harmless for people."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.cli.exits import Exit
from console.cli.main import main
from console.cli.unheard import Unheard
from console.control import audit
from console.control.actions import ActionKind
from console.render.audit_export import comma_separated, ocsf

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from registry_workspace import Place, history

HOSTILE = '=HYPERLINK("http://x",1) \x1b]52;c;aGk=\x07 | [b]<img src=x>[/b] \u202e `end`'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = history(tmp_path_factory.mktemp("export") / "w")
    made.switch(ActionKind.FALLBACK, HOSTILE)
    return made


def run(capsys: pytest.CaptureFixture[str], place: Place, *words: str) -> tuple[int, str, str]:
    code = main(["--workspace", str(place.paths.root), "audit", "export", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_json_lines_are_oldest_first_exact_and_all_of_it(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    code, out, _ = run(capsys, place)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == Exit.OK and [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert HOSTILE in {row["body"].get("reason") for row in rows}
    assert "\x1b" not in out and "\u202e" not in out


def test_filters_hold_for_an_export_too(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    rows = [json.loads(line) for line in run(capsys, place, "--kind", "action.effective")[1].splitlines()]
    assert rows and {row["kind"] for row in rows} == {"action.effective"}
    latest = rows[-1]["at"]
    assert run(capsys, place, "--since", latest, "--until", latest)[1].count("\n") >= 1
    assert run(capsys, place, "--until", "2001-01-01T00:00Z")[1] == ""


def test_no_cell_of_a_csv_begins_a_formula(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    out = run(capsys, place, "--format", "csv", "--text", "HYPERLINK")[1]
    header, *rows = list(csv.reader(io.StringIO(out)))
    cells = [cell for row in rows for cell in row]
    assert header[0] == "seq" and rows and any("HYPERLINK" in cell for cell in cells)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert all(len(row) == len(header) for row in rows) and "\x1b" not in out


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_whatever_some_spreadsheet_takes_for_a_formula_is_text(place: Place, first: str) -> None:
    [entry, *_] = audit.each(place.paths)
    hostile = entry.model_copy(update={"who": f"{first}1+1", "what": f"{first}cmd", "detail": f"{first}x"})
    [_, row] = csv.reader(comma_separated([hostile]))
    assert {f"'{first}1+1", f"'{first}cmd", f"'{first}x"} <= set(row)


def test_markdown_is_a_table_in_which_nothing_of_the_text_is_markup(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    import re

    out = run(capsys, place, "--format", "md", "--text", "HYPERLINK")[1]
    rows = out.splitlines()[2:]
    assert rows and all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)
    assert r"\<img src=x\>" in out and r"\[b\]" in out and "\x1b" not in out


def test_ocsf_events_have_what_the_class_requires(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    events = [json.loads(line) for line in run(capsys, place, "--format", "ocsf")[1].splitlines()]
    required = {"activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint", "time", "type_uid"}
    for event in events:
        assert required <= event.keys() and event["class_uid"] == 6003
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["metadata"]["uid"] == event["unmapped"]["hash"]
        assert event["status"], "what is neither success nor failure is named"
        assert event["activity_id"] != 99 or event["activity_name"]
        assert event["activity_id"] in {0, 1, 2, 3, 4, 99} and event["severity_id"] in {0, 1, 2, 3, 4, 5, 6, 99}
        assert event["status_id"] in {0, 1, 2, 99} and event["category_uid"] == event["class_uid"] // 1000
        assert isinstance(event["time"], int) and event["api"]["operation"]
        assert event["metadata"]["version"] == "1.3.0" and event["metadata"]["product"]["vendor_name"]
        assert event["actor"]["user"]["type_id"] in {0, 1, 2, 3, 99} and event["actor"]["user"]["name"]
        assert all(each.keys() & {"name", "uid"} for each in event["resources"])
    effective = next(event for event in events if event["api"]["operation"] == "action.effective")
    assert (effective["status_id"], effective["resources"][0]["type"]) == (1, "model")


@pytest.mark.parametrize(
    ("host", "told_as"), [("bastion.example.org", "hostname"), ("build_box", "name"), ("-x", "name"), ("a..b", "name"), (HOSTILE, "name")]
)
def test_what_is_no_host_name_by_the_schema_is_told_as_a_name(place: Place, host: str, told_as: str) -> None:
    [entry, *_] = audit.each(place.paths)
    [told] = ocsf([entry.model_copy(update={"actor": {**entry.actor, "host": host}})])
    assert json.loads(told)["src_endpoint"] == {told_as: host}


def test_a_file_is_written_whole_and_never_over_another(capsys: pytest.CaptureFixture[str], place: Place, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    code, out, err = run(capsys, place, "--to", str(file))
    assert code == Exit.OK and out == "" and str(len(file.read_text().splitlines())) in err
    assert run(capsys, place, "--to", str(file))[0] == Exit.USAGE
    assert run(capsys, place, "--to", str(file), "--force")[0] == Exit.OK
    code, _, err = run(capsys, place, "--to", str(tmp_path / "none" / "audit.jsonl"))
    assert code == Exit.UNAVAILABLE and "nothing was written" in err
    assert [path.name for path in tmp_path.iterdir()] == ["audit.jsonl"]


def test_once_nobody_reads_an_export_no_more_of_the_journal_is_read(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    """`audit export | head -1` of a journal of years ends with its reader."""
    [entry, *_] = audit.each(place.paths)
    read = []

    def long_one(*_: object) -> Iterator[audit.AuditEntry]:
        for number in range(100_000):
            read.append(number)
            yield entry

    monkeypatch.setattr(audit, "each", long_one)
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Unheard(writer))))
    assert main(["--workspace", str(place.paths.root), "audit", "export"]) == Exit.OK
    assert len(read) < 100
