"""What is recorded and moves little, killed at any point: it is on record once it is on disk, once and whole, and the same key goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from control_workspace import MODEL, Workspace, switch_to
from test_break_glass import STRICT, act, broken, the_review
from test_crash import every_point, whole
from test_elevation import HERE, WallClock
from test_retrains import asked, recorded, run, standing

from backends.local.reading import LocalAliases
from console.control import audit
from console.control.actions import ActionKind, ActionState

Step = Callable[[Workspace], object]


def at_every_point(workspace: Workspace, scratch: Path, step: Step, is_on_record: Callable[[Workspace], bool]) -> None:
    """`step`, killed anywhere, is on record or not; done again with the same key it is there once, and the chain is whole."""
    workspace.close()

    def check(copy: Workspace, point: int) -> str:
        assert copy.state.problem is None, f"point {point}"
        before, entries = is_on_record(copy), len(audit.log(copy.paths, limit=None))
        step(copy)
        assert is_on_record(copy), f"point {point}: the same key does not go on"
        assert before == (len(audit.log(copy.paths, limit=None)) == entries), f"point {point}: on record {before}"
        step(copy)
        assert len(audit.log(copy.paths, limit=None)) == entries + (not before), f"point {point}: twice"
        whole(copy, point)
        return "on record" if before else "nothing"

    found = every_point(workspace.paths.root, scratch, lambda copy: _none(step(copy)), check)
    assert found[0] == "nothing" and found[-1] == "on record"


def _none(_: object) -> None:
    return None


def timed(step: Step) -> Step:
    """`step` by a wall clock that stands still, so that what a repetition writes is the same."""

    def still(copy: Workspace) -> object:
        copy.clock = WallClock()
        return step(copy)

    return still


def test_an_elevation_killed_anywhere_has_begun_or_has_not(workspace: Workspace, tmp_path: Path) -> None:
    @timed
    def elevate(copy: Workspace) -> object:
        return copy.desk(terminal=HERE).elevate(timedelta(minutes=5), reason="drill", environment="production", key="e")

    def stands(copy: Workspace) -> bool:
        copy.clock = WallClock()
        begun = [entry for entry in audit.log(copy.paths, limit=None) if entry.kind == "elevation.begun"]
        # Nobody is elevated without the entry that says so, and nobody stays behind half elevated.
        assert (copy.desk(terminal=HERE).elevation("production") is not None) == bool(begun)
        return bool(begun)

    at_every_point(workspace, tmp_path, elevate, stands)


def test_the_end_of_an_elevation_killed_anywhere_is_its_end_or_is_not(workspace: Workspace, tmp_path: Path) -> None:
    workspace.clock = WallClock()
    workspace.desk(terminal=HERE).elevate(timedelta(minutes=5), reason="drill", environment="production", key="e")

    @timed
    def drop(copy: Workspace) -> object:
        return copy.desk(terminal=HERE).drop_elevation(environment="production", key="off")

    def ended(copy: Workspace) -> bool:
        copy.clock = WallClock()
        return copy.desk(terminal=HERE).elevation("production") is None

    at_every_point(workspace, tmp_path, drop, ended)


def test_the_review_of_a_broken_glass_killed_anywhere_is_closed_once_or_stays_open(workspace: Workspace, tmp_path: Path) -> None:
    act(workspace, broken(switch_to(ActionKind.KILL)))
    review = the_review(workspace).id

    def close(copy: Workspace) -> object:
        return copy.desk("ilse", policy=STRICT).review(review, verdict="justified", reason="nobody answered")

    def closed(copy: Workspace) -> bool:
        found = the_review(copy)
        assert (found.verdict is not None) == (not found.open) == (not copy.state.open_reviews("production", MODEL))
        return not found.open

    at_every_point(workspace, tmp_path, close, closed)


def test_the_beginning_and_the_steps_of_a_playbook_run_killed_anywhere(workspace: Workspace, tmp_path: Path) -> None:
    def begin(copy: Workspace) -> str:
        return copy.desk().open_run("late-gap", {"digest": "d"}, environment="production", model=MODEL, incident=None, key="r")

    at_every_point(workspace, tmp_path / "begin", begin, lambda copy: list(copy.state.runs) == ["RUN-1"])
    begin(workspace)

    def step(copy: Workspace) -> None:
        copy.desk().append_run_event("RUN-1", "step", {"n": 1, "answer": "real"}, key="000001")

    def taken(copy: Workspace) -> bool:
        bodies = [event.body for event in copy.state.runs["RUN-1"][1:]]
        assert bodies in ([], [{"n": 1, "answer": "real"}])
        return bool(bodies)

    at_every_point(workspace, tmp_path / "step", step, taken)


def test_withdrawing_a_request_for_a_run_killed_anywhere_leaves_it_asked_or_withdrawn(workspace: Workspace, tmp_path: Path) -> None:
    action = asked(workspace, key="k7").action_id
    workspace.close()

    def withdraw(copy: Workspace) -> None:
        assert copy.desk("otto").resolve(action, effective=False, reason="not now").state is ActionState.FAILED

    def check(copy: Workspace, point: int) -> str:
        state, asks = copy.state.actions[action].state, standing(copy)
        assert state is not ActionState.FAILED or asks is None, f"point {point}: called withdrawn while a pipeline still reads it"
        assert state is not ActionState.EFFECTIVE
        withdraw(copy)
        assert standing(copy) is None and copy.state.actions[action].state is ActionState.FAILED, f"point {point}"
        # A run that says later that it answers it changes nothing of what was said.
        recorded(copy, run("k7"))
        assert copy.desk("otto").recheck(action).state is ActionState.FAILED
        assert asked(copy, key="k8").state is ActionState.SENT
        whole(copy, point)
        return "withdrawn" if state is ActionState.FAILED else "unread" if asks is None else "asked"

    found = every_point(workspace.paths.root, tmp_path, withdraw, check)
    assert set(found) == {"asked", "unread", "withdrawn"}


def test_naming_a_version_that_serves_nobody_killed_anywhere_is_noted_before_it_is_so(workspace: Workspace, tmp_path: Path) -> None:
    workspace.close()

    def name(copy: Workspace) -> None:
        copy.desk("ines").name_version("production", MODEL, "challenger", "3", key="c")

    def check(copy: Workspace, point: int) -> str:
        named = LocalAliases(copy.paths.registry).alias("production", MODEL, "challenger") is not None
        noted = any(entry.key == "noted/c" for entry in audit.log(copy.paths, limit=None))
        assert noted or not named, f"point {point}: moved without a note"
        name(copy)
        name(copy)
        moves = [each for each in LocalAliases(copy.paths.registry).alias_history("production", MODEL) if each.alias == "challenger"]
        assert [each.version for each in moves] == ["3"], f"point {point}"
        assert [entry.key for entry in audit.log(copy.paths, limit=None)].count("noted/c") == 1, f"point {point}"
        whole(copy, point)
        return "named" if named else "noted" if noted else "nothing"

    assert set(every_point(workspace.paths.root, tmp_path, name, check)) == {"nothing", "noted", "named"}
