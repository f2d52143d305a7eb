"""Keeping a search of a model's rows for leakage, or a comparison of offline with online: one fact, so that its Data screen shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from backends.records import Layer, MetricPoint, State, severity_rank
from backends.store.landing import land_records
from backends.store.paths import WorkspacePaths
from console.views.data.kept_search import METRICS, MOST_COLUMNS, SAID
from console.views.data.leakage import LeakageView
from console.views.data.parity import ParityView


def keep_leakage(
    *, view: LeakageView, paths: WorkspacePaths, environment: str, model: str, run: str | None, by: str, now: datetime
) -> None:
    """Land what a search for leakage found. Raises StoreError and LandingError."""
    bad = sorted((each for each in view.checks if each.state is not State.OK), key=lambda each: severity_rank(each.state))
    named = f"{bad[0].column.raw}: " if bad and bad[0].column is not None else ""
    worst = f"{named}{bad[0].why}" if bad else ""
    _keep(paths, environment, model, "leakage", view.state, len(bad), view.rows, view.file.raw, worst, run, by, now)


def keep_parity(*, view: ParityView, paths: WorkspacePaths, environment: str, model: str, run: str | None, by: str, now: datetime) -> None:
    """Land how offline and online agreed. Raises StoreError and LandingError."""
    found = [(each.name.raw, each.state, each.why) for each in view.columns]
    found += [(each.feature.raw, each.state, each.why) for each in view.freshness]
    bad = sorted((each for each in found if each[1] is not State.OK), key=lambda each: severity_rank(each[1]))
    worst = f"{bad[0][0]}: {bad[0][2]}" if bad else ""
    measured = sorted(((each.share, each.name.raw) for each in view.columns if each.share is not None), reverse=True)
    shares = {"shares": json.dumps({name: round(share, 6) for share, name in measured[:MOST_COLUMNS]})}
    _keep(paths, environment, model, "parity", view.state, len(bad), view.matched, view.offline.raw, worst, run, by, now, shares)


def _keep(
    paths: WorkspacePaths, environment: str, model: str, search: Literal["leakage", "parity"], state: State, found: int, rows: int,
    file: str, worst: str, run: str | None, by: str, now: datetime, more: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    labels = {
        **(more or {}),
        "file": file,
        "state": state.value,
        "worst": worst[:SAID],
        "by": by,
        **({"run": run} if run is not None else {}),
    }
    point = MetricPoint(
        environment=environment, event_at=now, known_at=now, model=model, layer=Layer.DATA, name=METRICS[search], value=float(found),
        unit="checks", labels=labels, n=rows,
    )  # fmt: skip
    land_records(paths, [point], now=now)
