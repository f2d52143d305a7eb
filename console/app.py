"""The Textual application: screens, commands, and the one place where they meet control."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App

from console import commands
from console.commands import Command
from console.render import figures
from console.session import Session, who_am_i
from widgets.frame import BannerFacts
from widgets.theme import use_terminal_colours

if TYPE_CHECKING:
    from console.lookout import Lookout
    from console.screens.base import DeckScreen

OLD_AFTER_HOURS = 2.0
"""Data older than this is called OLD in the banner."""


class ConsoleApp(App[int]):
    """The console."""

    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: transparent; }"
    TITLE = "Quarterdeck"

    def __init__(self, session: Session, *, start: tuple[str, str | None] = ("fleet", None)) -> None:
        super().__init__()
        use_terminal_colours(self)
        self.session = session
        self.summary = session.summary()
        self._start = start
        self._lookout: Lookout | None = None
        self._last: DeckScreen | None = None
        self._overrides: tuple[str, ...] = ()
        self._oldest_at = self.summary.oldest_source_at if self.summary else None

    def on_mount(self) -> None:
        if not self.session.located.exists:
            self.go("first-run")
            return
        self.go("fleet")
        if self._start[0] != "fleet":
            self.go(*self._start)

    # reading

    def lookout(self) -> Lookout:
        """The reader of views; made in a worker, since it loads the store."""
        if self._lookout is None:
            from console.lookout import Lookout  # noqa: PLC0415 - after the first frame, and never on the UI thread

            self._lookout = Lookout.open(self.session)
        return self._lookout

    def stamp(self) -> tuple[object, ...]:
        """What tells that something changed on disk."""
        return self.session.stamp()

    def said_of(self, error: Exception) -> str:
        """One line for a person about a failure."""
        return str(error).splitlines()[0] if str(error) else type(error).__name__

    def seen(self, screen: DeckScreen, view: Any) -> None:
        """A view arrived: what the banner says of the data's age follows it."""
        del screen
        oldest = getattr(view, "oldest_source_at", None)
        if oldest is not None:
            self._oldest_at = oldest

    # the banner

    def banner_facts(self) -> BannerFacts:
        """Line 1, from what is at hand."""
        clock = self.session.clock()
        summary = self.summary
        zone = self._zone()
        if not self.session.located.exists:
            return BannerFacts("no workspace", "", who_am_i(clock), f"now {figures.clock_time(clock.now(), zone)}", "no data yet")
        environment = self.session.environment or (summary.environment if summary else "production")
        production = environment == "production"
        kind = {"now": "now", "sim": "sim", "past": "PAST"}[clock.kind]
        data = "no data yet"
        if self._oldest_at is not None:
            length = clock.now() - self._oldest_at
            data = f"data {figures.age(length)}" + (" OLD" if length.total_seconds() > OLD_AFTER_HOURS * 3600 else "")
        return BannerFacts(
            environment="PROD" if production else environment,
            workspace=summary.workspace if summary else self.session.located.root.name,
            production=production,
            mode="LOCKED" if self.session.read_only else "read-only",
            who=who_am_i(clock),
            clock=f"{kind} {figures.full_moment(clock.now(), zone)}",
            data=data,
            override="  ".join(self._overrides),
        )

    def _zone(self) -> Any:
        from zoneinfo import ZoneInfo  # noqa: PLC0415

        return ZoneInfo(self.summary.zone if self.summary else "UTC")

    # moving between screens

    def go(self, name: str, target: str | None = None) -> None:
        """Open a screen on top of this one; Fleet is always at the bottom."""
        from console.screens import made  # noqa: PLC0415

        if name == "fleet":
            while len(self.screen_stack) > 2:
                self.pop_screen()
            if len(self.screen_stack) > 1:
                return
        self.push_screen(made(name, target))

    def back(self) -> None:
        """To the screen below; from the last one, leave."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self.exit(0)

    # commands

    def disabled(self, command: Command, screen: DeckScreen) -> str | None:
        """Why a command does not work now, or None."""
        if command.danger == "look":
            return None
        clock = self.session.clock()
        if clock.kind == "past":
            return "you look at the past, 0 returns"
        if self.session.read_only:
            return "this console was started with --read-only"
        del screen
        return None

    def run_command(self, command: Command, screen: DeckScreen, words: str = "") -> None:
        """Do what a command of the catalogue says."""
        action: Callable[[], None] | None = {
            "back": self.back,
            "leave": lambda: self.exit(0),
            "refresh": screen.reload,
            "redraw": self.refresh,
            "filter": screen.ask_filter,
        }.get(command.id)
        if action is not None:
            action()
        elif command.id.startswith("go."):
            self.go(command.id.removeprefix("go."))
        del words


def commands_of(screen: DeckScreen) -> tuple[Command, ...]:
    """Every command of a screen, for help and palette."""
    return commands.on_screen(screen.scope)
