"""The rules of a confirmation, without a terminal: what every key does until someone cancels or acts.

Cancel has the focus. Letters go to the name. Tab reaches the acting button only once the name matches; Space presses the
focused button; Enter never acts.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from backends.text import Untrusted, displayable
from widgets.line import Line, Span, line
from widgets.wrapping import wrapped

LONGEST_REASON: Final = 500
AT_ONCE: Final = "B"
"""The key that asks for the plan that waits for nobody."""
BUTTON_COLUMN: Final = 35
NAME_SHOWN_FROM: Final = 40
"""Names longer than this are shown in full beside the field, since line 2 may cut them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several targets, such as a state of the kill switch."""

    key: str
    line: Line
    act: str
    """The acting button while this one is chosen: `Set fallback`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a confirmation shows and asks."""

    lines: tuple[Line, ...]
    act: str
    """The acting button: `Roll back to v1`."""
    name: str | Untrusted = ""
    """What must be typed, as drawn by `displayable`; empty: nothing must."""
    asks: str = "Type the model's name to enable:"
    reason: str = ""
    needs_reason: bool = True
    refused: str = ""
    """Why the action is off in a word or two (`read-only`); empty: it is allowed."""
    at_once: bool = False
    """Whether B asks for the plan that waits for nobody."""
    choices: tuple[Choice, ...] = ()
    chosen: str | None = None
    choices_title: Line = field(default_factory=Line)


class Focus(Enum):
    """Where keys go that are not letters of the name."""

    CANCEL = "cancel"
    ACT = "act"
    REASON = "reason"


class Outcome(Enum):
    """What a key led to, where it led to more than a redraw."""

    CANCELLED = "cancelled"
    ACTED = "acted"
    CHOICE = "choice"
    AT_ONCE = "at once"


def mixed_scripts(name: str | Untrusted) -> str:
    """Empty, or a warning that letters of `name` come from more than one script and may look like others."""
    raw = name.raw if isinstance(name, Untrusted) else name
    scripts = sorted({unicodedata.name(one, "UNNAMED").split()[0] for one in raw if one.isalpha()})
    if len(scripts) < 2:
        return ""
    odd = sorted({f"{one} U+{ord(one):04X}" for one in raw if one.isalpha() and not one.isascii()})
    return f"the name mixes {' and '.join(word.lower() for word in scripts)} letters: {', '.join(odd[:4])}"


class Dialog:
    """The state of one confirmation."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.focus = Focus.CANCEL
        self.typed = ""
        self.reason = plan.reason
        self.hint = ""
        self.chosen = plan.chosen if plan.chosen is not None else (plan.choices[0].key if plan.choices else None)

    @property
    def name(self) -> str:
        """What must be typed."""
        return displayable(self.plan.name)

    @property
    def matches(self) -> bool:
        return self.typed == self.name

    @property
    def missing(self) -> str:
        """Why the acting button is off, in a word or two; empty when it is live."""
        if self.plan.refused:
            return self.plan.refused
        if self.plan.needs_reason and not self.reason.strip():
            return "reason first"
        return "" if self.matches else "name first"

    @property
    def act(self) -> str:
        """The words of the acting button."""
        return next((each.act for each in self.plan.choices if each.key == self.chosen), self.plan.act)

    def press(self, key: str, character: str | None) -> Outcome | None:
        """Take one key (Textual's name of it) and its printable character, if it has one."""
        self.hint = ""
        if key in {"escape", "ctrl+c"}:
            return Outcome.CANCELLED
        if key == "space" or character == " ":
            return self._space()
        if key == "enter":
            return self._enter()
        if key in {"tab", "shift+tab"}:
            self._turn(backwards=key == "shift+tab")
        elif key in {"up", "down"}:
            return self._choose(-1 if key == "up" else 1)
        elif key == "backspace":
            self._edit(self._field[:-1])
        elif key == "ctrl+u":
            self._edit("")
        elif (
            character == AT_ONCE and self.plan.at_once and self.focus is not Focus.REASON and not self.name.startswith(self.typed + AT_ONCE)
        ):
            # A letter of the name comes first; nothing is lost by it, since the other plan asks for everything again.
            return Outcome.AT_ONCE
        elif character is not None and len(character) == 1 and character.isprintable():
            self._edit(self._field + character)
        return None

    def paste(self, text: str) -> None:
        """Put pasted text into the field; whatever it holds, it presses nothing."""
        self._edit(self._field + "".join(one for one in text if one.isprintable()))

    @property
    def _field(self) -> str:
        return self.reason if self.focus is Focus.REASON else self.typed

    def _edit(self, text: str) -> None:
        if self.focus is Focus.REASON:
            self.reason = text[:LONGEST_REASON]
            return
        self.typed = text[: len(self.name) + 40]
        if self.focus is Focus.ACT and self.missing:
            self.focus = Focus.CANCEL

    def _space(self) -> Outcome | None:
        if self.focus is Focus.REASON:
            self._edit(self.reason + " ")
            return None
        if self.focus is Focus.ACT:
            return None if self.missing else Outcome.ACTED
        if self.name.startswith(self.typed + " "):
            self._edit(self.typed + " ")
            return None
        return Outcome.CANCELLED

    def _enter(self) -> Outcome | None:
        if self.focus is Focus.CANCEL:
            return Outcome.CANCELLED
        if self.focus is Focus.REASON:
            self.focus = Focus.CANCEL
        else:
            self.hint = "press Space"
        return None

    def _turn(self, *, backwards: bool) -> None:
        if self.focus is not Focus.CANCEL:
            self.focus = Focus.CANCEL
        elif backwards:
            self.focus = Focus.REASON
        elif self.missing:
            self.hint = self.missing
        else:
            self.focus = Focus.ACT

    def _choose(self, step: int) -> Outcome | None:
        keys = [each.key for each in self.plan.choices]
        if self.chosen not in keys:
            return None
        place = keys.index(self.chosen) + step
        if not 0 <= place < len(keys):
            return None
        self.chosen = keys[place]
        self.focus = Focus.CANCEL
        return Outcome.CHOICE


def plan_lines(dialog: Dialog, width: int, *, decided: bool = False) -> list[Line]:
    """The part that scrolls: choices, if any and nothing is `decided` yet, then the plan, wrapped and never cut."""
    lines: list[Line] = []
    if dialog.plan.choices and not decided:
        if dialog.plan.choices_title.spans:
            lines.append(dialog.plan.choices_title)
        for each in dialog.plan.choices:
            sign = Span(">", "cursor") if each.key == dialog.chosen else Span(" ")
            lines += wrapped(Line((Span(" "), sign, Span(" "), *each.line.spans)), width, 15)
    for each_line in dialog.plan.lines:
        lines += wrapped(each_line, width, 3)
    return lines


def form_lines(dialog: Dialog, width: int) -> list[Line]:
    """The part that stays: reason, name, warnings, and last the buttons."""
    editing = dialog.focus is Focus.REASON
    reason = line(" Reason  ", dialog.reason, *([("_", "cursor")] if editing else []))
    note = "Enter moves on" if editing else "shift+Tab edits it"
    rows = wrapped(reason, width - len(note) - 8, 9)
    rows[0] = line(*rows[0].fitted(width - len(note) - 6).spans, (note, "dim")) if rows[0].width <= width - len(note) - 6 else rows[0]
    if dialog.name:
        if len(dialog.name) > NAME_SHOWN_FROM:
            rows += wrapped(line(" Name    ", (dialog.name, "bold")), width, 9)
        warning = mixed_scripts(dialog.plan.name)
        if warning:
            rows += wrapped(line(" ", ("!", "warning"), f" {warning}"), width, 3)
        rows += wrapped(line(f" {dialog.plan.asks}  ", *_typed(dialog)), width, 9)
    return [*rows, buttons_line(dialog, width)]


def buttons_line(dialog: Dialog, width: int) -> Line:
    """Cancel and the acting button; a button that is off has round brackets and says what it waits for."""
    cancel = Span("[ Cancel ]", "banner" if dialog.focus is Focus.CANCEL else "")
    if dialog.missing:
        act = Span(f"( {dialog.act}: {dialog.missing} )", "dim")
        gap = "   "
    else:
        act = Span(f"[ {dialog.act} ]", "banner" if dialog.focus is Focus.ACT else "")
        gap = "  "
    parts = [cancel, Span(gap), act]
    if dialog.hint:
        parts += [Span("  "), Span(dialog.hint, "bold")]
    room = width - Line(tuple(parts)).width
    return Line((Span(" " * max(0, min(BUTTON_COLUMN, room))), *parts))


def _typed(dialog: Dialog) -> list[tuple[str, str]]:
    shown = [(dialog.typed, "bold")]
    if dialog.matches:
        return [*shown, ("  matches", "")]
    shown.append(("_", "cursor"))
    if not dialog.name.startswith(dialog.typed):
        shown.append(("  not the name", "warning"))
    return shown
