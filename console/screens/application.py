"""What a screen knows of the application it stands in: one workspace at one moment, line 1, and how to work in the background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from textual.app import App

from console.commands import Command
from console.overrides import briefly, broken_glass, broken_policies, held_breakers, open_overrides
from console.render import figures
from console.session import Session, Stamp, who_am_i
from widgets.frame import BannerFacts

if TYPE_CHECKING:
    from console.control.elevation import Elevation
    from console.lookout import Lookout
    from console.screens.commanded import Commanded

OLD_AFTER_HOURS = 2.0
"""Data older than this is called OLD in the banner."""

UNREADABLE_CLOCK = "no clock"
"""In the place of the time while `clock.json` cannot be read."""


class Application(App[int], inherit_bindings=False):
    """The console as its screens see it. Which screen comes next, and what a command does, is said by who knows all screens."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.summary = session.summary()
        self._lookout: Lookout | None = None
        self._elevated_until: float | None = None
        self._elevation_read = False
        self._zone_name = str(self.summary.zone) if self.summary else "UTC"
        self.mouse_is_ours = True
        self.left: tuple[str, str | None] | None = None
        """The screen that was left last, and what it was about."""
        self.acting = ThreadPoolExecutor(max_workers=8, thread_name_prefix="acting")
        """Where plans are drawn and carried out: reads that hang in a slow store may take every thread that reading has."""
        self._carried_out: set[object] = set()
        """What changes the world at this moment, each by a token of its own: sets are safe between threads, counts are not."""
        self.follow_up: list[str] | None = None
        """A command line to run in place of the console once it is left."""
        self._oldest_at = self.summary.oldest_source_at if self.summary else None
        self._broken: tuple[str, ...] = ()
        self._colour = ""
        self._looked_at: object = None
        """What had changed on disk when it was looked last for what is broken."""

    async def run_async(self, *words: Any, **named: Any) -> Any:
        try:
            return await super().run_async(*words, **named)
        finally:
            # What was confirmed is carried to its end, while what it says at its end is still heard.
            await asyncio.to_thread(self.acting.shutdown)

    # what a subclass says

    def go(self, name: str, target: str | None = None) -> None:
        """Open a screen on top of this one; Fleet is always at the bottom."""
        raise NotImplementedError

    def back(self) -> None:
        """To the screen below; from the last one, leave."""
        raise NotImplementedError

    def run_command(self, command: Command, screen: Commanded, words: str = "") -> None:
        """Do what a command of the catalogue says."""
        raise NotImplementedError

    def run_words(self, text: str, screen: Commanded) -> str | None:
        """Run what was typed into the command bar; returns why not, when it cannot be."""
        raise NotImplementedError

    # reading

    def lookout(self) -> Lookout:
        """The reader of views; made in a worker, since it loads the store."""
        if self._lookout is None:
            from console.lookout import Lookout  # after the first frame, and never on the UI thread

            self._lookout = Lookout.open(self.session)
        return self._lookout

    def stamp(self) -> Stamp:
        """What tells that something changed on disk."""
        return self.session.stamp()

    def said_of(self, error: Exception) -> str:
        """One line for a person about a failure. Files of the workspace are named as from its folder, which the screen is about."""
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        return said.replace(f"{self.session.located.root}/", "")

    def seen(self, view: Any) -> None:
        """A view arrived: what the banner says of the data's age follows it."""
        if not self._elevation_read:
            self._elevation_read = True
            self.run_worker(self._look_for_elevation, thread=True, group="elevate", exit_on_error=False)
        oldest = getattr(view, "oldest_source_at", None)
        if oldest is not None:
            self._oldest_at = oldest

    # the banner

    def banner_facts(self) -> BannerFacts:
        """Line 1, from what is at hand."""
        clock = self.session.clock()
        summary = self.summary
        zone = self.zone
        if not self.session.located.exists:
            return BannerFacts("no workspace", "", who_am_i(clock), f"now {figures.clock_time(clock.now(), zone)}", "no data yet")
        environment = self.environment
        production = environment == "production"
        kind = {"now": "now", "sim": "sim", "past": "PAST"}[clock.kind]
        data = "no data yet"
        timed = self.session.knows_the_time
        if not timed:
            data = "data age unknown"
        elif self._oldest_at is not None:
            length = clock.now() - self._oldest_at
            data = f"data {figures.age(length)}" + (" OLD" if length.total_seconds() > OLD_AFTER_HOURS * 3600 else "")
        overrides = (
            *self._broken,
            *open_overrides(self.session.paths, environment, clock.now() if timed else None, past=clock.kind == "past"),
            *(() if clock.kind == "past" else held_breakers(self.session.paths, clock.real_now())),
        )
        return BannerFacts(
            environment="PROD" if production else environment,
            workspace=summary.workspace if summary else self.session.located.root.name,
            colour=self._colour or ("magenta" if production else ""),
            mode=self._mode(),
            who=who_am_i(clock),
            clock=f"{kind} {figures.full_moment(clock.now(), zone)}" if timed else UNREADABLE_CLOCK,
            short_clock=f"{kind} {figures.clock_time(clock.now(), zone)}" if timed else UNREADABLE_CLOCK,
            data=data,
            override=overrides[0] if overrides else "",
            short_override=briefly(overrides[0]) if overrides else "",
            further=overrides[1:],
        )

    def look_for_the_banner(self) -> None:
        """Find what line 1 says of broken policies and glass, and how old the data is; in a worker, and only after a change."""
        seen = (self.session.as_of, self.environment, self.stamp())
        if self.session.located.exists and seen != self._looked_at:
            self._broken, self._colour, self._looked_at = self._what_is_broken(), self._colour_of_environment(), seen
            oldest = getattr(self.session.summary(), "oldest_source_at", None)
            if oldest is not None and (self._oldest_at is None or self._oldest_at < oldest <= self.session.clock().now()):
                # Most views do not know it; while a clock runs, an age that stands still in its place would grow with every look.
                self._oldest_at = oldest

    def _colour_of_environment(self) -> str:
        """What `workspace.toml` says; nothing where it does not name the environment, or cannot be read, which is said elsewhere."""
        from console.config import WorkspaceProblem, open_workspace

        try:
            settings = open_workspace(self.session.located.root).settings
        except (WorkspaceProblem, OSError):
            return ""
        return settings.environments[self.environment].colour if self.environment in settings.environments else ""

    def _what_is_broken(self) -> tuple[str, ...]:
        past = self.session.as_of is not None
        return (*(() if past else broken_policies(self.session)), *broken_glass(self.session, self.environment))

    @property
    def environment(self) -> str:
        """The environment that everything here is about."""
        return self.session.environment or (self.summary.environment if self.summary else "production")

    @property
    def elevated(self) -> bool:
        """Whether what a read-only environment keeps back may be done now."""
        return self._elevated_until is not None and self.session.clock().monotonic() < self._elevated_until

    def _mode(self) -> str:
        if self.session.read_only:
            return "LOCKED"
        if self._elevated_until is None or not self.elevated:
            return "read-only"
        minutes = (self._elevated_until - self.session.clock().monotonic()) // 60 + 1
        return f"ELEVATED {minutes:.0f}m"

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are drawn."""
        return ZoneInfo(self._zone_name)

    def stand_at(self, moment: datetime | None) -> None:
        """Look at a past moment from here on, or at the present again: nothing acts in the past."""
        self.session = replace(self.session, as_of=moment)
        self._lookout = None
        self.summary = self.session.summary() or self.summary
        self.acted()
        for each in self.screen_stack:
            forget = getattr(each, "forget", None)
            if forget is not None:
                forget()

    @property
    def moment_said(self) -> str:
        """The moment that is looked at, in words."""
        moment = self.session.as_of
        return "the present" if moment is None else figures.full_moment(moment, self.zone)

    @property
    def at_home(self) -> bool:
        """Whether there is no screen below this one."""
        return len(self.screen_stack) <= 2

    # acting

    def disabled(self, command: Command) -> str | None:
        """Why a command does not work now, or None."""
        if command.danger == "look":
            return None
        if self.session.clock().kind == "past":
            return "you look at the past, 0 returns"
        if self.session.read_only:
            return "this console was started with --read-only"
        return None

    def tell(self, text: str) -> None:
        """A message on the screen that is seen now."""
        say = getattr(self.screen, "say", None)
        if say is not None:
            say(text)

    def acted(self) -> None:
        """Something was done here: what is shown of it follows at the next look."""
        show = getattr(self.screen, "show_banner", None)
        if show is not None:
            show()

    def take(self, subject: str, screen: Commanded) -> None:
        """Take an incident, or the newest one of a model: recorded at once, no dialog."""
        self._record("take", subject, "", screen)

    def note(self, subject: str, text: str, screen: Commanded) -> None:
        """Keep a remark on an incident, a model, a request or an action."""
        self._record("note", subject, text, screen)

    def elevate(self, words: str, screen: Commanded) -> None:
        """`15m REASON`: for so long, what the environment keeps back by default may be done here. Recorded."""

        def work() -> None:
            from console.lifting import lift  # control is loaded with the first action

            found = lift(self.session, words)
            told = f"elevated on {found.terminal}: {found.reason}" if found is not None else "not elevated any more"
            self.call_from_thread(screen.say, told)
            self.call_from_thread(self._now_elevated, found)

        self.in_background(work, screen, "elevate")

    def _now_elevated(self, found: Elevation | None) -> None:
        clock = self.session.clock()
        left = None if found is None else (found.until - clock.real_now()).total_seconds()
        self._elevated_until = None if left is None else clock.monotonic() + left
        self.acted()
        if left is not None:
            # What it says at its end is true without anybody pressing a key.
            self.set_timer(max(0.0, left) + 0.05, self.acted)

    def _look_for_elevation(self) -> None:
        """Whether this terminal was elevated before the console was opened; nothing is said where that cannot be read."""
        from console.config import WorkspaceProblem  # after the first view: until then nobody can act
        from console.control.errors import JournalError
        from console.lifting import lifted

        # Nobody has asked yet: what is in trouble is said where somebody acts. RuntimeError: the console was left meanwhile.
        with contextlib.suppress(JournalError, WorkspaceProblem, OSError, ValueError, RuntimeError):
            self.call_from_thread(self._now_elevated, lifted(self.session))

    def _record(self, kind: str, subject: str, text: str, screen: Commanded) -> None:
        from console.recording import record  # control is loaded with the first action

        def work() -> None:
            outcome = record(self.session, kind, subject, text)
            self.call_from_thread(screen.say, outcome.message, "" if outcome.exit_code == 0 else "warning")

        self.in_background(work, screen, "record")

    def in_background(self, work: Callable[[], None], screen: Commanded, group: str) -> None:
        """Run `work` on a thread of its own, since the disk or a backend may take its time; `screen` says why it failed."""

        def run() -> None:
            try:
                with self.carrying_out():
                    work()
            except Exception as error:
                self.call_from_thread(screen.say, self.said_of(error), "warning")

        self.run_worker(run, thread=True, group=group, exit_on_error=False)

    @property
    def acts(self) -> bool:
        """Whether something is being carried out, whatever screen began it."""
        return bool(self._carried_out)

    @contextlib.contextmanager
    def carrying_out(self) -> Iterator[None]:
        """Around what changes the world, on the thread that does it: the process is not to be stopped meanwhile."""
        token = object()
        self._carried_out.add(token)
        try:
            yield
        finally:
            self._carried_out.discard(token)

    def leave_for(self, words: list[str]) -> None:
        """Leave the console for a command line that goes on in its place."""
        self.follow_up = words
        self.exit(0)
