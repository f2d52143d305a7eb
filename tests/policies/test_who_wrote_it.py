"""Playbooks and contracts are carried out and judged by with the rights of whoever reads them: what others may write is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from console.contracts.kept import adopt_contracts, load_contracts
from playbooks.library import read_library

CONTRACT = "format: 1\nname: delays\nmodel: delay\ncolumns:\n  - {name: score, kind: numeric}\n"

OPENED = pytest.mark.parametrize(
    ("opened", "said"),
    [
        (lambda path: path.chmod(0o666), "anybody on this machine may write it (0666): chmod o-w"),
        (lambda path: os.chown(path, 65534, 65534), "it belongs to somebody else (uid 65534): chown it"),
    ],
    ids=["writable by others", "of somebody else"],
)


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    text = (files("playbooks.library") / "stale-data.yaml").read_text()
    path.write_text(text.replace("id: stale-data", "id: mine", 1))
    return path


@OPENED
def test_a_playbook_that_somebody_else_could_have_written_is_left_out(playbook: Path, opened: Callable[[Path], None], said: str) -> None:
    assert "mine" in read_library(playbook.parent).files
    _as_root(opened, playbook)
    found = read_library(playbook.parent)
    assert "mine" not in found.files and "stale-data" in found.files
    [problem] = found.problems
    assert problem.file == str(playbook) and said in problem.reason


def test_copies_that_editors_keep_are_no_playbooks(playbook: Path) -> None:
    playbook.rename(playbook.with_name(".mine.yaml"))
    assert read_library(playbook.parent).problems == () and "mine" not in read_library(playbook.parent).files


@OPENED
def test_the_contract_that_was_good_last_stays_in_force(tmp_path: Path, opened: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "delay.yaml"
    path.write_text(CONTRACT)
    adopt_contracts(tmp_path)
    path.write_text(CONTRACT.replace("delays", "forged"))
    _as_root(opened, path)
    adopt_contracts(tmp_path)
    found = load_contracts(tmp_path)
    [problem] = found.problems
    assert problem.file == "contracts/delay.yaml" and said in problem.reason
    assert found.by_model["delay"].contract.name == "delays"


def _as_root(opened: Callable[[Path], None], path: Path) -> None:
    try:
        opened(path)
    except PermissionError:
        pytest.skip("only root gives files away")
