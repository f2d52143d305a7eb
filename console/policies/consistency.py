"""What must hold between policy items: each stands once, people have roles that exist, actions are ones that can be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from backends.yaml_text import YamlProblem
from console.closest import closest
from console.control.actions import SWITCH_STATES, ActionKind
from console.policies.files import ReadFile
from console.policies.rules import SECTIONS, SINGLE, PolicyFile, item_key, roles_by_environment

EVERYTHING: Final = "*"
SWITCH: Final = "kill-switch"
"""Short for every state of the kill switch."""

ACTIONS: Final = frozenset(kind.value for kind in ActionKind) | {EVERYTHING, SWITCH}


def kinds_of(names: Sequence[str]) -> tuple[ActionKind, ...]:
    """The kinds that the words of a policy file stand for, in the order of the catalogue."""
    if EVERYTHING in names:
        return tuple(ActionKind)
    switch = SWITCH in names
    return tuple(kind for kind in ActionKind if kind.value in names or (switch and kind in SWITCH_STATES))


def unique_name(section: str, item: Any) -> str:
    """What makes an item one of a kind: an approval rule by its environments too."""
    key = item_key(section, item)
    return f"{key} in {', '.join(item.environments)}" if section == "approvals" else key


def repeated(own: Sequence[ReadFile]) -> list[YamlProblem]:
    """Items that are defined twice, in one file or in two."""
    problems = []
    first: dict[tuple[str, str], str] = {}
    for read in own:
        listed: list[tuple[str, tuple[str | int, ...], str]] = [
            (section, (section, index), unique_name(section, item)) for section, index, item in _items(read.file)
        ]
        listed += [(section, (section,), "it") for section in SINGLE if getattr(read.file, section) is not None]
        listed += [("people", ("people", person), person) for person in read.file.people]
        for section, location, name in listed:
            place = read.text.problem(location, "")
            if (section, name) in first:
                reason = f"{section}: {name} stands here a second time, first at {first[section, name]}"
                problems.append(read.text.problem(location, reason))
            first.setdefault((section, name), f"{place.file}:{place.line}")
    return problems


def across(policies: PolicyFile, own: Sequence[ReadFile]) -> list[YamlProblem]:
    """Names that lead nowhere, in the files of the workspace; `policies` is everything together."""
    roles = {role.id for role in policies.roles}
    rules = {rule.id for rule in policies.rules}
    problems = []
    for read in own:
        for person, given in read.file.people.items():
            named = {role for each in roles_by_environment(given).values() for role in each}
            problems += [read.text.problem(("people", person), f"people: there is no role {role}") for role in sorted(named - roles)]
        for index, rule in enumerate(read.file.approvals):
            problems += [
                read.text.problem(("approvals", index, "roles"), f"approvals: there is no role {role}")
                for role in sorted(set(rule.roles) - roles)
            ]
        for index, trigger in enumerate(read.file.triggers):
            if trigger.rule is not None and trigger.rule not in rules:
                near = closest(trigger.rule, sorted(rules), n=2, cutoff=0.5)
                advice = f"; did you mean {' or '.join(near)}?" if near else ""
                problems.append(read.text.problem(("triggers", index, "rule"), f"triggers: there is no alert rule {trigger.rule}{advice}"))
        for location, name in _actions(read.file):
            if name not in ACTIONS:
                near = closest(name, sorted(ACTIONS), n=2, cutoff=0.5)
                advice = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(sorted(ACTIONS))}"
                problems.append(read.text.problem(location, f"{location[0]}: there is no action {name}; {advice}"))
    return problems


def _items(file: PolicyFile) -> Iterator[tuple[str, int, Any]]:
    for section in SECTIONS:
        for index, item in enumerate(getattr(file, section)):
            yield section, index, item


def _actions(file: PolicyFile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, role in enumerate(file.roles):
        for field in ("may", "may_not"):
            for number, name in enumerate(getattr(role, field)):
                yield ("roles", index, field, number), name
    for index, rail in enumerate(file.guardrails):
        for number, name in enumerate(rail.actions):
            yield ("guardrails", index, "actions", number), name
    for index, rule in enumerate(file.approvals):
        yield ("approvals", index, "action"), rule.action
