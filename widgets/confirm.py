"""The confirmation as a widget: a plan that scrolls, a form that stays, and after acting the receipt in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from widgets.dialog import Dialog, Focus, Outcome, Plan, form_lines, plan_lines
from widgets.line import Line, line
from widgets.strips import DrawsLines, strip_of
from widgets.wrapping import wrapped

_MORE_ABOVE = line(" ", ("^", "bold"))
_MORE_BELOW = line(" ", ("v", "bold"))


class Confirmed(Message, namespace="confirm"):
    """The acting button was pressed: once, ever, for one plan."""

    def __init__(self, plan: Plan, reason: str, typed: str, choice: str | None) -> None:
        super().__init__()
        self.plan = plan
        self.reason = reason
        self.typed = typed
        self.choice = choice


class Cancelled(Message, namespace="confirm"):
    """Nothing was sent and the dialog is done."""


class ChoiceMoved(Message, namespace="confirm"):
    """Another choice is preselected: the plan should be shown for it."""

    def __init__(self, choice: str) -> None:
        super().__init__()
        self.choice = choice


class AtOnceAsked(Message, namespace="confirm"):
    """The plan that waits for nobody is asked for in the place of this one."""


class Unheard(Message, namespace="confirm"):
    """A key was pressed on the receipt that does nothing there."""


class Closed(Message, namespace="confirm"):
    """The receipt was left. `finished` is False when the action goes on behind it."""

    def __init__(self, finished: bool) -> None:
        super().__init__()
        self.finished = finished


class ConsoleLeft(Message, namespace="confirm"):
    """Ctrl+C on the receipt: there is nothing left to cancel, so it means what it means elsewhere."""

    def __init__(self, finished: bool) -> None:
        super().__init__()
        self.finished = finished


class _Drawn(Message):
    """The terminal was sent the plan: keys typed earlier were typed at something else."""

    def __init__(self, drawing: int) -> None:
        super().__init__()
        self.drawing = drawing


class ConfirmView(DrawsLines, can_focus=True):
    """Content of a confirmation screen. It takes every key while it has the focus."""

    DEFAULT_CSS = "ConfirmView { width: 1fr; height: 1fr; }"
    LEAVING: ClassVar[frozenset[str]] = frozenset({"q", "escape", "enter", "backspace"})

    def __init__(self, plan: Plan, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._dialog = Dialog(plan)
        self._top = 0
        self._drawing = 0
        self._drawn_at: float | None = None
        self._seen_at: float | None = None
        self._acted = False
        self._receipt: tuple[Line, ...] = ()
        self._finished = False
        self._lines: list[Line] = []

    @property
    def dialog(self) -> Dialog:
        """The state of the form."""
        return self._dialog

    @property
    def takes_keys(self) -> bool:
        """Whether the terminal was sent the plan: until then keys are dropped, since they were typed at something else."""
        return self._drawn_at is not None

    def show_plan(self, plan: Plan, *, keep_form: bool = False, drop_keys: bool | None = None) -> None:
        """Show another plan. The name must be typed again, unless only the choice of the user changed it (`keep_form`).

        Keys typed before it was drawn are dropped where the form is new, or with `drop_keys`: they were typed at something else.
        """
        before = self._dialog
        self._dialog = Dialog(plan)
        if keep_form:
            self._dialog.typed, self._dialog.reason = before.typed, before.reason
        if drop_keys if drop_keys is not None else not keep_form:
            self._await_drawing()
        self._acted = False
        self._redraw()

    @property
    def at_the_button(self) -> bool:
        """Whether Space would act now."""
        return self._dialog.focus is Focus.ACT

    def show_receipt(self, lines: Sequence[Line], *, finished: bool) -> None:
        """Put what happened in the place of the form: intended, sent, effective, then the watch."""
        self._receipt = tuple(lines)
        self._finished = finished
        self._redraw()

    def on_mount(self) -> None:
        self.focus()
        self._await_drawing()

    def _await_drawing(self) -> None:
        self._drawing += 1
        self._drawn_at = None
        drawing = self._drawing
        self.call_after_refresh(lambda: self.post_message(_Drawn(drawing)))

    def on__drawn(self, message: _Drawn) -> None:
        message.stop()
        if self._seen_at is None:
            self._seen_at = message.time
        if message.drawing == self._drawing:
            self._drawn_at = message.time

    # keys

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        # Esc means the same on every plan: it holds from the first drawing on, also while facts go on arriving.
        drawn = self._seen_at if event.key == "escape" else self._drawn_at
        if drawn is None or event.time <= drawn:
            return
        acted = bool(self._receipt) or self._acted
        if event.key in {"pageup", "pagedown"}:
            self._scroll(self._room - 1 if event.key == "pagedown" else 1 - self._room)
            return
        if event.key in {"up", "down"} and (acted or not self._dialog.plan.choices):
            self._scroll(1 if event.key == "down" else -1)
            return
        if acted:
            if event.key in self.LEAVING:
                self.post_message(Closed(self._finished))
            elif event.key == "ctrl+c":
                self.post_message(ConsoleLeft(self._finished))
            elif event.is_printable:
                self.post_message(Unheard())
            return
        self._take(self._dialog.press(event.key, event.character))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self.takes_keys and not self._acted:
            self._dialog.paste(event.text)
            self._redraw()

    def on_click(self, event: events.Click) -> None:
        """A click presses Cancel; on the acting button it only moves the focus there, so that Space stays the one way."""
        composed = self._lines
        if self._acted or event.y != len(composed) - 1:
            return
        buttons = composed[-1].text
        if buttons.find("[ Cancel ]") <= event.x < buttons.find("[ Cancel ]") + 10:
            self.post_message(Cancelled())
        elif event.x >= buttons.find("[ Cancel ]") + 10 and not self._dialog.missing:
            self._dialog.focus = Focus.ACT
            self._redraw()

    def on_mouse_scroll_down(self) -> None:
        self._scroll(3)

    def on_mouse_scroll_up(self) -> None:
        self._scroll(-3)

    def _take(self, outcome: Outcome | None) -> None:
        dialog = self._dialog
        if outcome is Outcome.CANCELLED:
            self.post_message(Cancelled())
        elif outcome is Outcome.ACTED:
            self._acted = True
            self.post_message(Confirmed(dialog.plan, dialog.reason.strip(), dialog.typed, dialog.chosen))
        elif outcome is Outcome.AT_ONCE:
            self.post_message(AtOnceAsked())
        elif outcome is Outcome.CHOICE and dialog.chosen is not None:
            self.post_message(ChoiceMoved(dialog.chosen))
        self._redraw()

    def _scroll(self, rows: int) -> None:
        self._top = max(0, min(self._top + rows, len(self._plan()) - self._room))
        self._redraw()

    # drawing

    @property
    def scrolls(self) -> bool:
        """Whether the plan is longer than its room: PgDn reads on."""
        return len(self._plan()) > self._room

    def _plan(self) -> list[Line]:
        return plan_lines(self._dialog, self.size.width, decided=self._acted)

    def _bottom(self) -> list[Line]:
        if not self._receipt:
            return form_lines(self._dialog, self.size.width)
        return [part for each in self._receipt for part in wrapped(each, self.size.width, 3)]

    @property
    def _room(self) -> int:
        return max(1, self.size.height - len(self._bottom()))

    def _composed(self) -> list[Line]:
        plan, bottom, room = self._plan(), self._bottom(), self._room
        top = max(0, min(self._top, len(plan) - room))
        shown = plan[top : top + room]
        shown += [Line()] * (room - len(shown))
        width = self.size.width
        if top:
            shown[0] = Line((*shown[0].cut(width - 2).spans, *_MORE_ABOVE.spans))
        if top + room < len(plan):
            shown[-1] = Line((*shown[-1].cut(width - 2).spans, *_MORE_BELOW.spans))
        return [*shown, *bottom][: self.size.height] if len(bottom) < self.size.height else bottom[-self.size.height :]

    def _redraw(self) -> None:
        composed = self._composed()
        for y in range(max(len(composed), len(self._lines))):
            if composed[y : y + 1] != self._lines[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))
        self._lines = composed

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self._lines:
            self._lines = self._composed()
        return strip_of(self._lines[y] if y < len(self._lines) else Line(), width, colour=self.colour)

    def on_resize(self) -> None:
        self._lines = self._composed()
        self.refresh()
