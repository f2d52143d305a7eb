"""What works for long with every processor there is goes after who stops a model: `watch` and `ingest` give way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli.main import main

SAID_AT_THE_END = """
import os, sys, console.cli.main as program
program._leave = lambda code: print("nice", os.getpriority(os.PRIO_PROCESS, 0))
program.entry()
"""


@pytest.mark.parametrize(("words", "nice"), [(["ingest", "predictions", "none.csv"], 10), (["watch", "--once"], 10), (["fleet"], 0)])
def test_who_acts_goes_first(tmp_path: Path, words: list[str], nice: int) -> None:
    assert main(["init", str(tmp_path / "w")]) == 0
    command = [sys.executable, "-c", SAID_AT_THE_END, "-w", str(tmp_path / "w"), *words]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert ended.stdout.splitlines()[-1] == f"nice {max(nice, os.getpriority(os.PRIO_PROCESS, 0))}", ended.stderr
