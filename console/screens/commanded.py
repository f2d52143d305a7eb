"""What a command needs of the screen on which it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from console.commands import Command
from widgets.page import PageView
from widgets.prompt import Completer


class Commanded(Protocol):
    """A screen with a cursor, a message line and a prompt, as far as commands know it."""

    @property
    def scope(self) -> str:
        """Which commands of the catalogue it has."""

    @property
    def target(self) -> str | None:
        """What it is about: a model, an incident, a request; None: all of them."""

    @property
    def content(self) -> PageView:
        """The list with the cursor."""

    @property
    def verb(self) -> str:
        """The headless command that prints what is shown."""

    @property
    def marked(self) -> tuple[str, ...]:
        """The models whose rows are marked."""

    def unmark(self) -> None:
        """No row is marked any more."""

    def say(self, text: str, role: str = "") -> None:
        """A message on line 23."""

    def ask(self, sign: str, text: str = "", complete: Completer | None = None, *, answered: Callable[[str], None] | None = None) -> None:
        """Open the prompt; `answered` gets what was typed."""

    def ask_filter(self) -> None:
        """Open the filter."""

    def model_of(self, key: str | None) -> str | None:
        """The model that a command on the row `key` is about."""

    def version_of(self, key: str | None) -> str | None:
        """The version that a command on the row `key` is about."""

    def breaker_of(self, key: str | None) -> str | None:
        """The breaker of the source in the row `key`."""

    def topic_of(self, key: str | None) -> str | None:
        """What `e` explains on the row `key`; None: everything."""

    def open_row(self, key: str) -> None:
        """Enter on a row."""

    def run(self, command: Command, words: str = "") -> None:
        """Do what a command says, or say why not."""

    def reload(self) -> None:
        """Read again now."""
