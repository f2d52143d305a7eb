"""A line that changed is written from its first cell that differs to its last, and looks afterwards as if it had been drawn whole."""

from __future__ import annotations

import io

import pyte
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from widgets.compositing import ChangedCells
from widgets.line import Line, line
from widgets.strips import differing_cells, strip_of

WIDTH = 24
CONSOLE = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH)

texts = st.text(st.sampled_from("ab .漢ｗe\u0301\u0308"), max_size=9).map(lambda text: text.lstrip("\u0301\u0308"))
lines = st.lists(st.tuples(texts, st.sampled_from(["", "dim", "bold", "critical", "banner"])), max_size=4).map(
    lambda parts: line(*parts).fitted(WIDTH)
)


def written(before: Line, after: Line) -> str:
    """What is sent when `after` takes the place of `before`."""
    start, end = differing_cells(before, after)
    if start == end:
        return ""
    return ChangedCells([{0: strip_of(after, WIDTH)}], [(0, start, end)], [[WIDTH]]).render_segments(CONSOLE)


def seen(*sent: str) -> list[tuple[str, str, bool, bool]]:
    # Wider than the lines: the emulator takes a mark over the last cell of a line for the beginning of the next line.
    screen = pyte.Screen(WIDTH + 2, 1)
    for text in sent:
        pyte.Stream(screen).feed(text)
    cells = (screen.buffer[0][x] for x in range(WIDTH))
    # A blank has no ink: only what it stands on is seen.
    return [
        (cell.data, cell.fg, cell.bold, cell.reverse) if cell.data != " " or cell.reverse else (" ", "", False, False) for cell in cells
    ]


def test_the_cells_are_those_between_the_first_difference_and_the_last():
    assert differing_cells(line("same"), line("same")) == (0, 0)
    assert differing_cells(line("number 1", ("   qd", "dim")), line("number 2", ("   qd", "dim"))) == (7, 8)
    assert differing_cells(line("a longer one"), line("short")) == (0, 12)
    assert differing_cells(line("x", ("y", "bold")), line("x", "y")) == (1, 2)
    assert differing_cells(line("漢字 end"), line("漢語 end")) == (2, 4)


def test_a_mark_over_a_letter_is_written_with_its_letter():
    assert differing_cells(line("cafe 1"), line("cafe\u0301 1")) == (3, 5)


@given(lines, lines)
@example(line("cafe 1"), line("cafe\u0301 1"))
@example(line(("a" * WIDTH, "banner")), line("a"))
@example(line("a" * (WIDTH - 2) + "漢\u0301"), line("a").fitted(WIDTH))
def test_what_is_written_makes_the_line_what_it_should_be(before: Line, after: Line):
    drawn = "\x1b[1;1H" + strip_of(before, WIDTH).render(CONSOLE)
    assert seen(drawn, written(before, after)) == seen("\x1b[1;1H" + strip_of(after, WIDTH).render(CONSOLE))


def test_a_line_that_becomes_empty_is_erased_and_not_filled_with_blanks():
    assert written(line("x" * WIDTH), line("")) == "\x1b[1;1H\x1b[K"


def test_runs_of_two_lines_are_placed_and_need_no_end_of_line():
    strips = [{0: strip_of(line("one"), WIDTH)}, {0: strip_of(line("two"), WIDTH)}]
    update = ChangedCells(strips, [(0, 0, 3), (1, 1, 3)], [[WIDTH], [WIDTH]])
    assert update.render_segments(CONSOLE) == "\x1b[1;1Hone\x1b[2;2Hwo"
