"""What must be true across the steps of a playbook before anybody trusts it at three in the morning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from backends.records import Layer
from backends.yaml_text import PathInFile, YamlProblem, YamlText, load_yaml, validated
from playbooks.binding import BindingError, bind, names_in
from playbooks.catalogue import Spec
from playbooks.format import (
    END,
    ActionCall,
    ActionStep,
    CheckCall,
    DecisionStep,
    Phase,
    Playbook,
    Step,
    SubPlaybookStep,
    WaitStep,
)


@dataclass(frozen=True, slots=True)
class Catalogues:
    """What a playbook may speak of. `None` leaves that question out."""

    checks: Mapping[str, Spec] | None = None
    actions: Mapping[str, Spec] | None = None
    rules: Mapping[str, Layer] | None = None
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    """The library that sub-playbooks are taken from."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a playbook, at its place."""

    severity: Literal["error", "warning"]
    problem: YamlProblem

    def __str__(self) -> str:
        return f"{self.problem} ({self.severity})"


@dataclass(frozen=True, slots=True)
class PlaybookFile:
    """A playbook and the text it came from."""

    playbook: Playbook
    text: YamlText


def read_playbook(source: Path | str | bytes, name: str | None = None) -> PlaybookFile:
    """Read one playbook. Raises YamlFileError with file and line of everything that the format does not allow."""
    text = load_yaml(source, name)
    return PlaybookFile(validated(text, Playbook), text)


def check_playbook(file: PlaybookFile, catalogues: Catalogues, today: date) -> list[Finding]:
    """Everything wrong across the steps of one playbook, in the order of the file.

    Errors: unknown, duplicate or unreachable steps, cycles, unknown checks, actions, arguments, rules, parameters or
    sub-playbooks. Warnings: expired, verified in the future, retries where nothing retries by itself.
    """
    return sorted(_Inspection(file, catalogues, today).findings(), key=lambda found: (found.problem.line, found.problem.column))


def targets(step: Step, follows: str) -> list[str]:
    """Every step that may come after `step`, the ordinary one first."""
    found = [step.next or follows]
    rules = [step.on_fail, *([step.on_timeout] if isinstance(step, WaitStep) else [])]
    found += [rule.step for rule in rules if rule.step]
    found += [choice.next for choice in getattr(step, "choices", ()) if choice.next]
    # A decision whose every choice goes somewhere else never takes the ordinary way, but a skipped one does.
    return found


class _Inspection:
    def __init__(self, file: PlaybookFile, catalogues: Catalogues, today: date) -> None:
        self.playbook = file.playbook
        self.text = file.text
        self.known = catalogues
        self.today = today
        self.steps: list[tuple[PathInFile, Phase, Step]] = []
        counts = dict.fromkeys(Phase, 0)
        for phase, step in self.playbook.placed():
            self.steps.append((("phases", phase.value, counts[phase]), phase, step))
            counts[phase] += 1

    def error(self, path: PathInFile, reason: str) -> Finding:
        return Finding("error", self.text.problem(path, reason))

    def warning(self, path: PathInFile, reason: str) -> Finding:
        return Finding("warning", self.text.problem(path, reason))

    def findings(self) -> Iterator[Finding]:
        yield from self.head()
        yield from self.ids()
        for path, _, step in self.steps:
            yield from self.step(path, step)
        yield from self.graph()
        yield from self.binding()

    def head(self) -> Iterator[Finding]:
        book = self.playbook
        if book.expires_at <= book.verified_at:
            yield self.error(("expires_at",), "expires_at: not after verified_at")
        if book.expires_at < self.today:
            yield self.warning(("expires_at",), f"expired on {book.expires_at}: verify it again, then set verified_at")
        if book.verified_at > self.today:
            yield self.warning(("verified_at",), f"verified_at: {book.verified_at} is in the future")
        for index, rule in enumerate(book.applies_to.rules):
            if self.known.rules is None:
                continue
            if rule not in self.known.rules:
                yield self.error(("applies_to", "rules", index), f"there is no alert rule {rule}")
        if self.steps[0][2].kind == "playbook" and len(self.steps) == 1:
            yield self.warning(("phases",), "only calls another playbook")

    def ids(self) -> Iterator[Finding]:
        first: dict[str, int] = {}
        for path, _, step in self.steps:
            place = (*path, "id")
            if "." in step.id or step.id == END:
                yield self.error(place, f"{step.id}: a step's id has no dots and is not `{END}`")
            if step.id in first:
                yield self.error(place, f"the step {step.id} stands here a second time, first in line {first[step.id]}")
            first.setdefault(step.id, self.text.place(place)[0])

    def step(self, path: PathInFile, step: Step) -> Iterator[Finding]:
        for where, call in _calls(step, path):
            yield from self.call(where, call)
        for name in sorted(names_in(step.model_dump(mode="json")) - set(self.playbook.params)):
            yield self.error(path, f"step {step.id} names the parameter {name}, which is not declared under params")
        if step.retries.count and step.kind not in {"check", "action"}:
            yield self.warning((*path, "retries"), f"retries mean nothing for a step of kind {step.kind}")
        if step.on_fail.then == "undo" and not self.can_undo(step):
            yield self.error((*path, "on_fail"), f"on_fail says undo, but step {step.id} declares no undo")
        if isinstance(step, DecisionStep):
            yield from self.choices(path, step)
        if isinstance(step, ActionStep) and step.from_decision is not None:
            yield from self.decision_of(path, step)

    def can_undo(self, step: Step) -> bool:
        if step.undo is not None:
            return True
        decision = next((other for _, _, other in self.steps if other.id == getattr(step, "from_decision", None)), None)
        return isinstance(decision, DecisionStep) and any(choice.undo for choice in decision.choices)

    def choices(self, path: PathInFile, step: DecisionStep) -> Iterator[Finding]:
        seen: set[str] = set()
        for index, choice in enumerate(step.choices):
            if choice.id in seen:
                yield self.error((*path, "choices", index, "id"), f"the choice {choice.id} stands here a second time")
            seen.add(choice.id)
        if step.suggest is None and not any(choice.when for choice in step.choices):
            yield self.warning(path, f"step {step.id} never suggests a choice: give it `suggest`, or a choice a `when`")

    def decision_of(self, path: PathInFile, step: ActionStep) -> Iterator[Finding]:
        order = [other.id for _, _, other in self.steps]
        decision = next((other for _, _, other in self.steps if other.id == step.from_decision), None)
        place = (*path, "from_decision")
        if not isinstance(decision, DecisionStep):
            yield self.error(place, f"{step.from_decision} is not a decision of this playbook")
        elif order.index(decision.id) > order.index(step.id):
            yield self.error(place, f"the decision {step.from_decision} comes after the step that carries it out")

    def call(self, path: PathInFile, call: CheckCall | ActionCall) -> Iterator[Finding]:
        if isinstance(call, CheckCall):
            noun, name, known, key = "check", call.check, self.known.checks, "check"
        else:
            noun, name, known, key = "action", call.kind, self.known.actions, "kind"
        if known is None:
            return
        spec = known.get(name)
        if spec is None:
            yield self.error((*path, key), f"there is no {noun} {name}")
            return
        for missing in sorted(spec.needs - set(call.args)):
            yield self.error((*path, key), f"the {noun} {name} needs the argument {missing}")
        for extra in sorted(set(call.args) - spec.needs - spec.takes):
            yield self.error((*path, "args", extra), f"the {noun} {name} has no argument {extra}")

    def graph(self) -> Iterator[Finding]:
        ids = [step.id for _, _, step in self.steps]
        places = {step.id: path for path, _, step in self.steps}
        edges: dict[str, list[str]] = {}
        for (path, _, step), follows in zip(self.steps, [*ids[1:], END], strict=True):
            edges.setdefault(step.id, []).extend(targets(step, follows))
            for where, target in _written_targets(step, path):
                if target not in places and target != END:
                    yield self.error(where, f"step {step.id} goes to {target}, which is not a step of this playbook")
        for step_id in _on_cycles(edges):
            yield self.error(places[step_id], f"step {step_id} can come round to itself; a playbook only goes forward")
        reached = _reachable(edges, ids[0])
        for path, _, step in self.steps:
            if step.id not in reached:
                yield self.error(path, f"step {step.id} can never be reached")

    def binding(self) -> Iterator[Finding]:
        """Sub-playbooks: known, not calling each other in a ring, and called with values that fit."""
        if not any(isinstance(step, SubPlaybookStep) for _, _, step in self.steps):
            return
        library = {**self.known.playbooks, self.playbook.id: self.playbook}
        sample: dict[str, Any] = {"text": "x", "integer": 1, "number": 1.0, "boolean": True}
        try:
            bind(
                _relaxed(self.playbook),
                {name: sample[param.type] for name, param in self.playbook.params.items()},
                {name: _relaxed(book) for name, book in library.items()},
            )
        except BindingError as error:
            path = next(path for path, _, step in self.steps if isinstance(step, SubPlaybookStep))
            yield self.error((*path, "playbook"), str(error))


def _relaxed(playbook: Playbook) -> Playbook:
    """Without patterns and choices: what a made-up value of the right type may be bound to."""
    loose = {"pattern": None, "choices": None}
    return playbook.model_copy(update={"params": {name: param.model_copy(update=loose) for name, param in playbook.params.items()}})


def _calls(step: Step, path: PathInFile) -> Iterator[tuple[PathInFile, CheckCall | ActionCall]]:
    if isinstance(step, CheckCall):
        yield path, step
    for name in ("only_if", "undo", "until", "suggest", "action"):
        call = getattr(step, name, None)
        if call is not None:
            yield (*path, name), call
    for name in ("requires", "evidence"):
        for index, call in enumerate(getattr(step, name)):
            yield (*path, name, index), call
    for index, choice in enumerate(getattr(step, "choices", ())):
        for name in ("action", "undo", "when"):
            call = getattr(choice, name)
            if call is not None:
                yield (*path, "choices", index, name), call


def _written_targets(step: Step, path: PathInFile) -> Iterator[tuple[PathInFile, str]]:
    if step.next:
        yield (*path, "next"), step.next
    if step.on_fail.step:
        yield (*path, "on_fail"), step.on_fail.step
    if isinstance(step, WaitStep) and step.on_timeout.step:
        yield (*path, "on_timeout"), step.on_timeout.step
    for index, choice in enumerate(getattr(step, "choices", ())):
        if choice.next:
            yield (*path, "choices", index, "next"), choice.next


def _reachable(edges: Mapping[str, Collection[str]], start: str) -> set[str]:
    found = {start}
    waiting = [start]
    while waiting:
        for target in edges.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def _on_cycles(edges: Mapping[str, Collection[str]]) -> list[str]:
    """Steps from which a way leads back to themselves, in the order of the file."""
    return [step for step, following in edges.items() if any(step in _reachable(edges, target) for target in following)]
