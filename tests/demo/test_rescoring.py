"""Logged requests of the demo are scored again by its offline path; what that path computes otherwise shows in the scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from console.cli.exits import Exit
from console.cli.main import main
from console.config import Workspace
from console.demo.rescoring import main as rescoring
from console.demo.rescoring import rescore


def compared(demo: Workspace, scored: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    words = ["parity", str(scored), "arrival-delay", "--key", "key", "--key", "event_at", "--columns", "score", "--days", "2", "--json"]
    assert main(["-w", str(demo.paths.root), *words]) == Exit.OK
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    [score] = answer["columns"]
    return {**score, "matched": answer["matched"]}


def test_requests_scored_again_by_the_offline_path_agree_and_preprocessing_that_differs_is_counted(
    demo: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    requests, scored = tmp_path / "requests.parquet", tmp_path / "scored.parquet"
    assert main(["-w", str(demo.paths.root), "parity", "replay", "arrival-delay@2", "--last", "400", "--out", str(requests)]) == Exit.OK
    capsys.readouterr()
    assert rescoring([str(demo.paths.root), "arrival-delay@2", str(requests), str(scored)]) == Exit.OK
    capsys.readouterr()
    found = compared(demo, scored, capsys)
    assert (found["state"], found["differing"], found["matched"]) == ("ok", 0, 400)
    # An offline path that fills in what is missing, where the model has learnt what missing means.
    rows = pl.read_parquet(requests)
    rows.with_columns(pl.col("age", "seats", "wind_dir").fill_null(0)).write_parquet(requests)
    rescore(demo.paths.root, "arrival-delay", "2", requests, scored)
    again = pl.read_parquet(scored).join(rows.select("key", "served_score"), on="key")
    greater = pl.max_horizontal("score", "served_score")
    apart = again.filter((pl.col("score") - pl.col("served_score")).abs() > 1e-6 * greater).height
    found = compared(demo, scored, capsys)
    assert apart > 8 and (found["state"], found["differing"]) == ("critical", apart)


def test_a_version_that_is_not_there_is_a_line_and_no_file(demo: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scored = tmp_path / "scored.parquet"
    assert rescoring([str(demo.paths.root), "arrival-delay@99", str(tmp_path / "none.parquet"), str(scored)]) == Exit.USAGE
    assert "arrival-delay@99" in capsys.readouterr().err and not scored.exists()
