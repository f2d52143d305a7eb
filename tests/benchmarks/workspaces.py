"""The workspaces that are measured: the demo, and copies of it that are acted in, or whose summary differs from what is true."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".bench"
PROGRAM = str(Path(sys.executable).with_name("quarterdeck"))


def demo() -> Path:
    """The demo workspace in .bench/, built if it is not there yet."""
    root = FOLDER / "demo"
    FOLDER.mkdir(exist_ok=True)
    subprocess.run([PROGRAM, "demo", "--dir", str(root), "--no-open"], check=True, stdout=subprocess.DEVNULL)
    return root


def as_it_is(original: Path, name: str) -> Path:
    """A copy that may be changed."""
    return _copied(original, name)


def with_wrong_switches(original: Path) -> Path:
    """A copy whose summary says that every model is killed: as soon as it reads `normal`, control has been read."""
    root, summary = _copy(original, "wrong-switches")
    for row in summary["rows"]:
        row["switch"] = "killed"
    _write(root, summary)
    return root


def with_old_summary(original: Path) -> Path:
    """The same, evaluated an hour ago: the rows have to be computed from the store."""
    root, summary = _copy(original, "old-summary")
    for row in summary["rows"]:
        row["switch"] = "killed"
    summary["evaluated_at"] = (datetime.fromisoformat(summary["evaluated_at"]) - timedelta(hours=1)).isoformat()
    _write(root, summary)
    return root


def _copy(original: Path, name: str) -> tuple[Path, dict]:
    root = _copied(original, name)
    return root, json.loads((root / "store" / "summary.json").read_text(encoding="utf-8"))


def _copied(original: Path, name: str) -> Path:
    root = FOLDER / name
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(original, root)
    return root


def _write(root: Path, summary: dict) -> None:
    (root / "store" / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
