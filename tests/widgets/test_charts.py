"""Charts are lines of text: checked against places worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.chart import RAMP, Limit, Series, chart_lines, hist_lines, strip


def test_a_line_goes_from_corner_to_corner():
    rows = [one.text for one in chart_lines([Series([0.0, 1.0])], 43, 5, low=0, high=1)]
    assert [row.index("*") for row in rows] == sorted([row.index("*") for row in rows], reverse=True)
    assert rows[0].rstrip().endswith("*") and rows[-1].split("|")[1].startswith("*")


def test_limits_are_drawn_at_their_value_under_the_curve():
    lines = chart_lines([Series([0.0] * 10)], 40, 5, limits=[Limit(1.0, "critical")], low=0, high=1)
    assert lines[0].text.split("|")[1] == "-" * len(lines[0].text.split("|")[1])
    assert [span.role for span in lines[0].spans][-1] == "critical"
    assert "*" in lines[-1].text


def test_ticks_are_short_and_round():
    texts = [one.text.split("|")[0].strip() for one in chart_lines([Series([-0.1, 0.5])], 60, 9)]
    assert [text for text in texts if text] == [".4", ".2", "0"]
    texts = [one.text.split("|")[0].strip() for one in chart_lines([Series([0, 50_000])], 60, 8)]
    assert [text for text in texts if text] == ["40k", "20k", "0"]


def test_places_on_the_horizontal_axis_carry_their_texts():
    rows = chart_lines([Series([0, 1])], 80, 6, x_labels=[(0, "12 Apr"), (0.01, "no room"), (1, "26 Apr")])
    assert rows[-1].text.split() == ["12", "Apr", "26", "Apr"]
    assert rows[-1].text.endswith("26 Apr") and rows[-1].width == 80


def test_a_gap_stays_empty():
    values = [1.0] * 40 + [None] * 40 + [1.0] * 40
    drawn = chart_lines([Series(values)], 123, 4)
    row = next(one.text for one in drawn if "*" in one.text).split("|")[1]
    assert "*" not in row[45:75] and row[10] == "*" and row[100] == "*"


def test_braille_is_drawn_in_dots_and_wider_than_any_terminal_is_honoured():
    rows = [one.text for one in chart_lines([Series([math.sin(n / 9) for n in range(300)])], 300, 12, braille=True)]
    assert len(rows) == 12
    assert any(0x2800 < ord(one) <= 0x28FF for one in rows[0])
    assert max(len(row.rstrip()) for row in rows) > 290


@pytest.mark.parametrize("values", [[], [None], [math.nan, math.inf], [None, -math.inf]])
def test_nothing_to_draw_is_said(values):
    assert [one.text for one in chart_lines([Series(values)], 80, 8)] == ["no values to draw"]


@given(
    st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=60),
    st.integers(20, 130),
    st.integers(3, 20),
)
def test_whatever_the_values_the_chart_fits(values, width, height):
    lines = chart_lines([Series(values)], width, height)
    assert len(lines) <= height
    assert max(one.width for one in lines) <= width


def test_a_strip_uses_the_ramp_from_low_to_high():
    assert strip([0, 1, 2, 3, 4, 5], 6) == RAMP
    assert strip([1, None, 1], 3) == "_ _"
    assert strip([5], 4) == "   _"
    assert strip([], 3) == "   "
    assert strip([0.5], 1, low=0, high=1) == RAMP[3]
    assert strip([9, -9], 2, low=0, high=1) == "#_"


def test_a_strip_loses_neither_a_peak_nor_a_dip():
    values: list[float | None] = [5.0] * 300
    values[100], values[200] = 10.0, 0.0
    drawn = strip(values, 30)
    assert drawn[10] == "#" and drawn[20] == "_" and len(drawn) == 30


@given(st.lists(st.none() | st.floats(), max_size=200), st.integers(0, 80))
def test_a_strip_has_its_width_and_only_the_ramp(values, width):
    drawn = strip(values, width)
    assert len(drawn) == width
    assert set(drawn) <= set(RAMP + " ")


def test_two_histograms_share_one_axis():
    r = [0.072, 0.123, 0.101, 0.101, 0.089, 0.080, 0.130, 0.095, 0.089, 0.119]
    c = [0, 0, 0, 0.004, 0.008, 0.071, 0.083, 0.092, 0.151, 0.590]
    names = ["to 33.1", "33.1-36.0", "36.0-37.9", "37.9-39.9", "39.9-42.1", "42.1-44.1", "44.1-46.9", "46.9-48.9", "48.9-51.1", "51.1 up"]
    drawn = [one.text for one in hist_lines(names, r, c, 80, title="temp F")]
    assert drawn[0] == "    temp F  0 %     10 %    20 %    30 %    40 %    50 %    60 %    # both"
    assert drawn[1] == "   to 33.1  rrrrrr                                            r  7.2  c  0.0"
    assert drawn[9] == " 48.9-51.1  #######ccccc                                      r  8.9  c 15.1"
    assert drawn[10] == "   51.1 up  ##########ccccccccccccccccccccccccccccccccccccc   r 11.9  c 59.0"


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12), st.integers(60, 200))
def test_a_histogram_fits_and_its_bars_grow_with_the_shares(shares, width):
    lines = hist_lines([f"bin {n}" for n in range(len(shares))], [r for r, _ in shares], [c for _, c in shares], width)
    assert max(one.width for one in lines[1:]) <= width
    for (r, c), drawn in zip(shares, lines[1:], strict=True):
        bars = drawn.text[12 : width - 18]
        assert (bars.count("r") > 0) <= (r > c) and (bars.count("c") > 0) <= (c > r)


def test_shares_that_do_not_match_their_labels_are_refused():
    with pytest.raises(ValueError, match="2 labels, 1 reference and 1 current"):
        hist_lines(["a", "b"], [1], [1])
