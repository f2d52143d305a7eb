"""A circuit breaker in whatever order calls, answers, time and people come: it opens when it should, and tries one call at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from backends.breaker import Breaker, BreakerRule, BreakerState, Forced, Permit

START = datetime(2026, 1, 1, tzinfo=UTC)
RULE = BreakerRule(
    minimum_calls=4,
    failure_share=0.5,
    window=timedelta(seconds=60),
    cool_down=timedelta(seconds=30),
    probe=timedelta(seconds=20),
)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def after(*answers: bool, breaker: Breaker | None = None) -> Breaker:
    """A breaker that has seen these answers, one a second."""
    found = breaker or Breaker()
    for second, ok in enumerate(answers):
        found, permit = found.asked(RULE, at(second))
        assert permit.allowed
        found = found.answered(RULE, at(second), permit, None if ok else f"failure {second}")
    return found


def held(open_: bool, until: float) -> Forced:
    return Forced(open_, "mara", "it pages for nothing", START, at(until))


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ((False, False, False), BreakerState.CLOSED),
        ((False, False, False, False), BreakerState.OPEN),
        ((True, True, False, False), BreakerState.OPEN),
        ((True, True, True, False), BreakerState.CLOSED),
        ((False, False, True, True), BreakerState.CLOSED),
        ((True, True, True, False, False), BreakerState.CLOSED),
        ((True, True, True, False, False, False), BreakerState.OPEN),
    ],
)
def test_it_opens_at_its_share_of_failures_once_there_were_enough_calls(answers: tuple[bool, ...], state: BreakerState) -> None:
    """Four at least, half of them failed; and only a failure opens it."""
    assert after(*answers).state(RULE, at(len(answers))) is state


def test_failures_that_lie_before_the_window_do_not_count() -> None:
    breaker = after(False, False, False)
    breaker, permit = breaker.asked(RULE, at(62))
    breaker = breaker.answered(RULE, at(62), permit, "late")
    assert (breaker.state(RULE, at(62)), breaker.counted(RULE, at(62))) == (BreakerState.CLOSED, (1, 1))


def test_an_open_one_lets_nothing_through_and_says_when_it_tries_again() -> None:
    breaker = after(False, False, False, False)
    assert breaker.asked(RULE, at(4))[1] == Permit(False)
    assert breaker.next_try_at(RULE, at(4)) == at(3 + 30)
    assert breaker.last_error == "failure 3"


def test_after_the_cool_down_one_call_is_tried_and_the_others_wait_for_it() -> None:
    breaker = after(False, False, False, False)
    assert breaker.state(RULE, at(33)) is BreakerState.HALF_OPEN
    breaker, first = breaker.asked(RULE, at(33))
    breaker, second = breaker.asked(RULE, at(34))
    assert (first, second) == (Permit(True, probe=True), Permit(False))
    assert breaker.answered(RULE, at(35), first).state(RULE, at(35)) is BreakerState.CLOSED
    again = breaker.answered(RULE, at(35), first, "still down")
    assert again.state(RULE, at(36)) is BreakerState.OPEN and again.next_try_at(RULE, at(36)) == at(65)


def test_a_probe_that_is_never_answered_does_not_hold_it_up_for_ever() -> None:
    breaker, lost = after(False, False, False, False).asked(RULE, at(33))
    assert breaker.next_try_at(RULE, at(40)) == at(53)
    breaker, another = breaker.asked(RULE, at(53))
    assert lost.probe and another == Permit(True, probe=True)


def test_an_answer_to_a_call_from_before_it_opened_decides_nothing() -> None:
    breaker, old = Breaker().asked(RULE, at(0))
    breaker = after(False, False, False, False, breaker=breaker)
    for moment in (10, 33):
        for error in (None, "slow"):
            assert breaker.answered(RULE, at(moment), old, error).opened_at == breaker.opened_at


def test_a_clock_that_was_set_back_does_not_keep_it_open() -> None:
    breaker = after(False, False, False, False)
    assert breaker.state(RULE, at(-3600)) is BreakerState.HALF_OPEN


def test_held_open_it_stays_so_past_its_end_and_its_owner_is_asked() -> None:
    breaker = Breaker().held(held(True, 100))
    for moment in (1, 99, 100, 100_000):
        assert breaker.state(RULE, at(moment)) is BreakerState.FORCED_OPEN
        assert breaker.asked(RULE, at(moment))[1] == Permit(False)
        assert breaker.overdue(at(moment)) is (moment >= 100)
    assert breaker.let_go().state(RULE, at(100_000)) is BreakerState.CLOSED


def test_held_closed_it_lets_everything_through_and_is_automatic_after_its_end() -> None:
    breaker = after(False, False, False, False).held(held(False, 100))
    assert breaker.state(RULE, at(5)) is BreakerState.FORCED_CLOSED
    for second in range(10):
        breaker, permit = breaker.asked(RULE, at(5 + second))
        assert permit == Permit(True)
        breaker = breaker.answered(RULE, at(5 + second), permit, "down")
    assert breaker.state(RULE, at(99)) is BreakerState.FORCED_CLOSED
    assert breaker.state(RULE, at(100)) is BreakerState.HALF_OPEN and not breaker.overdue(at(100))


class Calls(RuleBasedStateMachine):
    """Against a reckoning of its own, by the list of everything that happened."""

    permits = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker()
        self.counted: list[tuple[float, bool]] = []
        self.opened: float | None = None
        self.probe: tuple[float, int] | None = None
        self.forced: tuple[bool, float] | None = None
        self.number = 0

    def expected(self) -> BreakerState:
        if self.forced is not None and self.forced[0]:
            return BreakerState.FORCED_OPEN
        if self.forced is not None and self.now < self.forced[1]:
            return BreakerState.FORCED_CLOSED
        if self.opened is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self.now < self.opened + 30 else BreakerState.HALF_OPEN

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 19.0, 20.0, 29.0, 30.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=permits)
    def ask(self) -> tuple[Permit, int]:
        state = self.expected()
        self.breaker, permit = self.breaker.asked(RULE, at(self.now))
        self.number += 1
        probing = self.probe is not None and self.now < self.probe[0] + 20
        assert permit.allowed is (
            state in {BreakerState.CLOSED, BreakerState.FORCED_CLOSED} or (state is BreakerState.HALF_OPEN and not probing)
        )
        assert permit.probe is (permit.allowed and state is BreakerState.HALF_OPEN)
        if permit.probe:
            self.probe = (self.now, self.number)
        return permit, self.number

    @rule(asked=permits, ok=st.booleans())
    def answer(self, asked: tuple[Permit, int], ok: bool) -> None:
        permit, _ = asked
        if not permit.allowed:
            return
        state = self.expected()
        self.breaker = self.breaker.answered(RULE, at(self.now), permit, None if ok else "down")
        if state is BreakerState.HALF_OPEN and permit.probe:
            self.probe = None
            if ok:
                self.opened, self.counted = None, []
            else:
                self.opened = self.now
        elif state in {BreakerState.CLOSED, BreakerState.FORCED_CLOSED}:
            self.counted.append((self.now, ok))
            recent = [good for moment, good in self.counted if self.now - 60 < moment]
            if state is BreakerState.CLOSED and not ok and len(recent) >= 4 and 2 * recent.count(False) >= len(recent):
                self.opened, self.probe = self.now, None

    @rule(open_=st.booleans(), lasts=st.sampled_from([1.0, 10.0, 100.0]))
    def somebody_holds_it(self, open_: bool, lasts: float) -> None:
        self.forced = (open_, self.now + lasts)
        self.breaker = self.breaker.held(Forced(open_, "mara", "r", at(self.now), at(self.now + lasts)))

    @rule()
    def somebody_lets_go(self) -> None:
        self.forced, self.opened, self.probe, self.counted = None, None, None, []
        self.breaker = self.breaker.let_go()

    @invariant()
    def it_stands_as_reckoned(self) -> None:
        assert self.breaker.state(RULE, at(self.now)) is self.expected()

    @invariant()
    def no_more_is_remembered_than_the_window_holds(self) -> None:
        calls, failures = self.breaker.counted(RULE, at(self.now))
        recent = [good for moment, good in self.counted if self.now - 60 < moment]
        assert (calls, failures) == (len(recent), recent.count(False))


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
