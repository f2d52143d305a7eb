"""The cursor belongs to a key: it stays there whatever a refresh brings."""

from __future__ import annotations

import pytest
from gallery import FleetScreen, Gallery, LongScreen, fleet
from textual.geometry import Region

from widgets.line import Line, Page, Row, line
from widgets.page import PageView, held_order
from widgets.rows import Chosen, Moved
from widgets.strips import changed_cells


def page(*keys: str | None, state: str = "", text: str = "") -> Page:
    rows = tuple(Row(line(f"   {key or 'text'} {text}"), key=key, why=line(f"why {key}"), state=state) for key in keys)
    return Page(Line(), rows, "fleet")


class Watched(Gallery):
    """Keeps the messages of the rows."""

    def __init__(self, screen: FleetScreen) -> None:
        super().__init__(screen)
        self.seen: list[Moved | Chosen] = []

    def on_rows_moved(self, message: Moved) -> None:
        self.seen.append(message)

    def on_rows_chosen(self, message: Chosen) -> None:
        self.seen.append(message)


def shown(app: Gallery) -> list[str]:
    """The screen as text, without the blanks at the ends."""
    return ["".join(part.text for part in strip).rstrip() for strip in app.screen._compositor.render_strips()]


def view_of(app: Gallery) -> PageView:
    return app.screen.query_one(PageView)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_cursor_starts_on_the_first_row_and_says_why(size):
    app = Watched(FleetScreen())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert view_of(app).cursor_key == "arrival-delay"
        assert shown(app)[3].startswith(">X arrival-delay")
        assert shown(app)[size[1] - 2].startswith("X arrival-delay: illustration")
        assert app.seen[-1].key == "arrival-delay" and app.seen[-1].state == "critical"


async def test_half_a_number_never_reads_as_a_whole_one():
    digits = "".join(str(n % 10) for n in range(1, 81))
    rows = [Row(line(digits), key="fits"), Row(line(digits, "1"), key="does not"), Row(line(digits, "   "), key="only blanks do not")]
    rows += [Row(line(digits), key=f"row {n}") for n in range(17)]
    app = Watched(FleetScreen(Page(Line(), (*rows, Row(line("the row below"), key="last")), "fleet")))
    async with app.run_test(size=(80, 24)):
        drawn = shown(app)[2:22]
        assert [text[1:] for text in drawn[:3]] == [digits[1:], digits[1:78] + "..", digits[1:]]
        assert drawn[-1] == digits[:77] + "..v", "the sign of more below took the place of a digit"


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        (["j"], "cancellation"),
        (["down", "down"], "air-time"),
        (["j", "j", "j"], "air-time"),
        (["G"], "air-time"),
        (["end", "k"], "cancellation"),
        (["G", "g", "g"], "arrival-delay"),
        (["end", "home"], "arrival-delay"),
        (["pagedown"], "air-time"),
        (["pagedown", "pageup"], "arrival-delay"),
        (["n"], "cancellation"),
        (["n", "n"], "arrival-delay"),
        (["N"], "cancellation"),
    ],
)
async def test_keys_move_the_cursor(keys, key):
    app = Watched(FleetScreen())
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        assert view_of(app).cursor_key == key
        assert app.seen[-1].key == key


async def test_enter_and_a_double_click_choose_and_a_click_only_moves():
    app = Watched(FleetScreen())
    async with app.run_test() as pilot:
        await pilot.click(PageView, offset=(10, 3))
        assert view_of(app).cursor_key == "air-time"
        assert not [one for one in app.seen if isinstance(one, Chosen)]
        await pilot.press("enter")
        await pilot.click(PageView, offset=(10, 2), times=2)
        assert [one.key for one in app.seen if isinstance(one, Chosen)] == ["air-time", "cancellation"]


async def test_a_click_on_a_line_without_a_key_moves_nothing():
    app = Watched(FleetScreen())
    async with app.run_test() as pilot:
        await pilot.click(PageView, offset=(10, 6))
        assert view_of(app).cursor_key == "arrival-delay"


async def test_rows_that_only_changed_their_order_stay_where_they_were():
    app = Watched(FleetScreen())
    async with app.run_test() as pilot:
        view = view_of(app)
        await pilot.press("j")
        before = shown(app)
        view.show(fleet(resorted=True))
        await pilot.pause()
        assert view.better_order
        assert shown(app) == before
        view.show(fleet(resorted=True), take_order=True)
        await pilot.pause()
        assert not view.better_order
        assert view.cursor_key == "cancellation"
        assert [row.key for row in view.rows if row.key] == ["air-time", "cancellation", "arrival-delay"]


async def test_the_cursor_keeps_its_line_when_rows_come_in_above():
    app = Watched(LongScreen())
    async with app.run_test() as pilot:
        view = view_of(app)
        await pilot.press(*["j"] * 30)
        line_before = next(y for y, text in enumerate(shown(app)) if text.startswith(">"))
        rows = [Row(line(f"  new {n}"), key=f"new-{n}") for n in range(4)]
        view.show(Page(Line(), (*rows, *view.rows), "long"))
        await pilot.pause()
        assert view.cursor_key == "30"
        assert next(y for y, text in enumerate(shown(app)) if text.startswith(">")) == line_before


async def test_what_comes_in_at_the_beginning_is_seen_by_who_reads_from_there():
    app = Gallery(LongScreen())
    async with app.run_test(size=(80, 24)) as pilot:
        view = view_of(app)
        view.show(page(*(f"row {n}" for n in range(60))), take_order=True)
        await pilot.press("home")
        view.show(page("new 1", "new 2", *(f"row {n}" for n in range(60))))
        await pilot.pause()
        assert view.window[0] == 0 and view.cursor_key == "row 0"
        assert shown(app)[2].strip() == "new 1"


async def test_when_the_row_is_gone_the_cursor_takes_its_place_and_says_so():
    app = Watched(FleetScreen(page("a", "b", "c")))
    async with app.run_test() as pilot:
        await pilot.press("j")
        view_of(app).show(page("a", "c"))
        await pilot.pause()
        assert view_of(app).cursor_key == "c"
        assert app.seen[-1].key == "c" and app.seen[-1].why.text == "why c"


async def test_a_page_without_keys_scrolls_as_text():
    app = Watched(FleetScreen(Page(Line(), tuple(Row(line(f"text {n}")) for n in range(50)), "explain")))
    async with app.run_test() as pilot:
        await pilot.press("j", "space")
        assert shown(app)[2].startswith("text 20")
        await pilot.press("G")
        assert shown(app)[21].startswith("text 49")
        await pilot.press("enter")
        assert not [one for one in app.seen if isinstance(one, Chosen)]


@pytest.mark.parametrize("keys", [["j"] * 25, ["pagedown"] * 2])
async def test_text_below_the_last_row_can_be_read_and_the_cursor_comes_back(keys):
    rows = (Row(line(" only"), key="only"), Row(line(" two"), key="two"), *(Row(line(f"text {n}")) for n in range(40)))
    app = Watched(FleetScreen(Page(Line(), rows, "x")))
    async with app.run_test() as pilot:
        await pilot.press("j", *keys, "j", "j")
        assert shown(app)[21].startswith("text")
        assert "text 20" in "\n".join(shown(app))
        assert view_of(app).cursor_key == "two"
        await pilot.press("k")
        assert shown(app)[2].startswith(">only")


async def test_a_page_whose_first_row_is_below_is_read_from_its_beginning():
    rows = (*(Row(line(f"text {n}")) for n in range(30)), Row(line(" link"), key="link"))
    app = Watched(FleetScreen(Page(Line(), rows, "explain")))
    async with app.run_test() as pilot:
        view_of(app).show(Page(Line(), (), ""))
        view_of(app).show(Page(Line(), rows, "explain"))
        await pilot.pause()
        assert view_of(app).window[0] == 0
        await pilot.press("j")
        assert view_of(app).window[0] == 1, "text above the first row is scrolled, not jumped over"
        await pilot.press(*["j"] * 12)
        assert any(text.startswith(">link") for text in shown(app))


async def test_the_wheel_scrolls_and_the_cursor_goes_along():
    app = Watched(LongScreen())
    async with app.run_test() as pilot:
        view = view_of(app)
        view.move_window(10)
        await pilot.pause()
        assert view.cursor_key == "10"
        view.move_window(0)
        await pilot.pause()
        assert view.cursor_key == "10"
        view.move_window(40)
        view.move_window(0)
        await pilot.pause()
        assert view.cursor_key == "19"


async def test_an_equal_page_marks_nothing_to_draw(monkeypatch):
    app = Watched(FleetScreen())
    async with app.run_test() as pilot:
        await pilot.pause()
        drawn: list[tuple[Region, ...]] = []
        monkeypatch.setattr(PageView, "refresh", lambda _view, *regions, **_: drawn.append(regions))
        view_of(app).show(fleet())
        assert drawn == []
        view_of(app).show(fleet(".475"))
        assert drawn == [(Region(0, 7, 80, 1),)]


async def test_an_empty_page_has_no_cursor():
    app = Watched(FleetScreen(page()))
    async with app.run_test() as pilot:
        await pilot.press("j", "G", "enter", "n", "pagedown")
        assert view_of(app).cursor_key is None


def test_order_is_held_only_when_nothing_but_the_order_changed():
    before = page("a", "b", None, "c").rows
    assert [row.key for row in held_order(before, page("b", "a", None, "c").rows).rows] == ["a", "b", None, "c"]
    assert [row.key for row in held_order(before, page("d", "a", "b", None, "c").rows).rows] == ["d", "a", "b", None, "c"]
    assert [row.key for row in held_order(before, page("b", None, "a", "c").rows).rows] == ["b", None, "a", "c"]


@pytest.mark.parametrize(
    ("before", "after", "cells"),
    [
        (" late .474 n 753", " late .475 n 753", [(6, 10)]),
        (" late .474 n 753", " late .474 n 753", []),
        (" 9 rows", " 19 rows", [(1, 3), (4, 8)]),
        ("ab cd", "abc d", [(0, 3), (4, 5)]),
        ("", "new", [(0, 3)]),
        ("漢 1", "漢 2", [(3, 4)]),
    ],
)
def test_changed_words_are_found_at_their_cells(before, after, cells):
    assert changed_cells(before, after) == cells
