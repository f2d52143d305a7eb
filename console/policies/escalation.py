"""Who is told when something has waited too long for a person: which kind of wait, after how long, to whom. Shapes, nothing read here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, StringConstraints, field_validator

from backends.durations import Duration
from console.policies.shapes import PolicyId, Selector, Shape, Title

WaitKind = Literal["approval", "execution", "broken glass", "in doubt", "override", "incident", "escalate step", "scores"]
"""What waits for a person: a request for a vote; one that was approved, to be executed; broken glass for its review; an action in doubt;
a switch, hold or breaker past its time; an incident that nobody has taken or whose step waits; somebody whom a playbook tells; scores
that a service sends to people."""

_NAMED: Final = re.compile(r"\{([^{}]*)\}")
KNOWN: Final = ("owner", "model")


def _names_what_is_known(text: str) -> str:
    unknown = [name for name in _NAMED.findall(text) if name not in KNOWN]
    if unknown or re.search(r"[{}]", _NAMED.sub("", text)):
        raise ValueError(f"only {{owner}} and {{model}} stand for something: {text[:60]!r}")
    return text


Contact = Annotated[str, StringConstraints(min_length=1, max_length=160), AfterValidator(_names_what_is_known)]


class Escalation(Shape):
    """One step up: what has waited for `after` is overdue, and `to` is told of it.

    Several for one kind are levels: the first makes it overdue, the last whose time has passed says whom it is with.
    """

    id: PolicyId
    title: Title
    where: Selector = Selector()
    wait: WaitKind
    after: Duration
    to: Contact
    """A person, a desk, a number; `{owner}` is the owner that the model's record names, `{model}` the model."""

    @field_validator("after")
    @classmethod
    def _is_some_time(cls, after: timedelta) -> timedelta:
        if after <= timedelta():
            raise ValueError("after is more than nothing: what has only begun to wait is not overdue")
        return after

    def contact(self, model: str, owner: str | None) -> str:
        """`to` with its names filled in."""
        found = {"model": model or "no model", "owner": owner or "nobody (no owner is recorded)"}
        return _NAMED.sub(lambda name: found[name[1]], self.to)
