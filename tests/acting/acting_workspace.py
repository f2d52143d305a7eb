"""A workspace in which a model broke three days ago: version 2 serves, 1 served before, 3 waits, and a fallback would be better."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from backends.local.acting import LocalAliasSetter
from backends.records import (
    Alert,
    Column,
    Dataset,
    Layer,
    Model,
    ModelVersion,
    Reader,
    Record,
    Run,
    Signature,
    State,
)
from backends.store.compactor import compact
from backends.store.landing import land, land_records
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.acting import open_desk
from console.clock import SimulatedClock, SystemClock
from console.config import ClockSettings, Workspace, init_workspace
from console.locate import Located
from console.session import Session
from console.simulation import write_clock

MODEL = "delay"
NOW = datetime(2013, 4, 26, 22, 0, tzinfo=UTC)
DAY = timedelta(days=1)
START = NOW - 40 * DAY
BROKE = NOW - 4 * DAY
ROWS = 4000
LABEL_DELAY = timedelta(hours=3)


@dataclass
class Rows:
    """What was scored: everything that a test recomputes from."""

    at: list[datetime]
    scores: dict[str, np.ndarray]
    label: np.ndarray
    known: np.ndarray = field(default_factory=lambda: np.array([]))

    def brier(self, version: str, since: datetime) -> float:
        chosen = np.array([moment >= since for moment in self.at]) & self.known
        return float(((self.scores[version][chosen] - self.label[chosen]) ** 2).mean())


def recorded() -> Rows:
    """Rows that every version has scored; from BROKE on the outcome is far more frequent than the scores say."""
    random = np.random.default_rng(7)
    at = [START + row * (NOW - START) / ROWS for row in range(ROWS)]
    x = random.normal(size=ROWS)
    base = 1 / (1 + np.exp(-(x - 1.5)))
    broken = np.array([moment >= BROKE for moment in at])
    chance = np.where(broken, np.clip(base + 0.35, 0, 0.97), base)
    label = (random.random(ROWS) < chance).astype(float)
    scores = {
        "1": base * 0.8,
        "2": base,
        "3": np.where(broken, base + 0.08, np.clip(base + (label - base) * 0.1, 0, 1)),
        "fallback": np.where(broken, 0.55, 0.2),
    }
    known = np.array([moment + LABEL_DELAY <= NOW for moment in at])
    return Rows(at, scores, label, known)


def built(root: Path) -> Workspace:
    """The workspace, compacted, with an open incident."""
    workspace = init_workspace(root, name="small", display_zone="UTC", clock=ClockSettings(start=NOW))
    write_clock(workspace.paths, SimulatedClock(NOW, SystemClock().real_now(), 0.0))
    rows = recorded()
    for version, score in rows.scores.items():
        live = version == "2"
        columns: dict[str, Any] = {
            "model": [MODEL] * ROWS,
            "version": [version] * ROWS,
            "key": [f"f{row}" for row in range(ROWS)],
            "event_at": rows.at,
            "score": score.tolist(),
            "role": ["live" if live else "shadow"] * ROWS,
            "served_by": ["model"] * ROWS,
            "latency_ms": [5.0] * ROWS,
        }
        if live:
            columns["x"] = [float(row % 7) for row in range(ROWS)]
            columns["origin"] = [("LGA", "JFK")[row % 2] for row in range(ROWS)]
        land(workspace.paths, "predictions", columns, now=NOW)
    labelled = np.flatnonzero(rows.known).tolist()
    labels = {
        "model": [MODEL] * len(labelled),
        "key": [f"f{row}" for row in labelled],
        "label": [float(rows.label[row]) for row in labelled],
        "event_at": [rows.at[row] + timedelta(hours=2) for row in labelled],
        "known_at": [rows.at[row] + LABEL_DELAY for row in labelled],
    }
    land(workspace.paths, "labels", labels, now=NOW)
    land_records(workspace.paths, registry(workspace), now=NOW)
    compact(workspace.paths, now=NOW)
    aliases = LocalAliasSetter(workspace.paths.registry)
    for alias, version, expected, when in (
        ("production", "1", None, START),
        ("production", "2", "1", START + 2 * DAY),
        ("challenger", "3", None, NOW - 10 * DAY),
    ):
        aliases.set_alias("production", MODEL, alias, version, expected=expected, key=f"{alias}{version}", actor="ines", now=when)
    alert = Alert(
        id="ALR-1", rule="model.late_gap", model=MODEL, environment="production", layer=Layer.MODEL, state=State.CRITICAL,
        opened_at=BROKE, message=Untrusted("late gap +.35"),
    )  # fmt: skip
    with open_desk(workspace, "production") as desk:
        desk.open_incident(alert, Untrusted("late gap +.35"))
    return workspace


def registry(workspace: Workspace) -> list[Record]:
    """The model, three versions with their artifacts, runs and datasets."""
    folder = workspace.paths.root / "artifacts"
    folder.mkdir()
    readers = (Reader(name="gate board", how=Untrusted("reads every score")), Reader(name="crew desk", how=Untrusted("reads late ones")))
    found: list[Record] = [
        Model(
            name=MODEL, owner="delays", task="binary", readers=readers, fallback=Untrusted("late share of the last 24 h"), threshold=0.3,
            slices=("origin",), label_delay_hours=3, event_at=START, known_at=START,
        )
    ]  # fmt: skip
    trained = {
        "1": (date(2013, 1, 1), date(2013, 1, 31), 26_398),
        "2": (date(2013, 1, 1), date(2013, 3, 10), 58_628),
        "3": (date(2013, 1, 15), date(2013, 4, 14), 78_715),
    }
    for version, (first, last, rows) in trained.items():
        path = folder / f"{version}.bin"
        path.write_bytes(f"the model {version}".encode())
        digest = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        when = datetime(last.year, last.month, last.day, tzinfo=UTC)
        found += [
            Dataset(name=f"train-{version}", snapshot=digest, rows=rows, covers_from=first, covers_to=last, event_at=when, known_at=when),
            Run(
                name=f"R-{version}", model=MODEL, status="succeeded", inputs=(f"train-{version}",), outputs=(f"{MODEL}@{version}",),
                started_at=when, event_at=when, known_at=when,
            ),
            ModelVersion(
                model=MODEL, version=version, run=f"R-{version}", artifact_digest=digest, artifact_path=f"artifacts/{version}.bin",
                signature=Signature(inputs=(Column(name="x", kind="numeric"), Column(name="origin", kind="categorical"))),
                event_at=when, known_at=when,
            ),
        ]  # fmt: skip
    return found


@dataclass(frozen=True)
class Place:
    """A copy of the workspace, and what is on its disk."""

    root: Path

    @property
    def paths(self) -> WorkspacePaths:
        return WorkspacePaths(self.root)

    def session(self, **more: Any) -> Session:
        return Session(Located(self.root, "the test"), **more)

    @property
    def switch(self) -> str:
        """What serving processes read."""
        if not self.paths.switches.exists():
            return "normal"
        setting = json.loads(self.paths.switches.read_text())["switches"].get("production", {}).get(MODEL)
        return setting["state"] if setting else "normal"

    @property
    def version(self) -> str:
        """Where the alias that serves points, as the file says."""
        moves = [move for move in json.loads(self.paths.registry.read_text())["moves"] if move["alias"] == "production"]
        return str(moves[-1]["version"])

    def without_store(self) -> None:
        """The folder of the store is gone, and what had landed with it."""
        self.paths.store.rename(self.root / "store-gone")
        self.paths.landing.rename(self.root / "landing-gone")
