"""Help of a screen: every command that works there, and why one does not work now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import commands
from console.screens.base import DeckScreen
from widgets.line import Line, Page, Row, line, rule

if TYPE_CHECKING:
    from console.lookout import Lookout

MARKS_EXPLAINED = (
    ("ok", ".  ok    measured and within its limits"),
    ("warning", "!  warn  beyond the limit of a warning"),
    ("critical", "X  CRIT  beyond the critical limit"),
    ("unknown", "?  unkn  never measured, or not computable; line 23 says why. Never shown as ok"),
    ("stale", "~  stal  older than its cadence; the last value is kept"),
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

    def page(self, view: Any, width: int, height: int) -> Page:
        del height
        rows = []
        for danger, title in (
            ("look", "Look: changes nothing"),
            ("recorded", "Recorded"),
            ("acts", "Act: opens a plan, never acts by itself"),
        ):
            rows.append(Row(rule(title, width)))
            for command in view:
                if command.danger != danger or not (command.keys or command.words):
                    continue
                keys = ", ".join(commands.key_words(key) for key in command.keys[:3])
                word = f":{command.words[0]}" if command.words else ""
                reason = self.app.disabled(command, self)
                role = "dim" if reason else ""
                text = f"{command.title}  ({reason})" if reason else command.title
                rows.append(Row(line((f"   {keys:<14}", "dim" if reason else "key"), (f"{word:<12} {text}", role))))
        rows.append(Row(rule("Marks", width)))
        rows += [Row(line("   ", (text[:8], state), text[8:])) for state, text in MARKS_EXPLAINED]
        rows.append(Row(Line()))
        return Page(line(("Help", "bold"), f"  keys of {self.target}"), tuple(rows), "--help")
