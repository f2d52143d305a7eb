"""A card or a data sheet as Markdown. Whatever the records say renders as itself: no heading, link, HTML or fence of theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.render.card_words import Section, card_sections, completeness, held_to, sheet_sections
from playbooks.markdown import code, escaped

if TYPE_CHECKING:
    from console.views.cards.data_sheet import SheetView
    from console.views.cards.fields import CardField
    from console.views.cards.model_card import CardView


def card_markdown(view: CardView) -> str:
    """The card of a model version."""
    _, told = completeness(view.required, view.missing)
    at = figures.full_moment(view.at, ZoneInfo(view.zone))
    head = [
        f"# Model card: {escaped(view.model)} {escaped(version_label(view.version))}",
        f"{escaped(view.description) or 'No description is recorded.'}",
        f"Environment {escaped(view.environment)}, {'serves' if view.serves else 'does not serve'}, as known at {escaped(at)}.",
        f"Task {view.task or 'not recorded'}, artifact {code(view.artifact_digest) if view.artifact_digest else 'not recorded'}.",
    ]
    return _document(head, told, view.fields, view.missing, held_to(view.standards), card_sections(view))


def sheet_markdown(view: SheetView) -> str:
    """The data sheet of a dataset."""
    _, told = completeness(view.required, view.missing)
    at = figures.full_moment(view.at, ZoneInfo(view.zone))
    head = [
        f"# Data sheet: {escaped(view.dataset)}",
        f"{escaped(view.description) or 'No description is recorded.'}",
        f"Environment {escaped(view.environment)}, as known at {escaped(at)}.",
        f"{figures.count(view.rows)} rows, snapshot {code(view.snapshot)}.",
    ]
    return _document(head, told, view.fields, view.missing, held_to(view.standards), sheet_sections(view))


def _document(
    head: list[str], told: str, fields: Iterable[CardField], missing: tuple[str, ...], standards: str, sections: Iterable[Section]
) -> str:
    names = ", ".join(each.title.lower() for each in fields if each.id in missing)
    parts = [*head, f"**{told.capitalize()}.** Missing: {names or 'nothing that is required'}. Standard: {escaped(standards)}."]
    for section in sections:
        parts.append(f"## {escaped(section.title)}")
        parts.append("\n".join(line for each in section.entries for line in _entry(each.name, each.lines)))
    return "\n\n".join(parts) + "\n"


def _entry(name: str, lines: tuple[str | Untrusted, ...]) -> list[str]:
    first, *others = [escaped(text) for text in lines]
    lead = f"**{escaped(name)}**: " if name else ""
    return [f"- {lead}{first}", *(f"  - {each}" for each in others)]
