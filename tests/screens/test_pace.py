"""How often what is on the screen is read again: for what somebody did at once, for facts alone a fifth of the time at most."""

from __future__ import annotations

import pytest

from console.screens.pace import Pace
from console.session import Stamp


class Seconds:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def looked(clock: Seconds, done: str, told: str, lasting: float) -> Pace:
    pace = Pace(clock)
    pace.reads(Stamp((done,), (told,)))
    with pace.timed():
        clock.now += lasting
    return pace


def test_what_was_never_read_is_read_and_what_is_unchanged_is_not() -> None:
    clock = Seconds()
    assert Pace(clock).due(Stamp((), ()))
    pace = looked(clock, "a", "1", 2.0)
    clock.now += 1_000
    assert not pace.due(Stamp(("a",), ("1",)))


def test_facts_alone_wait_for_four_times_as_long_as_the_last_look_took() -> None:
    clock = Seconds()
    pace = looked(clock, "a", "1", 2.0)
    clock.now += 7.9
    assert not pace.due(Stamp(("a",), ("2",)))
    clock.now += 0.2
    assert pace.due(Stamp(("a",), ("2",)))


def test_what_somebody_did_waits_for_nothing() -> None:
    assert looked(Seconds(), "a", "1", 60.0).due(Stamp(("b",), ("1",)))


def test_a_look_that_failed_is_followed_by_a_rest_too() -> None:
    clock = Seconds()
    pace = Pace(clock)
    pace.reads(Stamp(("a",), ("1",)))
    with pytest.raises(OSError, match="gone"), pace.timed():
        clock.now += 10
        raise OSError("gone")
    assert not pace.due(Stamp(("a",), ("2",)))
