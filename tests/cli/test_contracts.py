"""`contract propose` and `contract check`: what is proposed is kept by its own rows, every breach is counted, and bad input is one line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published_schemas import assert_fits

from backends.yaml_text import load_yaml
from backends.yaml_writing import yaml_document
from console.cli.exits import Exit
from console.cli.main import main

NOW = "2024-01-31T16:40:00Z"
"""A minute after the newest of the good rows."""
Ask = Callable[..., tuple[int, str, str]]

GOOD = """SELECT 'f' || i AS flight, CASE WHEN i % 2 = 0 THEN 'AA' ELSE 'UA' END AS carrier, CAST(i % 50 AS DOUBLE) AS distance,
    i % 3 = 0 AS late, TIMESTAMPTZ '2024-01-31 00:00:00+00' + i * INTERVAL 1 MINUTE AS at FROM range(1000) t(i)"""

CONTRACT = """\
format: 1
name: arrivals
columns:
  - name: flight
    kind: text
    max_null_share: 0
  - name: carrier
    kind: categorical
    allowed: [AA, UA]
  - name: distance
    kind: numeric
    minimum: 0
    maximum: 49
    max_null_share: 0.1
    show_values: true
  - name: late
    kind: boolean
    moments: [training, logs]
  - name: at
    kind: timestamp
unique:
  - columns: [flight]
freshness:
  column: at
  at_most: 12h
"""


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.chdir(tmp_path)

    def asked(*words: object) -> tuple[int, str, str]:
        code = main(["-w", str(tmp_path / "none"), "--as-of", NOW, "contract", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT)
    return path


def rows(path: Path, sql: str) -> Path:
    ending = {".parquet": "parquet", ".csv": "csv, header", ".jsonl": "json"}[path.suffix]
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT {ending})")
    return path


def changed(tmp_path: Path, change: str) -> Path:
    """The good rows with some columns replaced."""
    return rows(tmp_path / "now.parquet", f"SELECT * REPLACE ({change}) FROM ({GOOD})")


def verdicts(ask: Ask, contract: Path, file: Path, *words: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    code, out, err = ask("check", contract, file, *words, "--json")
    assert (code, err) == (Exit.OK, "")
    said = json.loads(out)
    assert_fits(said, "contract-check")
    return {(each["rule"], each["column"]): each for each in said["rules"]}


def broken(ask: Ask, contract: Path, file: Path, *words: str) -> dict[tuple[str, str | None], str]:
    return {key: each["state"] for key, each in verdicts(ask, contract, file, *words).items() if each["state"] != "ok"}


# -- proposing


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_rows_keep_the_contract_that_was_proposed_from_them(ask: Ask, tmp_path: Path, ending: str) -> None:
    file = rows(tmp_path / f"good.{ending}", GOOD)
    assert ask("propose", file, "--to", "c.yaml") == (Exit.OK, "", "c.yaml written: 5 columns\n")
    found = verdicts(ask, tmp_path / "c.yaml", file)
    assert {each["state"] for each in found.values()} == {"ok"}
    assert {rule for rule, _ in found} == {"columns", "schema", "nulls", "allowed", "range", "unique", "freshness"}


def test_what_is_proposed_is_what_the_rows_are(ask: Ask, tmp_path: Path) -> None:
    sql = f"SELECT * REPLACE (CASE WHEN distance > 5 THEN distance END AS distance), [1, 2] AS embedding, 'x'::BLOB AS raw FROM ({GOOD})"
    code, out, _ = ask("propose", rows(tmp_path / "good.parquet", sql), "--json")
    said = json.loads(out)
    assert_fits(said, "contract-proposal")
    body = said["contract"]
    columns = {each["name"]: each for each in body["columns"]}
    assert code == Exit.OK
    assert {name: each["kind"] for name, each in columns.items()} == {
        "flight": "text", "carrier": "categorical", "distance": "numeric", "late": "boolean", "at": "timestamp",
    }  # fmt: skip
    assert (columns["distance"]["minimum"], columns["distance"]["maximum"]) == (6.0, 49.0)
    assert columns["carrier"]["allowed"] == ["AA", "UA"]
    assert "allowed" not in columns["flight"]
    # Wilson, 120 of 1,000 and none of 1,000: scipy's `binomtest(120, 1000).proportion_ci(method="wilson").high` is .14163.
    assert (columns["distance"]["max_null_share"], columns["late"]["max_null_share"]) == (0.142, 0.00383)
    assert (body["ignored"], body["unique"]) == (["embedding", "raw"], [{"columns": ["flight"]}])
    assert body["freshness"] == {"column": "at", "at_most": "2m"}


@pytest.mark.parametrize(("later", "lies"), [("INTERVAL (1100) DAY", " ago, more"), ("INTERVAL (-1) DAY", "ahead of the clock")])
def test_rows_that_are_not_fresh_are_asked_for_no_freshness(ask: Ask, tmp_path: Path, later: str, lies: str) -> None:
    file = rows(tmp_path / "old.csv", f'SELECT * REPLACE ("at" - {later} AS "at") FROM ({GOOD})')
    code, out, err = ask("propose", file, "--json")
    said = json.loads(out)
    assert (code, "freshness" in said["contract"], err.count("\n")) == (Exit.OK, False, 1)
    assert said["notes"] == [err.rstrip("\n")]
    assert err.startswith("no freshness is proposed: the newest time in 'at' lies ") and lies in err
    assert "write it by hand: freshness: {column: ..., at_most: 2m}" in err
    ask("propose", file, "--to", "c.yaml")
    assert broken(ask, tmp_path / "c.yaml", file) == {}


@pytest.mark.parametrize("value", [2**53 + 3, -(2**53) - 3])
def test_a_whole_number_that_no_float_holds_lies_within_what_is_proposed(ask: Ask, tmp_path: Path, value: int) -> None:
    file = rows(tmp_path / "long.parquet", f"SELECT CAST({value} AS BIGINT) AS number FROM range(60)")
    ask("propose", file, "--to", "c.yaml")
    assert broken(ask, tmp_path / "c.yaml", file) == {}


def test_a_contract_is_never_written_over_something_else(ask: Ask, tmp_path: Path) -> None:
    file = rows(tmp_path / "good.parquet", GOOD)
    (tmp_path / "c.yaml").write_text("mine")
    code, out, err = ask("propose", file, "--to", "c.yaml")
    assert (code, out, (tmp_path / "c.yaml").read_text()) == (Exit.USAGE, "", "mine")
    assert "exists already" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "good.parquet"]


_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.one_of(st.none(), st.floats(), st.sampled_from([0.1, 1e16, -0.0])), min_size=40, max_size=60),
    whole=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=60, max_size=60),
    texts=st.lists(_names, min_size=1, max_size=3),
    name=_names,
)
def test_whatever_the_rows_hold_they_keep_what_is_proposed(
    ask: Ask, tmp_path: Path, numbers: list[float | None], whole: list[int], texts: list[str], name: str
) -> None:
    connection = duckdb.connect()
    quoted = '"' + (name + "_").replace('"', '""') + '"'
    connection.execute(f"CREATE TABLE t ({quoted} VARCHAR, numbers DOUBLE, narrow FLOAT, whole BIGINT, exact DECIMAL(30, 5))")
    held = [
        [texts[at % len(texts)], each, each if each and abs(each) < 1e30 else None, whole[at], whole[at]] for at, each in enumerate(numbers)
    ]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", held)
    file, proposal = tmp_path / "any.parquet", tmp_path / "any.yaml"
    proposal.unlink(missing_ok=True)
    connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")
    assert ask("propose", file, "--to", proposal)[0] == Exit.OK
    infinite = sum(each is not None and math.isinf(each) for each in numbers)
    wrong = {key: state for key, state in broken(ask, proposal, file).items() if key != ("range", "numbers") or not infinite}
    assert wrong == {}


_plain = st.one_of(_names, st.integers(-(10**18) + 1, 10**18 - 1), st.booleans())


@given(st.recursive(_plain, lambda each: st.lists(each, max_size=4), max_leaves=8))
def test_what_is_written_as_yaml_is_read_back_the_same(value: Any) -> None:
    document = yaml_document({"value": value})
    assert document.isascii()
    assert load_yaml(document).data == {"value": value}


@pytest.mark.parametrize(
    "word", ["yes", "no", "on", "Off", "12:30", "010", "1_000", "0o17", "null", "~", "", "1e5", ".5", "<<", "# x", "- y"]
)
def test_words_that_readers_take_for_something_else_stay_text(word: str) -> None:
    assert load_yaml(yaml_document({"v": [word]})).data == {"v": [word]}


# -- checking


def test_good_rows_keep_the_contract(ask: Ask, contract: Path, tmp_path: Path) -> None:
    assert broken(ask, contract, rows(tmp_path / "good.parquet", GOOD)) == {}


def test_a_column_that_is_gone_of_another_kind_or_without_any_value_breaks_the_schema(ask: Ask, contract: Path, tmp_path: Path) -> None:
    sql = f"SELECT * EXCLUDE (carrier) REPLACE ('far' AS distance, CAST(NULL AS BOOLEAN) AS late) FROM ({GOOD})"
    found = verdicts(ask, contract, rows(tmp_path / "now.parquet", sql))
    schema = {column: (each["state"], each["why"], each["line"]) for (rule, column), each in found.items() if rule == "schema"}
    assert schema["carrier"] == ("critical", "the file has no such column", 7)
    assert schema["distance"] == ("critical", "is categorical (VARCHAR), not numeric", 10)
    assert schema["late"] == ("critical", "no row has a value", 16)
    assert schema["flight"][0] == "ok"


def test_a_column_that_nobody_promised_is_told_as_the_contract_says(ask: Ask, contract: Path, tmp_path: Path) -> None:
    file = rows(tmp_path / "now.parquet", f"SELECT *, 1 AS more FROM ({GOOD})")
    found = verdicts(ask, contract, file)["columns", None]
    assert (found["state"], found["count"], found["why"]) == ("warning", 1, "not in the contract: more")
    for words, state in (("other_columns: critical", "critical"), ("other_columns: ok", "ok"), ("ignored: [more]", "ok")):
        contract.write_text(f"{CONTRACT}{words}\n")
        assert verdicts(ask, contract, file)["columns", None]["state"] == state


def test_one_category_that_is_not_allowed_is_critical_and_shown_by_its_shape(ask: Ask, contract: Path, tmp_path: Path) -> None:
    found = verdicts(ask, contract, changed(tmp_path, "CASE WHEN flight = 'f7' THEN 'Ab-12' ELSE carrier END AS carrier"))
    found_one = found["allowed", "carrier"]
    assert (found_one["state"], found_one["count"], found_one["share"], found_one["line"]) == ("critical", 1, 0.001, 9)
    assert found_one["sample"] == [{"row": 8, "at": None, "value": "Aa-99", "redacted": True}]


def test_values_beyond_the_range_are_judged_by_their_share_and_shown_where_the_contract_lets_them(
    ask: Ask, contract: Path, tmp_path: Path
) -> None:
    states = {}
    for number in (1, 2, 20, 21):
        change = f"CASE WHEN CAST(flight[2:] AS INT) < {number} THEN -1.5 ELSE distance END AS distance"
        found = verdicts(ask, contract, changed(tmp_path, change))["range", "distance"]
        states[number] = (found["state"], found["count"])
        assert (found["warning"], found["critical"]) == (0.001, 0.02)
    assert states == {1: ("ok", 1), 2: ("warning", 2), 20: ("warning", 20), 21: ("critical", 21)}
    assert found["sample"] == [{"row": row, "at": None, "value": "-1.5", "redacted": False} for row in (1, 2, 3)]


def test_missing_values_are_judged_by_the_contract_and_nan_is_one(ask: Ask, contract: Path, tmp_path: Path) -> None:
    states = {}
    for number in (100, 101, 200, 201):
        value = "CASE WHEN CAST(flight[2:] AS INT) % 2 = 0 THEN 'nan'::DOUBLE END"
        change = f"CASE WHEN CAST(flight[2:] AS INT) < {number} THEN {value} ELSE distance END AS distance"
        found = verdicts(ask, contract, changed(tmp_path, change))
        assert found["range", "distance"]["count"] == 0
        states[number] = (found["nulls", "distance"]["state"], found["nulls", "distance"]["count"])
    assert states == {100: ("ok", 100), 101: ("warning", 101), 200: ("warning", 200), 201: ("critical", 201)}
    assert found["nulls", "distance"]["sample"][2] == {"row": 3, "at": None, "value": None, "redacted": False}


def test_a_key_that_stands_twice_is_counted_and_rows_without_one_are_left_out(ask: Ask, contract: Path, tmp_path: Path) -> None:
    change = "CASE flight WHEN 'f5' THEN 'f3' WHEN 'f9' THEN 'f3' WHEN 'f11' THEN NULL WHEN 'f12' THEN NULL ELSE flight END AS flight"
    found = verdicts(ask, contract, changed(tmp_path, change))["unique", "flight"]
    assert (found["state"], found["count"]) == ("warning", 2)
    assert [(each["row"], each["value"]) for each in found["sample"]] == [(6, "a9"), (10, "a9")]
    contract.write_text(CONTRACT.replace("- columns: [flight]", "- columns: [flight, distance]"))
    assert verdicts(ask, contract, tmp_path / "now.parquet")["unique", "flight, distance"]["count"] == 0


def test_the_newest_time_is_judged_by_the_moment_asked_for(ask: Ask, contract: Path, tmp_path: Path) -> None:
    states = {}
    for newest in ("01-31 04:40:00", "01-31 04:39:59", "01-30 16:40:00", "01-30 16:39:59", "02-01 04:40:01"):
        file = changed(tmp_path, f"'2024-{newest}+00'::TIMESTAMPTZ AS \"at\"")
        states[newest] = verdicts(ask, contract, file)["freshness", "at"]["state"]
    assert list(states.values()) == ["ok", "warning", "warning", "critical", "warning"]


def test_times_without_a_zone_need_the_contract_to_name_one(ask: Ask, contract: Path, tmp_path: Path) -> None:
    file = changed(tmp_path, "CAST('2024-01-31 02:00:00' AS TIMESTAMP) AS \"at\"")
    assert verdicts(ask, contract, file)["freshness", "at"]["state"] == "unknown"
    for zone, state in (("UTC", "warning"), ("America/New_York", "ok")):
        contract.write_text(f"{CONTRACT}  zone: {zone}\n")
        assert verdicts(ask, contract, file)["freshness", "at"]["state"] == state


def test_a_rule_holds_at_the_moments_that_it_names(ask: Ask, contract: Path, tmp_path: Path) -> None:
    file = rows(tmp_path / "now.parquet", f"SELECT * EXCLUDE (late) FROM ({GOOD})")
    missing = {("schema", "late"): "critical"}
    assert broken(ask, contract, file) == missing
    for moment, expected in (("training", missing), ("batch", {}), ("online", {}), ("logs", missing)):
        assert broken(ask, contract, file, "--moment", moment) == expected
    assert broken(ask, contract, rows(tmp_path / "all.parquet", GOOD), "--moment", "batch") == {}, "a label that is there breaks nothing"


def test_few_rows_have_no_verdict_and_are_not_well(ask: Ask, contract: Path, tmp_path: Path) -> None:
    code, out, _ = ask("check", contract, rows(tmp_path / "few.parquet", f'SELECT * FROM ({GOOD}) ORDER BY "at" DESC LIMIT 29'), "--json")
    said = json.loads(out)
    assert (code, said["state"]) == (Exit.OK, "unknown")
    assert {each["why"] for each in said["rules"] if each["state"] == "unknown"} == {"29 rows, 30 are needed"}


def test_a_file_without_types_is_taken_for_what_the_contract_says_where_it_can_be(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("zip,flag\n" + "01234,True\n00501,False\n" * 30)
    columns = "[{name: zip, kind: categorical, allowed: ['01234', '00501']}, {name: flag, kind: categorical, allowed: ['True', 'False']}]"
    (tmp_path / "c.yaml").write_text(f"{{format: 1, name: codes, columns: {columns}}}")
    assert broken(ask, tmp_path / "c.yaml", tmp_path / "codes.csv") == {}
    with (tmp_path / "codes.csv").open("a") as file:
        file.write("99999,False\n")
    assert broken(ask, tmp_path / "c.yaml", tmp_path / "codes.csv") == {("allowed", "zip"): "critical"}


@pytest.mark.parametrize(("change", "codes"), [("distance AS distance", (0, 0, 0)), ("NULL AS flight", (0, 1, 1))])
def test_a_pipeline_is_stopped_by_what_is_bad_enough(ask: Ask, contract: Path, tmp_path: Path, change: str, codes: tuple[int, ...]) -> None:
    file = changed(tmp_path, change)
    assert tuple(ask("check", contract, file, *more)[0] for more in ((), ("--fail-on", "critical"), ("--fail-on", "warning"))) == codes


def test_a_warning_alone_stops_only_who_asked_for_warnings(ask: Ask, contract: Path, tmp_path: Path) -> None:
    file = rows(tmp_path / "now.parquet", f"SELECT *, 1 AS more FROM ({GOOD})")
    assert [ask("check", contract, file, "--fail-on", word)[0] for word in ("critical", "warning")] == [Exit.OK, Exit.NO]


def test_the_page_names_what_is_broken_the_worst_first_and_fits(ask: Ask, contract: Path, tmp_path: Path) -> None:
    sql = f"SELECT * REPLACE (distance + 1000 AS distance), 1 AS more FROM ({GOOD})"
    code, out, _ = ask("check", contract, rows(tmp_path / "now.parquet", sql))
    lines = out.splitlines()
    assert code == Exit.OK
    assert max(map(len, lines)) <= 80
    assert [line.split()[1] for line in lines if line.startswith((" X", " !"))] == ["range", "columns"]
    assert "     row 1: 1000.0" in lines
    assert lines[-1] == " 13 of 15 rules are kept"


# -- what is wrong with the input


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("kind: text", "kind: words", 5, "Input should be 'numeric'"),
        ("minimum: 0", "minimum: 50", 10, "the minimum 50 is above the maximum 49"),
        ("allowed: [AA, UA]", "allowed: []", 7, "allowed lists no value"),
        ("    kind: timestamp", "    kind: timestamp\n    minimum: 3", 19, "minimum and maximum are of numbers"),
        ("max_null_share: 0\n", "max_null_share: 2\n", 6, "less than or equal to 1"),
        ("  - name: at\n", "  - name: late\n", 19, "stands here a second time"),
        ("[flight]", "[fligth]", 22, "no column 'fligth'"),
        ("column: at", "column: late", 24, "'late' is boolean, not a time"),
        ("at_most: 12h", "at_most: 12", 25, "length of time"),
        ("at_most: 12h", "at_most: 12h\n  zone: Mars/Base", 26, "is no zone"),
        ("[training, logs]", "[training, sometimes]", 18, "Input should be"),
        ("format: 1", "format: 2", 1, "Input should be 1"),
        ("name: arrivals", "title: arrivals", 2, "unknown key"),
        ("name: arrivals", "name: arrivals\nname: again", 3, "a second time"),
    ],
)
def test_a_contract_that_is_wrong_is_refused_with_file_line_and_reason(
    ask: Ask, contract: Path, tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in CONTRACT
    contract.write_text(CONTRACT.replace(old, new, 1))
    code, out, err = ask("check", contract, rows(tmp_path / "good.parquet", GOOD))
    assert (code, out) == (Exit.USAGE, "")
    assert any(f"{contract}:{line}:" in each and reason in each for each in err.splitlines()), err


def _truncated(path: Path) -> None:
    rows(path, GOOD)
    path.write_bytes(path.read_bytes()[:-200])


BAD: dict[str, Callable[[Path], object]] = {
    "none.parquet": lambda path: rows(path, f"SELECT * FROM ({GOOD}) WHERE false"),
    "header.csv": lambda path: path.write_text("a,b\n"),
    "ragged.csv": lambda path: path.write_text("a,b\n1,2\n3\n"),
    "cut.parquet": _truncated,
    "not.jsonl": lambda path: path.write_text('{"a": 1}\n{"a": \n'),
    "there_is_none.csv": lambda path: path.unlink(missing_ok=True),
    "unknown.xlsx": lambda path: path.write_text("x"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_file_that_is_no_rows_is_one_line_and_nothing_is_written(ask: Ask, contract: Path, tmp_path: Path, name: str) -> None:
    BAD[name](tmp_path / name)
    before = sorted(path.name for path in tmp_path.iterdir())
    for words in (("check", contract, name), ("propose", name, "--to", "new.yaml")):
        code, out, err = ask(*words)
        assert (code, out) == (Exit.USAGE, "")
        assert err.startswith("quarterdeck contract: ") and err.count("\n") == 1 and name in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_rows_of_which_no_contract_can_speak_are_refused(ask: Ask, tmp_path: Path) -> None:
    code, _, err = ask("propose", rows(tmp_path / "n.parquet", "SELECT [i] AS a, 'x'::BLOB AS b FROM range(9) t(i)"))
    assert (code, err.count("\n")) == (Exit.USAGE, 1)
    assert "nothing that a contract could say" in err


@pytest.mark.parametrize(
    "words",
    [("check", "c.yaml"), ("propose", "a.csv", "b.csv"), ("propose", "a.csv", "--moment", "logs"), ("check", "c", "a", "--to", "x")],
)
def test_a_command_that_asks_for_nothing_sensible_is_refused(ask: Ask, words: tuple[str, ...]) -> None:
    code, out, err = ask(*words)
    assert (code, out, err.count("\n")) == (Exit.USAGE, "", 1)


def test_one_repeat_among_many_rows_is_no_key_and_half_is_no_free_text(ask: Ask, tmp_path: Path) -> None:
    sql = """SELECT i AS id, greatest(i, 1) AS almost, 't' || i AS token, 't' || greatest(i, 1) AS near, 'h' || (i // 2) AS half,
        'h' || greatest(i, 19999) AS over, 'c' || (i % 30) AS thirty, 'c' || (i % 31) AS more FROM range(40000) t(i)"""
    body = json.loads(ask("propose", rows(tmp_path / "good.parquet", sql), "--json")[1])["contract"]
    kinds = {each["name"]: each["kind"] for each in body["columns"] if each["kind"] != "numeric"}
    assert kinds == {"token": "text", "near": "text", "half": "categorical", "over": "text", "thirty": "categorical", "more": "categorical"}
    assert body["unique"] == [{"columns": ["id"]}, {"columns": ["token"]}]
    assert [each["name"] for each in body["columns"] if "allowed" in each] == ["thirty"]


TOGETHER = (
    CONTRACT
    + """\
together:
  - columns: [carrier, distance]
    among: {file: routes.csv, columns: [airline, miles]}
"""
)


def test_columns_together_must_stand_in_one_row_of_another_table(ask: Ask, tmp_path: Path) -> None:
    """AA flies an even and UA an odd number of miles; each value alone is known to the other table."""
    routes = tmp_path / "routes.csv"
    routes.write_text("airline,miles\n" + "".join(f"{'AA' if n % 2 == 0 else 'UA'},{n}.0\n" for n in range(50)))
    path = tmp_path / "together.yaml"
    path.write_text(TOGETHER)
    file = tmp_path / "rows.parquet"
    duckdb.sql(f"COPY ({GOOD}) TO '{file}'")
    good = verdicts(ask, path, file)["among", "carrier, distance"]
    assert (good["state"], good["count"], good["line"]) == ("ok", 0, 27)
    numbered = f"SELECT *, row_number() OVER () - 1 AS i FROM ({GOOD})"
    swapped = f"SELECT * REPLACE (CASE WHEN i BETWEEN 1 AND 30 THEN 'UA' ELSE carrier END AS carrier) FROM ({numbered})"
    duckdb.sql(f"COPY (SELECT * EXCLUDE (i) FROM ({swapped})) TO '{file}'")
    found = verdicts(ask, path, file)
    mine = found["among", "carrier, distance"]
    assert (mine["state"], mine["count"], mine["share"]) == ("warning", 15, 0.015)
    assert [each["row"] for each in mine["sample"]] == [3, 5, 7] and mine["sample"][0]["redacted"]
    assert found["allowed", "carrier"]["state"] == found["range", "distance"]["state"] == "ok"
    routes.unlink()
    gone = verdicts(ask, path, file)["among", "carrier, distance"]
    assert gone["state"] == "unknown" and "routes.csv" in gone["why"]


@pytest.mark.parametrize(
    ("part", "wrong", "reason"),
    [
        ("[airline, miles]", "[airline]", "at least 2 items"),
        ("[airline, miles]", "[airline, miles, more]", "2 columns cannot be held against 3 of routes.csv"),
        ("[carrier, distance]", "[carrier, carrier]", "a column stands here twice"),
        ("[carrier, distance]", "[carrier, nothing]", "together.0: there is no column 'nothing' in this contract"),
    ],
)
def test_columns_together_that_make_no_sense_are_refused_with_their_line(
    ask: Ask, tmp_path: Path, part: str, wrong: str, reason: str
) -> None:
    path, file = tmp_path / "together.yaml", tmp_path / "rows.csv"
    path.write_text(TOGETHER.replace(part, wrong))
    file.write_text("flight\n1\n")
    code, out, err = ask("check", path, file)
    assert (code, out) == (Exit.USAGE, "") and reason in err
    assert re.search(r"together\.yaml:2[78]:", err), err
