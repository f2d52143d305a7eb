"""One hostile or broken file in a workspace costs that file, with its name said, and never the view of everything else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from backends.store.compactor import compact
from backends.store.paths import WorkspacePaths
from backends.yaml_text import YamlFileError, load_yaml
from console.config import WorkspaceProblem, init_workspace, open_workspace
from console.simulation import BrokenClock, read_clock

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))
from store_facts import NOON, count, predictions, put


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[WorkspacePaths]:
    yield WorkspacePaths(tmp_path / "w")


def test_a_landing_file_whose_name_is_not_utf8_hides_no_other_fact(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a", "b"]))
    other = put(paths, "predictions", predictions(["c"]))
    other.rename(other.with_name(os.fsdecode(b"g\x9b.parquet")))
    assert count(paths) == 2
    done = compact(paths, now=NOON + timedelta(hours=1))
    [(name, reason)] = done.rejected
    assert name == "predictions/g\\udc9b.parquet" and "UTF-8" in reason
    assert count(paths) == 2
    [told] = [json.loads(each.read_text()) for each in paths.rejects.glob("*.reason.json")]
    assert told["file"] == name


def test_a_refused_file_with_the_longest_name_there_is_can_be_moved_away(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    name = "\u65e5" * 80 + "xxxxxxx.parquet"
    (paths.landing / "predictions" / name).write_text("nothing of the kind")
    done = compact(paths, now=NOON + timedelta(hours=1))
    assert [refused for refused, _ in done.rejected] == [f"predictions/{name}"]
    assert count(paths) == 1


@pytest.mark.parametrize(
    "content",
    [
        '{"start": "2013-01-01T00:00:00Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": NaN}',
        '{"start": "2013-01-01T00:00:00Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": 1e300}',
        '{"start": "2013-01-01T00:00:00Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": -1}',
        '{"start": "0001-01-01T00:00:00Z", "anchored_at": "2999-01-01T00:00:00Z", "speed": 1}',
        '{"start": "0001-01-01T00:00:00Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": 0}',
        '{"start": "9999-12-31T23:59:59Z", "anchored_at": "2020-01-01T00:00:00Z", "speed": 0}',
        "[" * 100_000,
        "[]",
    ],
    ids=lambda content: content[:60],
)
def test_a_clock_that_is_none_is_told_and_never_a_fault(paths: WorkspacePaths, content: str) -> None:
    paths.root.mkdir()
    paths.clock_json.write_text(content)
    with pytest.raises(BrokenClock, match=r"clock\.json is not a clock"):
        read_clock(paths)


def test_a_named_pipe_among_the_policies_is_told_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "a.yaml"
    os.mkfifo(pipe)
    with pytest.raises(YamlFileError, match="no regular file"):
        load_yaml(pipe)


@pytest.mark.parametrize("line", ["a = " + "[" * 20_000, "[environments]"], ids=["too deep", "no environment"])
def test_settings_that_cannot_be_used_are_told_and_never_a_fault(paths: WorkspacePaths, line: str) -> None:
    init_workspace(paths.root, name="w")
    paths.workspace_toml.write_text(f'format = 1\nname = "w"\n{line}\n')
    with pytest.raises(WorkspaceProblem, match=r"workspace\.toml"):
        open_workspace(paths.root)
