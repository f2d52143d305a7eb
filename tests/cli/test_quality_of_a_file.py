"""`quality FILE`: the numbers are those of scikit-learn, in every format; what is wrong with a file is one line and exit code 2."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from published_schemas import assert_fits
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, precision_score, recall_score, roc_auc_score

from console.cli.exits import Exit
from console.cli.main import main


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5,000 rows a quarter of an hour apart; one in five without an outcome; group b of kind y is scored far too low."""
    path = tmp_path_factory.mktemp("scores") / "scores.parquet"
    connection = duckdb.connect()
    connection.execute("SELECT setseed(0.42)")
    connection.execute(
        f"""COPY (
            SELECT *, CASE WHEN random() < .2 THEN NULL ELSE CAST(random() < least(1, score + CASE WHEN grp = 'b' AND kind = 'y' THEN .5
                ELSE 0 END) AS INTEGER) END AS outcome
            FROM (SELECT i, random() * .8 AS score, CASE WHEN i % 3 = 0 THEN 'b' WHEN i % 11 = 0 THEN NULL ELSE 'a' END AS grp,
                  CASE WHEN random() < .5 THEN 'x' ELSE 'y' END AS kind,
                  TIMESTAMPTZ '2024-01-01 00:00:00+00' + i * INTERVAL 15 MINUTE AS at,
                  TIMESTAMPTZ '2024-01-01 00:00:00+00' + i * INTERVAL 15 MINUTE + INTERVAL 6 HOUR AS seen
                  FROM range(5000) t(i))
        ) TO '{path}' (FORMAT parquet)"""
    )
    return path


def rows_of(path: Path) -> dict[str, Any]:
    return duckdb.connect().execute(f"SELECT * FROM '{path}' ORDER BY i").fetchnumpy()


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    told = capsys.readouterr()
    return code, told.out, told.err


def quality(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> dict[str, Any]:
    code, out, err = run(capsys, "quality", path, "--label", "outcome", "--score", "score", *words, "--json")
    assert (code, err) == (Exit.OK, "")
    found: dict[str, Any] = json.loads(out)
    assert_fits(found, "quality-file")
    return found


def assert_as_scikit_learn(metrics: dict[str, Any], score: Any, label: Any, threshold: float) -> None:
    known = ~np.ma.getmaskarray(label)
    y, s = np.ma.getdata(label)[known].astype(int), np.asarray(score)[known]
    assert (metrics["rows"], metrics["labelled"]) == (len(score), int(known.sum()))
    assert metrics["label_coverage"] == pytest.approx(known.mean())
    assert metrics["base_rate"] == pytest.approx(y.mean())
    assert metrics["mean_score"] == pytest.approx(s.mean())
    assert metrics["auc"] == pytest.approx(roc_auc_score(y, s))
    assert metrics["average_precision"] == pytest.approx(average_precision_score(y, s))
    assert metrics["brier"] == pytest.approx(brier_score_loss(y, s))
    assert metrics["log_loss"] == pytest.approx(log_loss(y, s))
    assert metrics["precision"] == pytest.approx(precision_score(y, s >= threshold))
    assert metrics["recall"] == pytest.approx(recall_score(y, s >= threshold))
    assert metrics["selection_rate"] == pytest.approx((np.asarray(score) >= threshold).mean())
    bins = np.minimum((s * 10).astype(int), 9)
    ece = sum(abs(y[bins == k].mean() - s[bins == k].mean()) * (bins == k).mean() for k in set(bins.tolist()))
    assert metrics["ece"] == pytest.approx(ece)


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_every_number_is_that_of_scikit_learn_in_every_format(
    capsys: pytest.CaptureFixture[str], scores: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"scores.{ending}"
    form = {"csv": "csv, header", "jsonl": "json", "parquet": "parquet"}[ending]
    duckdb.connect().execute(f"COPY (SELECT * FROM '{scores}' ORDER BY i) TO '{path}' (FORMAT {form})")
    rows = rows_of(scores)
    found = quality(capsys, path, "--threshold", "0.5", "--slice", "kind", "--slice", "grp", "--time", "at", "--by", "month")
    assert_as_scikit_learn(found["overall"], rows["score"], rows["outcome"], 0.5)
    for name in ("base_rate", "mean_score", "auc", "average_precision", "brier", "log_loss", "precision", "recall"):
        low, high = found["overall"]["intervals"][name]
        assert low < found["overall"][name] < high and high - low < 0.15
    for kind in ("x", "y"):
        of = np.asarray(rows["kind"]) == kind
        assert_as_scikit_learn(found["by_slice"]["kind"][kind], rows["score"][of], rows["outcome"][of], 0.5)
    assert set(found["by_slice"]["grp"]) == {"a", "b", "(missing)"}
    assert list(found["by_period"]) == ["2024-01", "2024-02"]
    assert [each["rows"] for each in found["by_period"].values()] == [31 * 96, 5000 - 31 * 96]


def test_the_worst_slices_are_found_in_columns_that_nobody_named(
    capsys: pytest.CaptureFixture[str], scores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ending, form in (("parquet", "parquet"), ("csv", "csv, header")):
        path = tmp_path / f"odd.{ending}"
        odd = "*, [i] AS vector, 'x' || i AS id, CASE WHEN i % 2 = 0 THEN 'it''s' END AS quote, NULL AS nothing"
        duckdb.connect().execute(f"COPY (SELECT {odd} FROM '{scores}' ORDER BY i) TO '{path}' (FORMAT {form})")
        found = quality(capsys, path)
        assert found["by_slice"] == {} and found["worst_slices"][0]["where"] == {"grp": "b", "kind": "y"}
        rows = rows_of(scores)
        known = ~np.ma.getmaskarray(rows["outcome"])
        inside = known & (np.asarray(rows["grp"]) == "b") & (np.asarray(rows["kind"]) == "y")
        loss = (np.asarray(rows["score"]) - np.ma.getdata(rows["outcome"])) ** 2
        assert found["worst_slices"][0]["n"] == inside.sum()
        assert found["worst_slices"][0]["excess"] == pytest.approx(loss[inside].mean() - loss[known & ~inside].mean())
        named = {column for each in found["worst_slices"] for column in each["where"]}
        assert not named & {"score", "outcome", "id", "vector", "at"}
    monkeypatch.setattr("console.views.quality.file_rows.MOST_SEARCHED", 1)
    assert "worst slices were searched in the first 1 of 3 columns" in " ".join(quality(capsys, path)["notes"])


def test_the_worst_slices_are_found_among_columns_that_are_named(capsys: pytest.CaptureFixture[str], scores: Path) -> None:
    found = quality(capsys, scores, "--slice", "kind", "--group", "grp", "--threshold", "0.5")
    assert found["worst_slices"][0]["where"] == {"kind": "y", "grp": "b"}
    assert found["worst_slices"][0]["low"] > 0.05
    assert all(each["n"] >= found["minimum"] for each in found["worst_slices"])
    fair = found["fairness"]["grp"]
    rates = [each["selection_rate"] for each in fair["by_group"].values()]
    assert fair["demographic_parity_difference"] == pytest.approx(max(rates) - min(rates))


def test_groups_that_are_too_small_to_compare_are_named_with_their_rows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    size = {"a": 400, "b": 300, "tiny": 12, "": 9}
    group = [name for name, count in size.items() for _ in range(count)]
    path = tmp_path / "groups.parquet"
    frame = {"outcome": [row % 2 for row in range(len(group))], "score": [row % 10 / 10 for row in range(len(group))], "grp": group}
    pl.DataFrame(frame).write_parquet(path)
    words = ["quality", path, "--label", "outcome", "--score", "score", "--threshold", ".5", "--group", "grp"]
    page = run(capsys, *words)[1]
    assert "2 of 4 groups compared, from 30 scored rows up" in page
    assert 'left out of the differences, too few rows: "" (n 9), tiny (n 12)' in page


def test_what_says_the_outcome_itself_is_no_slice(capsys: pytest.CaptureFixture[str], scores: Path, tmp_path: Path) -> None:
    path = tmp_path / "told.parquet"
    again = "CASE outcome WHEN 1 THEN 'late' WHEN 0 THEN 'in time' END AS became"
    duckdb.connect().execute(f"COPY (SELECT *, {again} FROM '{scores}') TO '{path}' (FORMAT parquet)")
    found, without = quality(capsys, path), quality(capsys, scores)
    assert found["notes"] == [*without["notes"], "'became' says the outcome itself and is not searched for the worst slices"]
    assert (found["worst_slices"], found["slices_searched"]) == (without["worst_slices"], without["slices_searched"])


def test_outcomes_that_became_known_later_do_not_count(capsys: pytest.CaptureFixture[str], scores: Path) -> None:
    rows = rows_of(scores)
    found = quality(capsys, scores, "--label-time", "seen", "--as-of", "2024-01-20T01:00+01:00")
    by_then = np.asarray(rows["seen"]).astype("datetime64[us]") <= np.datetime64("2024-01-20T00:00")
    known = by_then & ~np.ma.getmaskarray(rows["outcome"])
    assert found["overall"]["labelled"] == int(known.sum()) and found["overall"]["rows"] == 5000
    later = int((~np.ma.getmaskarray(rows["outcome"])).sum() - known.sum())
    assert found["notes"][0] == f"{later:,} outcomes were not known yet and do not count"
    assert "rows scored later count too, unless --time COLUMN says when" in found["notes"][1]


def test_rows_that_were_scored_later_did_not_exist_then(capsys: pytest.CaptureFixture[str], scores: Path) -> None:
    rows = rows_of(scores)
    found = quality(capsys, scores, "--label-time", "seen", "--time", "at", "--slice", "grp", "--as-of", "2024-01-20T00:00Z")
    then = np.datetime64("2024-01-20T00:00")
    scored, known = (np.asarray(rows[name]).astype("datetime64[us]") <= then for name in ("at", "seen"))
    assert found["overall"]["rows"] == int(scored.sum()) == sum(each["rows"] for each in found["by_period"].values())
    assert sum(each["rows"] for each in found["by_slice"]["grp"].values()) == int(scored.sum())
    assert found["overall"]["labelled"] == int((known & ~np.ma.getmaskarray(rows["outcome"])).sum())
    assert max(found["by_period"]) == "2024-W03"
    unknown = int((scored & ~known & ~np.ma.getmaskarray(rows["outcome"])).sum())
    assert found["notes"][1:3] == [
        f"{5000 - int(scored.sum()):,} rows were not scored yet and do not count",
        f"{unknown} outcomes were not known yet and do not count",
    ]  # fmt: skip


def test_a_pattern_reads_many_files_as_one(capsys: pytest.CaptureFixture[str], scores: Path, tmp_path: Path) -> None:
    for part in range(3):
        duckdb.connect().execute(
            f"COPY (SELECT * FROM '{scores}' WHERE i % 3 = {part}) TO '{tmp_path}/part-{part}.parquet' (FORMAT parquet)"
        )
    found, whole = quality(capsys, tmp_path / "part-*.parquet"), quality(capsys, scores)
    assert (found["files"], found["overall"]["rows"]) == (3, 5000)
    assert found["overall"]["auc"] == pytest.approx(whole["overall"]["auc"])


def test_without_outcomes_numbers_are_unknown_with_their_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("score,outcome\n0.5,\n0.25,NA\n")
    overall = quality(capsys, path)["overall"]
    assert (overall["rows"], overall["labelled"], overall["label_coverage"], overall["auc"], overall["brier"]) == (2, 0, 0.0, None, None)
    assert overall["reasons"]["auc"] == "no outcome is known yet"


def test_columns_that_were_written_without_a_type_hold_no_value_yet(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "untyped.parquet"
    pl.DataFrame({"score": [0.2, 0.7], "outcome": [None, None], "kind": [None, None]}).write_parquet(path)
    found = quality(capsys, path, "--slice", "kind")
    assert (found["overall"]["labelled"], found["overall"]["reasons"]["auc"]) == (0, "no outcome is known yet")
    assert list(found["by_slice"]["kind"]) == ["(missing)"]
    pl.DataFrame({"score": [None, None], "outcome": [0, 1]}).write_parquet(path)
    overall = quality(capsys, path, "--threshold", "0.5")["overall"]
    assert (overall["left_out"], overall["reasons"]["auc"], overall["reasons"]["selection_rate"]) == (2, *["no row has a score"] * 2)
    code, _, err = run(capsys, "quality", path, "--label", "outcome", "--score", "outcome", "--time", "score")
    assert (code, "column 'score' holds no value at all, so no time" in err) == (Exit.USAGE, True)


def test_pages_fit_80_columns(capsys: pytest.CaptureFixture[str], scores: Path) -> None:
    words = ["--label", "outcome", "--score", "score", "--threshold", "0.5", "--slice", "kind", "--group", "grp", "--time", "at"]
    code, out, _ = run(capsys, "quality", scores, *words)
    assert code == Exit.OK and max(map(len, out.splitlines())) <= 80
    assert "kind y and grp b" in out and "2024-W01" in out


BAD = {
    "a third outcome": ("score,outcome\n0.5,2\n0.1,0\n", "row 1 holds 2"),
    "a score above 1": ("score,outcome\n0.5,1\n1.5,0\n", "row 2 holds 1.5"),
    "a score without end": ("score,outcome\n0.5,1\n0.2,0\ninf,0\n", "1 score of 'score' lies outside 0 to 1 (row 3 holds inf)"),
    "outcomes that are words": ("score,outcome\n0.5,good\n0.1,bad\n", "must be a number: write 1 where it came true, 0 where not"),
    "a ragged line": ("score,outcome\n0.5,1\n0.1,0,7\n", "line 3 has 3 values"),
    "a column twice": ("score,outcome,score\n0.5,1,0.1\n", "twice"),
    "no rows": ("score,outcome\n", ""),
    "no such column": ("score,y\n0.5,1\n", "no column 'outcome'"),
    "nothing at all": ("", "is empty"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_is_wrong_is_refused_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path, what: str) -> None:
    content, said = BAD[what]
    path = tmp_path / "scores.csv"
    path.write_text(content)
    code, out, err = run(capsys, "quality", path, "--label", "outcome", "--score", "score", "--json")
    assert (code, out) == (Exit.USAGE, "")
    assert said in err and len(err.splitlines()) == 1 and "Traceback" not in err


def test_parquet_that_was_cut_off_or_altered_is_refused(capsys: pytest.CaptureFixture[str], scores: Path, tmp_path: Path) -> None:
    whole = scores.read_bytes()
    path = tmp_path / "scores.parquet"
    half = len(whole) // 2
    for content in (whole[:half], whole[:4] + bytes(half) + whole[4 + half :], b"PAR1" + bytes(50)):
        path.write_bytes(content)
        code, out, err = run(capsys, "quality", path, "--label", "outcome", "--score", "score", "--json")
        assert (code, out) == (Exit.USAGE, "")
        assert len(err.splitlines()) == 1 and "scores.parquet" in err and "write it again from its source" in err


def test_files_of_two_shapes_are_not_mixed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("score,outcome\n0.5,1\n")
    (tmp_path / "b.csv").write_text("score,result\n0.5,1\n")
    code, out, err = run(capsys, "quality", f"{tmp_path}/*.csv", "--label", "outcome", "--score", "score")
    assert (code, out) == (Exit.USAGE, "") and "a.csv" in err and "b.csv" in err


def test_no_file_a_folder_and_a_pipe_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, said in (("absent.csv", "no such file"), ("folder.csv", "is a folder"), ("pipe.csv", "no regular file")):
        code, _, err = run(capsys, "quality", tmp_path / name, "--label", "outcome", "--score", "score")
        assert code == Exit.USAGE and said in err


def test_one_class_prints_what_can_be_computed_and_says_that_it_is_bad_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "constant.csv"
    path.write_text("score,outcome\n" + "0.2,0\n" * 30)
    code, out, err = run(capsys, "quality", path, "--label", "outcome", "--score", "score", "--json")
    overall = json.loads(out)["overall"]
    assert code == Exit.USAGE and "needs both classes" in err
    assert overall["auc"] is None and overall["reasons"]["auc"] and overall["brier"] == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--label", "outcome"], "both --label COLUMN and --score"),
        (["--label", "outcome", "--score", "score", "--by", "week"], "--by needs --time"),
        (["--label", "outcome", "--score", "score", "--label-time", "seen"], "go together"),
        (["--label", "outcome", "--score", "score", "--threshold", "3"], "no probability"),
        (["--threshold", "0.5"], "is for a file"),
        (["--label", "outcome", "--score", "score", "--tz", "Mars/Base"], "no zone"),
    ],
)
def test_words_that_do_not_go_together_are_refused(capsys: pytest.CaptureFixture[str], scores: Path, words: list[str], said: str) -> None:
    code, _, err = run(capsys, "quality", scores, *words)
    assert code == Exit.USAGE and said in err


def test_precision_and_recall_of_a_file_stand_at_other_thresholds_too(capsys: pytest.CaptureFixture[str], scores: Path) -> None:
    rows = pl.read_parquet(scores)
    known = rows.filter(pl.col("outcome").is_not_null())
    found = quality(capsys, scores, "--threshold", "0.4")
    assert [each["threshold"] for each in found["trade_offs"] if each["in_force"]] == [0.4]
    for each in found["trade_offs"]:
        chosen = known["score"] >= each["threshold"]
        assert each["precision"] == pytest.approx(precision_score(known["outcome"], chosen))
        assert each["recall"] == pytest.approx(recall_score(known["outcome"], chosen))
        assert each["selected"] == (rows["score"] >= each["threshold"]).sum()
    assert not any(each["in_force"] for each in quality(capsys, scores)["trade_offs"])
    _, out, _ = run(capsys, "quality", scores, "--label", "outcome", "--score", "score", "--threshold", "0.4")
    [row] = [text for text in out.splitlines() if text.endswith("in force")]
    assert row.split()[0] == ".4"


def test_a_slice_whose_numbers_are_unknown_says_why_on_the_page_and_no_interval_leaves_the_scale(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "few.csv"
    path.write_text("score,outcome,kind\n0.2,0,a\n0.9,1,b\n0.4,1,a\n0.3,0,b\n0.1,0,c\n")
    words = ["--label", "outcome", "--score", "score", "--slice", "kind"]
    _, out, _ = run(capsys, "quality", path, *words)
    assert "unkn: only one class among the known outcomes" in out
    overall = quality(capsys, path)["overall"]
    assert "brier" not in overall["intervals"] and "only 2 of one outcome are known" in overall["reasons"]["brier_interval"]
    path.write_text("score,outcome\n" + "0.01,0\n" * 5 + "0.99,1\n" * 4 + "0.5,1\n")
    low, high = quality(capsys, path)["overall"]["intervals"]["brier"]
    assert low == 0.0 and high <= 1.0
    path.write_text("score,outcome\n" + "0.99,0\n" * 5 + "0.01,1\n" * 4 + "0.5,1\n")
    low, high = quality(capsys, path)["overall"]["intervals"]["brier"]
    assert low >= 0.0 and high == 1.0
