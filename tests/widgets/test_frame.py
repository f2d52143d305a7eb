"""What every screen has around it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gallery import BANNER, FleetScreen, Gallery, StepsScreen, TableScreen
from test_page_under_a_cursor import shown

from backends.text import Untrusted
from widgets.frame import WhyLine, banner_line, keys_line
from widgets.line import line
from widgets.prompt import Prompt
from widgets.table import VirtualTable


def test_the_banner_says_environment_mode_person_clock_and_age():
    assert banner_line(BANNER, 80).text.rstrip() == (" PROD demo | read-only | mara@bastion | sim 2013-04-26 18:00 EDT | data 25m")
    wide = banner_line(BANNER, 120).text
    assert len(wide) == 120 and wide.endswith("data 25m | chain whole | 1 console ")


def test_an_override_takes_the_middle_of_the_banner():
    facts = replace(BANNER, override="OVERRIDE arrival-delay fallback 3h58")
    assert banner_line(facts, 80).text.rstrip() == " PROD demo | OVERRIDE arrival-delay fallback 3h58 | data 25m"


def test_an_override_gives_way_before_the_clock_does():
    late = replace(
        BANNER,
        override="OVERRIDE arrival-delay fallback overdue 27h",
        short_override="OVERDUE arrival-delay fallback 27h",
        short_clock="sim 18:00",
        data="data 2h OLD",
    )
    assert banner_line(late, 80).text.rstrip() == " PROD demo | OVERDUE arrival-delay fallback 27h | sim 18:00 | data 2h OLD"
    long = replace(late, short_override="OVERDUE arrival-delay-of-all-flights-of-the-year fallback 27h")
    assert banner_line(long, 80).text == " PROD demo | OVERDUE arrival-dela~he-year fallback 27h | sim 18:00 | data 2h OLD"


def test_of_several_overrides_none_is_cut_and_those_that_do_not_fit_are_counted():
    facts = replace(BANNER, override="POLICIES BROKEN", further=("BREAK-GLASS REV-1a2b3c unreviewed", "OVERRIDE arrival-delay killed 12m"))
    assert banner_line(facts, 80).text.rstrip() == " PROD demo | POLICIES BROKEN  BREAK-GLASS REV-1a2b3c unreviewed  +1 | data 25m"
    assert banner_line(facts, 50).text.rstrip() == " PROD demo | POLICIES BROKEN  +2 | data 25m"
    assert "unreviewed  OVERRIDE arrival-delay killed 12m   " in banner_line(facts, 140).text


def test_beside_an_override_the_clock_stays_as_far_as_there_is_room():
    facts = replace(BANNER, override="OVERRIDE arrival-delay fallback 3h58", short_clock="sim 18:00")
    assert banner_line(facts, 80).text.rstrip() == " PROD demo | OVERRIDE arrival-delay fallback 3h58 | sim 18:00 | data 25m"
    wide = banner_line(facts, 140).text
    assert "OVERRIDE arrival-delay fallback 3h58 | mara@bastion | sim 2013-04-26 18:00 EDT" in wide and wide.endswith("1 console ")


def test_the_keys_for_help_and_back_end_the_line_however_little_room_there_is():
    keys = [(str(n), "word") for n in range(12)]
    kept = [("?", ""), ("q", "")]
    assert keys_line(keys, 24, kept).text == "0 word  1 word  ?  q"
    assert keys_line(keys, 8, kept).text == "?  q"
    assert keys_line(keys, 200, kept).text.endswith("8 word  ?  q")


def test_a_message_that_does_not_fit_beside_the_verb_has_the_line_to_itself():
    why = WhyLine()
    why.show(line("short"), verb="quality arrival-delay")
    assert why.composed(80).text.endswith("qd quality arrival-delay")
    why.say(line("written: " + "x" * 60 + " END"))
    assert why.composed(80).text.rstrip().endswith("END")
    why.show(line("w" * 90))
    assert "w.. qd quality arrival-delay" in why.composed(80).text, "a reason that is cut says so, and keeps its verb"


@pytest.mark.parametrize("width", [80, 99, 100, 120, 200])
def test_a_long_name_never_pushes_the_age_off_the_banner(width):
    facts = replace(BANNER, who=Untrusted("m" * 300))
    text = banner_line(facts, width).text
    assert len(text) == width
    assert "data 25m" in text and text.startswith(" PROD")


def test_at_most_nine_whole_keys_are_listed():
    keys = [(str(n), "word") for n in range(12)]
    assert keys_line(keys, 200).text.split("  ") == [f"{n} word" for n in range(9)]
    assert keys_line(keys, 20).text == "0 word  1 word"


async def test_a_message_stands_on_line_23_until_the_cursor_moves():
    app = Gallery(FleetScreen())
    async with app.run_test() as pilot:
        screen = app.screen
        assert isinstance(screen, FleetScreen)
        screen.why.say(line("copied 34 bytes"))
        await pilot.pause()
        assert shown(app)[22].startswith("copied 34 bytes") and shown(app)[22].endswith("qd fleet")
        await pilot.press("j")
        assert shown(app)[22].startswith(". cancellation")


async def test_better_order_is_said_on_line_2():
    app = Gallery(FleetScreen())
    async with app.run_test() as pilot:
        screen = app.screen
        assert isinstance(screen, FleetScreen)
        screen.heading.show(line("Fleet  3 models"), better_order=True)
        await pilot.pause()
        assert shown(app)[1] == "Fleet  3 models".ljust(75) + "*sort"


@pytest.mark.parametrize("size", [(79, 24), (80, 23), (20, 5)])
async def test_below_80x24_there_is_one_line_and_keys_do_nothing_but_leave(size):
    app = Gallery(FleetScreen())
    async with app.run_test(size=size) as pilot:
        assert shown(app)[0].startswith("needs 80x24"[: size[0]])
        assert [row for row in shown(app)[1:] if row] == []
        await pilot.press("j", "enter", "c")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert shown(app)[3].startswith(">X arrival-delay")
        await pilot.press("j")
        assert shown(app)[4].startswith(">! cancellation")
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.press("q")
    assert app.return_code == 0


async def test_steps_and_detail_have_a_cursor_each_and_tab_goes_between():
    app = Gallery(StepsScreen())
    async with app.run_test() as pilot:
        await pilot.pause()
        assert shown(app)[3] == ">. 1 check  data bug?   none |"
        assert shown(app)[4] == " . 2 check  labels sound? ok | > fallback     .528   .265"
        await pilot.press("j", "tab", "j")
        assert shown(app)[4] == ">. 2 check  labels sound? ok |   fallback     .528   .265"
        assert shown(app)[5] == " ! 3 check  input drift? yes | > rollback v1  .573   .353"
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert shown(app)[3].index("|") == 45


async def test_the_command_bar_takes_the_last_two_lines_and_tab_completes():
    app = Gallery(StepsScreen())
    async with app.run_test() as pilot:
        await pilot.press("colon", "d", "r")
        await pilot.pause()
        assert shown(app)[22] == ":dr"
        assert shown(app)[23] == f"{' drift driver  Tab completes':<54}Enter goes on  Esc cancels"
        await pilot.press("tab")
        assert shown(app)[22] == ":drift"
        await pilot.press("tab")
        assert shown(app)[22] == ":driver"
        await pilot.press("tab")
        assert shown(app)[22] == ":dr"
        await pilot.press("left", "x", "home", "y", "delete", "end", "backspace")
        assert app.screen.query_one(Prompt).text == "yx"
        await pilot.press("escape")
        await pilot.pause()
        assert shown(app)[23].startswith("j/k")


async def test_a_filter_with_a_bracket_is_text():
    app = Gallery(TableScreen(200))
    async with app.run_test() as pilot:
        await pilot.press("slash", *"[red]")
        await pilot.pause(0.2)
        assert shown(app)[22] == "/[red]"
        assert app.screen.query_one(VirtualTable).total == 0
        await pilot.press("escape")
        await pilot.pause(0.2)
        assert app.screen.query_one(VirtualTable).total == 200
