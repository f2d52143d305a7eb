"""What every screen does: load its view in a worker, put the page into the frame, keep what was there when a load fails, and turn
keys into commands of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from backends.text import displayable
from console import commands
from console.commands import Command
from console.screens.acting import subject_of
from console.screens.filtering import filtered
from widgets.frame import FrameScreen
from widgets.glance import WIDE_FROM, WIDTH, Glance, WithGlance
from widgets.line import Line, Page, line
from widgets.page import PageView
from widgets.prompt import Completer, Dismissed, Prompt, Submitted, Typed
from widgets.rows import MOVING_KEYS, Chosen, Moved, RowView

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.lookout import Lookout

WATCHED_EVERY = 1.0
"""Seconds between two looks at whether anything on disk changed; nothing is read or drawn unless it did."""


RESTED = 0.15
"""Seconds that the cursor stands on a row before what it leads to is read for the second pane."""

HIGH = 30
"""Terminals with more lines than this may have room for a curve."""

FOOTER_LAST = {"note": 1, "filter": 2}
"""Commands of every screen stand behind those of this one in line 24."""

MOVING_SEQUENCES = frozenset({"g g"})
"""Movements of two keys, which the list under the cursor does by itself."""

ALWAYS = (("?", ""), ("q", ""))
"""Keys that line 24 ends with on every screen, however little room there is."""


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


class Glanced(Message):
    """What the row `key` leads to has been read, or `reason` says why not."""

    def __init__(self, key: str, other: DeckScreen, view: Any, reason: str = "") -> None:
        super().__init__()
        self.key = key
        self.other = other
        self.view = view
        self.reason = reason


class DeckScreen(FrameScreen):
    """A screen of the console. A subclass names its scope and verb, loads a view and renders a page."""

    app: ConsoleApp
    scope: ClassVar[str] = ""
    own_keys: ClassVar[frozenset[str]] = frozenset()
    """Commands that line 24 names right behind Enter: what the screen is for."""

    def __init__(self, target: str | None = None) -> None:
        super().__init__()
        self.target = target
        self.view: Any = None
        self.verb = ""
        """The headless command that prints what is shown."""
        self.content = PageView()
        self.prompt = Prompt()
        self.glance = Glance()
        self._rest: Timer | None = None
        self.curves = False
        """Whether what draws curves is loaded: no first frame waits for it."""
        self._glancing = False
        self.glanced: str | None = None
        """The row that the second pane is about."""
        self._epoch = 0
        self._prefix = ""
        self._filter = ""
        self._stamp: object = None
        self._pending = False
        self._news = False
        """Whether what differs on the page came from outside, and not from a key: only then is it marked."""
        self._reorder = False
        """Whether the rows of the next page come in their own order: somebody asked for it."""
        self._answered: Callable[[str], None] | None = None

    # what a subclass says

    def load(self, lookout: Lookout) -> Any:
        """Compute the view; runs in a worker thread."""
        raise NotImplementedError

    def at_once(self, lookout: Lookout) -> Any:
        """What can be known without waiting for the rest, in the form of the view; None: nothing. Runs in a worker thread.

        What somebody did, here or elsewhere, is on the screen before what it led to has been counted.
        """
        del lookout

    def read(self) -> Any:
        """The view of this moment; runs in a worker thread. Overridden by what needs no workspace that can be opened."""
        return self.load(self.app.lookout())

    def draws_curves(self) -> None:
        """Load what draws curves, in a worker, where it keeps no key waiting; not for a terminal that has no room for one."""
        if self.is_attached and self.size.height > HIGH:
            import plotext  # noqa: F401 - only loaded here, drawn with elsewhere

            self.curves = True

    def page(self, view: Any, width: int, height: int) -> Page:
        """Render the view."""
        raise NotImplementedError

    def leads_to(self, key: str) -> DeckScreen | None:
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

    def leads_nowhere(self, why: str) -> None:
        """Enter on a row that has nothing below it says so."""
        self.say(f"{why} has no page of its own; e explains, w tells what changed", "dim")

    def model_of(self, key: str | None) -> str | None:
        """The model that a command on the row `key` is about."""
        return key or self.target

    @property
    def marked(self) -> tuple[str, ...]:
        """The models whose rows are marked, in the order of the rows: what acts on several acts on them."""
        return ()

    def unmark(self) -> None:
        """No row is marked any more."""

    def topic_of(self, key: str | None) -> str | None:
        """What `e` explains on the row `key`: a signal, a rule's id or a word; None: everything."""
        del key

    def incident_of(self, key: str | None) -> str | None:
        """The newest open incident of the row `key`, or of the screen's own subject."""
        del key
        found = getattr(self.view, "incidents", ()) or ()
        return found[0] if found and isinstance(found[0], str) else None

    def first_view(self) -> Any:
        """A view that is at hand without loading anything, or None."""
        return None

    # life

    def compose_content(self) -> Iterable[Widget]:
        yield self.content

    def compose_middle(self) -> Iterable[Widget]:
        if type(self).leads_to is DeckScreen.leads_to:
            return self.compose_content()
        return [WithGlance(self.compose_content(), self.glance)]

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
            self.heading.show(line(("reading ...", "dim")))
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
        self.glance.display = event.size.width >= WIDE_FROM
        self._glance_once_rested()
        self.call_after_refresh(self.draw)

    def reload_when_changed(self) -> bool:
        """Read again when the workspace changed on disk, or when a clock that runs has moved on; whether it did."""
        if self.app.screen is not self or self._pending or self.app.stamp() == self._stamp:
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
        # Before reading: what changes meanwhile is read again.
        stamp = self.app.stamp()
        if epoch == self._epoch:
            self._stamp = stamp
        try:
            if self.view is not None and (early := self.at_once(self.app.lookout())) is not None:
                self.post_message(Loaded(early, epoch, whole=False))
            view = self.read()
            self.app.look_for_what_is_broken()
        except Exception as error:
            self.post_message(LoadFailed(self.app.said_of(error), epoch))
        else:
            self.post_message(Loaded(view, epoch))

    def on_loaded(self, message: Loaded) -> None:
        if message.epoch != self._epoch:
            return
        self.view = message.view
        if message.whole:
            self._pending = False
            self.remove_class("-failed")
            self.heading.reads(reading=False)
            self.app.seen(self, message.view)
        self.show_banner()
        self._news = True
        self.draw()
        self._news = False
        self._reorder = self._reorder and not message.whole
        self.show_keys()
        self._glance_once_rested()

    def on_load_failed(self, message: LoadFailed) -> None:
        if message.epoch != self._epoch:
            return
        self._pending = False
        self.heading.reads(reading=False)
        self.add_class("-failed")
        if self.view is None:
            self.heading.show(line(("nothing could be read", "warning")))
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

    # the second pane

    def _glance_once_rested(self) -> None:
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
    def _read_glance(self, key: str, other: DeckScreen) -> None:
        try:
            view = other.load_glance(self.app.lookout())
        except Exception as error:
            self.post_message(Glanced(key, other, None, self.app.said_of(error)))
        else:
            self.post_message(Glanced(key, other, view))

    def on_glanced(self, message: Glanced) -> None:
        self._glancing = False
        if message.key != self.content.cursor_key:
            self._glance_once_rested()
            return
        self.glanced = message.key
        if message.reason:
            self.glance.say(message.reason)
        else:
            self.glance.glance_at(message.other.page_at_a_glance(message.view, WIDTH, self.content_height))

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

    @property
    def list_width(self) -> int:
        """Cells that the page has: all, or what the second pane leaves."""
        beside = self.glance.is_attached and self.size.width >= WIDE_FROM
        return self.size.width - (WIDTH if beside else 0)

    @property
    def content_height(self) -> int:
        """Lines between line 2 and line 23."""
        return max(1, self.size.height - 4)

    def show_banner(self) -> None:
        """Line 1."""
        self.banner.show(self.app.banner_facts())

    def show_keys(self) -> None:
        """Line 24: the keys that work now."""
        listed = [command for command in commands.on_screen(self.scope) if self.footer_of(command) and self.works(command)]
        listed.sort(key=lambda command: -1 if command.id in self.own_keys or command.id == "open" else FOOTER_LAST.get(command.id, 0))
        self.keys.show([(commands.key_words(command.keys[0]), self.footer_of(command)) for command in listed], kept=ALWAYS)

    def footer_of(self, command: Command) -> str:
        """What line 24 says behind the key of a command here and now; nothing: it is left to the help."""
        return command.footer

    def works(self, command: Command) -> bool:
        """Whether a key does something here and now: line 24 names no other."""
        if self.app.disabled(command, self) is not None or command.id in {"help", "back"}:
            return False
        if command.id == "note":
            return bool(subject_of(self))
        if command.id == "open" and type(self).open_row is DeckScreen.open_row and type(self).leads_to is DeckScreen.leads_to:
            return False
        row = self.view is None or self.content.cursor_key is not None
        if command.id == "filter":
            return row or bool(self._filter)
        return row or not command.needs_row or (command.id != "open" and self.target is not None)

    def say(self, text: str, role: str = "") -> None:
        """A message on line 23, the only place for one."""
        self.why.say(line((text, role)))

    # what the cursor does

    def on_rows_moved(self, message: Moved) -> None:
        # Line 23 is about the list: another part of the screen that was filled has nothing to say there.
        if message.view is self.content:
            self.why.show(message.why)
            self._glance_once_rested()

    def on_rows_chosen(self, message: Chosen) -> None:
        self.open_row(message.key)

    # keys

    def on_key(self, event: events.Key) -> None:
        if self.too_small:
            return
        wanted = f"{self._prefix} {event.key}" if self._prefix else event.key
        command = commands.by_key(self.scope, wanted)
        if command is None:
            if self._prefix:
                self._no_such_key(wanted, event.character)
                self._prefix = ""
            elif event.key in commands.prefixes(self.scope):
                self._prefix = event.key
            elif isinstance(self.focused, RowView) and self.focused.press(event.key):
                # In the order in which they were typed: `j K` is about the row that `j` went to.
                event.stop()
                event.prevent_default()
            elif event.key not in MOVING_KEYS and event.is_printable:
                self._no_such_key(wanted, event.character)
            return
        self._prefix = ""
        event.stop()
        event.prevent_default()
        if command.id == "back" and event.key != "q" and self._stayed():
            return
        self.run(command)

    def _no_such_key(self, key: str, character: str | None) -> None:
        """A key that does nothing here says so, and what it would do elsewhere."""
        if key in MOVING_SEQUENCES:
            return
        elsewhere = commands.by_key_anywhere(key)
        words = commands.key_words(key)
        if len(words) > 1 and " " not in words and words == key and character is not None:
            words = displayable(character)
        if elsewhere is not None:
            self.say(f"{words} ({elsewhere.title}) does nothing on this screen; ? lists what does", "warning")
        else:
            self.say(f"{words} is no key of this screen; ? lists them", "warning")

    def _stayed(self) -> bool:
        """Esc and Backspace take a filter away before they leave, and never leave the console: `q` does."""
        if self._filter:
            self._narrow("")
            self.say("every row is shown again")
            return True
        if self.marked:
            self.unmark()
            self.say("no row is marked any more")
            return True
        if self.app.at_home:
            self.say("q leaves the console")
            return True
        return False

    def do_refresh(self) -> None:
        self._reorder = True
        self.reload()

    def do_next_problem(self) -> None:
        self._problem(1)

    def do_previous_problem(self) -> None:
        self._problem(-1)

    def _problem(self, direction: int) -> None:
        before = self.content.cursor_index
        self.content.action_problem(direction)
        if self.content.cursor_index == before:
            self.say("no other row here is not ok")

    def run(self, command: Command, words: str = "") -> None:
        """Do what a command says, or say why not."""
        reason = self.app.disabled(command, self)
        if reason is not None:
            self.say(f"{command.footer or command.title}: {reason}", "warning")
            return
        own = getattr(self, f"do_{command.id.replace('.', '_')}", None)
        if own is not None:
            own()
        else:
            self.app.run_command(command, self, words)

    # prompts

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
            refusal = self.app.run_words(message.text.strip(), self)
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
