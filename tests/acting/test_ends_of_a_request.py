"""How a request ends other than by being executed: vetoed, too late to approve, too late to execute, void. As verbs, and on the screen."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import console

from console.cli.main import main
from console.clock import SimulatedClock, SystemClock
from console.simulation import write_clock


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A verb as somebody; ines has asked for version 3."""

    def run(*words: str, who: str = "ines") -> tuple[int, str, str]:
        monkeypatch.setenv("QUARTERDECK_ACTOR", f"{who}@desk")
        code = int(main(["--workspace", str(place.root), *words]))
        return code, *capsys.readouterr()

    assert run("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better")[0] == 0
    return run


def approved(qd: Any, request: str = "APR-1") -> None:
    assert qd("approve", request, "--confirm", MODEL, who="ilse")[0] == 0


def later(place: Place, **span: float) -> None:
    write_clock(place.paths, SimulatedClock(NOW + timedelta(**span), SystemClock().real_now(), 0.0))


def vetoed_before(qd: Any, _place: Place) -> None:
    assert qd("reject", "APR-1", "--reason", "wait for the weekend", who="ilse")[0] == 0


def vetoed_after(qd: Any, _place: Place) -> None:
    approved(qd)
    assert qd("reject", "APR-1", "--reason", "wait for the weekend", who="otto")[0] == 0


def withdrawn(qd: Any, _place: Place) -> None:
    assert qd("reject", "APR-1", "--reason", "wait for the weekend")[0] == 0


def too_late_to_approve(_qd: Any, place: Place) -> None:
    later(place, hours=24, seconds=1)


def too_late_to_execute(qd: Any, place: Place) -> None:
    approved(qd)
    later(place, hours=48, seconds=1)


def rolled_back(qd: Any, _place: Place, request: str = "APR-1") -> None:
    approved(qd, request)
    assert qd("rollback", MODEL, "--confirm", MODEL, "--reason", "late gap", who="mara")[0] == 0
    code, _, err = qd("promote", request, "--confirm", MODEL, "--elevate")
    assert code == 3 and "is void: version in force: was v2, is v1" in " ".join(err.split())


def policy_changed(qd: Any, place: Place) -> None:
    approved(qd)
    (place.paths.policies / "more.yaml").write_text("format: 1\napprovals: [{action: restore, environments: [production], quorum: 2}]\n")
    code, _, err = qd("promote", "APR-1", "--confirm", MODEL, "--elevate")
    assert code == 3 and "is void: policy: was" in " ".join(err.split())


def stricter(place: Place) -> None:
    gate = '{id: latency, title: "p95 up to 900 ms", kind: at_most, metric: latency_p95, limit: 900}'
    (place.paths.policies / "stricter.yaml").write_text(f"format: 1\ngates: [{gate}]\n")


ENDS = {
    "vetoed": (vetoed_before, "vetoed", "wait for the weekend"),
    "vetoed after it was approved": (vetoed_after, "vetoed", "wait for the weekend"),
    "withdrawn by who asked": (withdrawn, "vetoed", "wait for the weekend"),
    "too late to approve": (too_late_to_approve, "expired", "approved by 2013-04-27 22:00"),
    "too late to execute": (too_late_to_execute, "expired", "executed by 2013-04-28 22:00"),
    "void because another version serves": (rolled_back, "void", "version in force: was v2, is v1"),
    "void because the policy is another": (policy_changed, "void", "policy: was"),
}


@pytest.mark.parametrize("end", ENDS)
def test_it_is_final_and_both_verbs_say_how_it_ended(qd: Any, place: Place, end: str) -> None:
    happens, state, why = ENDS[end]
    happens(qd, place)
    serving = place.version
    [row] = json.loads(qd("approvals", "--json")[1])["rows"]
    assert row["state"] == state
    code, _, err = qd("approve", "APR-1", "--confirm", MODEL, who="ada")
    assert code == 3 and f"it is {state}: nothing can be approved any more" in " ".join(err.split())
    code, _, err = qd("promote", "APR-1", "--confirm", MODEL, "--elevate")
    assert code == 3 and f"APR-1 is {state}" in " ".join(err.split()) and why in " ".join(err.split()) and "ask for it again" in err
    code, _, err = qd("reject", "APR-1", "--reason", "no", who="ada")
    assert code == 3 and "there is nothing to reject" in err
    assert len(json.loads(qd("approvals", "--json")[1])["rows"]) == 1, "nothing was asked for in its place"
    assert place.version == serving != "3"
    view, told = json.loads(qd("approvals", "APR-1", "--json")[1]), qd("approvals", "APR-1")[1]
    assert view["changed_since"] == [] and "Changed since" not in told
    assert any(why in each for each in view["void_because"]) == (state == "void")
    assert state != "void" or ("VOID" in told and why in told)


def test_the_policies_that_it_was_asked_under_can_be_read_after_they_are_others(qd: Any, place: Place) -> None:
    policy_changed(qd, place)
    code, out, _ = qd("config", "policies", "APR-1", "--json")
    then, now = json.loads(out), json.loads(qd("config", "policies", "--json")[1])
    assert (code, then["origin"], now["origin"]) == (0, "kept", "files") and then["digest"] != now["digest"]
    [row] = json.loads(qd("approvals", "--json")[1])["rows"]
    assert then["digest"].removeprefix("sha256:")[:12] in row["ended_reason"]
    assert then["changed_since"] == ["approvals restore in production is another"]

    def quorum(view: dict[str, Any]) -> int:
        return next(int(each["body"]["quorum"]) for each in view["items"] if each["name"] == "restore in production")

    assert (quorum(then), quorum(now)) == (1, 2)
    assert "approvals restore in production is another" in qd("config", "policies", "APR-1")[1]
    assert qd("config", "policies", "APR-9")[0] == 5 and qd("config", "policies", "sha256:" + "0" * 64)[0] == 5
    assert qd("config", "validate", "APR-1")[0] == 2


def test_a_request_about_the_switch_shows_what_changed_before_anybody_signs(qd: Any, place: Place) -> None:
    assert qd("kill", MODEL, "--confirm", MODEL, "--reason", "late gap", who="mara")[0] == 0
    assert qd("restore", MODEL, "--confirm", MODEL, "--reason", "labels are right again")[0] == 0
    view = json.loads(qd("approvals", "APR-2", "--json", who="ilse")[1])
    assert view["changed_since"] == [] and view["will_change"][0].startswith("switches.json fallback -> normal")
    assert "predictions and labels go on being recorded" in view["will_not_change"] and [each["name"] for each in view["readers"]]
    told = " ".join(qd("approve", "APR-2", "--dry-run", who="ilse")[1].split())
    assert "affects gate board, crew desk; undo: fallback again, 1 operator" in told and f"execute qd restore {MODEL}" in told
    assert qd("kill", MODEL, "--state", "killed", "--confirm", MODEL, "--reason", "worse", who="mara")[0] == 0
    view = json.loads(qd("approvals", "APR-2", "--json", who="ilse")[1])
    assert view["changed_since"] == ["version in force: was fallback, is killed"]
    told = " ".join(qd("approvals", "APR-2", who="ilse")[1].split())
    assert "nobody can sign it as it is: X rejects it" in told and "may approve" not in told
    code, _, err = qd("approve", "APR-2", "--confirm", MODEL, who="ilse")
    assert code == 3 and "is void" in err and place.switch == "killed"


async def test_on_the_screen_it_says_how_each_ended_and_neither_key_goes_further(
    qd: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    vetoed_before(qd, place)
    assert qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better")[0] == 0
    rolled_back(qd, place, "APR-2")
    assert qd("kill", MODEL, "--confirm", MODEL, "--reason", "late gap", who="mara")[0] == 0
    assert qd("restore", MODEL, "--confirm", MODEL, "--reason", "labels are right again")[0] == 0
    approved(qd, "APR-3")
    later(place, hours=48, seconds=1)
    ends = {"APR-1": ("vetoed", "wait for the weekend"), "APR-2": ("void", "version in force: was v2"), "APR-3": ("expired", "")}
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ada@desk")
    async with console(place, size=(120, 40)) as screen:
        await screen.press("g", "a")
        await screen.shows("expired")
        seen = set()
        for _ in ends:
            request = screen.app.screen.content.cursor_key
            state, why = ends[request]
            seen.add(request)
            await screen.press("enter")
            await screen.until(lambda: screen.app.screen.scope == "approval" and not screen.app.screen._pending, "the request")
            await screen.shows(state.upper())
            await screen.press("P")
            await screen.shows(f"{request} is {state}")
            assert why in screen.text
            await screen.press("q")
            await screen.until(lambda: screen.app.screen.scope == "approvals" and not screen.app.screen._pending, "the list")
            await screen.press("j")
        assert seen == set(ends)
        request = screen.app.screen.content.cursor_key
        await screen.opens("A")
        await screen.shows(f"( Sign {request}: you may not )")
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen.scope == "approvals", "back")
        await screen.opens("X")
        await screen.shows(f"( Reject {request}: ended )")


def test_what_changes_while_a_name_is_being_typed_voids_the_request(qd: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    approved(qd)

    class Slow:
        """A person at a terminal, who reads for so long that the policies are others by then."""

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            stricter(place)
            return f"{MODEL}\n"

    monkeypatch.setattr(sys, "stdin", Slow())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    code, out, err = qd("promote", "APR-1", "--elevate")
    assert code == 3 and "APR-1 is void: policy: was" in " ".join((out + err).split()) and place.version == "2"


async def test_what_changes_while_the_dialog_stands_open_voids_the_request_when_the_button_is_pressed(
    qd: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved(qd)
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    async with console(place) as screen:
        await screen.press("E", *"better", "enter")
        await screen.shows("ELEVATED 15m")
        await screen.opens("P")
        await screen.shows("( Promote v3: name first )")
        stricter(place)
        await screen.signs()
        await screen.shows("APR-1 is void")
    assert place.version == "2"
    [row] = json.loads(qd("approvals", "--json")[1])["rows"]
    assert row["state"] == "void" and "policy" in row["ended_reason"]
