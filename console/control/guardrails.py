"""Guardrails: data that can only tighten what a role may do. Every rule that matches counts; of each demand the strongest wins.

A rule names effects, not verbs: `degrade` is the same to it from the verb `kill`, from a playbook step and from a screen, and what a
move amounts to (going up the kill switch is a restore, promoting what served before is a rollback) is matched as well as what it is
called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from pydantic import Field

from backends.records import Name
from console.control.actions import ActionKind, Frozen


class Confirm(StrEnum):
    """What a person gives to go ahead, the weakest first."""

    PRESS = "press"
    """The button, and nothing typed."""
    MODEL = "model"
    """The model's name."""
    ENVIRONMENT = "environment"
    """The environment's name."""


_ORDER = tuple(Confirm)


def strongest(levels: Iterable[Confirm]) -> Confirm:
    """The most that any of `levels` asks; the button alone when there are none."""
    return max(levels, key=_ORDER.index, default=Confirm.PRESS)


class Guardrail(Frozen):
    """One rule. Environments and models are patterns (`*`, `delay-*`)."""

    id: Name
    title: str = Field(min_length=1, max_length=500)
    """The reason, as people are told it."""
    kinds: tuple[ActionKind, ...]
    environments: tuple[Name, ...] = ("*",)
    models: tuple[Name, ...] = ("*",)
    deny: bool = False
    max_bulk: int | None = Field(default=None, ge=1)
    """At most so many models in one action; with `within`, also counting those that the same person moved just before."""
    within: timedelta | None = None
    confirm: Confirm = Confirm.PRESS
    second_person: tuple[ActionKind, ...] = ()
    """Kinds for which another person must approve."""
    max_elevation: timedelta | None = None

    def means(self, kind: ActionKind, environment: str) -> bool:
        """Whether it is about `kind` there, for some model at least."""
        return kind in self.kinds and any(fnmatchcase(environment, pattern) for pattern in self.environments)

    def matches(self, kinds: Collection[ActionKind], environment: str, model: str) -> bool:
        """Whether an action that amounts to any of `kinds` is meant."""
        return (
            any(kind in self.kinds for kind in kinds)
            and any(fnmatchcase(environment, pattern) for pattern in self.environments)
            and any(fnmatchcase(model, pattern) for pattern in self.models)
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What all matching guardrails ask of one action together."""

    rails: tuple[Guardrail, ...]

    @property
    def denied(self) -> Guardrail | None:
        return next((rail for rail in self.rails if rail.deny), None)

    @property
    def confirm(self) -> Confirm:
        return strongest(rail.confirm for rail in self.rails)

    def second_person(self, kind: ActionKind) -> Guardrail | None:
        """The first rule that asks another person to approve this."""
        return next((rail for rail in self.rails if kind in rail.second_person), None)

    @property
    def max_elevation(self) -> tuple[timedelta, Guardrail] | None:
        """The shortest limit and the rule that sets it."""
        found = [(rail.max_elevation, rail) for rail in self.rails if rail.max_elevation is not None]
        return min(found, key=lambda each: each[0], default=None)

    def over_bulk(self, bulk: int, moved_within: Callable[[timedelta], int]) -> str | None:
        """Why so many models at once are too many, None when they are not. `moved_within` counts the other models
        that the person moved lately, and is asked only where a rule counts them."""
        for rail in self.rails:
            if rail.max_bulk is None:
                continue
            before = 0 if rail.within is None else moved_within(rail.within)
            if bulk + before > rail.max_bulk:
                lately = f", after {before} in the last {said_length(rail.within)}" if rail.within is not None and before else ""
                return f"{bulk} models at once{lately} are more than the {rail.max_bulk} of guardrail {rail.id}: {rail.title}"
        return None

    @property
    def counts(self) -> bool:
        """Whether a rule counts what the same person moved just before."""
        return any(rail.max_bulk is not None and rail.within is not None for rail in self.rails)

    def told(self) -> tuple[str, ...]:
        """One line for each rule that matches: `two-people: ... (a second person)`."""
        return tuple(f"{rail.id}: {rail.title} ({', '.join(demands(rail))})" for rail in self.rails)


def said_length(length: timedelta) -> str:
    """`90 s`, `10 min`, `4 h`, `14 d`."""
    seconds = length.total_seconds()
    if seconds > 72 * 3600 and seconds % 86400 == 0:
        return f"{seconds / 86400:.0f} d"
    if seconds >= 7200 and seconds % 3600 == 0:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def demands(rail: Guardrail) -> list[str]:
    """What a rule asks, in words: `a second person`."""
    found = ["denied"] if rail.deny else []
    if rail.max_bulk is not None:
        found.append(f"at most {rail.max_bulk} models" + (f" in {said_length(rail.within)}" if rail.within else " at once"))
    if rail.confirm is not Confirm.PRESS:
        found.append(f"the {rail.confirm.value}'s name is typed")
    if rail.second_person:
        found.append("a second person")
    if rail.max_elevation is not None:
        found.append(f"elevation for at most {said_length(rail.max_elevation)}")
    return found
