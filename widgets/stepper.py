"""Two panes side by side: the steps at the left, what the step under the cursor is about at the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.strip import Strip
from textual.widget import Widget

from widgets.line import Row, line
from widgets.page import PageView
from widgets.strips import DrawsLines, strip_of

NARROW_STEPS = 29
WIDE_STEPS = 45
WIDE_FROM = 110


class Divider(DrawsLines):
    """One column of `|`."""

    DEFAULT_CSS = "Divider { width: 1; height: 1fr; }"

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - every line is the same
        return strip_of(line(("|", "dim")), 1, colour=self.colour)


class Stepper(Horizontal):
    """Steps and detail, each with its own cursor; Tab goes from one to the other. Messages are those of the panes."""

    DEFAULT_CSS = "Stepper { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "other_pane", "Other pane", id="move.next-pane", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.steps = PageView(id="steps")
        self.detail = PageView(id="detail")
        self.detail.cursor_column = 1

    def compose(self) -> Iterable[Widget]:
        yield self.steps
        yield Divider()
        yield self.detail

    def show(self, steps: Sequence[Row], detail: Sequence[Row], *, mark_changes: bool = True) -> None:
        """Rows of both panes; the steps keep their order, which is the playbook's own."""
        self.steps.show_rows(steps, mark_changes=mark_changes, take_order=True)
        self.detail.show_rows(detail, mark_changes=mark_changes, take_order=True)

    @staticmethod
    def steps_width(width: int) -> int:
        """Cells of the left pane in a terminal `width` wide: what rows of the steps should fit in."""
        return WIDE_STEPS if width >= WIDE_FROM else NARROW_STEPS

    def on_mount(self) -> None:
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    def action_other_pane(self) -> None:
        (self.detail if self.steps.has_focus else self.steps).focus()

    def _fit(self) -> None:
        self.steps.styles.width = self.steps_width(self.app.size.width)
