"""What every confirmation screen does: draw at once, fill in later, act once, and turn into the receipt. The banner stays."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from textual import events, work
from textual.widget import Widget

from console.screens.pace import Pace
from widgets.confirm import Cancelled, Closed, Confirmed, ConfirmView, ConsoleLeft, Unheard
from widgets.dialog import Plan
from widgets.frame import FrameScreen
from widgets.line import Line, line
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.screens.application import Application

WATCHED_EVERY = 2.0
"""Seconds between two looks at whether anything on disk changed while a receipt is on the screen."""

UNDER_WAY_AFTER = 0.1
"""Seconds after which it is drawn that an action is under way: drawing at once holds up what was pressed, and most have ended by then."""

MOVED_AWAY = "nothing was sent: facts came in while you typed; open the plan again"

DRAWING = Plan(lines=(line((" drawing the plan ...", "dim")),), act="Act", refused="not drawn yet")


class DialogScreen(FrameScreen):
    """A confirmation in the frame. A subclass draws its plan in `first`, adds to it in `more`, and acts in `carry_out`."""

    app: Application
    scope = "dialog"
    asks = "Tab to the button, Space presses it, Enter never  Esc cancels"
    """What the keys do; `keys_said` says it on line 24."""

    def __init__(self) -> None:
        super().__init__()
        self.form = ConfirmView(DRAWING)
        self.body: Plan = DRAWING
        self._receipt: list[Line] = []
        self._confirmed = False
        self._ended = False
        self._watching = False
        self._moved_away = False
        self._warned = False
        """Whether what came in later took the focus off the acting button."""
        self._pace = Pace(lambda: self.app.session.clock().monotonic())

    # what a subclass says, all of it in worker threads

    def first(self) -> Any:
        """Everything that can be known at once."""
        raise NotImplementedError

    def more(self) -> Any:
        """What takes longer; None when there is nothing to add."""
        return None

    def stand_by(self) -> None:
        """Open, before any key is pressed, what acting needs."""

    def stand_down(self) -> None:
        """Close it again, when the screen is gone."""

    def carry_out(self, reason: str, typed: str, choice: str | None) -> list[Line]:
        """Act, and say what happened."""
        raise NotImplementedError

    def afterwards(self) -> list[Line]:
        """What can be said of the effect by now, below the receipt."""
        return []

    # and on the UI thread

    def shown(self, found: Any) -> Plan:
        """The dialog of what `first` or `more` returned; sets heading, reason line and verb."""
        raise NotImplementedError

    def started(self) -> list[Line]:
        """The receipt while the action is under way."""
        return [line((" intended, being sent ...", "bold"))]

    def ended(self) -> None:
        """The receipt is on the screen: the heading follows."""

    # life

    def compose_content(self) -> Iterable[Widget]:
        yield self.form

    def on_mount(self) -> None:
        self.banner.show(self.app.banner_facts())
        self.keys.show([(self.keys_said(), "")])
        self._draw_first()

    def on_unmount(self) -> None:
        try:
            # Behind what was confirmed, if anything was: closing may wait for the disk, which nobody at the keys should.
            self.app.acting.submit(self.stand_down)
        except RuntimeError:
            self.stand_down()

    def on_screen_resume(self) -> None:
        self.banner.show(self.app.banner_facts())

    @work(group="first", exit_on_error=False)
    async def _draw_first(self) -> None:
        await self._among_acting(self._drawing_first)

    def _drawing_first(self) -> None:
        try:
            found = self.first()
        except Exception as error:
            self.app.call_from_thread(self._failed, self.app.said_of(error))
            return
        self.app.call_from_thread(self._arrived, found, False)
        self._draw_more()
        with contextlib.suppress(Exception):
            # Whoever acts opens what was not opened here, and says what hinders it.
            self.stand_by()

    @work(thread=True, group="more", exit_on_error=False)
    def _draw_more(self) -> None:
        try:
            found = self.more()
        except Exception as error:
            self.app.call_from_thread(self.say, self.app.said_of(error))
            return
        if found is not None:
            self.app.call_from_thread(self._arrived, found, True)

    def _arrived(self, found: Any, later: bool) -> None:
        if self._confirmed or not self.is_attached:
            return
        plan = self.shown(found)
        if plan != self.body:
            self._moved_away = self._moved_away or self.form.at_the_button
            # A key that was meant for the plan before must not land on this one.
            self.show_plan(plan, keep_form=later, drop_keys=True)

    def show_plan(self, plan: Plan, *, keep_form: bool, drop_keys: bool | None = None) -> None:
        """Put another plan on the screen. What was typed stays with `keep_form`; the focus is back on Cancel in any case."""
        self.body = plan
        self.form.show_plan(plan, keep_form=keep_form, drop_keys=drop_keys)
        self.keys.show([(self.keys_said(), "")])

    def keys_said(self) -> str:
        """Line 24 while nothing was sent: the key that reads on is named where there is more to read."""
        return ("PgDn more  " if self.form.scrolls else "") + self.asks

    def draw_again(self) -> None:
        """Draw another plan in the place of this one: everything is asked again."""
        self._draw_first()

    def _failed(self, reason: str) -> None:
        self.heading.show(line(("no plan can be drawn", "critical")))
        # In full: line 23 has room for its beginning only, and what to do stands at its end.
        why = tuple(wrapped(line(" ", ("X", "critical"), f" {reason}"), self.size.width, 3))
        self.show_plan(Plan(lines=why, act="Act", refused="no plan"), keep_form=True)
        self.say(reason)

    def say(self, text: str) -> None:
        """A message on line 23."""
        self.why.say(line((text, "warning")))

    # what the dialog said

    def on_confirm_cancelled(self, message: Cancelled) -> None:
        message.stop()
        self._leave(MOVED_AWAY if self._moved_away else "nothing was sent")

    def on_confirm_confirmed(self, message: Confirmed) -> None:
        message.stop()
        if message.plan is not self.body:
            self.say("the plan changed under you: look at it again; nothing was sent")
            return
        self._confirmed = True
        self._act(message.reason, message.typed, message.choice)
        self.set_timer(UNDER_WAY_AFTER, self._under_way)

    def on_confirm_closed(self, message: Closed) -> None:
        message.stop()
        self._leave("" if message.finished else "the action goes on; its receipt is in the list of actions (@)")

    def on_confirm_console_left(self, message: ConsoleLeft) -> None:
        message.stop()
        if message.finished or self._warned:
            self.app.exit(0)
            return
        self._warned = True
        self.say("the action is under way, and leaving does not stop it: ctrl+c again leaves")

    def on_confirm_unheard(self, message: Unheard) -> None:
        message.stop()
        self.say("this is the receipt: q goes back, and there every key does what it did")

    def _leave(self, said: str) -> None:
        self.app.back()
        if said:
            self.app.tell(said)

    async def _among_acting(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self.app.acting, copy_context().run, work)

    @work(group="act", exit_on_error=False)
    async def _act(self, reason: str, typed: str, choice: str | None) -> None:
        await self._among_acting(lambda: self._acting(reason, typed, choice))

    def _acting(self, reason: str, typed: str, choice: str | None) -> None:
        try:
            with self.app.carrying_out():
                lines = self.carry_out(reason, typed, choice)
        except Exception as error:
            lines = [line(" ", ("X", "critical"), f" {self.app.said_of(error)}")]
        self.app.call_from_thread(self._done, lines)

    def _under_way(self) -> None:
        if self._ended or not self.is_attached:
            return
        self._receipt = self.started()
        self.form.show_receipt(self._receipt, finished=False)
        self.keys.show([("q", "leave; the action goes on")])

    def _done(self, lines: list[Line]) -> None:
        self._receipt, self._ended = lines, True
        self.app.acted()
        if not self.is_attached or not self.is_current:
            self.app.tell(next((each.text.strip() for each in lines[1:]), ""))
            return
        self.banner.show(self.app.banner_facts())
        self.form.show_receipt(lines, finished=True)
        self.ended()
        self.keys.show([("q", "back"), *((("PgDn", "more of the plan"),) if self.form.scrolls else ())])
        self._watch()
        self.set_interval(WATCHED_EVERY, self._watch_again)

    def _watch_again(self) -> None:
        # One look at a time, however slow the store is: nobody can call a thread back.
        if self.is_current and not self._watching and self._pace.due(self.app.stamp()):
            self._watch()

    def _watch(self) -> None:
        self._watching = True
        self._look()

    @work(thread=True, group="watch", exit_on_error=False)
    def _look(self) -> None:
        self._pace.reads(self.app.stamp())
        with self._pace.timed():
            try:
                lines = self.afterwards()
            except Exception as error:
                lines = [line(" ", ("?", "unknown"), f" the effect cannot be read: {self.app.said_of(error)}")]
            with contextlib.suppress(Exception):
                # The receipt is the answer here; what else line 1 would say is read again at the next look.
                self.app.look_for_the_banner()
        self.app.call_from_thread(self._with_effect, lines)

    def _with_effect(self, lines: list[Line]) -> None:
        self._watching = False
        if not self.is_attached:
            return
        self.banner.show(self.app.banner_facts())
        if lines:
            self.form.show_receipt([*self._receipt, *lines], finished=True)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self.resized)

    def resized(self) -> None:
        """The screen has another width: a subclass draws its plan again."""
