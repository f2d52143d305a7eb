"""The demo's batch job asks before it runs: held it is skipped, and says by whom; free it scores the day that ends."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from test_replay import act, few_latencies, frame  # noqa: F401  fixtures

from backends.records import PipelineRun
from backends.store import queries
from backends.store.reader import open_reader
from console.config import Workspace
from console.control.actions import ActionKind
from console.demo import board
from console.demo.facts import between
from console.demo.replay import Replay
from console.demo.story import DEFAULT_START

NIGHT = DEFAULT_START + timedelta(hours=5)


def runs(workspace: Workspace) -> list[PipelineRun]:
    with open_reader(workspace.paths) as reader:
        found = queries.records_of(reader, "pipeline_run", environment="production")
    return [each for each in found if isinstance(each, PipelineRun) and each.pipeline == board.PIPELINE]


def test_the_nightly_job_is_skipped_while_it_is_held_and_scores_the_day_once_it_is_free(
    own_demo: Workspace,
    frame: pl.DataFrame,  # noqa: F811
) -> None:
    replay, boards = Replay(own_demo, frame), own_demo.paths.root / board.FOLDER
    act(own_demo, ActionKind.HOLD, board.MODEL, DEFAULT_START)
    replay.catch_up(NIGHT + timedelta(minutes=5))
    [skipped] = runs(own_demo)
    assert (skipped.status, skipped.rows, skipped.started_at) == ("skipped", 0, NIGHT)
    assert skipped.message.raw == "held by mara@bastion: seen in a test" and not boards.exists()

    act(own_demo, ActionKind.RELEASE_HOLD, board.MODEL, NIGHT + timedelta(minutes=10))
    version, next_night = replay.ready.versions[board.MODEL]["2"], NIGHT + timedelta(days=1)
    declared, run = board.board_runs(own_demo.paths, frame, version, NIGHT, next_night)
    flights = between(frame, NIGHT, next_night)
    assert declared.kind == "pipeline" and declared.model == board.MODEL
    assert isinstance(run, PipelineRun) and (run.status, run.rows) == ("succeeded", len(flights))
    written = pl.read_csv(boards / "arrival-delay-2013-04-27.csv", schema_overrides={"version": pl.Utf8})
    assert written["key"].to_list() == flights["key"].to_list() and set(written["version"]) == {"2"}
    assert np.allclose(written["score"].to_numpy(), version.score(flights))

    own_demo.paths.pipelines.write_text("{")
    _, unsure = board.board_runs(own_demo.paths, frame, version, NIGHT, next_night)
    assert isinstance(unsure, PipelineRun) and unsure.status == "skipped", "who cannot ask does not run"
