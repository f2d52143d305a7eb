"""One field of a card: what the records say, or that they say nothing and where it would be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backends.records import State
from backends.text import Untrusted
from console.policies.documentation import Standard
from console.policies.load import Policies
from console.views.health.model import View


class CardField(View):
    """One field, in the order of its page."""

    id: str
    title: str
    section: str
    state: State
    """`warning`: required, and missing; `unknown`: missing, and nobody requires it."""
    required: bool
    documented: bool
    lines: tuple[Untrusted, ...]
    """What is recorded; empty where nothing is."""
    missing: Untrusted
    """What is missing, and where it would be said; empty where nothing is."""
    source: str | None
    """Who recorded it."""


class StandardSeen(View):
    """A standard that the card is held to, and where it stands."""

    id: str
    title: str
    place: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for one field."""

    lines: tuple[Untrusted, ...] = ()
    missing: str = ""
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The standards that a card is held to, and what they require together."""

    standards: Sequence[Standard]
    required: frozenset[str] = field(default=frozenset())

    @classmethod
    def to(cls, standards: Sequence[Standard]) -> Held:
        return cls(standards, frozenset(name for each in standards for name in each.requires))

    def seen(self, policies: Policies) -> tuple[StandardSeen, ...]:
        return tuple(StandardSeen(id=each.id, title=each.title, place=policies.place("documentation", each.id)) for each in self.standards)

    def judged(self, named: Mapping[str, tuple[str, str]], found: Mapping[str, Found]) -> tuple[CardField, ...]:
        """Every field of `named` (its title and section by id), with its state."""
        return tuple(_judged(name, *named[name], name in self.required, found[name]) for name in named)


def _judged(name: str, title: str, section: str, required: bool, found: Found) -> CardField:
    documented = bool(found.lines) and not found.missing
    return CardField(
        id=name,
        title=title,
        section=section,
        state=State.OK if documented else State.WARNING if required else State.UNKNOWN,
        required=required,
        documented=documented,
        lines=found.lines,
        missing=Untrusted("" if documented else found.missing or "not documented"),
        source=found.source,
    )


def said(record: str, name: str, *texts: Untrusted | None, source: str | None) -> Found:
    """A field in somebody's own words, or which field of which record would hold them."""
    lines = tuple(Untrusted(part) for text in texts if text is not None for part in text.raw.split("\n") if part.strip())
    return Found(lines, "" if lines else f"not documented: `{name}` of {record}", source if lines else None)


def missing_of(fields: Iterable[CardField]) -> tuple[str, ...]:
    """The ids of the fields that are required and not documented."""
    return tuple(each.id for each in fields if each.required and not each.documented)
