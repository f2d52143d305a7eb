"""Killed at any point of asking, signing, or executing, an approval counts exactly the votes that were really signed, and is used once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from control_workspace import MODEL, Workspace, confirmed, promotion
from signing_people import Keys, running_agent
from test_crash import settled, survived, whole
from test_signatures import FACTS, KeyedClock, policy_with

from console.control.actions import ActionState
from console.control.approval import Approval, ApprovalState
from console.control.signatures import SignatureState, judged_votes, open_trust

POLICY = policy_with(quorum=2)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch, keys: Keys) -> Iterator[None]:
    """A real agent that holds the keys of both; their files are nowhere else."""
    with running_agent(monkeypatch) as running:
        for person in ("ilse", "otto"):
            running.add(keys.private(person))
        yield


@pytest.fixture
def root(workspace: Workspace, keys: Keys) -> Path:
    policies = workspace.paths.policies
    policies.mkdir()
    (policies / "allowed_signers").write_text(f"ilse {keys.public('ilse')}\notto {keys.public('otto')}\n")
    (policies / "revoked_keys").write_text("")
    return workspace.paths.root


def opened(root: Path) -> Workspace:
    return Workspace(root, KeyedClock())


def asking(workspace: Workspace) -> None:
    desk = workspace.desk("ines", elevated=True, policy=POLICY)
    outcome = desk.execute(desk.plan(promotion("3"), FACTS), confirmed("better", key="asked"))
    assert outcome.state is ActionState.WAITING, outcome.message


def signing(person: str) -> Callable[[Workspace], None]:
    def sign(workspace: Workspace) -> None:
        found = request(workspace)
        workspace.desk(person, policy=POLICY).approve(found.id, seen_digest=found.payload_digest, typed_name=MODEL)

    return sign


def executing(workspace: Workspace) -> None:
    desk = workspace.desk("ines", elevated=True, policy=POLICY)
    outcome = desk.execute(desk.plan(promotion("3"), FACTS), confirmed(key="crash"))
    assert outcome.state is ActionState.EFFECTIVE, outcome.message


def request(workspace: Workspace) -> Approval:
    [found] = [each for each in workspace.state.approvals.values() if each.payload.to == "3"]
    assert isinstance(found, Approval)
    return found


def signed_by(workspace: Workspace, point: int) -> list[str]:
    """Who approved; each of them once, over this very payload, with their own key."""
    found, trust = request(workspace), open_trust(POLICY.signers, workspace.paths.policies)
    for vote, verdict in judged_votes(found, trust):
        assert verdict.state is SignatureState.GOOD, f"point {point}: {verdict}"
        assert vote.signature is not None
    people = [vote.person for vote in found.votes]
    assert len(people) == len(set(people)), f"point {point}: {people}"
    return people


def at_every_point(root: Path, scratch: Path, step: Callable[[Workspace], None], check: Callable[[Workspace, int], str]) -> list[str]:
    """Kill `step` at each of its points in a fresh copy of `root`; what `check` found each time."""
    found: list[str] = []
    for fatal in range(1, 200):
        copy = scratch / f"point{fatal}"
        shutil.copytree(root, copy)
        ended = survived(lambda copy=copy: step(opened(copy)), fatal)  # type: ignore[misc]
        later = opened(copy)
        found.append(check(later, fatal))
        whole(later, fatal)
        later.close()
        shutil.rmtree(copy)
        if ended:
            return found
    raise AssertionError("the step never ended")


def done(root: Path, *steps: Callable[[Workspace], None]) -> None:
    workspace = opened(root)
    for step in steps:
        step(workspace)
    workspace.close()


def test_asking_files_one_request_or_none(root: Path, tmp_path: Path) -> None:
    def check(workspace: Workspace, point: int) -> str:
        before = [each.id for each in workspace.state.approvals.values() if each.payload.to == "3"]
        asking(workspace)
        assert not before or request(workspace).id == before[0], f"point {point}"
        assert request(workspace).state_at(workspace.clock.now()) is ApprovalState.PENDING
        return "asked" if before else "not asked"

    found = at_every_point(root, tmp_path, asking, check)
    assert found[0] == "not asked" and found[-1] == "asked"


@pytest.mark.parametrize("person", ["ilse", "otto"])
def test_a_vote_counts_once_it_is_on_disk_and_is_never_half_there(root: Path, tmp_path: Path, person: str) -> None:
    """The second one reaches the quorum."""
    earlier = [signing("ilse")] if person == "otto" else []
    done(root, asking, *earlier)

    def check(workspace: Workspace, point: int) -> str:
        before = signed_by(workspace, point)
        reached = request(workspace).state_at(workspace.clock.now()) is ApprovalState.APPROVED
        assert reached == (set(before) == {"ilse", "otto"}), f"point {point}"
        signing(person)(workspace)
        assert signed_by(workspace, point) == [*(["ilse"] if earlier else []), person], f"point {point}"
        assert workspace.moves[-1] == "2", f"point {point}: approved is not executed"
        return "signed" if person in before else "not signed"

    found = at_every_point(root, tmp_path, signing(person), check)
    assert found[0] == "not signed" and found[-1] == "signed"


def test_executing_uses_it_once_and_every_signature_still_holds(root: Path, tmp_path: Path) -> None:
    done(root, asking, signing("ilse"), signing("otto"))

    def check(workspace: Workspace, point: int) -> str:
        found = settled(workspace, "crash", workspace.moves[-1] == "3", point)
        desk = workspace.desk("ines", elevated=True, policy=POLICY)
        desk.execute(desk.plan(promotion("3"), FACTS), confirmed(key="again"))
        assert workspace.moves == ["1", "2", "3"], f"point {point}"
        assert request(workspace).state_at(workspace.clock.now()) is ApprovalState.EXECUTED, f"point {point}"
        assert signed_by(workspace, point) == ["ilse", "otto"]
        return found

    found = at_every_point(root, tmp_path, executing, check)
    assert set(found) == {"not done", "in doubt", "done"}
