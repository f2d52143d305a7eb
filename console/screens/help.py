"""Help of a screen: every command that works there, and why one does not work now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import commands
from console.commands import Command
from console.screens.base import DeckScreen
from widgets.line import Line, Page, Row, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.lookout import Lookout

KEYS = 21
"""Cells for the keys of a command."""

TITLE = KEYS + 13
"""The cell at which the title of a command begins."""

MARKS_EXPLAINED = (
    ("ok", ".  ok    measured and within its limits"),
    ("warning", "!  warn  beyond the limit of a warning"),
    ("critical", "X  CRIT  beyond the critical limit"),
    ("unknown", "?  unkn  never measured, or not computable; line 23 says why; never ok"),
    ("stale", "~  stal  older than its cadence; the last value is kept"),
)


MOVES = (
    ("j k, arrows", "row by row; text above or below the rows scrolls"),
    ("PgUp PgDn, Space", "page by page; Space where there is nothing to choose"),
    ("g g, G, Home, End", "to the first and the last row"),
)

TITLES = (
    ("look", "Look: changes nothing"),
    ("recorded", "Recorded"),
    ("acts", "Act: opens a plan, never acts by itself"),
)


class HelpScreen(DeckScreen):
    """What can be pressed on the screen that asked."""

    scope = "help"

    def first_view(self) -> Any:
        return commands.on_screen(self.target or "fleet")

    def load(self, _lookout: Lookout) -> Any:
        raise AssertionError("there is nothing to load")

    def reload(self) -> None:
        """There is nothing to read."""

    def model_of(self, key: str | None) -> str | None:
        del key
        return None

    def page(self, view: Any, width: int, height: int) -> Page:
        del height
        rows = []
        for danger, title in TITLES:
            listed = [command for command in view if command.danger == danger and (command.keys or command.words)]
            if not listed:
                continue
            # What was made for the screen comes first: it is what somebody asks for who presses ? there.
            listed.sort(key=lambda command: command.scope == commands.EVERYWHERE)
            reasons = {self.app.disabled(command) for command in listed}
            common = reasons.pop() if len(reasons) == 1 else None
            rows.append(Row(rule(title, width)))
            if common:
                rows += [Row(each) for each in wrapped(line(("   off now: ", "warning"), common), width, 3)]
            for command in listed:
                reason = None if common else self.app.disabled(command)
                rows += [Row(each) for each in wrapped(self._line(command, off=bool(common or reason)), width, TITLE)]
                if reason:
                    rows += [Row(each) for each in wrapped(line(" " * KEYS, (f"off now: {reason}", "warning")), width, KEYS)]
            if danger == "look":
                rows.append(Row(rule("Move", width)))
                rows += [Row(line((f"   {keys:<{KEYS - 3}}", "key"), said)) for keys, said in MOVES]
        rows.append(Row(rule("Marks", width)))
        rows += [Row(line("   ", (text[:8], state), text[8:])) for state, text in MARKS_EXPLAINED]
        rows.append(Row(Line()))
        return Page(line(("Help", "bold"), f"  keys of {self.target}"), tuple(rows), "--help")

    def _line(self, command: Command, *, off: bool) -> Line:
        keys = ", ".join(commands.key_words(key) for key in command.keys[:3])
        word = f":{command.words[0]}" if command.words else ""
        return line((f"   {keys:<{KEYS - 3}}", "dim" if off else "key"), (f"{word:<12} {command.title}", "dim" if off else ""))
