"""The prompt in the place of lines 23 and 24, and the filter that is typed there."""

from __future__ import annotations

from collections.abc import Callable

from widgets.frame import FrameScreen
from widgets.line import line
from widgets.page import PageView
from widgets.prompt import Completer, Dismissed, Prompt, Submitted, Typed


class Asking(FrameScreen):
    """A screen that asks for a line of text."""

    content: PageView

    def __init__(self) -> None:
        super().__init__()
        self.prompt = Prompt()
        self._filter = ""
        self._answered: Callable[[str], None] | None = None

    def draw(self) -> None:
        """Render what is shown, narrowed to the filter."""
        raise NotImplementedError

    def show_keys(self) -> None:
        """Line 24: the keys that work now."""
        raise NotImplementedError

    def run_words(self, text: str) -> str | None:
        """Run what was typed into the command bar; returns why not, when it cannot be."""
        raise NotImplementedError

    def ask(self, sign: str, text: str = "", complete: Completer | None = None, *, answered: Callable[[str], None] | None = None) -> None:
        """Open the prompt in the place of lines 23 and 24. `answered` gets what was typed, once Enter is pressed on some text."""
        self._answered = answered
        self.why.display = False
        self.keys.display = False
        self.prompt.open(sign, text, complete)

    def _leave_prompt(self) -> None:
        self.prompt.close()
        self.why.display = True
        self.keys.display = True
        self.content.focus()

    def ask_filter(self) -> None:
        """Open the filter; rows narrow while it is typed."""
        self.ask("/", self._filter)

    def on_prompt_typed(self, message: Typed) -> None:
        if message.sign == "/":
            self._narrow(message.text)

    def on_prompt_submitted(self, message: Submitted) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            self._leave_prompt()
            if message.text.strip():
                answered(message.text.strip())
            return
        if message.sign == ":" and message.text.strip():
            refusal = self.run_words(message.text.strip())
            if refusal is not None:
                self.prompt.say(line((refusal, "warning")))
                return
        self._leave_prompt()

    def on_prompt_dismissed(self, message: Dismissed) -> None:
        self._answered = None
        if message.sign == "/":
            self._narrow("")
        self._leave_prompt()

    def _narrow(self, text: str) -> None:
        self._filter = text
        self.draw()
        self.show_keys()
