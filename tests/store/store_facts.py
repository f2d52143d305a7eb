"""Facts made for the tests of the store, and processes that work on one."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backends.store.landing import land
from backends.store.paths import WorkspacePaths
from backends.store.reader import open_reader

NOON = datetime(2013, 4, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parents[2]


def predictions(
    keys: list[str], *, at: datetime = NOON, model: str = "m", version: str = "1", score: Any = 0.5, **more: Any
) -> dict[str, Any]:
    """One prediction a key, all alike."""
    n = len(keys)
    columns = {"event_at": [at] * n, "model": [model] * n, "version": [version] * n, "key": keys}
    more = {"score": score, **more}
    return columns | {name: value if isinstance(value, list) else [value] * n for name, value in more.items()}


def labels(
    keys: list[str], label: Any, *, at: datetime = NOON, known: datetime | None = None, model: str = "m", **more: Any
) -> dict[str, Any]:
    """One label a key, all alike."""
    n = len(keys)
    columns = {"event_at": [at] * n, "known_at": [known or at] * n, "model": [model] * n, "key": keys}
    more = {"label": label, **more}
    return columns | {name: value if isinstance(value, list) else [value] * n for name, value in more.items()}


def put(paths: WorkspacePaths, table: str, columns: dict[str, Any], name: str | None = None) -> Path:
    """Land columns at noon."""
    return land(paths, table, columns, now=NOON, name=name)


def ask(paths: WorkspacePaths, query: str, at: datetime | None = None) -> list[tuple[Any, ...]]:
    """The answer to a query over the five views."""
    with open_reader(paths, at=at) as reader:
        return reader.sql(query)


def count(paths: WorkspacePaths, table: str = "predictions", at: datetime | None = None) -> int:
    """Facts in force."""
    return int(ask(paths, f"SELECT count(*) FROM {table}", at)[0][0])


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process that runs `code` with the packages of this checkout and the names of this module."""
    prelude = "import sys\nfrom pathlib import Path\nfrom store_facts import *\npaths = WorkspacePaths(Path(sys.argv[1]))\n"
    return subprocess.Popen(
        [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{Path(__file__).parent}{':' + str(ROOT) if (ROOT / 'backends').is_dir() else ''}", "PATH": "/usr/bin:/bin"},
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process to end well and return what it printed."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out
