"""From a `Line` to the strip that Textual writes: the only place where text meets the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter
from textual.strip import Strip
from textual.widget import Widget

from backends.text import cell_width
from widgets.line import Line
from widgets.theme import paints_blanks, style_of


def strip_of(line: Line, width: int, *, colour: bool = True, left: int = 0, under: Style | None = None) -> Strip:
    """Draw `line` in exactly `width` cells, from its cell `left` on, in as few styled runs as look the same.

    `under` is the style of every cell whose role says nothing else, blanks included: the banner.
    """
    runs: list[tuple[str, Style | None]] = []
    for span in line.spans:
        style = style_of(span.role, colour)
        if under is not None:
            style = under if style is None else under + style
        if not span.text:
            continue
        if runs:
            text, before = runs[-1]
            blank = style is None and not paints_blanks(before) and span.text.isspace()
            if blank or before == style:
                runs[-1] = (text + span.text, before)
                continue
        runs.append((span.text, style))
    strip = Strip([Segment(text, style) for text, style in runs])
    if left:
        strip = strip.crop(left, left + width)
    return strip.adjust_cell_length(width, under)


def emphasised(strip: Strip, ranges: Sequence[tuple[int, int]], style: Style) -> Strip:
    """`strip` with `style` laid over the cells `[start, end)` of every range; ranges ascend and do not overlap."""
    width = strip.cell_length
    cuts = [cut for start, end in ranges if start < width for cut in (start, min(end, width))]
    if not cuts:
        return strip
    parts = strip.divide([*cuts, width])
    return Strip.join([part.apply_style(style) if number % 2 else part for number, part in enumerate(parts)])


def differing_cells(before: Line, after: Line) -> tuple[int, int]:
    """Cells `[start, end)` from the first one that differs to the last; `(0, 0)` when none does."""
    width = max(before.width, after.width)
    old, new = (_letters(each.fitted(width)) for each in (before, after))
    if old == new:
        return 0, 0
    first = next((place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new)))
    same = next((place for place, (one, other) in enumerate(zip(reversed(old), reversed(new), strict=False)) if one != other), 0)
    # A cut beside a letter with marks would part them: a strip is cut by cells, and marks have none.
    while first and len(new[first - 1][0]) > 1:
        first -= 1
    while same and any(len(each[-same - 1][0]) > 1 for each in (old, new)):
        same -= 1
    start = sum(cell_width(letter) for letter, _ in new[:first])
    return start, width - sum(cell_width(letter) for letter, _ in new[len(new) - same :])


def _letters(each: Line) -> list[tuple[str, str]]:
    """What stands in the cells of a line, every letter with the marks over it, and its role."""
    found: list[tuple[str, str]] = []
    for span in each.spans:
        for one in span.text:
            if found and not cell_width(one):
                found[-1] = (found[-1][0] + one, found[-1][1])
            else:
                found.append((one, span.role))
    return found


def changed_cells(before: str, after: str) -> list[tuple[int, int]]:
    """Cells `[start, end)` of the words of `after` that do not stand at the same place in `before`.

    Words are separated by blanks, so a whole number is marked and not its last digit.
    """
    found: list[tuple[int, int]] = []
    one_cell_each = after.isascii()
    start = 0
    while start < len(after):
        if after[start] == " ":
            start += 1
            continue
        end = after.find(" ", start)
        end = len(after) if end < 0 else end
        same = before[start:end] == after[start:end]
        alone = (start == 0 or before[start - 1 : start] == " ") and before[end : end + 1] in {"", " "}
        if not (same and alone):
            found.append((start, end) if one_cell_each else (cell_width(after[:start]), cell_width(after[:end])))
        start = end
    return found


class DrawsLines(Widget):
    """A widget that draws lines and nothing else: no markup, no links, no selection, no colour conversion."""

    ALLOW_SELECT = False

    @property
    def colour(self) -> bool:
        """False when the user asked for no colour."""
        return not self.app.no_color

    def get_line_filters(self) -> Sequence[LineFilter]:
        return ()
