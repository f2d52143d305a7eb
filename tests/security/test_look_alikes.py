"""Names that look alike are different names: through every acting kind and verb, one typed in the form of the other confirms nothing."""

from __future__ import annotations

import sys
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from control_workspace import NOW, MovableClock, Workspace, confirmed

from backends.local.acting import LocalAliasSetter
from backends.records import State
from backends.text import Untrusted, displayable
from console.cli.main import main
from console.config import ClockSettings, init_workspace
from console.control.actions import (
    MOVING_KINDS,
    ActionKind,
    ActionRequest,
    ActionState,
    Confirmation,
    PlanFacts,
    Retraining,
)
from console.control.desk import Desk
from console.control.retention_terms import HeldDays, RetentionCut, RetentionTerms
from console.control.rollout import RolloutMove, RolloutWish

PLAIN = "arrival-delay"
PAIRS = {
    "Cyrillic a": (PLAIN, "arriv\u0430l-delay"),
    "zero width": (PLAIN, "arrival\u200b-delay"),
    "right to left": (PLAIN, "\u202eyaled-lavirra"),
    "mark of direction": (PLAIN, "arrival-delay\u200f"),
    "soft hyphen": (PLAIN, "arrival\u00ad-delay"),
    "composed and not": ("caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")),
    "case": (PLAIN, "Arrival-delay"),
    "a blank at the end": (PLAIN, "arrival-delay "),
}
BOTH_WAYS = [pytest.param(*pair, id=f"{name}, {way}") for name, each in PAIRS.items() for way, pair in ((1, each), (2, each[::-1]))]

EVERY_DAY = HeldDays(first="0001-01-01", last="9999-12-31", reason="a legal hold of the other logs")
CUT = RetentionCut(table="predictions", before="2013-01-01", held=(EVERY_DAY,), rule="r", rows=1, days=1, oldest="2012-01-01", kept_rows=0)
FACTS = PlanFacts(retraining=Retraining(pipelines=("fit",), state=State.OK, verdict=Untrusted("")), retention=RetentionTerms(cuts=(CUT,)))
TARGETS = {ActionKind.ROLLBACK: "1", ActionKind.PROMOTE: "3", ActionKind.SHIFT: "3"}
CANARY = RolloutWish(move=RolloutMove.CANARY, steps=(0.1, 0.5))


def registered(workspace: Workspace, *models: str) -> Workspace:
    aliases = LocalAliasSetter(workspace.paths.registry)
    for number, model in enumerate(models):
        for version, before, back in (("1", None, 80), ("2", "1", 60)):
            key, at = f"{number}{version}", NOW - timedelta(back)
            aliases.set_alias("production", model, "production", version, expected=before, key=key, actor="ines", now=at)
    return workspace


def request(kind: ActionKind, model: str) -> ActionRequest:
    return ActionRequest(kind=kind, model=model, to=TARGETS.get(kind), wish=CANARY if kind is ActionKind.SHIFT else None, reason="r")


def prepared(desk: Desk, kind: ActionKind, model: str) -> None:
    """What has to be in force before there is anything to undo."""
    first = {ActionKind.RESTORE: ActionKind.KILL, ActionKind.RELEASE_HOLD: ActionKind.HOLD}.get(kind)
    if first is not None:
        assert desk.execute(desk.plan(request(first, model)), Confirmation(typed_name=model, reason="r")).state is ActionState.EFFECTIVE


def published(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in workspace.paths.root.glob("*.json")}


@pytest.mark.parametrize("kind", sorted(MOVING_KINDS - {ActionKind.ABORT}))
@pytest.mark.parametrize(("name", "typed"), BOTH_WAYS)
def test_a_name_typed_in_the_form_of_another_that_looks_like_it_moves_nothing(
    tmp_path: Path, kind: ActionKind, name: str, typed: str
) -> None:
    workspace = registered(Workspace(tmp_path, MovableClock()), name, typed)
    desk = workspace.desk("ada", elevated=True)
    prepared(desk, kind, name)
    plan = desk.plan(request(kind, name), FACTS)
    assert plan.allowed and plan.typed_name == name, plan.refusal
    before = published(workspace)
    outcome = desk.execute(plan, confirmed().model_copy(update={"typed_name": typed}), current_world=FACTS)
    assert outcome.state is ActionState.REFUSED and outcome.message.startswith("type "), outcome.message
    assert published(workspace) == before and not workspace.state.approvals
    workspace.close()


@pytest.mark.parametrize(
    "verb",
    [
        ("kill",),
        ("rollback",),
        ("hold",),
        ("kill", "--state", "degraded"),
        ("promote@3",),
    ],
)
@pytest.mark.parametrize(("name", "typed"), BOTH_WAYS)
def test_verbs_take_the_name_as_it_is_and_say_what_was_typed_so_that_the_difference_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: tuple[str, ...], name: str, typed: str
) -> None:
    paths = init_workspace(tmp_path / "w", name="small", clock=ClockSettings(start=NOW)).paths
    workspace = registered(Workspace(paths.root, MovableClock()), name, typed)
    before = published(workspace)
    word, at, version = verb[0].partition("@")
    code = main(["-w", str(paths.root), word, f"{name}{at}{version}", *verb[1:], "--confirm", typed, "--reason", "r", "--elevate"])
    said = capsys.readouterr()
    assert code in {2, 3} and published(workspace) == before, said.err
    assert not any(unicodedata.category(each) in {"Cf", "Cc"} and each != "\n" for each in said.out + said.err)


@pytest.mark.parametrize("pair", ["zero width", "right to left", "mark of direction", "soft hyphen"])
def test_what_no_eye_can_see_in_a_name_is_drawn(pair: str) -> None:
    plain, other = PAIRS[pair]
    assert displayable(other) not in {plain, other}
