"""The incident on the screen: it starts its playbook, waits where a person is needed, and its keys take it to the effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from incident_workspace import NOW, control
from textual.pilot import Pilot

from backends.local.acting import LocalAliasSetter
from backends.local.reading import LocalSwitches
from backends.text import Untrusted
from console.app import ConsoleApp
from console.config import Workspace
from console.control.actions import ActionKind, ActionRequest, Confirmation
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.roles import Grant, Policy
from console.locate import Located
from console.render.incident_detail import around_rows
from console.session import Session

VIEWER = "format: 1\npeople: {nora: viewer}\n"


def console(workspace: Workspace, *, as_of: datetime | None = None, read_only: bool = False) -> ConsoleApp:
    session = Session(Located(workspace.paths.root, "the test"), as_of=as_of, read_only=read_only)
    return ConsoleApp(session, start=("incident", "INC-1"))


async def until(pilot: Pilot[int], true: Callable[[], Any], what: str) -> None:
    for _ in range(3000):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"never: {what}\n{picture(pilot.app)}")


def picture(app: Any) -> str:
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


def at_step(app: ConsoleApp, step: str) -> Callable[[], bool]:
    def there() -> bool:
        view = getattr(app.screen, "view", None)
        return getattr(app.screen, "scope", "") == "incident" and view is not None and view.current is not None and view.current.id == step

    return there


async def test_enter_enter_and_the_name_lead_from_the_page_to_the_fallback(workspace: Workspace) -> None:
    app = console(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, at_step(app, "choose"), "the decision")
        await pilot.pause()
        drawn = picture(app)
        assert "step 4 of 8" in drawn
        assert ". 1 check    data bug" in drawn
        assert "? 3 input drift" in drawn, "what could not be computed is not shown as passed"
        assert "> fallback" in drawn
        assert "BEST" in drawn
        assert "driver nobody (T takes it)" in drawn
        assert all(len(line.rstrip()) <= 80 for line in drawn.splitlines())

        await pilot.press("enter")
        await until(pilot, at_step(app, "act"), "the action")
        assert "driver mara" in picture(app)
        assert control(workspace).actions == {}, "choosing does nothing yet"

        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "drawn", None) is not None, "the plan")
        assert (app.screen.errand.incident, app.screen.errand.run) == ("INC-1", "RUN-1")  # type: ignore[attr-defined]
        await until(pilot, lambda: "a gain is expected" in picture(app), "the facts")
        await until(pilot, lambda: app.screen.form.takes_keys, "the plan is on the terminal")  # type: ignore[attr-defined]  # a plan
        await pilot.press(*"arrivals", "tab", "space")
        await until(pilot, lambda: app.screen.outcome is not None, "the receipt")  # type: ignore[attr-defined]
        await pilot.press("q")
        await until(pilot, at_step(app, "helped"), "the wait")
        await pilot.pause()
        assert "effective" in picture(app)
        await until(pilot, lambda: "nothing was scored since" in picture(app), "what the wait looks at")
    setting = LocalSwitches(workspace.paths.switches).switch("production", "arrivals")
    assert setting is not None
    assert setting.state.value == "fallback"
    assert len(control(workspace).actions) == 1


async def test_the_cursor_waits_on_what_is_suggested_wherever_it_stands_in_the_list(workspace: Workspace) -> None:
    app = console(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        app.go("incident", "INC-2")
        await until(pilot, lambda: "INC-2" in picture(app) and at_step(app, "choose")(), "the decision")
        await until(pilot, lambda: not app.screen._pending, "everything is read")  # type: ignore[attr-defined]
        await pilot.pause()
        assert app.screen.view.current.decision.suggested == "rollback"  # type: ignore[attr-defined]
        assert "> rollback v1" in picture(app), "and not on the first way out"
        await pilot.press("tab", "up", "down")
        await pilot.pause()
        assert "> rollback v1" in picture(app)
        await pilot.press("tab", "enter")
        await until(pilot, at_step(app, "act"), "the action")
        assert app.screen.view.step("choose").chosen == "rollback"  # type: ignore[attr-defined]


async def test_below_the_choices_stands_what_speaks_for_the_one_under_the_cursor(workspace: Workspace) -> None:
    app = console(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, at_step(app, "choose"), "the decision")
        await until(pilot, lambda: "fallback: Answer with the fallback" in picture(app), "the suggested one")
        await pilot.press("down")
        await until(pilot, lambda: "rollback: Roll back to the version" in picture(app), "the next one")
        assert "fallback: Answer" not in picture(app)
        assert "BEST = lowest Brier" in picture(app), "which one is suggested is said beside any"


async def test_evidence_is_read_to_its_end_in_80_columns(workspace: Workspace) -> None:
    app = console(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, at_step(app, "choose"), "the decision")
        kept = [answer.sentence.raw for answer in app.screen.view.evidence]  # type: ignore[attr-defined]
        left = [row.line.text for row in app.screen.content.rows]  # type: ignore[attr-defined]
    told = " ".join(" ".join(left).split())
    assert kept
    for sentence in kept:
        assert sentence in told


def ask_for(workspace: Workspace, model: str, version: str) -> None:
    """Another person asks for a promotion, before anybody opens the incident."""
    actor = Actor.named("ines", host="build")
    policy = Policy(grants=(Grant(person="ines", roles=("releaser",)),))
    request = ActionRequest(kind=ActionKind.PROMOTE, environment="production", model=model, to=version, reason="it is better")
    with Desk(workspace.paths, workspace.clock(), actor, policy=policy) as desk:
        desk.request_approval(desk.plan(request), Confirmation(typed_name=model))


async def test_a_step_that_asks_names_the_request_that_asks_for_the_same(workspace: Workspace) -> None:
    registry = LocalAliasSetter(workspace.paths.registry)
    registry.set_alias("production", "arrivals", "challenger", "1", expected=None, key="c", actor="ines", now=NOW)
    ask_for(workspace, "arrivals", "1")
    app = console(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, at_step(app, "choose"), "the decision")
        assert any("7 approval" in row and "APR-1" in row for row in picture(app).splitlines())
        step = next(each for each in app.screen.view.steps if each.kind == "approval")  # type: ignore[attr-defined]
        app.screen.content.put_cursor_on(step.id)  # type: ignore[attr-defined]
        await until(pilot, lambda: "APR-1 asks for the same already" in picture(app), "whose it joins")


async def test_who_may_only_look_reads_why_nothing_moves(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(workspace)
    (workspace.paths.policies / "own.yaml").write_text(VIEWER, encoding="utf-8")
    monkeypatch.setenv("QUARTERDECK_ACTOR", "nora@desk")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "you only look here: playbook in production needs" in picture(app), "why")
        assert app.screen.view.run is None  # type: ignore[attr-defined]


async def test_at_120_columns_the_surroundings_stand_beside_the_steps(workspace: Workspace) -> None:
    app = console(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, at_step(app, "choose"), "the decision")
        await pilot.pause()
        drawn = picture(app)
        for words in ("Is it a data bug?", "-- Timeline", "-- Blast radius", "IF YOU DO NOTHING", "pinned to its digest", "1 operator"):
            assert words in drawn, words


async def test_a_timeline_that_is_longer_than_its_room_says_how_much_is_left_out(workspace: Workspace) -> None:
    app = console(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, at_step(app, "choose"), "the decision")
        view = app.screen.view  # type: ignore[attr-defined]  # an incident
    [entry, *_] = view.timeline
    long = view.model_copy(update={"timeline": tuple(entry.model_copy(update={"text": Untrusted(f"line {n}")}) for n in range(15))})
    drawn = [row.line.text for row in around_rows(long, 80)]
    assert sum("line " in each for each in drawn) == 12 and not any("line 2" in each for each in drawn)
    assert any("Timeline, the last 12 of 15: :export writes all" in each for each in drawn)
    whole = [row.line.text for row in around_rows(view.model_copy(update={"timeline": long.timeline[:12]}), 80)]
    assert any("-- Timeline --" in each for each in whole)


async def test_taking_skipping_and_exporting_by_key(workspace: Workspace) -> None:
    app = console(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, at_step(app, "choose"), "the decision")
        await pilot.press("T")
        await until(pilot, lambda: control(workspace).incidents["INC-1"].driver == "mara", "taken")
        await pilot.press("S", *"asked the owner", "enter")
        await until(pilot, at_step(app, "act"), "the next step")
        assert app.screen.view.step("choose").reason.raw == "asked the owner"  # type: ignore[attr-defined]
        assert picture(app).splitlines()[-1].startswith("S skip"), "without a decision there is no plan to open"
        await pilot.press("colon", *"export", "enter")
        path = workspace.paths.evidence / "INC-1-postmortem.md"
        await until(pilot, path.exists, "the postmortem")
        await until(pilot, lambda: "written: evidence/INC-1-postmortem.md" in picture(app), "where it is")
        kept = path.read_text(encoding="utf-8")
        await pilot.press("colon", *"export", "enter")
        later = workspace.paths.evidence / "INC-1-postmortem-2.md"
        await until(pilot, later.exists, "a second one beside it")
    assert "asked the owner" in kept
    assert path.read_text(encoding="utf-8") == kept
    assert later.read_text(encoding="utf-8").startswith("# INC-1")


async def test_in_the_past_and_read_only_an_incident_is_only_looked_at(workspace: Workspace) -> None:
    for app in (console(workspace, as_of=NOW), console(workspace, read_only=True)):
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda app=app: getattr(app.screen, "view", None) is not None and app.screen.scope == "incident", "the page")
            await pilot.pause()
            assert "not begun" in picture(app)
            await pilot.press("T")
            await pilot.pause()
    assert control(workspace).runs == {}
    assert control(workspace).incidents["INC-1"].driver is None


async def test_an_incident_of_which_nothing_is_new_is_not_read_again(workspace: Workspace) -> None:
    app = console(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, at_step(app, "choose"), "the decision")
        screen: Any = app.screen
        read: list[int] = []
        for _ in range(6):
            await until(pilot, lambda: not screen._pending, "what was begun is read")
            screen.reload_when_changed()
            read.append(screen._epoch)
    assert read[2:] == read[2:3] * 4, "looking at it is no news; what opening it started is read once more"
