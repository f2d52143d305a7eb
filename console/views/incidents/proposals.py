"""What a rule proposes for an alert, from what the store knows: a retrain on named rows, or a roll back and whether it helps."""

from __future__ import annotations

from collections.abc import Mapping

from backends.records import Alert, State
from backends.shell_words import command_line
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import ActionKind, version_label
from console.control.aliases import rollback_targets
from console.control.records import RuleResponse
from console.render import figures
from console.views.approvals.facts import facts_of_kinds
from console.views.drift.bug import FAILING
from console.views.health.model import ModelHealth
from console.views.incidents.retraining import FEWEST, retraining_of, training_pipelines
from console.views.release.measured import traffic_measured
from console.views.release.triggers import with_triggers
from console.views.sight import Sight


def retrain_proposed(sight: Sight, reader: Reader, health: ModelHealth, alert: Alert) -> RuleResponse:
    """Whether a retrain is advised, and on which rows; a person asks for it."""
    found, since = retraining_of(sight, reader, health, alert.opened_at)
    state, text, verb = found.state, found.verdict.raw, found.verb
    if state in FAILING:
        state = State.WARNING
    elif found.labelled is not None and found.labelled >= FEWEST and found.first is not None and found.last is not None:
        rows = f"{figures.moment(found.first, sight.zone)} to {figures.moment(found.last, sight.zone)}, "
        rows += f"{figures.count(found.labelled)} labelled of {figures.count(found.scored or 0)}"
        asked, verb = _by_whom(training_pipelines(sight, reader, health.model), health.model, verb)
        text = f"retrain proposed on the live rows from {rows}, {figures.count(since)} of them since the alert; {text}. {asked}"
    return RuleResponse(
        id=alert.id, response="retrain", alert=alert, at=sight.at, state=state, text=Untrusted(text), first=found.first, last=found.last,
        scored=found.scored, labelled=found.labelled, since_alert=since, verb=verb,
    )  # fmt: skip


def _by_whom(training: Mapping[str, str | None], model: str, look: str) -> tuple[str, str]:
    """Who would run it, and what a person does next: asks for it, where a pipeline is recorded that can be asked."""
    if not training:
        return f"Nothing was started: a recommendation to whoever trains {model}; no pipeline is recorded that does", look
    named = ", ".join(f"{name}{f' ({schedule})' if schedule else ''}" for name, schedule in training.items())
    verb = command_line("retrain", model)
    return f"Nothing was started; a person asks {named} for it: {verb}", verb


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
