"""The frame of every screen: banner, heading, content, the line that says why, the keys that work now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.messages import Update
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from backends.text import Untrusted, cell_width, displayable, shortened
from widgets.compositing import FrugalCompositor
from widgets.line import CUT, Line, Span, joined, line, sides
from widgets.strips import DrawsLines, differing_cells, strip_of
from widgets.theme import style_of

NEEDED_WIDTH = 80
NEEDED_HEIGHT = 24
MOST_KEYS = 9
LEAST_OVERRIDE = 12


@dataclass(frozen=True, slots=True)
class BannerFacts:
    """What line 1 says. Texts are short words as they are drawn; nothing is worked out here."""

    environment: str
    """The word: `PROD`, `staging`, `no workspace`."""
    mode: str
    """`read-only`, `ELEVATED 12m`, `LOCKED`, or empty."""
    who: str | Untrusted
    """`mara@bastion`."""
    clock: str
    """`now 14:02 CET`, `sim 2013-04-26 18:00 EDT`, `PAST 2013-04-22 14:00 EDT`."""
    data: str
    """Age of the oldest source: `data 25m`, `data 41m OLD`."""
    workspace: str | Untrusted = ""
    colour: str = ""
    """What the environment's name stands on: `red`, `yellow`, `blue`, `magenta`, `cyan` or `white`; empty: what the line stands on."""
    override: str | Untrusted = ""
    """An open override, break-glass or audit gap: takes the place of mode, person and clock, as far as they do not fit beside it."""
    short_override: str | Untrusted = ""
    """The same in fewer words, for a line on which the clock would have no room beside it."""
    further: tuple[str, ...] = ()
    """More of them: those that do not fit whole are counted."""
    short_clock: str = ""
    """`sim 18:00`: what is left of the clock where an override needs the room."""
    extra: tuple[str, ...] = ()
    """What a wide terminal adds at the right: `chain whole`, `1 console`."""


def banner_line(facts: BannerFacts, width: int) -> Line:
    """Line 1 in `width` cells; the environment and the age of the data are the last to be cut."""
    name = [(facts.environment, f"on {facts.colour}" if facts.colour else "banner")]
    if facts.workspace:
        name.append((facts.workspace, "banner"))  # type: ignore[arg-type]
    here = line(*[part for word in name for part in ((" ", "banner"), word)])
    data = line((" | ", "banner"), (facts.data, "banner")) if facts.data else Line()
    if facts.override:
        room = width - data.width - (sum(len(text) + 3 for text in facts.extra) + 1 if width >= 100 else 0)
        forms = ([facts.mode, facts.who, facts.clock], [facts.who, facts.clock], [facts.clock], [facts.short_clock])
        said = _overrides(facts, room - _middle(here, [""]).width)
        fitting = ([said, *(text for text in form if text)] for form in forms)
        middle = next((form for form in fitting if _middle(here, form).width <= room), None) or _beside_the_clock(facts, here, room)
    else:
        middle = [text for text in (facts.mode, facts.who, facts.clock) if text]
    left = _middle(here, middle)
    if width < 100:
        room = width - data.width
        return joined([left if left.width <= room else left.fitted(room), data]).fitted(width)
    tail = " | ".join(text for text in (facts.data, *facts.extra) if text)
    return sides(left, line((tail + " ", "banner")), width)


def _overrides(facts: BannerFacts, room: int) -> str | Untrusted:
    """As many of the overrides as fit in `room` cells, and how many more there are: `OVERRIDE m killed 12m  +2`."""
    if not facts.further:
        return facts.override
    for shown in range(len(facts.further), -1, -1):
        left = len(facts.further) - shown
        words = "  ".join((displayable(facts.override), *facts.further[:shown], *((f"+{left}",) if left else ())))
        if line(words).width <= room:
            break
    return words


def _beside_the_clock(facts: BannerFacts, here: Line, room: int) -> list[str | Untrusted]:
    """The overrides in fewer words, then cut, so that the time stays on the line: what is done is done at that time."""
    clock = [facts.short_clock] if facts.short_clock else []
    left = room - _middle(here, ["", *clock]).width
    for briefly in (facts, replace(facts, override=facts.short_override or facts.override)):
        said = _overrides(briefly, left)
        if line(said).width <= left:
            return [said, *clock]
    return [shortened(said, max(LEAST_OVERRIDE, left)), *clock]


def _middle(here: Line, texts: Sequence[str | Untrusted]) -> Line:
    return joined([here, *(line((" | ", "banner"), (text, "banner")) for text in texts)])


def keys_line(keys: Sequence[tuple[str, str]], width: int, kept: Sequence[tuple[str, str]] = ()) -> Line:
    """Line 24: `Enter open  i incident  ?  q`. At most nine keys, and only whole ones: what does not fit is in the help.

    `kept` end the line, however little room there is for the others.
    """
    last = [_key_part(key, what, first=False) for key, what in kept]
    room = width - sum(part.width for part in last)
    parts: list[Line] = []
    used = 0
    for key, what in keys[:MOST_KEYS]:
        part = _key_part(key, what, first=not parts)
        if used + part.width > room:
            break
        parts.append(part)
        used += part.width
    if not parts and kept:
        last[0] = _key_part(*kept[0], first=True)
    return joined([*parts, *last])


def _key_part(key: str, what: str, *, first: bool) -> Line:
    return line(Span("" if first else "  ", ""), Span(key, "key"), Span(f" {what}" if what else "", ""))


class OneLine(DrawsLines):
    """One line of the frame. Setting an equal line draws nothing."""

    DEFAULT_CSS = "OneLine { width: 1fr; height: 1; }"
    BASE: ClassVar[str] = ""
    """The role under every span."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: tuple[int, Line] | None = None

    def composed(self, width: int) -> Line:
        """The line in `width` cells."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw if what is to be shown is not what is shown."""
        width = self.size.width
        composed = self.composed(width)
        if self._drawn != (width, composed):
            if self._drawn is not None and self._drawn[0] == width:
                start, end = differing_cells(self._drawn[1], composed)
                self.refresh(Region(start, 0, min(width, end) - start, 1))
            else:
                self.refresh()
            # Told by itself, the screen would learn of it one frame later than of the cursor that it belongs to.
            if self.is_attached:
                self.screen.post_message(Update(self))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return Strip.blank(width)
        composed = self.composed(width)
        self._drawn = (width, composed)
        return strip_of(composed, width, colour=self.colour, under=style_of(self.BASE, self.colour))


class Banner(OneLine):
    """Line 1: reversed, the environment's name on its colour."""

    BASE = "banner"

    def __init__(self, facts: BannerFacts | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts = facts

    def show(self, facts: BannerFacts) -> None:
        self._facts = facts
        self.redraw()

    def composed(self, width: int) -> Line:
        return banner_line(self._facts, width) if self._facts else Line()


class Heading(OneLine):
    """Line 2: where am I, its state and since when."""

    def __init__(self, heading: Line | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._heading = heading or Line()
        self._better_order = False
        self._reading = False

    def show(self, heading: Line, *, better_order: bool = False) -> None:
        """`better_order`: rows are held where they were, and `*sort` says that another order exists."""
        self._heading = heading
        self._better_order = better_order
        self.redraw()

    def reads(self, *, reading: bool) -> None:
        """Say at the right that what is below is being read again, or not any more."""
        self._reading = reading
        self.redraw()

    def composed(self, width: int) -> Line:
        said = " reading ..." if self._reading else "*sort" if self._better_order else ""
        return sides(_left_side(self._heading), line((said, "bold")), width) if said else self._heading


def _left_side(heading: Line) -> Line:
    """A heading without what stands at its right edge: up to its widest gap."""
    gaps = [(-len(found[0]), found.start()) for found in re.finditer(" {3,}", heading.text)]
    return heading.fitted(cell_width(heading.text[: min(gaps)[1]])) if gaps else heading


class WhyLine(OneLine):
    """Line 23: why the row under the cursor has its mark, and the verb that prints the same. Also the place of messages."""

    LONG_PREFIX = "the same, headless: "

    def __init__(self, program: str = "qd", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._program = program
        self._why = Line()
        self._verb = ""
        self._message: Line | None = None

    def show(self, why: Line | None = None, *, verb: str | None = None) -> None:
        """Set the reason, the verb (without the program's name), or both. A message gives way to a new reason."""
        if why is not None and why != self._why:
            self._why = why
            self._message = None
        if verb is not None:
            self._verb = verb
        self.redraw()

    def say(self, message: Line) -> None:
        """Show a message until the cursor moves or `hush` is called."""
        self._message = message
        self.redraw()

    def hush(self) -> None:
        """Take the message away."""
        self._message = None
        self.redraw()

    def composed(self, width: int) -> Line:
        left = self._message if self._message is not None else self._why
        if not self._verb:
            return left.fitted(width)
        verb = f"{self._program} {self._verb}"
        room = width - len(verb) - 1
        if self._message is not None and left.width > room:
            # A message is read once; the verb comes back with the next key.
            return left.fitted(width)
        if left.width > room > len(CUT):
            left = joined([left.fitted(room - len(CUT)), line((CUT, "dim"))])
        if width >= 100 and left.width + len(self.LONG_PREFIX) + len(verb) < width - 2:
            verb = self.LONG_PREFIX + verb
        return sides(left, line((verb, "dim")), width)


class KeysLine(OneLine):
    """Line 24: at most nine keys that work now."""

    def __init__(self, keys: Sequence[tuple[str, str]] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = tuple(keys)
        self._kept: tuple[tuple[str, str], ...] = ()

    def show(self, keys: Sequence[tuple[str, str]], *, kept: Sequence[tuple[str, str]] = ()) -> None:
        """`keys`: `(key as printed, what it does)`, the most needed first; `kept` end the line in any case."""
        self._keys, self._kept = tuple(keys), tuple(kept)
        self.redraw()

    def composed(self, width: int) -> Line:
        return keys_line(self._keys, width, self._kept)


def too_small_line(width: int, height: int, verb: str, program: str = "qd") -> Line:
    """What a terminal that is too small shows instead of half a screen: as much of it as fits, the needed size first."""
    needed = (f"needs {NEEDED_WIDTH}x{NEEDED_HEIGHT}", "bold")
    forms = (f", has {width}x{height}; q leaves; or: {program} {verb}", f", has {width}x{height}; q leaves", ", q leaves", ", q quits")
    fitting = (whole for text in forms if (whole := line(needed, text)).width <= width)
    return next(fitting, line(needed))


class TooSmall(DrawsLines, can_focus=True):
    """Stands in for the whole screen below 80x24: of all keys only those that leave do anything."""

    DEFAULT_CSS = "TooSmall { width: 1fr; height: 1fr; display: none; }"
    LEAVING: ClassVar[frozenset[str]] = frozenset({"q", "ctrl+c"})

    def __init__(self, verb: str = "") -> None:
        super().__init__()
        self.verb = verb

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return Strip.blank(width)
        size = self.app.size
        return strip_of(too_small_line(size.width, size.height, self.verb), width, colour=self.colour)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key in self.LEAVING:
            self.app.exit()


class FrameScreen(Screen[None]):
    """A screen inside the frame. Subclasses give `compose_content`; what works below 80x24 is leaving, and nothing else."""

    DEFAULT_CSS = """
    FrameScreen { layout: vertical; background: transparent; }
    FrameScreen.-too-small > * { display: none; }
    FrameScreen.-too-small > TooSmall { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._compositor = FrugalCompositor()
        self.banner = Banner()
        self.heading = Heading()
        self.why = WhyLine()
        self.keys = KeysLine()
        self._guard = TooSmall()
        self._focus_before: Widget | None = None

    def compose_content(self) -> Iterable[Widget]:
        """The widgets between line 2 and line 23."""
        return ()

    def compose_middle(self) -> Iterable[Widget]:
        """The content, and what stands around it."""
        return self.compose_content()

    def compose(self) -> Iterable[Widget]:
        yield self.banner
        yield self.heading
        yield from self.compose_middle()
        yield self.why
        yield self.keys
        yield self._guard

    def show_verb(self, verb: str) -> None:
        """The headless command of this screen: on line 23, and on the only line of a terminal that is too small."""
        self._guard.verb = verb
        self.why.show(verb=verb)

    @property
    def too_small(self) -> bool:
        """True while the terminal is below 80x24."""
        return self.has_class("-too-small")

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """Focus a widget; below 80x24 it has to wait until there is room, since a key must not move what nobody sees."""
        if self.too_small and widget is not self._guard:
            self._focus_before = widget
            widget = self._guard
        super().set_focus(widget, scroll_visible, from_app_focus)

    def on_resize(self, event: events.Resize) -> None:
        small = event.size.width < NEEDED_WIDTH or event.size.height < NEEDED_HEIGHT
        if small and not self.too_small:
            self._focus_before = self.focused
            self.add_class("-too-small")
            self.set_focus(self._guard)
        elif not small and self.too_small:
            self.remove_class("-too-small")
            self.set_focus(self._focus_before)
        self._guard.refresh()
