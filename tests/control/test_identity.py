"""Who acts is who the operating system says, unless the workspace plays."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from control_workspace import MODEL, TEAM, MovableClock, Workspace, confirmed, promotion, switch_to

from backends.store.paths import WorkspacePaths
from console.clock import PastClock, SystemClock
from console.control import audit, identity
from console.control.actions import ActionKind, ActionState
from console.control.desk import Desk
from console.control.errors import Refused
from console.control.identity import Actor, current_actor
from console.control.leases import lease
from console.control.roles import Grant, Policy, Role
from console.control.terminal import this_process


def test_the_user_of_the_process_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.2.0.14 51234 10.2.0.1 22")
    monkeypatch.delenv("SUDO_USER", raising=False)
    actor = current_actor(SystemClock())
    assert actor.name == getpass.getuser() and not actor.played
    assert actor.ssh == "10.2.0.14"
    assert actor.who == f"{actor.name}@{actor.host}"


def test_behind_sudo_the_person_counts_and_the_account_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "daemon")
    monkeypatch.setattr(identity.os, "getuid", lambda: 0)
    assert (Actor.from_os().name, Actor.from_os().sudo, Actor.from_os().behind) == ("daemon", "root", None)
    monkeypatch.setattr(identity.os, "getuid", lambda: 65534)
    assert Actor.from_os().name != "daemon", "only root can have come through sudo"
    assert Actor.from_os().behind == "daemon", "and who acts through another account is on record"


@pytest.mark.parametrize("forged", ["*", "Daemon", "d\u0430emon", "daemon\n", "daemon ", "x" * 300, "nobody-of-this-name"])
def test_what_sudo_could_not_have_said_makes_nobody_of_root(monkeypatch: pytest.MonkeyPatch, forged: str) -> None:
    monkeypatch.setenv("SUDO_USER", forged)
    monkeypatch.setattr(identity.os, "getuid", lambda: 0)
    assert (Actor.from_os().name, Actor.from_os().sudo) == ("root", None)


@pytest.mark.parametrize(
    ("asks", "approves"),
    [
        (Actor(name="ines", host="build"), Actor(name="ilse", host="build", behind="ines")),
        (Actor(name="ines", host="build", behind="ilse"), Actor(name="ilse", host="build")),
        (Actor(name="ines", host="build", behind="mara"), Actor(name="ilse", host="build", behind="mara")),
    ],
    ids=["by the approver's account", "by the requester's account", "by both"],
)
def test_nobody_approves_their_own_request_by_way_of_another_account(workspace: Workspace, asks: Actor, approves: Actor) -> None:
    with Desk(workspace.paths, workspace.clock, asks, policy=TEAM, elevated=True) as desk:
        asked = desk.execute(desk.plan(promotion("3")), confirmed())
    assert asked.state is ActionState.WAITING, asked.message
    approval = workspace.state.approvals[asked.approval]
    with (
        Desk(workspace.paths, workspace.clock, approves, policy=TEAM) as desk,
        pytest.raises(Refused, match="acts through another account"),
    ):
        desk.approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL)
    assert workspace.state.approvals[approval.id].granted == 0
    assert workspace.desk("otto").approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL).granted == 1


@pytest.mark.parametrize(
    ("called", "said"), [("", "localhost"), (".inside", "localhost"), ("\udcff\udc9b", "\\udcff\\udc9b"), ("x" * 300, "x" * 64)]
)
def test_a_machine_of_whatever_name_or_of_none_stops_its_models(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, called: str, said: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: called)
    actor = current_actor(SystemClock())
    assert actor.host == Actor.of_program("rule").host == said
    desk = Desk(workspace.paths, SystemClock(), actor, policy=Policy.personal(actor.name), terminal=this_process())
    outcome = desk.execute(desk.plan(switch_to(ActionKind.KILL)), confirmed())
    desk.close()
    assert outcome.state is ActionState.EFFECTIVE and workspace.switch == "killed"
    [killed] = [action for action in workspace.state.actions.values() if action.kind is ActionKind.KILL]
    assert killed.actor.who == f"{actor.name}@{said}" and audit.verify(workspace.paths).whole


def test_somebody_else_is_played_only_where_time_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    played = current_actor(MovableClock())
    assert played.who == "ilse@desk" and played.played
    for clock in (SystemClock(), PastClock(datetime(2013, 4, 26, tzinfo=UTC))):
        assert current_actor(clock).name == getpass.getuser()


@pytest.mark.parametrize("bad", ["a b", "@host", "a@b@c", "x" * 100])
def test_a_played_name_must_be_a_name(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", bad)
    with pytest.raises(ValueError, match="name or name@host"):
        current_actor(MovableClock())


def test_somebody_unknown_may_look_and_roles_add_up() -> None:
    policy = Policy(
        grants=(
            Grant(person="otto", roles=(Role.OPERATOR,), environments=("staging",)),
            Grant(person="otto", roles=(Role.APPROVER,)),
            Grant(person="*", roles=(Role.VIEWER,)),
        )
    )
    assert policy.roles_of("nobody", "production") == {Role.VIEWER}
    assert policy.roles_of("otto", "staging") == {Role.VIEWER, Role.OPERATOR, Role.APPROVER}
    assert policy.roles_of("otto", "production") == {Role.VIEWER, Role.APPROVER}
    assert policy.digest != Policy().digest


def test_a_step_of_the_evaluator_runs_once_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, clock, minute = WorkspacePaths(tmp_path), SystemClock(), timedelta(minutes=1)
    with lease(paths, "compact", minute, clock) as held:
        assert held
        monkeypatch.setattr("console.control.leases.this_holder", lambda: type("Holder", (), {"host": "h", "pid": 1, "started": ""}))
        with lease(paths, "compact", minute, clock) as second:
            assert not second
        with lease(paths, "evaluate", minute, clock) as other:
            assert other
    with lease(paths, "compact", minute, clock) as again:
        assert again
