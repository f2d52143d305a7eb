"""One small evaluated workspace, and the console in a pseudo-terminal on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from opened_console import PROGRAM, Console, evaluate
from pty_program import PtyProgram

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, days_of_predictions, made


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty days of scores and outcomes of one model, evaluated; its simulated clock stands still."""
    small = made(tmp_path_factory.mktemp("terminal") / "small", START + 60 * DAY)
    days_of_predictions(small, 60, 30, temp=lambda _day, row: float(row % 50))
    evaluate(small.root)
    return small.root


@pytest.fixture
def console(workspace: Path) -> Iterator[Console]:
    """Opens the console on the workspace, or on another `root`; every one is closed in the end."""
    with ExitStack() as opened:

        def start(
            *words: str, root: Path | None = None, width: int = 80, height: int = 24, code: str | None = None, **environment: str | None
        ) -> PtyProgram:
            command = PROGRAM if code is None else (sys.executable, "-c", code)
            program = PtyProgram([*command, "-w", str(root or workspace), *words], width, height, environment=environment)
            return opened.enter_context(program)

        yield start
