"""versions, lineage, changes, sources, switches, actions, audit, alerts, incidents: pages in 80 columns, JSON by schema, exit codes."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from published_schemas import assert_fits

from console.cli.exits import Exit
from console.cli.main import main
from console.control.actions import ActionKind

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from registry_workspace import DAY, MODEL, NOW, Place, history, version_records, write_artifact


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = history(tmp_path_factory.mktemp("verbs") / "w")
    made.incident(made.alert("ALR-1", NOW - DAY), "late gap")
    made.switch(ActionKind.FALLBACK, "INC-1 late gap")
    return made


@pytest.fixture
def own(tmp_path: Path) -> Place:
    return history(tmp_path / "w")


def run(capsys: pytest.CaptureFixture[str], place: Place, *words: str) -> tuple[int, str, str]:
    code = main(["--workspace", str(place.paths.root), *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def action_of(place: Place) -> str:
    return place.lookout().actions().rows[0].id


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("versions", ["versions", MODEL]),
        ("version", ["versions", f"{MODEL}@2"]),
        ("card", ["card", f"{MODEL}@2"]),
        ("data-sheet", ["card", "--dataset", "data-2"]),
        ("lineage", ["lineage", MODEL]),
        ("lineage", ["lineage", f"{MODEL}@1", "--control"]),
        ("lineage", ["lineage", MODEL, "--blast", "weather"]),
        ("changes", ["changes", MODEL]),
        ("changes", ["changes", MODEL, "--by-time"]),
        ("sources", ["sources"]),
        ("switches", ["switches"]),
        ("actions", ["actions"]),
        ("action", ["action", "A"]),
        ("audit-log", ["audit", "log", "--limit", "5"]),
        ("audit-verify", ["audit", "verify"]),
        ("alerts", ["alerts"]),
        ("incidents", ["incidents"]),
    ],
)
def test_json_fits_its_schema_and_pages_fit_80_columns(
    capsys: pytest.CaptureFixture[str], place: Place, schema: str, words: list[str]
) -> None:
    words = [action_of(place) if word == "A" else word for word in words]
    code, out, err = run(capsys, place, *words, "--json")
    assert (code, err) == (Exit.OK, "")
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == f"quarterdeck/{schema}/1"
    assert_fits(found, schema)
    code, out, _ = run(capsys, place, *words)
    assert code == Exit.OK
    assert out.strip() and max(map(len, out.splitlines())) <= 80


def test_a_tampered_artifact_makes_the_check_of_versions_say_no(capsys: pytest.CaptureFixture[str], own: Place) -> None:
    assert run(capsys, own, "versions", MODEL, "--check")[0] == Exit.OK
    write_artifact(own, "1", "something else")
    code, out, _ = run(capsys, own, "versions", MODEL, "--check")
    assert code == Exit.NO
    assert "DIFFERS" in out


def test_a_lineage_that_is_not_complete_makes_its_check_say_no(capsys: pytest.CaptureFixture[str], own: Place) -> None:
    assert run(capsys, own, "lineage", MODEL, "--check")[0] == Exit.OK
    own.land(*[each for each in version_records("2", environment_digest=None, known_at=NOW - DAY) if each.kind == "version"])
    code, out, _ = run(capsys, own, "lineage", MODEL, "--check")
    assert code == Exit.NO
    assert "completeness 6 of 7" in out and "environment: the version names no environment digest" in out


def test_what_is_not_there_is_not_found_with_the_nearest_name(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    for words, told in (
        (["versions", "delya"], "did you mean delay?"),
        (["versions", f"{MODEL}@9"], "there are: 1, 2, 3"),
        (["lineage", MODEL, "--blast", "nowhere"], "there are: source:flights"),
        (["action", "A-nothing"], "see: quarterdeck actions"),
    ):
        code, out, err = run(capsys, place, *words)
        assert (code, out) == (Exit.NOT_FOUND, ""), words
        assert told in err


def test_verify_exits_with_1_and_names_the_place_when_the_chain_was_cut(capsys: pytest.CaptureFixture[str], own: Place) -> None:
    assert run(capsys, own, "audit", "verify")[0] == Exit.OK
    connection = sqlite3.connect(own.paths.control)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    last = connection.execute("SELECT max(seq) FROM events").fetchone()[0]
    connection.execute("DELETE FROM events WHERE seq = ?", (last,))
    connection.commit()
    connection.close()
    code, out, _ = run(capsys, own, "audit", "verify")
    assert code == Exit.NO
    assert f"truncated: the chain ends at #{last - 1}, but #{last} had been mirrored" in out.replace("\n ", " ")


def test_the_audit_log_is_filtered_by_who_kind_and_model(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    def seqs(*words: str) -> list[int]:
        found = json.loads(run(capsys, place, "audit", "log", "--limit", "0", "--json", *words)[1])
        return [row["seq"] for row in found["rows"]]

    everything = seqs()
    assert len(everything) == place.lookout().chain().entries
    assert 0 < len(seqs("--who", "ilse")) < len(everything)
    assert 0 < len(seqs("--kind", "approval.")) < len(everything)
    assert seqs("--model", "nobody") == []
    assert run(capsys, place, "audit", "log", "--limit", "-1")[0] == Exit.USAGE


def test_checks_say_no_when_something_fires_or_is_not_normal(capsys: pytest.CaptureFixture[str], place: Place, own: Place) -> None:
    for verb in ("alerts", "incidents", "switches"):
        assert run(capsys, place, verb, "--check")[0] == Exit.NO, verb
        assert run(capsys, own, verb, "--check")[0] == Exit.OK, verb


def test_the_past_is_shown_with_as_of(capsys: pytest.CaptureFixture[str], place: Place) -> None:
    code, out, _ = run(capsys, place, "--as-of", "2024-01-10T00:00Z", "versions", MODEL)
    assert code == Exit.OK
    assert "v1 serves in production" in out and "v2" not in out
    assert "No incident is open." in run(capsys, place, "--as-of", "2024-01-10T00:00Z", "incidents")[1]


def test_a_broken_switch_file_is_a_backend_that_does_not_answer(capsys: pytest.CaptureFixture[str], own: Place) -> None:
    own.paths.switches.write_text("{")
    code, out, _ = run(capsys, own, "switches")
    assert code == Exit.UNAVAILABLE
    assert "nobody knows how any switch stands" in out
    assert run(capsys, own, "sources", "--check")[0] == Exit.NO
