"""What a rule proposes for an alert, from what the store knows: a retrain on named rows, or a roll back and whether it helps."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from backends.records import Alert, Pipeline, PipelineStage, State
from backends.shell_words import command_line
from backends.store import queries
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import ActionKind, version_label
from console.control.aliases import rollback_targets
from console.control.records import RuleResponse
from console.render import figures
from console.views.approvals.facts import facts_of_kinds
from console.views.drift.bug import FAILING
from console.views.drift.look import drift_view
from console.views.drift.view import Asked
from console.views.health.live_rows import without_candidates
from console.views.health.model import ModelHealth
from console.views.quality.outcomes import complete_to, outcomes_of
from console.views.release.measured import traffic_measured
from console.views.release.rollout import let_in
from console.views.release.triggers import with_triggers
from console.views.sight import Sight
from console.views.versions.registry import registry_of

if TYPE_CHECKING:
    from datetime import datetime

USUAL_DAYS = timedelta(days=28)
"""How many days of rows are proposed where the version has no reference that says how many it was made from."""

TRAINING = frozenset({PipelineStage.TRAINING, PipelineStage.RETRAINING})

FEWEST = 500
"""Labelled rows below which no retrain is proposed; as many as the estimates ask for."""


def retrain_proposed(sight: Sight, reader: Reader, health: ModelHealth, alert: Alert) -> RuleResponse:
    """Whether a retrain is advised, and on which rows: as many days as the reference has, up to where labels are complete."""
    bug = drift_view(sight, reader, health, Asked()).bug
    first, last, scored, labelled, since = _labelled_rows(sight, reader, health, alert)
    zone = sight.zone
    if bug.state in FAILING:
        state, text = State.WARNING, f"no retrain before this is cleared: {bug.verdict}"
        verb = command_line("changes", health.model)
    elif first is None or last is None or labelled < FEWEST:
        found = f"only {figures.count(labelled)} rows have an outcome" if last is not None else "nowhere are labels complete"
        state, text = State.UNKNOWN, f"no retrain can be proposed: {found}, {figures.count(FEWEST)} are needed; {bug.verdict}"
        verb = command_line("labels", health.model)
    else:
        rows = f"{figures.moment(first, zone)} to {figures.moment(last, zone)}, "
        rows += f"{figures.count(labelled)} labelled of {figures.count(scored)}"
        state = bug.state
        text = (
            f"retrain proposed on the live rows from {rows}, {figures.count(since)} of them since the alert; {bug.verdict}. "
            f"Nothing was started, since no run of a pipeline is started from here: {_to_whom(sight, reader, health.model)}"
        )
        verb = command_line("drift", health.model)
    return RuleResponse(
        id=alert.id, response="retrain", alert=alert, at=sight.at, state=state, text=Untrusted(text), first=first, last=last,
        scored=scored, labelled=labelled, since_alert=since, verb=verb,
    )  # fmt: skip


def _to_whom(sight: Sight, reader: Reader, model: str) -> str:
    """Who is to start it: the pipeline that is recorded as training the model, where one is."""
    recorded = queries.records_of(reader, "pipeline", model, environment=sight.environment)
    training = {each.name: each for each in recorded if isinstance(each, Pipeline) and each.stage in TRAINING}
    if not training:
        return f"a recommendation to whoever trains {model}; no pipeline is recorded that does"
    named = ", ".join(f"{name}{f' ({each.schedule})' if each.schedule else ''}" for name, each in training.items())
    return f"a recommendation to whoever runs {named}"


def _labelled_rows(
    sight: Sight, reader: Reader, health: ModelHealth, alert: Alert
) -> tuple[datetime | None, datetime | None, int, int, int]:
    """(first, labels complete up to, rows, labelled ones, labelled ones since the alert)."""
    model = registry_of(reader, sight.environment, sight.at).models[health.model]
    known = health.reference_from is not None and health.reference_to is not None
    length = health.reference_to - health.reference_from if known and health.reference_to and health.reference_from else USUAL_DAYS
    start = sight.at - 2 * length
    found = queries.scored(reader, sight.environment, health.model, start, sight.at, role="live", keys=False)
    rows = outcomes_of(without_candidates(found, let_in(sight, health.model)), model, health.version)
    last = complete_to(rows, start, sight.at)
    if last is None:
        return None, None, 0, 0, 0
    # The row at which labels are complete is one of them.
    first, end = last - length, last + timedelta(microseconds=1)
    span, after = rows.between(first, end), rows.between(max(first, alert.opened_at), end)
    known_in = ~np.isnan(rows.label)
    return first, last, span.stop - span.start, int(known_in[span].sum()), int(known_in[after].sum())


def rollback_proposed(sight: Sight, health: ModelHealth, alert: Alert) -> RuleResponse:
    """What the trigger of the same rule asks for, as the Release screen shows it, and whether that is better on the rows at hand."""
    traffic = with_triggers(sight, traffic_measured(sight, health.model), health)
    trigger = next((each for each in traffic.triggers if each.rule == alert.rule), None)
    verb = trigger.verb if trigger is not None and trigger.state != "not armed" else None
    targets = rollback_targets(sight.alias_history(health.model))
    if verb is None:
        why = trigger.why.raw if trigger is not None else f"{alert.rule} does not watch this model any more"
        state, text = State.UNKNOWN, f"no roll back can be proposed: {why}"
    elif verb.startswith("traffic "):
        state, text = State.UNKNOWN, "end of the rollout proposed: its candidate answers beside the version that serves"
        text += f". Nothing was sent; a person confirms it: {verb}"
    else:
        facts = facts_of_kinds(sight, health.model, (ActionKind.ROLLBACK,), None)[ActionKind.ROLLBACK]
        helps = facts.would_help
        verdict = facts.refusal or (helps.verdict.raw if helps is not None else "nobody can tell whether it helps")
        state = State.WARNING if facts.refusal else helps.state if helps is not None else State.UNKNOWN
        text = f"roll back {version_label(health.version)} -> {version_label(targets[0])} proposed: {verdict}"
        text += f". Nothing was sent; a person confirms it: {verb}"
    return RuleResponse(id=alert.id, response="roll back", alert=alert, at=sight.at, state=state, text=Untrusted(text), verb=verb)
