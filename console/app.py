"""The Textual application: which key or word does what, and which screen comes next."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from textual import events

from console import commands
from console.cli.exits import Exit
from console.commands import Command
from console.screens import SCREENS, made, may, wayfinding
from console.screens.acting import ACTING, begin
from console.screens.application import Application
from console.screens.commanded import Commanded
from console.session import Session
from widgets.theme import use_terminal_colours

MODEL_SCREENS = frozenset({"model", "data", "drift", "quality", "labels", "versions", "card", "badges", "lineage", "changes", "release"})
"""Screens that are about one model."""

KEY_TURNS = 200
"""Turns of the event loop after which the next key is given out, whatever the last one set going."""

IDLE_TURNS = 4
"""Turns without a waiting message after which a key counts as seen: it climbs one widget a turn."""


class ConsoleApp(Application, inherit_bindings=False):
    """The console. Every key comes from the catalogue: those that the library binds by itself, ctrl+q first, are not inherited."""

    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: transparent; }"
    TITLE = "Quarterdeck"

    def __init__(self, session: Session, *, start: tuple[str, str | None] = ("fleet", None)) -> None:
        super().__init__(session)
        use_terminal_colours(self)
        self._start = start
        self.crash: BaseException | None = None
        """The fault that ended the application, if one did."""
        self.ended_by: signal.Signals | None = None
        """The signal that ended it, if one did."""

    def on_mount(self) -> None:
        if not self.is_headless:
            # By default both end the process where it stands, an action under way with it, and leave the terminal in a state of ours.
            for asked in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(asked, self._end, asked)
        if not self.session.located.exists:
            self.go("first-run")
            return
        self.go("fleet")
        if self._start[0] != "fleet":
            self.go(*self._start)

    def _end(self, asked: signal.Signals) -> None:
        """Leave as with ctrl+c; what was sent is waited for."""
        self.ended_by = asked
        self.exit(Exit.INTERRUPTED)

    # moving between screens

    def go(self, name: str, target: str | None = None) -> None:
        if name == "fleet":
            while len(self.screen_stack) > 2:
                self.pop_screen()
            if len(self.screen_stack) > 1:
                return
        self.push_screen(made(name, target))

    def back(self) -> None:
        if not self.at_home:
            scope, target = getattr(self.screen, "scope", ""), getattr(self.screen, "target", None)
            self.left = (scope, target) if scope in SCREENS else self.left
            self.pop_screen()
        else:
            self.exit(0)

    # keys

    async def on_event(self, event: events.Event) -> None:
        """Keys one after the other: a line typed fast, or sent at once by a slow connection, opens the prompt with its first character."""
        # Asked before: whoever passes it on marks it.
        is_pressed = isinstance(event, events.Key) and not event.is_forwarded
        await super().on_event(event)
        if is_pressed:
            await self._key_taken()

    async def _key_taken(self) -> None:
        """Wait until the widget that has the focus, and all around it, have seen the last key; never for long."""
        idle = 0
        for _ in range(KEY_TURNS):
            await asyncio.sleep(0)
            asked = self.focused or self.screen
            idle = 0 if any(each.message_queue_size for each in asked.ancestors_with_self if each is not self) else idle + 1
            if idle == IDLE_TURNS:
                return

    # commands

    def run_command(self, command: Command, screen: Commanded, words: str = "") -> None:
        model = words or screen.model_of(screen.content.cursor_key)
        simple: dict[str, Callable[[], None]] = {
            "back": self.back,
            "leave": lambda: self.exit(0),
            "redraw": self._redraw,
            "suspend": lambda: self._suspend(screen),
            "filter": screen.ask_filter,
            "command": lambda: screen.ask(":", complete=self.completed),
            "help": lambda: self.go("help", screen.scope),
            "palette": lambda: screen.ask(":", complete=self.completed),
            "open": lambda: self._open(screen),
            "copy": lambda: wayfinding.copy_verb(self, screen),
            "mouse": lambda: wayfinding.give_mouse(self, screen),
            "travel": lambda: wayfinding.travel(self, screen, words),
            "now": lambda: wayfinding.return_to_now(self, screen),
            "go.last": lambda: wayfinding.reopen_last(self, screen),
            "can-i": lambda: may.ask(self, screen, words),
            "explain": lambda: self.go("explain", words or screen.topic_of(screen.content.cursor_key)),
        }
        if command.id in simple:
            simple[command.id]()
        elif command.id.startswith("go."):
            self.go(command.id.removeprefix("go."))
        elif command.id == "sheet":
            if words:
                self.go("sheet", words)
            else:
                screen.say(f"{command.title}: which one? :sheet NAME; c shows what a model was trained on", "warning")
        elif command.id in {"incident", "playbook"}:
            from console.screens.incident import open_incident

            open_incident(self, screen, words)
        elif command.id in ACTING:
            begin(self, command, screen, words)
        elif command.id in MODEL_SCREENS:
            if model is None:
                screen.say(f"{command.title}: put the cursor on a model first", "warning")
            else:
                self.go(command.id, model)
        else:
            screen.say(f"{command.title}: not on this screen", "warning")

    def _open(self, screen: Commanded) -> None:
        key = screen.content.cursor_key
        if key is None:
            screen.say("nothing to open under the cursor")
        else:
            screen.open_row(key)

    def _redraw(self) -> None:
        self.refresh(repaint=True, layout=True)

    def _suspend(self, screen: Commanded) -> None:
        if self.acts:
            # Stopped in the middle it would hold the journal against everybody else until somebody comes back.
            screen.say("something is being carried out: ctrl+z once it has ended", "warning")
        elif self.is_headless:
            screen.say("there is no shell to go to", "warning")
        else:
            self.action_suspend_process()

    def run_words(self, text: str, screen: Commanded) -> str | None:
        word, _, rest = text.partition(" ")
        command = commands.by_word(word)
        if command is None:
            near = commands.nearest_words(word)
            return f"no command {word!r}" + (f"; nearest: {', '.join(near)}" if near else "; ? lists them")
        reason = self.disabled(command)
        if reason is not None:
            return f"{command.title}: {reason}"
        if rest.strip():
            self.run_command(command, screen, rest.strip())
        else:
            # As a key does it: a screen's own way of doing a command comes first.
            screen.run(command)
        return None

    def completed(self, text: str) -> list[str]:
        """What the command bar offers for the text typed so far."""
        word, blank, rest = text.partition(" ")
        if not blank:
            known = {command.words[0] for command in commands.CATALOGUE if command.words and command.words[0].startswith(word)}
            return sorted(known)
        command = commands.by_word(word)
        if command is None or not command.needs_row or self.summary is None:
            return []
        return [f"{word} {row.model}" for row in self.summary.rows if row.model.startswith(rest)]

    # faults

    def _fatal_error(self) -> None:
        self.crash = self._exception
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """End at once; what is printed is one line, by whoever started the console."""
        del renderables
        self.crash = self._exception or RuntimeError("the terminal library gave up")
        self._close_messages_no_wait()
