"""Charts as lines: pure functions for screens and verbs alike. plotext draws the curves and is loaded only when one is drawn.

plotext must never see a value that is not finite (it ends the process), and its figure is one global object.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, TypeGuard

from backends.text import Untrusted, cell_width, displayable, shortened
from widgets.line import Line, Span, line

RAMP: Final = "_.-=*#"
"""Low to high, in marks that weigh more as the value grows."""

_FIGURE: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Series:
    """Values at equal steps of the horizontal axis; None and numbers that are not finite are gaps."""

    values: Sequence[float | None]
    role: str = ""
    marker: str = "*"
    """The character in ASCII charts; braille charts draw dots."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A horizontal line at a value. Tell limits apart by `marker`; a role that reverses would paint the whole row."""

    value: float
    role: str = "dim"
    marker: str = "-"


def chart_lines(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    limits: Sequence[Limit] = (),
    x_labels: Sequence[tuple[float, str]] = (),
    x_marks: Sequence[tuple[float, str]] = (),
    low: float | None = None,
    high: float | None = None,
    braille: bool = False,
) -> list[Line]:
    """Curves over one axis, in `height` lines of at most `width` cells; the last line is the x labels, the one before the marks, if any.

    `x_labels` and `x_marks`: `(place, text)`, place 0 at the left edge and 1 at the right one. The vertical axis covers values and limits
    unless `low` and `high` say otherwise; values outside are drawn at its edge. Without any value one line says so.
    """
    known = [value for each in series for value in each.values if _finite(value)]
    rows = height - (1 if x_labels else 0) - (1 if x_marks else 0)
    if not known or rows < 2:
        return [line(("no values to draw", "dim"))]
    bottom, top = _bounds([*known, *(limit.value for limit in limits)], low, high)
    ticks = _ticks(bottom, top, rows)
    label_width = max(cell_width(text) for _, text in ticks)
    canvas = width - label_width - 2
    if canvas < 8:
        return [line(("too narrow to draw", "dim"))]
    size, bounds = (canvas, rows), (bottom, top)
    cells: list[list[tuple[str, str]]] = [[(" ", "")] * canvas for _ in range(rows)]
    for limit in limits:
        _lay(cells, _raster([limit.value] * 2, size, bounds, limit.marker), limit.role)
    for each in series:
        _lay(cells, _raster(each.values, size, bounds, "braille" if braille else each.marker), each.role)
    labels = {_row_of(value, rows, bottom, top): text for value, text in ticks}
    drawn = [_joined(labels.get(row, "").rjust(label_width), cells[row]) for row in range(rows)]
    if x_marks:
        drawn.append(line(" " * (label_width + 2), (_placed(x_marks, canvas, apart=0), "bold")))
    if x_labels:
        drawn.append(line(" " * (label_width + 2), _placed(x_labels, canvas)))
    return drawn


def strip(values: Sequence[float | None], width: int, ramp: str = RAMP, *, low: float | None = None, high: float | None = None) -> str:
    """The course of `values` in exactly `width` characters of `ramp`, the latest at the right; a gap is a blank.

    More values than characters: each character shows the one of its values that is farthest from the median of all, so
    that neither a peak nor a dip is lost. `low` and `high` fix the scale; otherwise it spans the values.
    """
    known = [value for value in values if _finite(value)]
    if not known or width < 1:
        return " " * max(0, width)
    least = min(known) if low is None else low
    most = max(known) if high is None else high
    middle = median(known)
    count = min(width, len(values))
    drawn = []
    for place in range(count):
        bucket = values[place * len(values) // count : (place + 1) * len(values) // count]
        kept = [value for value in bucket if _finite(value)]
        if not kept:
            drawn.append(" ")
            continue
        value = max(kept, key=lambda one: abs(one - middle))
        # Halved, so that no difference of two numbers is too large to be one.
        span = most / 2 - least / 2
        share = (value / 2 - least / 2) / span if span > 0 else 0.0
        drawn.append(ramp[min(len(ramp) - 1, max(0, int(share * len(ramp))))])
    return "".join(drawn).rjust(width)


def hist_lines(
    labels: Sequence[str | Untrusted],
    reference: Sequence[float],
    current: Sequence[float],
    width: int = 80,
    *,
    title: str | Untrusted = "",
) -> list[Line]:
    """Two histograms over the same bins on one axis: `r` reference only, `c` current only, `#` both.

    `reference` and `current` are shares of 1 per bin, as many as `labels`. Raises ValueError when they are not.
    """
    if not len(labels) == len(reference) == len(current):
        raise ValueError(f"{len(labels)} labels, {len(reference)} reference and {len(current)} current shares: must be equal")
    name_width = min(20, max([10, *(cell_width(displayable(label)) for label in labels)]))
    bars = width - name_width - 20
    most = max([0.01, *(share for share in (*reference, *current) if math.isfinite(share))]) * 100
    step = next((size for size in (1, 2, 5, 10, 20, 25, 50) if bars // math.ceil(most / size) >= 7), 100)
    cells = max(1, bars // math.ceil(most / step))
    axis = "".join(f"{number * step} %".ljust(cells) for number in range(math.ceil(most / step) + 1)).rstrip()
    head = shortened(title, name_width)
    drawn = [line(" " * (name_width - cell_width(head)), head, "  ", (axis, "dim"), "    # both")]
    for label, r, c in zip(labels, reference, current, strict=True):
        name = shortened(label, name_width)
        r_cells, c_cells = (round(share * 100 / step * cells) if math.isfinite(share) else 0 for share in (r, c))
        both, more = min(r_cells, c_cells), abs(r_cells - c_cells)
        letter, role = ("r", "dim") if r_cells > c_cells else ("c", "bold")
        drawn.append(
            line(
                " " * (name_width - cell_width(name)),
                name,
                "  ",
                "#" * both,
                (letter * more, role),
                " " * max(0, bars - both - more),
                f"r {_percent(r)}  c {_percent(c)}",
            )
        )
    return drawn


def _percent(share: float) -> str:
    return f"{share * 100:4.1f}" if math.isfinite(share) else "   -"


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _bounds(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, float]:
    bottom = min(values) if low is None else low
    top = max(values) if high is None else high
    if top > bottom:
        return bottom, top
    room = abs(bottom) * 0.1 or 1.0
    return bottom - room, bottom + room


def _ticks(bottom: float, top: float, rows: int) -> list[tuple[float, str]]:
    """Round values inside the axis, at least two rows apart, with their texts (`.5`, not `0.5`)."""
    rough = (top - bottom) / max(1, (rows - 1) // 2)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.999)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(bottom / step - 1e-9)
    values = [number * step for number in range(first, math.floor(top / step + 1e-9) + 1)]
    return [(value, _short(value, digits)) for value in values] or [(bottom, _short(bottom, digits + 1))]


def _short(value: float, digits: int) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _row_of(value: float, rows: int, bottom: float, top: float) -> int:
    return rows - 1 - round((value - bottom) / (top - bottom) * (rows - 1))


def _raster(values: Sequence[float | None], size: tuple[int, int], bounds: tuple[float, float], marker: str) -> list[str]:
    """What plotext draws of one curve, as `rows` lines of text without any colour."""
    (width, rows), (bottom, top) = size, bounds
    import plotext  # 0.1 s, and only charts need it

    with _FIGURE:
        plotext.terminal.limit(False, False)
        figure = plotext.figure
        figure.clear()
        figure.theme("colorless")
        figure.plot_size(width, rows)
        figure.axes(False)
        for axis, (least, most) in (("x", (0, max(1, len(values) - 1))), ("y", (bottom, top))):
            figure.ruler(axis, "both").frequency(0)
            figure.ruler(axis).lim(least, most)
        for places, run in _runs(values):
            signal = figure.signal(places, [min(max(value, bottom), top) for value in run], marker=marker)
            if len(run) > 1:
                signal.lines()
            figure.draw(signal)
        text: str = figure.build().string(colorless=True)
        figure.clear()
    return [row.ljust(width)[:width] for row in text.split("\n")[:rows]]


def _runs(values: Sequence[float | None]) -> list[tuple[list[int], list[float]]]:
    """Stretches without a gap: places and values."""
    runs: list[tuple[list[int], list[float]]] = []
    for place, value in enumerate(values):
        if value is None or not math.isfinite(value):
            continue
        if runs and runs[-1][0][-1] == place - 1:
            runs[-1][0].append(place)
            runs[-1][1].append(value)
        else:
            runs.append(([place], [value]))
    return runs


def _lay(cells: list[list[tuple[str, str]]], raster: Sequence[str], role: str) -> None:
    for row, text in zip(cells, raster, strict=False):
        for place, character in enumerate(text):
            if character not in {" ", "\u2800"}:
                row[place] = (character, role)


def _joined(label: str, cells: Sequence[tuple[str, str]]) -> Line:
    spans = [Span(f"{label} |", "dim")]
    text, role = "", ""
    for character, its_role in cells:
        if its_role != role:
            spans.append(Span(text, role))
            text, role = "", its_role
        text += character
    spans.append(Span(text, role))
    return Line(tuple(span for span in spans if span.text))


def _placed(labels: Sequence[tuple[float, str]], width: int, apart: int = 1) -> str:
    """Texts at their places along `width` cells; one that would touch the one before is left out."""
    drawn = ""
    for place, text in labels:
        shown = displayable(text)
        start = min(round(place * (width - 1)), width - cell_width(shown))
        if start >= len(drawn) + (apart if drawn else 0):
            drawn = drawn.ljust(start) + shown
    return drawn
