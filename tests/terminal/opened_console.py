"""The program as these tests start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pty_program import ROOT, PtyProgram

PROGRAM = (sys.executable, "-c", "import sys; sys.argv[0] = 'quarterdeck'; from console.cli.main import entry; entry()")
"""`quarterdeck` of whatever is installed or checked out here."""

Console = Callable[..., PtyProgram]


def evaluate(root: Path) -> None:
    """Judge every model once, as the watch does."""
    command = [*PROGRAM, "-w", str(root), "watch", "--once"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
