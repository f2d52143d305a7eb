"""An incident from its opening to its postmortem, by verbs alone: the choice, the action, whether it helped, who did what."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incident_workspace import NOW, control, score, stand_at

from backends.local.reading import LocalAliases, LocalSwitches
from console.acting import open_desk
from console.cli.main import main
from console.config import Workspace
from console.runbook.attending import attend


@pytest.fixture
def qd(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a verb on the workspace: its exit code and what it printed."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["--workspace", str(workspace.paths.root), *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def shown(qd: Any, *words: str) -> dict[str, Any]:
    code, out, err = qd(*words, "--json")
    assert code in {0, 6}, err
    return json.loads(out)


def switch(workspace: Workspace, model: str) -> str:
    setting = LocalSwitches(workspace.paths.switches).switch("production", model)
    return "normal" if setting is None else setting.state.value


def step(view: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in view["steps"] if each["id"] == name)


def test_a_collapse_that_the_fallback_helps_is_walked_to_its_postmortem(qd: Any, workspace: Workspace, tmp_path: Path) -> None:
    code, out, _ = qd("playbook", "run", "quality-collapse", "--incident", "INC-1")
    assert (code, "step 4 of 8" in out) == (0, True)

    before = shown(qd, "incident", "INC-1")
    decision = step(before, "choose")["decision"]
    figures = {choice["id"]: choice["figures"] for choice in decision["choices"]}
    assert decision["suggested"] == "fallback"
    assert figures["fallback"]["brier"] < figures["rollback"]["brier"] < figures["now"]["brier"]
    assert [answer["check"] for answer in before["evidence"]] == ["data_bug", "labels_sound", "input_drift"]
    assert all(answer["at"] for answer in before["evidence"])
    assert step(before, "input-drift")["state"] == "unknown", "too little history is unknown, never ok"

    assert qd("playbook", "step", "RUN-1", "--choose", "fallback")[0] == 0
    code, _, err = qd("playbook", "step", "RUN-1", "--confirm", "something-else")
    assert (code, switch(workspace, "arrivals")) == (3, "normal"), err
    assert qd("playbook", "step", "RUN-1", "--confirm", "arrivals")[0] == 0
    assert switch(workspace, "arrivals") == "fallback"

    waiting = shown(qd, "playbook", "show", "RUN-1")
    assert step(waiting, "helped")["current"]
    assert "rows since the mitigation" in step(waiting, "helped")["wait"]["what"]

    later = NOW + timedelta(hours=9)
    score(workspace, "arrivals", NOW, later, positive=0.5, live={"2": 0.5}, shadow={"1": 0.15}, served_by="fallback", per_hour=50)
    stand_at(workspace, NOW + timedelta(hours=4))
    looked = shown(qd, "playbook", "step", "RUN-1")
    assert step(looked, "helped")["wait"]["held_since"] is not None, step(looked, "helped")
    stand_at(workspace, NOW + timedelta(hours=6, minutes=10))
    helped = shown(qd, "playbook", "step", "RUN-1")
    assert step(helped, "helped")["status"] == "done"
    assert control(workspace).incidents["INC-1"].state == "mitigated"
    assert step(helped, "cure")["word"] == "passed over", "there is no challenger to ask for"

    assert qd("playbook", "step", "RUN-1", "--done", "refit with April by 3 May, owner ilse")[0] == 0
    assert shown(qd, "playbook", "show", "RUN-1")["outcome"] == "succeeded"

    target = tmp_path / "postmortem.md"
    assert qd("incident", "INC-1", "--export", str(target))[0] == 0
    text = target.read_text(encoding="utf-8")
    assert "chose **fallback**; suggested was **fallback**" in text
    assert "`set_switch arrivals fallback if normal: ok" in text
    assert "refit with April by 3 May, owner ilse" in text
    assert f"head of the audit chain `{control(workspace).last_hash}`" in text
    assert re.search(r"fallback normal -\\> fallback: effective after [0-9.]+ m?s: fallback, read back \|", text), "told once"
    assert "gap +.350 over .275" in text
    assert "answered by the fallback" in text
    assert qd("incident", "INC-1", "--export", str(target))[0] == 2, "an existing file is kept"
    assert qd("incident", "INC-1", "--export", str(target), "--force")[0] == 0
    assert qd("incident", "INC-1", "--export", "-")[1].startswith("# INC")


def test_a_worse_promotion_leads_to_the_rollback(qd: Any, workspace: Workspace) -> None:
    qd("playbook", "run", "quality-collapse", "--incident", "INC-2")
    decision = step(shown(qd, "incident", "INC-2"), "choose")["decision"]
    assert decision["suggested"] == "rollback"
    rollback = next(choice for choice in decision["choices"] if choice["id"] == "rollback")
    assert (rollback["version"], rollback["last_served"][:10]) == ("1", "2013-04-23")
    assert qd("playbook", "step", "RUN-1", "--choose", "rollback")[0] == 0
    code, out, _ = qd("playbook", "step", "RUN-1", "--dry-run")
    assert code == 0
    assert "v2 -> v1" in out
    assert qd("playbook", "step", "RUN-1", "--confirm", "delays")[0] == 0
    move = LocalAliases(workspace.paths.registry).alias("production", "delays", "production")
    assert move is not None
    assert move.version == "1"
    action = next(iter(control(workspace).actions.values()))
    assert (action.incident, action.run, action.suggested) == ("INC-2", "RUN-1", "rollback")


def test_the_next_person_goes_on_at_the_same_step(qd: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    qd("playbook", "run", "quality-collapse", "--incident", "INC-1")
    qd("playbook", "step", "RUN-1", "--choose", "fallback")
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    code, _, err = qd("playbook", "step", "RUN-1", "--confirm", "arrivals")
    assert (code, "mara drives" in err, switch(workspace, "arrivals")) == (3, True, "normal")
    code, out, _ = qd("playbook", "resume", "RUN-1")
    assert (code, "driver ilse, step 5 of 8" in out) == (0, True)
    assert control(workspace).incidents["INC-1"].driver == "ilse"
    assert qd("playbook", "step", "RUN-1", "--confirm", "arrivals")[0] == 0
    people = {event.actor.name for event in control(workspace).runs["RUN-1"]}
    assert people == {"mara", "ilse"}


def test_what_was_done_by_its_own_verb_counts_as_the_choice(qd: Any, workspace: Workspace) -> None:
    qd("playbook", "run", "quality-collapse", "--incident", "INC-1")
    assert qd("rollback", "arrivals", "--confirm", "arrivals", "--reason", "try the old one")[0] == 0
    view = shown(qd, "playbook", "step", "RUN-1")
    choose, act = step(view, "choose"), step(view, "act")
    assert (choose["chosen"], choose["decision"]["suggested"], act["word"]) == ("rollback", "fallback", "effective")


def test_what_was_done_outside_the_run_stands_where_it_was_done(qd: Any, workspace: Workspace, tmp_path: Path) -> None:
    qd("playbook", "run", "quality-collapse", "--incident", "INC-1")
    assert qd("playbook", "step", "RUN-1", "--choose", "fallback")[0] == 0
    assert qd("kill", "arrivals", "--state", "fallback", "--confirm", "arrivals", "--reason", "it collapsed")[0] == 0
    stand_at(workspace, NOW + timedelta(hours=2))
    with open_desk(workspace, "production") as desk:
        attend(workspace, "production", desk, "INC-1")
    done = step(shown(qd, "incident", "INC-1"), "act")
    moment = NOW.isoformat().replace("+00:00", "Z")
    assert [operation["at"] for operation in done["operations"]] == [moment]
    assert done["ended_at"] == moment

    target = tmp_path / "postmortem.md"
    assert qd("incident", "INC-1", "--export", str(target))[0] == 0
    text = target.read_text(encoding="utf-8")
    done_at = f"{NOW:%Y-%m-%d %H:%M:%S} UTC"
    [told] = [line for line in text.splitlines() if "act: **effective**" in line]
    assert told.startswith(f"| {done_at} |")
    assert re.search(rf"^- {done_at} mara: fallback ", text, re.MULTILINE)
    assert re.search(rf"Do what was chosen \*\*done\*\*, mara {done_at}", text)


@pytest.mark.parametrize("flag", [["--read-only"], ["--as-of", "2013-04-26T22:00Z"]])
def test_nothing_moves_read_only_or_in_the_past(qd: Any, workspace: Workspace, flag: list[str]) -> None:
    qd("playbook", "run", "quality-collapse", "--incident", "INC-1")
    before = control(workspace).last_seq
    for words in (
        ["step", "RUN-1", "--choose", "fallback"],
        ["resume", "RUN-1"],
        ["step", "RUN-1"],
        ["run", "quality-collapse", "--incident", "INC-2"],
    ):
        assert qd(*flag, "playbook", *words)[0] == 3, words
    assert qd(*flag, "incident", "open", "arrivals", "--title", "x")[0] == 3
    assert control(workspace).last_seq == before
    assert qd(*flag, "incident", "INC-1")[0] == 0, "looking goes on"


def test_looking_at_an_incident_from_the_command_line_begins_nothing(qd: Any, workspace: Workspace) -> None:
    code, out, _ = qd("incident", "INC-1")
    assert (code, "not begun" in out) == (0, True)
    assert control(workspace).runs == {}


def test_an_intent_without_an_outcome_is_in_doubt_until_it_is_rechecked(
    qd: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console.runbook.host import DeskHost

    qd("playbook", "run", "quality-collapse", "--incident", "INC-1")
    qd("playbook", "step", "RUN-1", "--choose", "fallback")
    real = DeskHost.submit

    class Died(BaseException):
        """The process ends here: nothing may catch it."""

    def dies_after_acting(self: DeskHost, *call: Any, **named: Any) -> Any:
        real(self, *call, **named)
        raise Died

    monkeypatch.setattr(DeskHost, "submit", dies_after_acting)
    with pytest.raises(Died):
        qd("playbook", "step", "RUN-1", "--confirm", "arrivals")
    monkeypatch.setattr(DeskHost, "submit", real)

    code, out, _ = qd("playbook", "show", "RUN-1")
    assert (code, "IN DOUBT" in out) == (6, True)
    assert "send it again with the same key" in out
    assert qd("playbook", "step", "RUN-1", "--skip", "go on")[0] == 3, "nothing else moves while it is in doubt"
    assert qd("playbook", "step", "RUN-1", "--recheck")[0] == 0
    view = shown(qd, "playbook", "show", "RUN-1")
    assert (view["in_doubt"], step(view, "act")["word"]) == (None, "effective")
    assert len(control(workspace).actions) == 1, "it was done once"


def test_an_incident_is_declared_by_hand_once_for_a_key(qd: Any, workspace: Workspace) -> None:
    words = ["incident", "open", "arrivals", "--title", "the board shows nonsense", "--playbook", "quality-collapse", "--key", "k1"]
    assert qd(*words)[1].startswith("INC-3 opened")
    assert qd(*words)[1].startswith("INC-3 opened")
    assert len(control(workspace).incidents) == 3
    assert qd("incident", "open", "nobody-knows", "--title", "x")[0] == 5
    assert qd("incident", "open", "arrivals")[0] == 2
    assert qd("incident", "INC-77")[0] == 5


def test_the_library_is_listed_shown_and_checked(qd: Any, workspace: Workspace, tmp_path: Path) -> None:
    listed = shown(qd, "playbook", "list")["playbooks"]
    assert {"quality-collapse", "slow-or-failing"} <= {book["head"]["id"] for book in listed}
    assert "Did it help?" in qd("playbook", "show", "quality-collapse")[1]
    assert qd("playbook", "show", "no-such")[0] == 5
    assert qd("playbook", "check")[0] == 0
    broken = tmp_path / "broken.yaml"
    broken.write_text("format: 1\nid: broken\n", encoding="utf-8")
    code, out, _ = qd("playbook", "check", str(broken))
    assert code == 1
    assert "broken.yaml:" in out


def test_the_person_who_opens_it_first_starts_the_run_and_the_second_reads_along(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_desk(workspace, "production") as mara:
        first = attend(workspace, "production", mara, "INC-1")
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    with open_desk(workspace, "production") as ilse:
        second = attend(workspace, "production", ilse, "INC-1")
    assert first is not None
    assert second is not None
    assert (first.id, first.started_by, first.driver) == (second.id, "mara", None)
    assert len(control(workspace).runs) == 1
    assert first.digest == second.digest


def test_a_step_that_waits_for_somebody_goes_on_at_once_by_breaking_the_glass(qd: Any, workspace: Workspace) -> None:
    (workspace.paths.policies / "team.yaml").write_text(
        "format: 1\npeople: {mara: operator, ilse: approver, otto: approver}\n"
        "approvals:\n  - {action: fallback, environments: [production]}\n"
    )
    assert qd("playbook", "run", "quality-collapse", "--incident", "INC-1")[0] == 0
    assert qd("playbook", "step", "RUN-1", "--choose", "fallback")[0] == 0
    act = ("playbook", "step", "RUN-1", "--confirm", "arrivals")
    code, _, err = qd(*act)
    assert (code, switch(workspace, "arrivals")) == (3, "normal") and "--break-glass" in err
    code, _, err = qd(*act, "--break-glass")
    assert (code, switch(workspace, "arrivals")) == (2, "normal") and "--reason TEXT" in err
    code, _, err = qd(*act, "--break-glass", "--reason", "nobody answers")
    assert (code, switch(workspace, "arrivals")) == (0, "fallback"), err
    [review] = control(workspace).open_reviews()
    action = control(workspace).actions[review.action]
    assert review.reason == "nobody answers" and (action.run, action.incident) == ("RUN-1", "INC-1")
    assert step(shown(qd, "playbook", "show", "RUN-1"), "helped")["current"]
