"""`compare` as a verb: its JSON, its exit codes, changes of the schema, and files that are wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from statistics import NormalDist

import duckdb
import polars as pl
import pytest
from compared_files import answered, asked, column, parquet
from published_schemas import assert_fits

ROWS = [float(row) for row in range(400)]


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return parquet(
        tmp_path / "r.parquet",
        {"x": ("DOUBLE", ROWS), "gone": ("DOUBLE", ROWS), "code": ("BIGINT", range(400)), "kind": ("VARCHAR", ["a", "b"] * 200)},
    )


@pytest.fixture
def current(tmp_path: Path) -> Path:
    return parquet(
        tmp_path / "c.parquet",
        {
            "x": ("DOUBLE", ROWS),
            "more": ("DOUBLE", ROWS),
            "code": ("VARCHAR", [f"k{row % 5}" for row in range(400)]),
            "kind": ("VARCHAR", ["b", "c"] * 200),
        },
    )


def test_the_answer_has_the_promised_shape(reference: Path, current: Path) -> None:
    said = answered(reference, current)
    assert_fits(said, "compare")
    assert said["$schema"] == "quarterdeck/compare/1"
    assert said["reference"] == {"path": str(reference), "rows": 400}
    assert said["schema"] == {
        "added": ["more"],
        "removed": ["gone"],
        "type_changed": {"code": {"reference": "BIGINT", "current": "VARCHAR"}},
    }
    kind = column(said, "kind")
    assert (kind["new_categories"], kind["vanished_categories"]) == (["c"], ["a"])


def test_a_removed_or_retyped_column_is_never_no_drift(reference: Path, current: Path) -> None:
    said = answered(reference, current)
    assert {each["name"]: each["severity"] for each in said["columns"]} == {
        "code": "critical", "gone": "critical", "kind": "critical", "more": "warning", "x": "ok"
    }  # fmt: skip
    code = column(said, "code")
    assert (code["psi"], code["ks"], "was a number (BIGINT) and is text (VARCHAR) now" in code["reason"]) == (None, None, True)


def test_a_pipeline_can_fail_on_it(reference: Path, current: Path) -> None:
    assert asked(reference, current, "--fail-on", "critical")[0] == 1
    assert asked(reference, current, "--columns", "x,more", "--fail-on", "critical")[0] == 0
    assert asked(reference, current, "--columns", "x,more", "--fail-on", "warning")[0] == 1
    assert asked(reference, current)[0] == 0


def test_a_column_that_nobody_has_is_refused_with_the_nearest(reference: Path, current: Path) -> None:
    code, out, err = asked(reference, current, "--columns", "cod")
    assert (code, out) == (2, "")
    assert "no column 'cod' on either side; nearest: code" in err
    code, out, err = asked(reference, current, "--columns", ",")
    assert (code, out, "names no column" in err) == (2, "", True)


def test_a_column_that_was_written_without_a_type_lost_its_values_and_not_its_type(reference: Path, tmp_path: Path) -> None:
    emptied = tmp_path / "emptied.parquet"
    pl.DataFrame({"x": [None] * 400, "kind": [None] * 400}).write_parquet(emptied)
    said = answered(reference, emptied, "--columns", "x,kind")
    assert said["schema"]["type_changed"] == {}
    for each in said["columns"]:
        assert (each["severity"], each["reason"], each["missing_current"]) == (
            "critical", "gone: every value is missing now (0.0% before)", 1.0
        )  # fmt: skip
    assert column(answered(emptied, reference, "--columns", "x"), "x")["severity"] == "warning"


def test_a_day_in_which_a_column_held_nothing_takes_its_type_from_the_others(tmp_path: Path) -> None:
    parquet(tmp_path / "day1.parquet", {"x": ("DOUBLE", ROWS), "code": ("VARCHAR", ["a"] * 400)})
    nothing = pl.DataFrame({"code": ["a"] * 400, "x": [None] * 400}, schema={"code": pl.String, "x": pl.Null})
    nothing.write_parquet(tmp_path / "day0.parquet")
    for more in ([], ["--profile"]):
        said = answered(str(tmp_path / "day?.parquet"), tmp_path / "day1.parquet", *more)
        x = column(said, "x")
        assert (said["schema"]["type_changed"], x["n_reference"], x["missing_reference"], x["ks"]) == ({}, 400, 0.5, 0)


def test_small_samples_are_unknown_not_ok(tmp_path: Path) -> None:
    sides = [parquet(tmp_path / f"{name}.parquet", {"x": ("DOUBLE", [float(row) for row in range(50)])}) for name in "rc"]
    said = column(answered(*sides), "x")
    assert (said["severity"], "only 50 values" in said["reason"], said["psi"]) == ("unknown", True, 0.0)


def test_numbers_that_only_name_rows_are_no_drift_although_they_grow(tmp_path: Path) -> None:
    drawn = Random(3)
    columns = {
        "id": (range(1000), range(1000, 2000)),
        "sampled id": (sorted(drawn.sample(range(10_000), 1000)), sorted(drawn.sample(range(10_000, 20_000), 1000))),
        "snowflake": (range(2**60, 2**60 + 2**50, 2**40), range(2**61, 2**61 + 2**50, 2**40)),
        "count": ([row // 2 for row in range(1000)], [500 + row // 2 for row in range(1000)]),
        "cents": (drawn.sample(range(10**9), 1000), drawn.sample(range(10**9, 2 * 10**9), 1000)),
    }
    sides = [
        parquet(tmp_path / f"{name}.parquet", {column: ("BIGINT", list(values[at])[:1000]) for column, values in columns.items()})
        for at, name in enumerate("rc")
    ]
    for words in ((), ("--profile",)):
        said = answered(*sides, *words)
        assert {each["name"]: each["severity"] for each in said["columns"]} == {
            "id": "unknown", "sampled id": "unknown", "snowflake": "unknown", "count": "critical", "cents": "critical"
        }  # fmt: skip
        assert (column(said, "id")["ks"], "an identifier" in column(said, "id")["reason"]) == (1.0, True)
    lost = parquet(tmp_path / "lost.parquet", {"id": ("BIGINT", [*range(1000, 1700), *[None] * 300])})
    assert column(answered(sides[0], lost, "--columns", "id"), "id")["severity"] == "critical"


@pytest.mark.parametrize("turned", [False, True])
def test_an_identifier_that_repeats_now_is_critical_and_so_is_what_became_one(tmp_path: Path, turned: bool) -> None:
    names, same = [f"id-{row}" for row in range(3000)], ["id-0", "none", "none"] * 100
    sides = [parquet(tmp_path / f"{at}.parquet", {"id": ("VARCHAR", values)}) for at, values in enumerate((names, same))]
    said = column(answered(*(reversed(sides) if turned else sides)), "id")
    shares = "0.7% of the values were different and 100.0% are" if turned else "100.0% of the values were different and 0.7% are"
    assert said["severity"] == "critical" and shares in said["reason"]


def test_few_rows_of_many_values_are_no_identifier_that_was_none_before(tmp_path: Path) -> None:
    draw = Random(8)
    many = [[f"place-{draw.randrange(4000)}" for _ in range(rows)] for rows in (40_000, 400)]
    sides = [parquet(tmp_path / f"{at}.parquet", {"place": ("VARCHAR", values)}) for at, values in enumerate(many)]
    assert column(answered(*sides), "place")["severity"] == "unknown"


def test_what_has_no_order_is_refused_in_words_and_the_rest_goes_on(tmp_path: Path) -> None:
    types = {
        "vector": ("DOUBLE[]", [[1.0]] * 300),
        "blob": ("BLOB", [b"x"] * 300),
        "x": ("DOUBLE", ROWS[:300]),
    }
    sides = [parquet(tmp_path / f"{name}.parquet", types) for name in "rc"]
    said = answered(*sides)
    for name, words in (("vector", "embeddings"), ("blob", "binary data")):
        found = column(said, name)
        assert (found["psi"], found["severity"]) == (None, "unknown")
        assert words in found["reason"]
    assert column(said, "x")["psi"] == 0.0


def test_what_can_not_be_compared_is_refused_where_it_is_asked_for_or_all_there_is(tmp_path: Path) -> None:
    both = parquet(tmp_path / "both.parquet", {"vector": ("DOUBLE[]", [[1.0]] * 300), "x": ("DOUBLE", ROWS[:300])})
    alone = parquet(tmp_path / "alone.parquet", {"vector": ("DOUBLE[]", [[1.0]] * 300)})
    for words, said in (
        ((both, both, "--columns", "x,vector"), "'vector' cannot be compared"),
        ((alone, alone), "no column can be compared"),
    ):
        code, out, err = asked(*words)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert said in err and "embeddings" in err


def test_text_files_say_the_same_as_parquet(tmp_path: Path) -> None:
    rows = [(row / 4, "a" if row % 3 else "b") for row in range(300)]
    csv, lines = tmp_path / "r.csv", tmp_path / "c.jsonl"
    csv.write_text("x,k\n" + "".join(f"{x},{k}\n" for x, k in rows))
    lines.write_text("".join(json.dumps({"x": x + 1, "k": k}) + "\n" for x, k in rows))
    one = parquet(tmp_path / "r.parquet", {"x": ("DOUBLE", [x for x, _ in rows]), "k": ("VARCHAR", [k for _, k in rows])})
    two = parquet(tmp_path / "c.parquet", {"x": ("DOUBLE", [x + 1 for x, _ in rows]), "k": ("VARCHAR", [k for _, k in rows])})
    assert answered(csv, lines)["columns"] == answered(one, two)["columns"]


MIXED = ("2026-01-01T00:00:00+02:00", "2026-01-02T00:00:00")


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_times_of_mixed_zones_are_refused_in_words(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"t.{ending}"
    lines = [f"{time},1" if ending == "csv" else json.dumps({"t": time, "x": 1}) for time in MIXED]
    file.write_text("\n".join([*(["t,x"] if ending == "csv" else []), *lines]) + "\n")
    said = column(answered(file, file), "t")
    assert (said["psi"], "write all of them in UTC" in said["reason"]) == (None, True)


def test_times_are_one_moment_however_they_are_written(tmp_path: Path) -> None:
    lines, csv = tmp_path / "r.jsonl", tmp_path / "c.csv"
    lines.write_text("".join(json.dumps({"t": f"2026-01-01T00:{minute:02}:00+00:00"}) + "\n" for minute in range(60)))
    csv.write_text("t\n" + "".join(f"2026-01-01T01:{minute:02}:30+01:00\n" for minute in range(60)))
    said = column(answered(lines, csv), "t")
    assert (said["kind"], said["wasserstein"]) == ("timestamp", 30.0)


def test_a_time_that_has_a_bin_of_its_own_is_told_as_a_time(tmp_path: Path) -> None:
    same = parquet(tmp_path / "r.parquet", {"t": ("TIMESTAMP", ["2024-01-01 00:00:00"] * 300), "d": ("DATE", ["0001-01-01"] * 300)})
    said = answered(same, same)
    assert column(said, "t")["notes"] == ["the deciles of the reference collapse: 2024-01-01 00:00:00 UTC has a bin of its own"]
    assert column(said, "d")["severity"] == "unknown"


def test_a_time_with_a_zone_and_one_without_are_not_compared(tmp_path: Path) -> None:
    one = parquet(tmp_path / "r.parquet", {"t": ("TIMESTAMPTZ", ["2026-01-01 00:00:00+00"])})
    two = parquet(tmp_path / "c.parquet", {"t": ("TIMESTAMP", ["2026-01-01 00:00:00"])})
    said = column(answered(one, two), "t")
    assert (said["psi"], said["severity"], "no common order" in said["reason"]) == (None, "critical", True)


def wrong(tmp_path: Path, name: str) -> Path:
    file = tmp_path / name
    match name:
        case "ragged.csv":
            file.write_text("a,b\n1,2\n3\n")
        case "twice.csv":
            file.write_text("a,A\n1,2\n")
        case "latin.csv":
            file.write_bytes(b"a,b\n1,\xff\n")
        case "empty.csv":
            file.write_bytes(b"")
        case "header.csv":
            file.write_text("a,b\n")
        case "cut.parquet":
            whole = parquet(tmp_path / "whole.parquet", {"x": ("DOUBLE", ROWS)}).read_bytes()
            file.write_bytes(whole[: len(whole) // 2])
        case "double.parquet":
            # No writer at hand makes such a file: the second name is made like the first in the footer.
            whole = parquet(tmp_path / "whole.parquet", {"name_a": ("DOUBLE", ROWS), "name_b": ("DOUBLE", ROWS)}).read_bytes()
            file.write_bytes(whole.replace(b"name_b", b"name_a"))
        case "half.jsonl" | "list.jsonl":
            file.write_text({"half.jsonl": '{"a": 1}\n{"a":', "list.jsonl": "[1]\n"}[name])
        case "folder.parquet":
            file.mkdir()
        case "pipe.csv":
            os.mkfifo(file)
        case "table.xls":
            file.write_text("x")
        case "day-*.parquet":
            parquet(tmp_path / "day-1.parquet", {"x": ("DOUBLE", ROWS)})
            parquet(tmp_path / "day-2.parquet", {"x": ("VARCHAR", ["a"])})
    return file


WRONG = {
    "ragged.csv": "line 3 has 1 values, the header has 2",
    "twice.csv": "same column twice", "latin.csv": "is not UTF-8", "empty.csv": "is empty",
    "header.csv": "has no rows", "cut.parquet": "it is cut off, damaged, or no Parquet", "double.parquet": "same column twice",
    "half.jsonl": "Malformed JSON", "list.jsonl": "write one object a line", "folder.parquet": "is a folder",
    "pipe.csv": "no regular file", "table.xls": "the ending must be one of", "nowhere.parquet": "there is no such file",
    "day-*.parquet": "column x is DOUBLE in day-1.parquet",
}  # fmt: skip


@pytest.mark.parametrize(("name", "words"), WRONG.items())
def test_a_wrong_file_is_one_clear_line_and_exit_code_2(tmp_path: Path, reference: Path, name: str, words: str) -> None:
    code, out, err = asked(reference, wrong(tmp_path, name))
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def damaged(random: Random, whole: bytes) -> bytes:
    """A file cut off, or with some of its bytes changed."""
    if random.random() < 0.3:
        return whole[: random.randrange(len(whole))]
    changed = bytearray(whole)
    for _ in range(random.choice((1, 2, 8, 50))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_a_damaged_file_is_one_line_or_still_an_answer(tmp_path: Path, form: str) -> None:
    good, bad = tmp_path / f"good.{form}".replace("json", "jsonl"), tmp_path / f"bad.{form}".replace("json", "jsonl")
    rows = "SELECT i, i * .5 AS x, 'k' || i % 7 AS k, TIMESTAMP '2026-01-01' + i * INTERVAL 1 HOUR AS t, [i] AS l FROM range(300) t(i)"
    duckdb.connect().execute(f"COPY ({rows}) TO '{good}' (FORMAT {form})")
    random, whole, refused = Random(11), good.read_bytes(), 0
    for turn in range(40):
        bad.write_bytes(damaged(random, whole))
        code, out, err = asked(good, bad, "--json", *(["--profile"] if turn % 2 else []))
        if code == 0:
            json.loads(out)
        else:
            refused += 1
            assert (code, out, len(err.splitlines())) == (2, "", 1), (turn, err)
    assert refused


def test_nothing_is_left_behind(reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    csv = tmp_path / "r.csv"
    csv.write_text("x\n" + "1\n" * 300)
    assert asked(csv, csv)[0] == 0
    assert asked(csv, wrong(tmp_path, "ragged.csv"))[0] == 2
    assert list(scratch.iterdir()) == []


def test_one_pass_says_how_far_it_may_be_off(tmp_path: Path) -> None:
    drawn = {"r": NormalDist().samples(3000, seed=1), "c": NormalDist(sigma=1.3).samples(3000, seed=2)}
    sides = [parquet(tmp_path / f"{name}.parquet", {"x": ("DOUBLE", values)}) for name, values in drawn.items()]
    code, out, _ = asked(*sides, "--profile")
    told = " ".join(out.split())
    assert (code, "KS is at most" in told, "Wasserstein lies in" in told) == (0, True, True)
    assert "KS is at most" not in asked(*sides)[1]
