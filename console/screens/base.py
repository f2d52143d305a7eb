"""What every screen does: load its view in a worker, put the page into the frame, and keep what was there when a load fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.message import Message
from textual.messages import Update
from textual.widget import Widget

from console.screens.filtering import filtered
from console.screens.keyed import Keyed
from console.screens.pace import Pace
from widgets.line import Line, Page, Row, line
from widgets.rows import Chosen, Moved
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.lookout import Lookout

WATCHED_EVERY = 1.0
"""Seconds between two looks at whether anything on disk changed; nothing is read or drawn unless it did."""

HIGH = 30
"""Terminals with more lines than this may have room for a curve."""


class Loaded(Message):
    """A view has been computed for the screen as it stood at `epoch`; `whole` unless what takes longer is still being read."""

    def __init__(self, view: Any, epoch: int, *, whole: bool = True) -> None:
        super().__init__()
        self.view = view
        self.epoch = epoch
        self.whole = whole


class LoadFailed(Message):
    """A view could not be computed: what was on the screen stays."""

    def __init__(self, reason: str, epoch: int) -> None:
        super().__init__()
        self.reason = reason
        self.epoch = epoch


class DeckScreen(Keyed):
    """A screen of the console. A subclass names its scope and verb, loads a view and renders a page."""

    reading: ClassVar[str] = "reading ..."
    """What line 2 says before there is anything to show."""

    def __init__(self, target: str | None = None) -> None:
        super().__init__()
        self.target = target
        self.curves = False
        """Whether what draws curves is loaded: no first frame waits for it."""
        self._epoch = 0
        self._pace = Pace(lambda: self.app.session.clock().monotonic())
        self._pending = False
        self._news = False
        """Whether what differs on the page came from outside, and not from a key: only then is it marked."""
        self._reorder = False
        """Whether the rows of the next page come in their own order: somebody asked for it."""

    # what a subclass says

    def at_once(self, lookout: Lookout) -> Any:
        """What can be known without waiting for the rest, in the form of the view; None: nothing. Runs in a worker thread.

        What somebody did, here or elsewhere, is on the screen before what it led to has been counted.
        """
        del lookout
        return None

    def read(self) -> Any:
        """The view of this moment; runs in a worker thread. Overridden by what needs no workspace that can be opened."""
        return self.load(self.app.lookout())

    def draws_curves(self) -> None:
        """Load what draws curves, in a worker, where it keeps no key waiting; not for a terminal that has no room for one."""
        if self.is_attached and self.size.height > HIGH:
            import plotext  # noqa: F401 - only loaded here, drawn with elsewhere

            self.curves = True

    def leads_nowhere(self, why: str) -> None:
        """Enter on a row that has nothing below it says so."""
        self.say(f"{why} has no page of its own; e explains, w tells what changed", "dim")

    def first_view(self) -> Any:
        """A view that is at hand without loading anything, or None."""
        return None

    # life

    def compose(self) -> Iterable[Widget]:
        yield from super().compose()
        yield self.prompt

    def on_mount(self) -> None:
        self.content.focus()
        self.show_banner()
        self.view = self.first_view()
        if self.view is not None:
            try:
                self.draw()
            except AttributeError:
                # What was kept for the first frame comes from another version of the program: it is read anew below.
                self.view = None
        if self.view is None:
            self.heading.show(line((self.reading, "dim")))
        self.show_keys()
        self.reload()
        self.set_interval(WATCHED_EVERY, self.reload_when_changed)

    def on_screen_resume(self) -> None:
        self.show_banner()
        if self.reload_when_changed() and self._pending and self.view is not None:
            # What is shown may be from before what was done on the screen that was left.
            self.heading.reads(reading=True)

    def on_screen_suspend(self) -> None:
        # What was said here is about what was done here: it must not be read as the answer to what is done elsewhere.
        self.why.hush()

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.make_room_for_glance(event.size.width)
        self.call_after_refresh(self.draw)

    def reload_when_changed(self) -> bool:
        """Read again when the workspace changed on disk, or when a clock that runs has moved on; whether it did."""
        if self.app.screen is not self or self._pending:
            return False
        if not self._pace.due(self.app.stamp()):
            return False
        self.reload()
        return True

    def reload(self) -> None:
        """Read again now."""
        self._epoch += 1
        self._pending = True
        self._read(self._epoch)

    @work(thread=True, exclusive=True, group="read", exit_on_error=False)
    def _read(self, epoch: int) -> None:
        stamp = self.app.stamp()
        if epoch == self._epoch:
            self._pace.reads(stamp)
        with self._pace.timed():
            try:
                if self.view is not None and (early := self.at_once(self.app.lookout())) is not None:
                    self.post_message(Loaded(early, epoch, whole=False))
                answer: Message = Loaded(self.read(), epoch)
                self.app.look_for_the_banner()
            except Exception as error:
                answer = LoadFailed(self.app.said_of(error), epoch)
        self.post_message(answer)

    def on_loaded(self, message: Loaded) -> None:
        if message.epoch != self._epoch:
            return
        self.view = message.view
        if message.whole:
            self._pending = False
            self.remove_class("-failed")
            self.heading.reads(reading=False)
            self.app.seen(message.view)
        self.show_banner()
        self._news = True
        self.draw()
        self._news = False
        self._reorder = self._reorder and not message.whole
        self.show_keys()
        self.glance_once_rested()

    def on_load_failed(self, message: LoadFailed) -> None:
        if message.epoch != self._epoch:
            return
        self._pending = False
        self.heading.reads(reading=False)
        self.add_class("-failed")
        if self.view is None:
            self.heading.show(line(("nothing could be read", "warning")))
            # In full: line 23 has room for its beginning only, and what to do stands at its end.
            why = wrapped(line(" ", (message.reason, "warning")), max(20, self.list_width), 1)
            self.content.show(Page(Line(), tuple(Row(each) for each in why), ""), mark_changes=False, take_order=True)
        self.say(message.reason, "warning")

    def forget(self) -> None:
        """Another moment is looked at: what is shown belongs to the one before, and goes at once."""
        self.view = None
        self.content.show(Page(Line(), (), ""), mark_changes=False, take_order=True)
        self.heading.show(line((f"reading {self.app.moment_said} ...", "dim")))
        self.why.show(Line())
        self.glance.show_rows((), take_order=True)
        self.show_keys()
        self.reload()

    # drawing

    def draw(self) -> None:
        """Render the view at the present size."""
        if self.view is None or self.size.width == 0 or self.too_small:
            return
        page = self.page(self.view, self.list_width, self.content_height)
        if self._filter:
            page = filtered(page, self._filter, self.list_width)
        self.content.show(page, mark_changes=self._news, take_order=self._reorder)
        self.heading.show(page.heading, better_order=self.content.better_order)
        moment = self.app.session.as_of
        self.verb = page.verb if moment is None else f"--as-of {moment.isoformat(timespec='minutes')} {page.verb}"
        self.show_verb(self.verb)

    def show_banner(self) -> None:
        """Line 1."""
        self.banner.show(self.app.banner_facts())

    # what the cursor does, and who asks

    def on_rows_moved(self, message: Moved) -> None:
        # Line 23 is about the list: another part of the screen that was filled has nothing to say there.
        if message.view is self.content:
            self.why.show(message.why)
            # In one frame: by itself each of them tells that it differs, and the second one a frame later.
            for differs in (self.content, self.why):
                self.post_message(Update(differs))
            self.glance_once_rested()

    def on_rows_chosen(self, message: Chosen) -> None:
        self.open_row(message.key)

    def do_refresh(self) -> None:
        self._reorder = True
        self.reload()
