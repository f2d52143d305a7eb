"""An elevation is of one person, in one environment, on one terminal, for some minutes: and of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from control_workspace import MODEL, TEAM, MovableClock, Workspace, confirmed, switch_to
from hypothesis import given
from hypothesis import strategies as st

from console.control import audit
from console.control.actions import ActionKind
from console.control.elevation import standing
from console.control.errors import Refused
from console.control.folding import fold
from console.control.guardrails import Guardrail
from console.control.state import ControlState
from console.control.terminal import Terminal

HERE = Terminal(host="bastion", name="pts/3", device=34819, session=4711, started="12345")
NEXT_LOGIN = HERE.model_copy(update={"session": 4999, "started": "99999"})
WALL = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


class WallClock(MovableClock):
    """A simulated clock that stands still beside a clock on the wall that does not."""

    def __init__(self) -> None:
        super().__init__()
        self.wall = WALL

    def real_now(self) -> datetime:
        return self.wall


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


def elevated(workspace: Workspace, person: str = "mara", *, minutes: float = 15, terminal: Terminal = HERE, **more: object) -> None:
    desk = workspace.desk(person, terminal=terminal, **more)
    desk.elevate(timedelta(minutes=minutes), reason="drill", environment="production", key=f"{person} {terminal.session}")


def may_restore(workspace: Workspace, person: str = "mara", terminal: Terminal | None = HERE) -> bool:
    plan = workspace.desk(person, terminal=terminal).plan(switch_to(ActionKind.RESTORE))
    assert plan.allowed or "elevate first" in (plan.refusal or ""), plan.refusal
    return plan.allowed


@pytest.fixture
def killed(workspace: Workspace) -> Workspace:
    mara = workspace.desk("mara")
    mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    return workspace


def test_it_lets_through_what_was_kept_back_and_only_on_this_terminal(killed: Workspace) -> None:
    assert not may_restore(killed)
    elevated(killed)
    assert may_restore(killed)
    for other in (None, NEXT_LOGIN, HERE.model_copy(update={"device": 34820}), HERE.model_copy(update={"host": "elsewhere"})):
        assert not may_restore(killed, terminal=other)
    assert not may_restore(killed, "otto")


def test_it_ends_by_the_clock_on_the_wall_though_the_simulated_one_stands_still(killed: Workspace, clock: WallClock) -> None:
    elevated(killed, minutes=15)
    clock.wall += timedelta(minutes=14, seconds=59)
    assert may_restore(killed)
    clock.wall += timedelta(seconds=1)
    assert not may_restore(killed)


def test_a_clock_that_is_put_back_does_not_prolong_it(killed: Workspace, clock: WallClock) -> None:
    elevated(killed)
    clock.wall -= timedelta(hours=1)
    assert not may_restore(killed)


@pytest.mark.parametrize("by", ["mara", "otto"])
def test_once_the_journal_has_passed_its_end_no_clock_that_is_set_back_revives_it(killed: Workspace, clock: WallClock, by: str) -> None:
    elevated(killed, minutes=15)
    clock.wall += timedelta(minutes=16)
    desk = killed.desk(by)
    desk.act(switch_to(ActionKind.NOTE, reason="tea"))
    clock.wall -= timedelta(minutes=10)
    assert not may_restore(killed)


def test_a_clock_that_was_far_ahead_once_takes_nothing_from_one_that_begins_later(killed: Workspace, clock: WallClock) -> None:
    clock.wall += timedelta(days=4000)
    killed.desk("otto").act(switch_to(ActionKind.NOTE, reason="in the wrong year"))
    clock.wall = WALL
    elevated(killed)
    assert may_restore(killed)


def test_a_plan_from_before_its_end_is_refused_after_it(killed: Workspace, clock: WallClock) -> None:
    elevated(killed)
    desk = killed.desk("mara", terminal=HERE)
    plan = desk.plan(switch_to(ActionKind.RESTORE))
    clock.wall += timedelta(hours=1)
    assert "elevate first" in desk.execute(plan, confirmed()).message
    assert killed.switch == "killed"


def test_it_can_be_ended_and_both_are_on_record_with_the_terminal(killed: Workspace) -> None:
    elevated(killed)
    assert killed.desk("mara", terminal=HERE).drop_elevation(environment="production", key="off")
    assert not may_restore(killed)
    assert not killed.desk("mara", terminal=HERE).drop_elevation(environment="production", key="again")
    entries = [entry for entry in audit.log(killed.paths, limit=None) if entry.kind.startswith("elevation.")]
    assert [entry.kind for entry in entries] == ["elevation.ended", "elevation.begun"]
    assert entries[1].body["terminal"]["name"] == "pts/3" and entries[1].body["reason"] == "drill"
    assert audit.verify(killed.paths).whole


def test_the_same_key_again_does_not_begin_anew_after_its_end(killed: Workspace, clock: WallClock) -> None:
    elevated(killed, minutes=10)
    clock.wall += timedelta(minutes=11)
    with pytest.raises(Refused):
        elevated(killed, minutes=10)
    assert not may_restore(killed)


def test_another_one_here_takes_its_place(killed: Workspace, clock: WallClock) -> None:
    elevated(killed, minutes=60)
    killed.desk("mara", terminal=HERE).elevate(timedelta(minutes=5), reason="less", environment="production", key="second")
    clock.wall += timedelta(minutes=6)
    assert not may_restore(killed)


@pytest.mark.parametrize("person", ["nobody", "ilse"])
def test_who_has_no_role_for_it_is_not_elevated(killed: Workspace, person: str) -> None:
    with pytest.raises(Refused, match="needs one of operator, releaser, admin"):
        elevated(killed, person)


def test_it_gives_no_role_that_was_not_there(killed: Workspace) -> None:
    elevated(killed, "ines")
    plan = killed.desk("ines", terminal=HERE).plan(switch_to(ActionKind.KILL))
    assert "needs one of" in (plan.refusal or "")


@pytest.mark.parametrize(("minutes", "said"), [(0, "between"), (-1, "between"), (241, "at most|between a second and 4 h")])
def test_a_length_that_cannot_be_is_refused(killed: Workspace, minutes: float, said: str) -> None:
    with pytest.raises(Refused, match=said):
        elevated(killed, minutes=minutes)


def test_a_guardrail_shortens_it_and_is_named(killed: Workspace) -> None:
    rail = Guardrail(id="short", title="Half an hour", kinds=(ActionKind.ELEVATE,), models=("p-*",), max_elevation=timedelta(minutes=30))
    policy = TEAM.model_copy(update={"guardrails": (rail,)})
    with pytest.raises(Refused, match=r"30 min .guardrail short"):
        elevated(killed, minutes=31, policy=policy)
    elevated(killed, minutes=30, policy=policy)


def test_a_guardrail_that_denies_it_wins_over_one_that_stands(killed: Workspace) -> None:
    elevated(killed)
    rail = Guardrail(id="calm", title="Nobody tonight", kinds=(ActionKind.ELEVATE,), models=(MODEL,), deny=True)
    desk = killed.desk("mara", terminal=HERE, policy=TEAM.model_copy(update={"guardrails": (rail,)}))
    assert "calm" in (desk.plan(switch_to(ActionKind.RESTORE)).refusal or "")


def test_without_a_reason_a_terminal_or_a_read_only_environment_there_is_none(killed: Workspace) -> None:
    desk = killed.desk("mara", terminal=HERE)
    with pytest.raises(Refused, match="say why"):
        desk.elevate(timedelta(minutes=5), reason=" ", environment="production", key="k")
    with pytest.raises(Refused, match="not read-only"):
        desk.elevate(timedelta(minutes=5), reason="x", environment="staging", key="k")
    with pytest.raises(Refused, match="no terminal"):
        killed.desk("mara").elevate(timedelta(minutes=5), reason="x", environment="production", key="k")
    with pytest.raises(Refused, match="--read-only"):
        killed.desk("mara", terminal=HERE, read_only=True).elevate(timedelta(minutes=5), reason="x", environment="production", key="k")


def test_nobody_is_elevated_while_the_journal_cannot_be_read(killed: Workspace, tmp_path: Path) -> None:
    elevated(killed)
    killed.close()
    killed.paths.control.rename(tmp_path / "gone")
    killed.paths.control.mkdir()
    assert killed.desk("mara", terminal=HERE).elevation("production") is None


@given(st.lists(st.tuples(st.sampled_from(["mara", "otto"]), st.integers(1, 90), st.integers(0, 120), st.booleans()), max_size=12))
def test_folded_in_any_portions_it_stands_for_exactly_its_minutes(steps: list[tuple[str, int, int, bool]]) -> None:
    from backends.journal.entries import Entry
    from console.control.elevation import subject_of

    now, entries, expected = WALL, [], {}
    for number, (person, minutes, pause, off) in enumerate(steps):
        now += timedelta(minutes=pause)
        subject = subject_of(person, "production", HERE)
        body = {"of": subject} if off else {
            "of": subject, "since": now.isoformat(), "until": (now + timedelta(minutes=minutes)).isoformat(), "reason": "r",
        }  # fmt: skip
        kind = "elevation.ended" if off else "elevation.begun"
        entries.append(Entry(number + 1, f"k{number}", kind, "elevation production", now, now, {"name": person}, body, "", ""))
        expected[person] = None if off else (now, now + timedelta(minutes=minutes))
    half = len(entries) // 2
    whole, parts = fold(entries), fold(entries[half:], fold(entries[:half]))
    assert whole.elevations == parts.elevations
    for person, span in expected.items():
        found = standing(whole, person, "production", HERE, now)
        assert (found is not None) == (span is not None and span[0] <= now < span[1])
    assert standing(ControlState(), "mara", "production", HERE, now) is None
