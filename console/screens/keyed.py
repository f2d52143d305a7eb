"""Keys: which command of the catalogue each means here and now, and the line that names those that work."""

from __future__ import annotations

from typing import ClassVar

from textual import events

from backends.text import displayable
from console import commands
from console.commands import Command
from console.screens.acting import subject_of
from console.screens.asking import Asking
from console.screens.glancing import Glancing
from widgets.line import line
from widgets.rows import MOVING_KEYS, RowView

FOOTER_LAST = {"note": 1, "filter": 2}
"""Commands of every screen stand behind those of this one in line 24."""

MOVING_SEQUENCES = frozenset({"g g"})
"""Movements of two keys, which the list under the cursor does by itself."""

ALWAYS = (("?", ""), ("q", ""))
"""Keys that line 24 ends with on every screen, however little room there is."""


class Keyed(Asking, Glancing):
    """A screen whose keys are commands of one scope."""

    scope: ClassVar[str] = ""
    own_keys: ClassVar[frozenset[str]] = frozenset()
    """Commands that line 24 names right behind Enter: what the screen is for."""

    def __init__(self) -> None:
        super().__init__()
        self.target: str | None = None
        self.verb = ""
        """The headless command that prints what is shown."""
        self._prefix = ""

    # what a command here is about: a subclass says it

    def model_of(self, key: str | None) -> str | None:
        """The model that a command on the row `key` is about."""
        return key or self.target

    def version_of(self, key: str | None) -> str | None:
        """The version that a command on the row `key` is about; None where rows are no versions."""
        del key
        return None

    def breaker_of(self, key: str | None) -> str | None:
        """The breaker of the source in the row `key`; None where rows are no sources, or the source needs none."""
        del key
        return None

    def topic_of(self, key: str | None) -> str | None:
        """What `e` explains on the row `key`: a signal, a rule's id or a word; None: everything."""
        del key
        return None

    @property
    def marked(self) -> tuple[str, ...]:
        """The models whose rows are marked, in the order of the rows: what acts on several acts on them."""
        return ()

    def unmark(self) -> None:
        """No row is marked any more."""

    def say(self, text: str, role: str = "") -> None:
        """A message on line 23, the only place for one."""
        self.why.say(line((text, role)))

    def show_keys(self) -> None:
        """Line 24: the keys that work now."""
        listed = [command for command in commands.on_screen(self.scope) if self.footer_of(command) and self.works(command)]
        listed.sort(key=lambda command: -1 if command.id in self.own_keys or command.id == "open" else FOOTER_LAST.get(command.id, 0))
        self.keys.show([(commands.key_words(command.keys[0]), self.footer_of(command)) for command in listed], kept=ALWAYS)

    def footer_of(self, command: Command) -> str:
        """What line 24 says behind the key of a command here and now; nothing: it is left to the help."""
        return command.footer

    def works(self, command: Command) -> bool:
        """Whether a key does something here and now: line 24 names no other."""
        if self.app.disabled(command) is not None or command.id in {"help", "back"}:
            return False
        if command.id == "note":
            return bool(subject_of(self))
        if command.id == "open" and type(self).open_row is Glancing.open_row and type(self).leads_to is Glancing.leads_to:
            return False
        row = self.view is None or self.content.cursor_key is not None
        if command.id == "filter":
            return row or bool(self._filter)
        return row or not command.needs_row or (command.id != "open" and self.target is not None)

    def on_key(self, event: events.Key) -> None:
        if self.too_small:
            return
        wanted = f"{self._prefix} {event.key}" if self._prefix else event.key
        command = commands.by_key(self.scope, wanted)
        if command is None:
            if self._prefix:
                self._no_such_key(wanted, event.character)
                self._prefix = ""
            elif event.key in commands.prefixes(self.scope):
                self._prefix = event.key
            elif isinstance(self.focused, RowView) and self.focused.press(event.key):
                # In the order in which they were typed: `j K` is about the row that `j` went to.
                event.stop()
                event.prevent_default()
            elif event.key not in MOVING_KEYS and event.is_printable:
                self._no_such_key(wanted, event.character)
            return
        self._prefix = ""
        event.stop()
        event.prevent_default()
        if command.id == "back" and event.key != "q" and self._stayed():
            return
        self.run(command)

    def _no_such_key(self, key: str, character: str | None) -> None:
        """A key that does nothing here says so, and what it would do elsewhere."""
        if key in MOVING_SEQUENCES:
            return
        elsewhere = commands.by_key_anywhere(key)
        words = commands.key_words(key)
        if len(words) > 1 and " " not in words and words == key and character is not None:
            words = displayable(character)
        if elsewhere is not None:
            self.say(f"{words} ({elsewhere.title}) does nothing on this screen; ? lists what does", "warning")
        else:
            self.say(f"{words} is no key of this screen; ? lists them", "warning")

    def _stayed(self) -> bool:
        """Esc and Backspace take a filter away before they leave, and never leave the console: `q` does."""
        if self._filter:
            self._narrow("")
            self.say("every row is shown again")
            return True
        if self.marked:
            self.unmark()
            self.say("no row is marked any more")
            return True
        if self.app.at_home:
            self.say("q leaves the console")
            return True
        return False

    def do_next_problem(self) -> None:
        self._problem(1)

    def do_previous_problem(self) -> None:
        self._problem(-1)

    def _problem(self, direction: int) -> None:
        before = self.content.cursor_index
        self.content.action_problem(direction)
        if self.content.cursor_index == before:
            self.say("no other row here is not ok")

    def reload(self) -> None:
        """Read again now."""
        raise NotImplementedError

    def run_words(self, text: str) -> str | None:
        return self.app.run_words(text, self)

    def run(self, command: Command, words: str = "") -> None:
        """Do what a command says, or say why not."""
        reason = self.app.disabled(command)
        if reason is not None:
            self.say(f"{command.footer or command.title}: {reason}", "warning")
            return
        own = getattr(self, f"do_{command.id.replace('.', '_')}", None)
        if own is not None:
            own()
        else:
            self.app.run_command(command, self, words)
