"""Small workspaces for the tests of views: predictions, labels and records that can be counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from backends.local.acting import LocalAliasSetter
from backends.records import Column, Model, ModelVersion, Signature
from backends.store.compactor import compact
from backends.store.landing import land, land_records
from console.config import ClockSettings, Workspace, init_workspace
from console.lookout import Lookout

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

COLUMNS = (
    Column(name="temp", kind="numeric"),
    Column(name="carrier", kind="categorical"),
    Column(name="dow", kind="categorical", calendar=True),
)


@dataclass(frozen=True)
class Made:
    """A workspace and what looks at it."""

    workspace: Workspace

    def lookout(self, as_of: datetime | None = None) -> Lookout:
        return Lookout(self.workspace, "production", as_of)

    @property
    def root(self) -> Path:
        return self.workspace.paths.root


def made(root: Path, at: datetime, *, task: Literal["binary", "regression"] = "binary", zone: str = "UTC", **model: Any) -> Made:
    """A workspace whose simulated clock stands at `at`, with the model `delay` whose version 1 serves since START."""
    workspace = init_workspace(root, name="small", clock=ClockSettings(start=at), display_zone=zone)
    record = Model(name="delay", task=task, zone=zone, event_at=START, known_at=START, **model)
    version = ModelVersion(
        model="delay", version="1", signature=Signature(inputs=COLUMNS), importance={"temp": 0.02, "carrier": 0.05},
        event_at=START, known_at=START,
    )  # fmt: skip
    land_records(workspace.paths, [record, version], now=START)
    LocalAliasSetter(workspace.paths.registry).set_alias(
        "production", "delay", "production", "1", expected=None, key="first", actor="ines", now=START
    )
    return Made(workspace)


def days_of_predictions(
    place: Made,
    days: int,
    rows: int,
    *,
    temp: Callable[[int, int], float | None],
    carrier: Callable[[int, int], str | None] = lambda _day, row: "AA" if row % 2 else "BB",
    score: Callable[[int, int], float] = lambda _day, row: (row % 10) / 10 + 0.05,
    label: Callable[[int, int], float | None] = lambda _day, row: 1.0 if row % 10 >= 5 else 0.0,
    label_after: timedelta = HOUR,
    first: int = 0,
    compacted: bool = True,
) -> None:
    """`rows` predictions on each of `days` days from day `first`, and their labels; values by (day, row)."""
    at: list[datetime] = []
    columns: dict[str, list[Any]] = {name: [] for name in ("key", "score", "temp", "carrier", "dow")}
    labels: dict[str, list[Any]] = {name: [] for name in ("event_at", "known_at", "key", "label")}
    for day in range(first, first + days):
        for row in range(rows):
            moment = START + day * DAY + row * DAY / rows
            at.append(moment)
            key = f"{day}-{row}"
            values: Sequence[Any] = (key, score(day, row), temp(day, row), carrier(day, row), moment.strftime("%a"))
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
            outcome = label(day, row)
            if outcome is not None:
                for name, value in zip(labels, (moment, moment + label_after, key, outcome), strict=True):
                    labels[name].append(value)
    n = len(at)
    paths = place.workspace.paths
    land(paths, "predictions", {"event_at": at, "model": ["delay"] * n, "version": ["1"] * n, **columns}, now=START)
    if labels["key"]:
        land(paths, "labels", {"model": ["delay"] * len(labels["key"]), **labels}, now=START)
    if compacted:
        compact(paths, START + (first + days) * DAY)
