"""Whether a retrain is advised, by which pipeline, on which rows: as many days as the reference has, up to where labels are complete."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from backends.records import Pipeline, PipelineStage, State
from backends.shell_words import command_line
from backends.store import queries
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import Retraining
from console.render import figures
from console.views.drift.bug import FAILING
from console.views.drift.look import drift_view
from console.views.drift.view import Asked
from console.views.health.live_rows import without_candidates
from console.views.health.model import ModelHealth
from console.views.quality.outcomes import Outcomes, complete_to, outcomes_of
from console.views.release.rollout import let_in
from console.views.sight import Sight
from console.views.versions.registry import registry_of

if TYPE_CHECKING:
    from datetime import datetime

USUAL_DAYS = timedelta(days=28)
"""How many days of rows are proposed where the version has no reference that says how many it was made from."""

TRAINING = frozenset({PipelineStage.TRAINING, PipelineStage.RETRAINING})

FEWEST = 500
"""Labelled rows below which no retrain is proposed; as many as the estimates ask for."""


def retraining_of(sight: Sight, reader: Reader, health: ModelHealth, since: datetime | None = None) -> tuple[Retraining, int]:
    """What is known of a retrain, and how many of its labelled rows are from `since` on. Real or a bug? comes first."""
    bug = drift_view(sight, reader, health, Asked()).bug
    rows, first, last = _rows(sight, reader, health)
    scored = labelled = after = 0
    if rows is not None and first is not None and last is not None:
        # The row at which labels are complete is one of them.
        end = last + timedelta(microseconds=1)
        span = rows.between(first, end)
        known = ~np.isnan(rows.label)
        scored, labelled = span.stop - span.start, int(known[span].sum())
        after = int(known[rows.between(max(first, since), end)].sum()) if since is not None else 0
    if bug.state in FAILING:
        state, verdict, verb = bug.state, f"no retrain before this is cleared: {bug.verdict}", command_line("changes", health.model)
    elif labelled < FEWEST:
        found = f"only {figures.count(labelled)} rows have an outcome" if last is not None else "nowhere are labels complete"
        verdict = f"no retrain can be proposed: {found}, {figures.count(FEWEST)} are needed; {bug.verdict}"
        state, verb = State.UNKNOWN, command_line("labels", health.model)
    else:
        state, verdict, verb = bug.state, bug.verdict, command_line("drift", health.model)
    told = Retraining(
        pipelines=tuple(training_pipelines(sight, reader, health.model)),
        state=state,
        verdict=Untrusted(verdict),
        first=first,
        last=last,
        scored=scored,
        labelled=labelled,
        verb=verb,
    )
    return told, after


def training_pipelines(sight: Sight, reader: Reader, model: str) -> dict[str, str | None]:
    """The pipelines that are recorded as training a model, each with its schedule."""
    recorded = queries.records_of(reader, "pipeline", model, environment=sight.environment)
    return {each.name: each.schedule for each in recorded if isinstance(each, Pipeline) and each.stage in TRAINING}


def _rows(sight: Sight, reader: Reader, health: ModelHealth) -> tuple[Outcomes | None, datetime | None, datetime | None]:
    """The live rows, and from when to when they are proposed; None where labels are complete nowhere."""
    model = registry_of(reader, sight.environment, sight.at).models[health.model]
    known = health.reference_from is not None and health.reference_to is not None
    length = health.reference_to - health.reference_from if known and health.reference_to and health.reference_from else USUAL_DAYS
    start = sight.at - 2 * length
    found = queries.scored(reader, sight.environment, health.model, start, sight.at, role="live", keys=False)
    rows = outcomes_of(without_candidates(found, let_in(sight, health.model)), model, health.version)
    last = complete_to(rows, start, sight.at)
    return (None, None, None) if last is None else (rows, last - length, last)
