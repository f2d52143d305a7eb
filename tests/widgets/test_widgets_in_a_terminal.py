"""What really reaches a terminal: bytes, sequences, the picture that they draw."""

from __future__ import annotations

import re

import pytest
from gallery import HOSTILE
from terminal import Terminal

OURS = re.compile(
    rb"\x1b\[[0-9;]*[mHJKMLr]"  # colour, place, erase, move lines
    rb"|\x1b\[\?(?:25|1000|1003|1004|1006|1015|1049|2004|2026|2048|7)[hl]"  # modes that the program sets
    rb"|\x1b\]22;[a-z-]*\x07"  # shape of the mouse pointer
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[[<>]\d*u|\x1b\[>?\d*[cq]"  # questions to the terminal
)


def foreign(data: bytes) -> list[bytes]:
    """Control sequences and codes that are not the program's own."""
    rest = OURS.sub(b"", data)
    text = rest.decode()
    return [one.encode() for one in re.findall(r"\x1b.{0,8}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)]


def numbers(rows: list[str]) -> list[int]:
    """Which rows of the long page these are."""
    return [int(found[1]) for row in rows if (found := re.search(r"row number (\d+)", row))]


@pytest.fixture
def fleet():
    with Terminal("fleet") as terminal:
        terminal.shows("qd fleet")
        terminal.quiet()
        yield terminal


def test_names_from_an_enemy_reach_the_terminal_as_visible_marks():
    with Terminal("hostile") as terminal:
        terminal.shows("cleared")
        terminal.quiet()
        for _ in HOSTILE:
            terminal.press("j")
            terminal.quiet(0.1)
        assert foreign(bytes(terminal.bytes)) == []
        assert "␛]52;c;cm0gLXJmIC8=␇copied" in terminal.text
        assert "[red]markup[/red] [link=https://evil.example]x[/link]" in terminal.text
        assert "<9B>31mC1 colour<9D>0;C1 title<9C>" in terminal.text
        assert "rtl <U+202E>gnp.exe" in terminal.text
        assert "new␊line␍return␉tab␀nul␡del␈bs" in terminal.text
        assert "lone <U+D800> surrogate" in terminal.text


def test_an_idle_screen_writes_nothing(fleet):
    assert fleet.read(3) == b""


def test_showing_the_same_page_again_writes_nothing(fleet):
    fleet.press("r")
    assert fleet.read(1) == b""


def test_a_changed_number_is_bold_until_the_next_refresh(fleet):
    fleet.press("c")
    data = fleet.shows(".999") + fleet.quiet()
    assert b"\x1b[1m.999\x1b[0m" in data
    assert len(data) < 200, "one line changed, so one line is written"
    fleet.press("c")
    data = fleet.quiet()
    assert b".999" in data
    assert b"\x1b[1m.999" not in data
    fleet.press("c")
    assert fleet.quiet() == b""


@pytest.mark.parametrize("sync", [False, True])
def test_moving_the_cursor_writes_little_even_where_the_list_scrolls(sync):
    with Terminal("long", 120, 40, sync=sync) as terminal:
        terminal.shows("row number 35")
        terminal.quiet()
        sizes = []
        for number in range(1, 60):
            terminal.press("j")
            data = terminal.until(lambda want=f"row {number} ": terminal.lines[38].startswith(want.strip()))
            sizes.append(len(data + terminal.quiet(0.05)))
        assert max(sizes) <= 1000, sizes
        assert terminal.lines[37] == "> 59 row number 59 of a long page"
        assert terminal.lines[2].startswith("  24 row number 24") and terminal.lines[2].endswith("^")
        assert numbers(terminal.lines[2:38]) == list(range(24, 60))
        for number in range(58, -1, -1):
            terminal.press("k")
            terminal.until(lambda want=f"row {number}": terminal.lines[38].split("  ")[0] == want)
        terminal.quiet()
        assert terminal.lines[2] == ">  0 row number 0 of a long page"
        assert numbers(terminal.lines[2:38]) == list(range(36))


def test_a_held_key_leaves_the_picture_that_a_redraw_would_draw():
    with Terminal("long") as terminal:
        terminal.shows("row number 15")
        terminal.quiet()
        for _ in range(7):
            terminal.press("j" * 9)
            terminal.press("k" * 4)
        terminal.until(lambda: "row 35" in terminal.lines[22])
        terminal.quiet()
        scrolled = terminal.text
        terminal.resize(81, 24)
        terminal.quiet()
        terminal.resize(80, 24)
        terminal.quiet()
        assert scrolled == terminal.text
        rows = terminal.lines[2:22]
        first = numbers(rows)[0]
        assert numbers(rows) == list(range(first, first + 20))
        assert [row[:4] for row in rows if row.startswith(">")] == ["> 35"]


@pytest.mark.parametrize("name", ["table", "short-table"])
def test_a_key_costs_the_same_bytes_on_ten_and_on_a_hundred_thousand_rows(name):
    with Terminal(name) as terminal:
        terminal.shows("row-9")
        terminal.quiet()
        for number in range(1, 9):
            terminal.press("j")
            data = terminal.until(lambda want=f"number {number} ": want in terminal.lines[22] + " ")
            assert len(data + terminal.quiet(0.05)) < 100, "the cursor, and what differs below"


def test_the_line_below_comes_with_the_cursor_in_one_piece():
    with Terminal("table", sync=True) as terminal:
        terminal.shows("row-9")
        terminal.quiet()
        terminal.press("j")
        data = terminal.until(lambda: "number 1 " in terminal.lines[22] + " ") + terminal.quiet(0.2)
        assert data.count(b"\x1b[?2026h") == 1


def test_a_page_of_a_long_table_is_at_most_eight_kilobytes():
    with Terminal("table", 120, 40) as terminal:
        terminal.shows("row-9")
        terminal.quiet()
        terminal.press("\x1b[6~")
        data = terminal.shows("row-60") + terminal.quiet()
        assert len(data) <= 8000
        terminal.press("G")
        terminal.shows(">. row-99999")


def test_sixteen_colours_are_enough_and_green_is_not_among_them(fleet):
    codes = set(re.findall(rb"\x1b\[([0-9;]*)m", bytes(fleet.bytes)))
    used = {int(part) for code in codes for part in code.split(b";") if part}
    assert used <= {0, 1, 2, 4, 7, 31, 33, 34, 39, 40, 41, 44, 45, 49, 90, 94, 97}
    assert not used & {32, 92, 38, 48}
    assert b"\x1b[7;31mX CRIT" in fleet.bytes


def test_production_has_its_own_colour_on_line_1_and_nowhere_else(fleet):
    assert bytes(fleet.bytes).count(b"\x1b[1;97;45mPROD") == bytes(fleet.bytes).count(b"PROD") > 0
    assert bytes(fleet.bytes).count(b";45m") == bytes(fleet.bytes).count(b"PROD")


def test_without_colour_only_attributes_are_written():
    with Terminal("fleet", NO_COLOR="1") as terminal:
        terminal.shows("qd fleet")
        terminal.quiet()
        codes = set(re.findall(rb"\x1b\[([0-9;]*)m", bytes(terminal.bytes)))
        used = {int(part) for code in codes for part in code.split(b";") if part}
        assert used <= {0, 1, 2, 4, 7, 39, 49}
        assert "X CRIT" in terminal.text


def test_below_80x24_one_line_says_what_is_needed_and_keys_are_refused(fleet):
    fleet.resize(60, 20)
    fleet.shows("needs 80x24, has 60x20; q leaves; or: qd fleet")
    fleet.quiet()
    assert [row for row in fleet.lines[1:] if row] == []
    fleet.press("j")
    fleet.press("c")
    assert fleet.read(0.5) == b""
    fleet.resize(80, 24)
    fleet.shows("Fleet  3 models")
    fleet.quiet()
    assert fleet.lines[3].startswith(">X arrival-delay"), "the refused key moved nothing"
    fleet.press("j")
    fleet.until(lambda: fleet.lines[4].startswith(">! cancellation"))


def test_leaving_gives_the_terminal_back(fleet):
    fleet.press("q")
    fleet.until(lambda: b"\x1b[?1049l" in fleet.bytes and b"\x1b[?25h" in fleet.bytes)
    for mode in (b"1000", b"1003", b"1006", b"2004"):
        assert bytes(fleet.bytes).rfind(b"\x1b[?" + mode + b"l") > bytes(fleet.bytes).rfind(b"\x1b[?" + mode + b"h")


def test_fleet_at_80x24_reads_as_drawn(fleet):
    assert fleet.text == "\n".join(
        [
            " PROD demo | read-only | mara@bastion | sim 2013-04-26 18:00 EDT | data 25m",
            "Fleet  3 models: 1 critical, 1 warning, 1 ok                   sort: worst first",
            "   MODEL         VER SYSTEM DATA   MODEL  BIZ    DRIFT  SLO    SWITCH  INC SINCE",
            ">X arrival-delay v2  . ok   ! warn X CRIT ? unkn . .20 X  0%  normal    1   27h",
            " ! cancellation  v1  . ok   ! warn ! warn ? unkn . .11 . 71%  normal    -    2d",
            " . air-time      v1  . ok   . ok   . ok   ~ stal . .04 . 98%  normal    -     -",
            "",
            "-- arrival-delay v2 ------------------------------------- critical, not taken --",
            " Broke first  MODEL, 22 Apr 14:00: more flights are late than the scores say",
            " Last 24 h    observed late .474   scored .136   gap +.338   AUC .651   n 753",
            " Labels       77 % of 981 have arrived; complete up to 26 Apr 10:35",
            " Gap by 12 h  12 Apr .--.._.____.-=.--._.*#**.-*#* 26 Apr   warn .20  crit .275",
            *[""] * 10,
            "X arrival-delay: illustration                                           qd fleet",
            "Enter open  i incident  w changed  R roll back  K kill switch",
        ]
    )
