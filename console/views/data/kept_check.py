"""What is kept of a file of a model's rows that was held against its contract. It loads no arithmetic: a page of records shows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from backends.records import State
from backends.store import queries
from backends.store.queries import MetricValue
from backends.store.reader import Reader
from backends.text import Untrusted
from console.contracts.moments import MOMENTS, Moment
from console.views.health.model import View

METRIC: Final = "contract_check"
"""The metric by which a check of a file is kept: its value is how many rules are broken, the rest stands in its labels."""

LOOK_BACK: Final = timedelta(days=400)
"""Checks that are older are not listed."""


class RecordedCheck(View):
    """A check of a file that was kept in the workspace."""

    moment: Moment
    at: datetime
    state: State
    broken: int
    """Rules that are not kept, those without a verdict among them."""
    rows: int
    file: Untrusted
    digest: str
    """Of the contract that it was held against."""
    run: Untrusted | None = None
    by: Untrusted | None = None
    """Who held it against the contract, as the operating system says: a fact among facts, not proof."""


def recorded_checks(reader: Reader, environment: str, model: str, at: datetime, *, run: str | None = None) -> tuple[RecordedCheck, ...]:
    """The newest check of each moment that was kept, of `run` where one is given, in the order of the moments."""
    return checks_among(kept_checks(reader, environment, model, at), at, run)


def kept_checks(reader: Reader, environment: str, model: str, at: datetime) -> list[MetricValue]:
    """Everything that was kept of a check, as facts."""
    return queries.latest_metrics(reader, environment, model=model, layer="data", name=METRIC, since=at - LOOK_BACK)


def checks_among(kept: Sequence[MetricValue], at: datetime, run: str | None) -> tuple[RecordedCheck, ...]:
    """The newest of each moment among what was kept."""
    found: dict[str, RecordedCheck] = {}
    for each in sorted(kept, key=lambda one: one.event_at):
        check = _read(each) if each.event_at <= at and run in {None, each.labels.get("run")} else None
        if check is not None:
            found[check.moment] = check
    return tuple(found[moment] for moment in MOMENTS if moment in found)


def _read(fact: MetricValue) -> RecordedCheck | None:
    """A fact as what was kept; None where it is no record of a check."""
    labels, value, rows = fact.labels, fact.value, fact.n
    if value is None or math.isnan(value) or rows is None or math.isnan(rows):
        return None
    if labels.get("moment") not in MOMENTS or labels.get("state") not in set(State):
        return None
    return RecordedCheck.model_validate(
        {
            "moment": labels["moment"],
            "at": fact.event_at,
            "state": labels["state"],
            "broken": round(value),
            "rows": round(rows),
            "file": Untrusted(str(labels.get("file", ""))),
            "digest": str(labels.get("contract", "")),
            "run": Untrusted(str(labels["run"])) if "run" in labels else None,
            "by": Untrusted(str(labels["by"])) if labels.get("by") else None,
        }
    )
