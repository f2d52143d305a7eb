"""A table of any length costs what its window costs, and late answers change nothing."""

from __future__ import annotations

import threading

from gallery import Gallery, Numbers, TableScreen, number_row
from test_page_under_a_cursor import shown
from textual.app import App
from textual.pilot import Pilot

from widgets.line import Row
from widgets.table import PAGE, ReadFailed, VirtualTable


class Slow(Numbers):
    """Answers only when it is let."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.gate = threading.Event()
        self.gate.set()

    def rows(self, start: int, stop: int, needle: str) -> list[Row]:
        self.gate.wait(60)
        return super().rows(start, stop, needle)


class Broken(Numbers):
    """Fails beyond its first page."""

    def rows(self, start: int, stop: int, needle: str) -> list[Row]:
        if start:
            raise OSError("disk \x1b[31mgone")
        return super().rows(start, stop, needle)


class Watched(Gallery):
    failures: list[ReadFailed]

    def __init__(self, screen: TableScreen) -> None:
        super().__init__(screen)
        self.failures = []

    def on_table_read_failed(self, message: ReadFailed) -> None:
        self.failures.append(message)


def opened(source: Numbers) -> Watched:
    screen = TableScreen(0)
    screen.view = VirtualTable(source, screen.view._header, frozen=16)
    return Watched(screen)


async def until(pilot: Pilot[None], true: object) -> None:
    for _ in range(400):
        await pilot.pause(0.01)
        if true():  # type: ignore[operator]
            return
    raise AssertionError("never so:\n" + "\n".join(shown(pilot.app)))  # type: ignore[arg-type]


def table_of(app: App[None]) -> VirtualTable:
    return app.screen.query_one(VirtualTable)


async def test_only_pages_around_the_window_are_read():
    source = Numbers(100_000)
    app = opened(source)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "row-18" in "\n".join(shown(app)))
        await pilot.press("G")
        await until(pilot, lambda: table_of(app).cursor_key == "row-99999")
        assert sum(stop - start for start, stop in source.reads) <= 6 * PAGE
        assert shown(app)[21].startswith(">. row-99999")
        await pilot.press("g", "g")
        assert table_of(app).cursor_key == "row-0"


async def test_walking_over_the_edge_of_a_page_needs_no_waiting():
    app = opened(Numbers(2_000))
    async with app.run_test() as pilot:
        await until(pilot, lambda: table_of(app).total == 2_000)
        for _ in range(30):
            await pilot.press("pagedown")
            await until(pilot, lambda: table_of(app).cursor_key is not None)
        index = table_of(app).cursor_index
        assert index is not None and index > 2 * PAGE
        assert table_of(app).cursor_key == f"row-{index}"
        assert "..." not in "\n".join(shown(app)[3:22])


async def test_a_filter_keeps_the_old_rows_until_the_new_ones_are_here():
    source = Slow(1_000)
    app = opened(source)
    async with app.run_test() as pilot:
        await until(pilot, lambda: table_of(app).total == 1_000)
        source.gate.clear()
        table_of(app).filter("99")
        await pilot.pause(0.3)
        assert "row-0 " in shown(app)[3]
        source.gate.set()
        await until(pilot, lambda: "row-99 " in shown(app)[3])
        assert table_of(app).total == len([n for n in range(1_000) if "99" in f"row-{n}"])
        assert table_of(app).cursor_key == "row-99"


async def test_of_several_filters_typed_fast_the_last_one_wins():
    source = Slow(1_000)
    app = opened(source)
    async with app.run_test() as pilot:
        await until(pilot, lambda: table_of(app).total == 1_000)
        source.gate.clear()
        for needle in ("9", "99", "998"):
            table_of(app).filter(needle)
            await pilot.pause(0.02)
        source.gate.set()
        await until(pilot, lambda: table_of(app).total == 1)
        await pilot.pause(0.1)
        assert table_of(app).cursor_key == "row-998"
        assert len(source.reads) <= 4, "a question that nobody waits for is not asked"


async def test_a_row_that_is_not_here_yet_cannot_be_acted_on():
    source = Slow(10_000)
    app = opened(source)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "row-18 " in "\n".join(shown(app)))
        source.gate.clear()
        await pilot.press("G")
        await until(pilot, lambda: table_of(app).cursor_index == 9_999 and "..." in "\n".join(shown(app)))
        assert table_of(app).cursor_key is None
        source.gate.set()
        await until(pilot, lambda: table_of(app).cursor_key == "row-9999")
        await until(pilot, lambda: app.screen.query_one("WhyLine")._why.text == "number 9999")


async def test_the_next_problem_is_found_beyond_what_is_loaded():
    app = opened(Numbers(5_000))
    async with app.run_test() as pilot:
        await until(pilot, lambda: table_of(app).total == 5_000)
        await pilot.press("n")
        await until(pilot, lambda: table_of(app).cursor_key == "row-7")
        await pilot.press("N")
        await until(pilot, lambda: table_of(app).cursor_key == "row-4997")


async def test_columns_scroll_and_the_name_stays():
    app = opened(Numbers(50))
    async with app.run_test() as pilot:
        await until(pilot, lambda: table_of(app).total == 50)
        whole = number_row(3).line.text
        await pilot.press("l")
        assert shown(app)[6] == (whole[:16] + whole[24 : 24 + 64]).rstrip()
        await pilot.press("h", "h")
        assert shown(app)[6] == whole[:80].rstrip()
        await pilot.press(*["l"] * 40)
        assert shown(app)[6].endswith(whole[-8:])


async def test_a_reload_keeps_the_cursor_on_its_key():
    source = Numbers(1_000)
    app = opened(source)
    async with app.run_test() as pilot:
        await until(pilot, lambda: table_of(app).total == 1_000)
        await pilot.press(*["j"] * 25)
        source.size = 1_200
        table_of(app).reload()
        await until(pilot, lambda: table_of(app).total == 1_200)
        assert table_of(app).cursor_key == "row-25"


async def test_a_source_that_fails_is_reported_and_the_table_lives_on():
    app = opened(Broken(1_000))
    async with app.run_test() as pilot:
        await until(pilot, lambda: table_of(app).total == 1_000)
        await pilot.press("G")
        await until(pilot, lambda: bool(app.failures))
        assert app.failures[0].reason.raw == "OSError: disk \x1b[31mgone"
        await pilot.press("g", "g", "j")
        assert table_of(app).cursor_key == "row-1"


async def test_an_empty_source_has_no_cursor():
    app = opened(Numbers(0))
    async with app.run_test() as pilot:
        await pilot.pause(0.1)
        await pilot.press("j", "G", "n", "enter", "pagedown", "l")
        assert table_of(app).cursor_key is None
