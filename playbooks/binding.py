"""From a playbook and the values of its parameters to the flat list of steps that a run takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from playbooks.format import END, Argument, Param, Phase, Playbook, Step, SubPlaybookStep

MAX_SUB_DEPTH: Final = 3
_NAMED: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
_STEP: Final[TypeAdapter[Step]] = TypeAdapter(Step)


class BindingError(ValueError):
    """A playbook cannot be started with these values. `str()` says which and why."""


@dataclass(frozen=True, slots=True)
class BoundStep:
    """A step of a run: every parameter filled in, every target a step of the same list (or `end`)."""

    id: str
    phase: Phase
    step: Step
    follows: str
    """The step after this one when nothing else is said."""


def bound_params(playbook: Playbook, given: Mapping[str, Argument]) -> dict[str, Argument]:
    """`given` with the defaults, checked against the declared parameters. Raises BindingError naming every bad one."""
    wrong = [f"unknown parameter {name}" for name in given if name not in playbook.params]
    values: dict[str, Argument] = {}
    for name, param in playbook.params.items():
        value = given.get(name, param.default)
        if value is None:
            if param.required:
                wrong.append(f"parameter {name} is needed")
            continue
        reason = _misfit(param, value)
        if reason:
            wrong.append(f"parameter {name}: {reason}")
        values[name] = value
    if wrong:
        raise BindingError(f"playbook {playbook.id}: " + "; ".join(wrong))
    return values


def bind(playbook: Playbook, params: Mapping[str, Argument], library: Mapping[str, Playbook]) -> tuple[BoundStep, ...]:
    """The steps of `playbook` with sub-playbooks in place and parameters filled in.

    Raises BindingError on a bad parameter, an unknown sub-playbook, or playbooks that call each other too deep.
    """
    flat = _flat(playbook, bound_params(playbook, params), library, prefix="", depth=0)
    ids = [step_id for step_id, _, _ in flat]
    follows = [*ids[1:], END]
    return tuple(BoundStep(step_id, phase, step, after) for (step_id, phase, step), after in zip(flat, follows, strict=True))


def used_playbooks(playbook: Playbook, library: Mapping[str, Playbook]) -> dict[str, Playbook]:
    """Every playbook that `playbook` calls, directly or not: what a run must keep beside it. Unknown ones are left out."""
    found: dict[str, Playbook] = {}
    waiting = [playbook]
    while waiting:
        for _, step in waiting.pop().placed():
            if isinstance(step, SubPlaybookStep) and step.playbook in library and step.playbook not in found:
                found[step.playbook] = library[step.playbook]
                waiting.append(library[step.playbook])
    return found


def names_in(value: Any) -> set[str]:
    """The parameters that texts and arguments inside `value` name."""
    if isinstance(value, str):
        return set(_NAMED.findall(value))
    if isinstance(value, Mapping):
        return set().union(*(names_in(item) for item in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(names_in(item) for item in value))
    return set()


def _flat(
    playbook: Playbook, params: Mapping[str, Argument], library: Mapping[str, Playbook], prefix: str, depth: int
) -> list[tuple[str, Phase, Step]]:
    if depth > MAX_SUB_DEPTH:
        raise BindingError(f"playbook {playbook.id} is called more than {MAX_SUB_DEPTH} levels deep; do they call each other?")
    placed = list(playbook.placed())
    entry = {step.id: _entry(step, prefix, library) for _, step in placed}
    flat: list[tuple[str, Phase, Step]] = []
    for number, (phase, step) in enumerate(placed):
        body = _filled(step.model_dump(mode="json"), params)
        if isinstance(step, SubPlaybookStep):
            called = library.get(step.playbook)
            if called is None:
                raise BindingError(f"playbook {playbook.id}, step {step.id}: there is no playbook {step.playbook}")
            inner = _flat(called, bound_params(called, body["params"]), library, f"{prefix}{step.id}.", depth + 1)
            after = step.next or (placed[number + 1][1].id if number + 1 < len(placed) else END)
            # The calling step's phase wins: an investigation called while mitigating is part of mitigating.
            flat += [(inner_id, phase, inner_step) for inner_id, _, inner_step in _returning(inner, entry.get(after, after))]
            continue
        body["id"] = f"{prefix}{step.id}"
        _retarget(body, entry, prefix)
        try:
            flat.append((body["id"], phase, _STEP.validate_python(body)))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise BindingError(f"playbook {playbook.id}, step {step.id}: with these values {first['msg']}") from error
    return flat


def _entry(step: Step, prefix: str, library: Mapping[str, Playbook]) -> str:
    """The flat step where going to `step` begins: a called playbook's first step for a call."""
    here = f"{prefix}{step.id}"
    depth = 0
    while isinstance(step, SubPlaybookStep) and step.playbook in library and depth <= MAX_SUB_DEPTH:
        step = next(library[step.playbook].placed())[1]
        here = f"{here}.{step.id}"
        depth += 1
    return here


def _returning(inner: list[tuple[str, Phase, Step]], after: str) -> list[tuple[str, Phase, Step]]:
    """The steps of a called playbook, where `end` means the step after the call."""
    returning = []
    for number, (step_id, phase, step) in enumerate(inner):
        body = step.model_dump(mode="json")
        for holder, key in _targets(body):
            if holder.get(key) == END:
                holder[key] = after
        if number == len(inner) - 1 and body["next"] is None:
            body["next"] = after
        returning.append((step_id, phase, _STEP.validate_python(body)))
    return returning


def _targets(body: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    holders = [(body, "next"), (body.get("on_fail"), "step"), (body.get("on_timeout"), "step")]
    holders += [(choice, "next") for choice in body.get("choices", ())]
    return [(holder, key) for holder, key in holders if holder]


def _retarget(body: dict[str, Any], entry: Mapping[str, str], prefix: str) -> None:
    for holder, key in _targets(body):
        if holder.get(key) and holder[key] != END:
            holder[key] = entry.get(holder[key], holder[key])
    if body.get("from_decision"):
        body["from_decision"] = f"{prefix}{body['from_decision']}"


def _filled(value: Any, params: Mapping[str, Argument]) -> Any:
    if isinstance(value, str):
        whole = _NAMED.fullmatch(value)
        if whole and whole[1] in params:
            return params[whole[1]]
        return _NAMED.sub(lambda found: str(params.get(found[1], found[0])), value)
    if isinstance(value, dict):
        return {key: _filled(item, params) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, params) for item in value]
    return value


def _misfit(param: Param, value: Argument) -> str | None:
    fits = {
        "text": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
    }[param.type]
    if not fits:
        return f"{value!r} is not of type {param.type}"
    if param.choices is not None and value not in param.choices:
        return f"{value!r} is not one of {', '.join(map(str, param.choices))}"
    if param.pattern is not None and not re.fullmatch(param.pattern, str(value)):
        return f"{value!r} does not match {param.pattern}"
    return None
