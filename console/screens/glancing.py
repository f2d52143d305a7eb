"""What a row leads to, drawn beside the list on a wide terminal before anybody goes there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual import work
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from widgets.frame import FrameScreen
from widgets.glance import WIDE_FROM, WIDTH, Glance, WithGlance
from widgets.line import Page
from widgets.page import PageView

if TYPE_CHECKING:
    from console.lookout import Lookout
    from console.screens.application import Application

RESTED = 0.15
"""Seconds that the cursor stands on a row before what it leads to is read for the second pane."""


class Glanced(Message):
    """What the row `key` leads to has been read, or `reason` says why not."""

    def __init__(self, key: str, other: Glancing, view: Any, reason: str = "") -> None:
        super().__init__()
        self.key = key
        self.other = other
        self.view = view
        self.reason = reason


class Glancing(FrameScreen):
    """A screen whose rows may lead to another one."""

    app: Application

    def __init__(self) -> None:
        super().__init__()
        self.view: Any = None
        self.content = PageView()
        self.glance = Glance()
        self.glanced: str | None = None
        """The row that the second pane is about."""
        self._rest: Timer | None = None
        self._glancing = False

    # what a subclass says

    def load(self, lookout: Lookout) -> Any:
        """Compute the view; runs in a worker thread."""
        raise NotImplementedError

    def page(self, view: Any, width: int, height: int) -> Page:
        """Render the view."""
        raise NotImplementedError

    def leads_to(self, key: str) -> Glancing | None:
        """The screen that Enter on a row opens, not opened yet; None where Enter does something else there, or nothing."""
        del key
        return None

    def open_row(self, key: str) -> None:
        """Enter on a row."""
        other = self.leads_to(key)
        if other is not None:
            self.app.push_screen(other)

    def load_glance(self, lookout: Lookout) -> Any:
        """The view for a glance at this screen from another one: reads, and changes nothing. Runs in a worker thread."""
        return self.load(lookout)

    def page_at_a_glance(self, view: Any, width: int, height: int) -> Page:
        """Render the view of a glance."""
        self.view = view
        return self.page(view, width, height)

    # the pane

    def compose_content(self) -> Iterable[Widget]:
        yield self.content

    def compose_middle(self) -> Iterable[Widget]:
        if type(self).leads_to is Glancing.leads_to:
            return self.compose_content()
        return [WithGlance(self.compose_content(), self.glance)]

    @property
    def list_width(self) -> int:
        """Cells that the page has: all, or what the second pane leaves."""
        beside = self.glance.is_attached and self.size.width >= WIDE_FROM
        return self.size.width - (WIDTH if beside else 0)

    @property
    def content_height(self) -> int:
        """Lines between line 2 and line 23."""
        return max(1, self.size.height - 4)

    def make_room_for_glance(self, width: int) -> None:
        """Show the pane on a terminal of `width` cells, or hide it."""
        self.glance.display = width >= WIDE_FROM
        self.glance_once_rested()

    def glance_once_rested(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(RESTED, self._glance_now) if self.glance.is_attached and self.glance.display else None

    def _glance_now(self) -> None:
        if self._glancing:
            # One read at a time, however slow the store is: nobody can call a thread back. Its end asks again.
            return
        key = self.content.cursor_key
        other = self.leads_to(key) if key is not None and self.view is not None else None
        if key is not None and other is not None:
            self._glancing = True
            if key != self.glanced:
                self.glance.reads(key)
            self._read_glance(key, other)
        else:
            self.glance.say("Enter opens no page on this row" if key is not None else "")
            self.glanced = key

    @work(thread=True, exclusive=True, group="glance", exit_on_error=False)
    def _read_glance(self, key: str, other: Glancing) -> None:
        try:
            view = other.load_glance(self.app.lookout())
        except Exception as error:
            self.post_message(Glanced(key, other, None, self.app.said_of(error)))
        else:
            self.post_message(Glanced(key, other, view))

    def on_glanced(self, message: Glanced) -> None:
        self._glancing = False
        if message.key != self.content.cursor_key:
            self.glance_once_rested()
            return
        self.glanced = message.key
        if message.reason:
            self.glance.say(message.reason)
        else:
            self.glance.glance_at(message.other.page_at_a_glance(message.view, WIDTH, self.content_height))
