"""Keeping a check: one fact, so that a screen and alert rules know how a file did when it was last held against the contract."""

from __future__ import annotations

from datetime import datetime

from backends.records import Layer, MetricPoint, State, digest_of
from backends.store.landing import land_records
from backends.store.paths import WorkspacePaths
from console.contracts.contract import ReadContract
from console.views.data.contract import ContractCheckView
from console.views.data.kept_check import METRIC


def keep_check(
    paths: WorkspacePaths,
    environment: str,
    model: str,
    read: ReadContract,
    view: ContractCheckView,
    run: str | None,
    by: str,
    now: datetime,
) -> None:
    """Land what a check of a file said, held by the person `by`. Raises StoreError and LandingError."""
    labels = {
        "contract": digest_of(read.contract.model_dump(mode="json")),
        "file": view.file.raw,
        "moment": str(view.moment),
        "state": view.state.value,
        "by": by,
        **({"run": run} if run is not None else {}),
    }
    broken = sum(each.state is not State.OK for each in view.rules)
    point = MetricPoint(
        environment=environment, event_at=view.at, known_at=view.at, model=model, layer=Layer.DATA, name=METRIC, value=float(broken),
        unit="rules", labels=labels, n=view.rows,
    )  # fmt: skip
    land_records(paths, [point], now=now)
