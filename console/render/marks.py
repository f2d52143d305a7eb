"""What changed, as letters on the axis of a course and their words below it. Never more than fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final

from console.render import figures
from widgets.line import Line, joined, line

if TYPE_CHECKING:
    from console.views.health.model import Mark

MOST: Final = 3
"""Lines of words: a course is looked at, Changes is read."""

AXIS: Final = 14
"""Cells of a chart that are no canvas, at most."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What is marked: letters with their places on the axis, and their words."""

    letters: tuple[tuple[float, str], ...] = ()
    words: tuple[Line, ...] = ()


def marked(marks: Sequence[Mark], place_of: Callable[[datetime], float | None], zone: tzinfo, width: int, room: int) -> Marked:
    """The newest changes that lie on the axis, `room` lines of them at most; those in one cell share a letter."""
    groups: list[tuple[float, list[Mark]]] = []
    for mark in marks:
        place = place_of(mark.at)
        if place is None or not 0.0 <= place <= 1.0:
            continue
        if groups and place - groups[-1][0] < 1 / max(1, width - AXIS):
            groups[-1][1].append(mark)
        else:
            groups.append((place, [mark]))
    kept = groups[-max(0, min(room, MOST)) :] if room > 0 else []
    earlier = sum(len(each) for _, each in groups[: len(groups) - len(kept)])
    letters, words = [], []
    for number, (place, together) in enumerate(kept):
        letter = chr(ord("a") + number)
        letters.append((place, letter))
        words.append(_words(letter, together, earlier if not number else 0, zone, width))
    return Marked(tuple(letters), tuple(words))


def mark_words(mark: Mark, zone: tzinfo) -> Line:
    """When, and what changed."""
    topic = "" if mark.message.raw.startswith(f"{mark.topic} ") else f"{mark.topic}: "
    return line(f"{figures.moment(mark.at, zone)} ", (topic, "dim"), mark.message)


def _words(letter: str, together: Sequence[Mark], earlier: int, zone: tzinfo, width: int) -> Line:
    more = f" and {len(together) - 1} more" if len(together) > 1 else ""
    before = f" ({earlier} earlier: qd changes)" if earlier else ""
    tail = line((f"{more}{before}", "dim"))
    head = joined([line(" ", (letter, "bold"), " "), mark_words(together[-1], zone)])
    room = max(0, width - tail.width)
    return joined([head if head.width <= room else head.cut(room), tail])
