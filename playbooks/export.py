"""A run as JSON, whole: every event as it was written, what they add up to, and what the run itself does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from backends.records import digest_of
from backends.text import Untrusted
from playbooks.fold import fold
from playbooks.format import NoteStep
from playbooks.host import RunEvent
from playbooks.run import Intent, Run, StepState

SCHEMA: Final = "quarterdeck/playbook-run/1"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that belongs in the timeline and did not happen in the run: an alert, a deploy, a page."""

    at: datetime
    text: Untrusted
    source: str


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What the run itself does not know."""

    title: Untrusted | None = None
    incident: str | None = None
    impact: tuple[Untrusted, ...] = ()
    """What it cost, in sentences with numbers. Empty: the postmortem says that nobody wrote it down."""
    timeline: tuple[TimelineEntry, ...] = ()
    hashes: dict[str, str] = field(default_factory=dict)
    """Further hashes by name: head of the audit chain, policies in force, evaluation."""
    commands: tuple[str, ...] = ()
    """Further headless commands that show the same, without the program's name."""
    zone: str = "UTC"
    """IANA zone in which times are written."""


def to_json(events: Sequence[RunEvent], context: ExportContext | None = None) -> dict[str, Any]:
    """The run as JSON: the events exactly as they were written, with their digests, and what they add up to."""
    run = fold(events)
    around = context or ExportContext()
    return {
        "schema": SCHEMA,
        "run": run.id,
        "playbook": {"id": run.playbook.id, "version": run.playbook.version, "digest": run.digest},
        "params": run.params,
        "context": run.context,
        "title": around.title.raw if around.title else run.playbook.title,
        "incident": around.incident,
        "impact": [sentence.raw for sentence in around.impact],
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "outcome": run.outcome,
        "driver": run.driver,
        "people": people_of(run),
        "steps": [_step_json(state) for state in run.steps.values()],
        "timeline": [{"at": entry.at.isoformat(), "text": entry.text.raw, "source": entry.source} for entry in around.timeline],
        "follow_ups": [text for _, text in follow_ups_of(run)],
        "commands": list(commands_of(run, around)),
        "hashes": {**around.hashes, "playbook": run.digest, "run": run_digest(events)},
        "events": [{**event.model_dump(mode="json"), "digest": event.digest} for event in events],
    }


def run_digest(events: Sequence[RunEvent]) -> str:
    """`sha256:` over the digests of all events, in order."""
    return digest_of([event.digest for event in events])


def _step_json(state: StepState) -> dict[str, Any]:
    return {
        "id": state.id,
        "kind": state.step.kind,
        "phase": state.phase.value,
        "title": state.step.title,
        "status": state.status.value,
        "reason": state.reason,
        "ended_at": state.ended_at.isoformat() if state.ended_at else None,
        "ended_by": state.ended_by,
        "chosen": state.chosen,
        "suggested": state.suggestion.choice if state.suggestion else None,
        "answer": state.answer.model_dump(mode="json") if state.answer else None,
        "evidence": {name: result.model_dump(mode="json") for name, result in state.evidence.items()},
        "actions": [_intent_json(intent) for intent in state.intents],
        "approval": state.approval.model_dump(mode="json") if state.approval else None,
    }


def _intent_json(intent: Intent) -> dict[str, Any]:
    return {
        "key": intent.key,
        "call": intent.call.model_dump(mode="json"),
        "at": intent.at.isoformat(),
        "actor": intent.actor,
        "undoes": intent.undoes,
        "undone": intent.undone,
        "state": intent.outcome.state if intent.outcome else "in doubt",
        "outcome": intent.outcome.model_dump(mode="json") if intent.outcome else None,
        "resolved_by": intent.resolved_by,
    }


def people_of(run: Run) -> list[str]:
    """Everybody who wrote to the run."""
    return sorted({event.actor for event in run.events})


def follow_ups_of(run: Run) -> list[tuple[RunEvent, str]]:
    """What is left to do, as it was written down."""
    found = []
    for event in run.events:
        step = run.steps[event.step].step if event.step in run.steps else None
        of_step = event.kind == "done" and isinstance(step, NoteStep) and step.follow_up
        if of_step or (event.kind == "noted" and event.body.get("follow_up")):
            found.append((event, str(event.body["text"])))
    return found


def commands_of(run: Run, context: ExportContext) -> Iterator[str]:
    """The headless commands that show or do the same as the run, each once, without the program's name."""
    seen = set()
    found: list[str | None] = []
    for state in run.steps.values():
        results = [state.answer, *state.evidence.values(), state.suggestion.result if state.suggestion else None]
        found += [result.command for result in results if result]
        found += [intent.plan.command for intent in state.intents if intent.plan]
    for command in [*found, *context.commands, f"playbook show {run.id}"]:
        if command and command not in seen:
            seen.add(command)
            yield command
