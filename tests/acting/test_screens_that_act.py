"""From the key to the file that serving processes read, and everything that must not get that far."""

from __future__ import annotations

import threading

import pytest
from acting_workspace import MODEL, Place
from pilots import console

from backends.local.acting import LocalAliasSetter
from console.control.ledger import read_state
from console.screens.plan import PlanScreen


async def test_k_name_tab_space_sets_the_fallback(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("K")
        await screen.shows("> fallback")
        await screen.shows("a gain is expected")
        await screen.signs()
        await screen.shows("switch = fallback, read back")
        assert place.switch == "fallback"
        await screen.press("q")
        await screen.shows("OVERRIDE delay fallback 4h00")
        assert screen.app.screen.scope == "fleet"


async def test_r_name_tab_space_moves_the_alias_back(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("R")
        await screen.shows("nothing has been sent")
        await screen.shows("no gain expected")
        await screen.signs()
        await screen.shows("production = v1, read back")
        await screen.shows("EFFECTIVE")
        assert "nothing has been sent" not in screen.text
        await screen.shows("Did it help?")
        await screen.press("colon")
        await screen.shows("this is the receipt: q goes back")
    assert place.version == "1"
    [action] = read_state(place.paths).actions.values()
    assert action.plan is not None
    assert action.plan["would_help"]["state"] == "warning"
    assert action.reason == "INC-1 late gap +.35"


async def test_ctrl_c_on_a_receipt_leaves_the_console_as_it_does_everywhere_else(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("R")
        await screen.signs()
        await screen.shows("production = v1, read back")
        await screen.press("ctrl+c")
        await screen.until(lambda: not screen.app.is_running, "the console is left")


async def test_ctrl_c_while_the_action_is_under_way_says_so_first_and_stops_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, carry_out = threading.Event(), PlanScreen.carry_out
    monkeypatch.setattr(PlanScreen, "carry_out", lambda self, *said: (go_on.wait(20), carry_out(self, *said))[1])
    async with console(place) as screen:
        await screen.opens("R")
        await screen.signs()
        await screen.shows("the action goes on")
        await screen.press("ctrl+c")
        await screen.shows("leaving does not stop it: ctrl+c again leaves")
        assert screen.app.is_running
        await screen.press("ctrl+c")
        go_on.set()
        await screen.until(lambda: not screen.app.is_running, "the console is left")
        await screen.until(lambda: place.version == "1", "what was sent arrives")
    [action] = read_state(place.paths).actions.values()
    assert action.kind.value == "rollback"


async def test_ctrl_z_stops_nothing_in_the_middle_of_an_action(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stands still in there would keep everybody else from the journal."""
    go_on, carry_out = threading.Event(), PlanScreen.carry_out
    monkeypatch.setattr(PlanScreen, "carry_out", lambda self, *said: (go_on.wait(20), carry_out(self, *said))[1])
    async with console(place) as screen:
        await screen.opens("R")
        await screen.signs()
        await screen.shows("the action goes on")
        await screen.press("q", "ctrl+z")
        await screen.shows("something is being carried out: ctrl+z once it has ended")
        go_on.set()
        await screen.shows("ended 22:00:00")
        assert place.version == "1"
        await screen.until(lambda: not screen.app.acts, "it has ended")
        await screen.press("ctrl+z")
        await screen.shows("there is no shell to go to")


async def test_the_state_chosen_with_the_arrows_is_the_one_that_is_set(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("K")
        await screen.press("down")
        await screen.shows("> killed")
        await screen.signs()
        await screen.shows("switch = killed, read back")
    assert place.switch == "killed"


async def test_facts_that_come_in_at_the_last_moment_are_why_nothing_was_sent(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    known, whole = threading.Event(), PlanScreen.more
    monkeypatch.setattr(PlanScreen, "more", lambda self: known.wait(20) and whole(self))
    async with console(place) as screen:
        form = await screen.opens("K", facts=False)
        await screen.press(*MODEL, "tab")
        await screen.until(lambda: form.at_the_button, "Space would act")
        known.set()
        await screen.shows("Would it help?")
        await screen.until(lambda: form.takes_keys, "the plan is on the terminal")
        await screen.press("space")
        await screen.shows("facts came in while you typed; open the plan again")
    assert place.switch == "normal"


async def test_nobody_is_called_no_reader_while_nobody_has_looked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    known, whole = threading.Event(), PlanScreen.more
    monkeypatch.setattr(PlanScreen, "more", lambda self: known.wait(20) and whole(self))
    async with console(place) as screen:
        await screen.opens("R", facts=False)
        await screen.shows("who reads the scores is still being read")
        assert "no reader is recorded" not in screen.text
        known.set()
        await screen.shows("gate board (reads every score)")
        assert "still being read" not in screen.text


async def test_killed_is_never_preselected(place: Place) -> None:
    for state in ("fallback", "killed"):
        async with console(place) as screen:
            await screen.opens("K")
            assert "> killed" not in screen.text
            chosen = screen.app.screen.chosen
            if state == "fallback":
                assert chosen == "fallback"
                await screen.signs()
                await screen.shows("switch = fallback")
            else:
                assert chosen == "restore"
                assert "needs 1 approval" in screen.text


async def test_cancelling_sends_nothing(place: Place) -> None:
    async with console(place) as screen:
        for keys in (["escape"], ["enter"], ["space"], [*MODEL, "escape"], [*MODEL, "enter"], [*MODEL, "tab", "tab", "space"]):
            await screen.opens("K")
            assert "nothing was sent" not in screen.text
            await screen.press(*keys)
            await screen.until(lambda: not isinstance(screen.app.screen, PlanScreen), f"back on Fleet after {keys}")
            await screen.shows("nothing was sent")
    assert place.switch == "normal"
    assert read_state(place.paths).actions == {}


async def test_a_wrong_name_keeps_the_button_dead(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("R")
        await screen.press(*"delai", "tab")
        await screen.shows("not the name")
        await screen.shows("( Roll back to v1: name first )")
        await screen.press("enter")
    assert place.version == "2"


async def test_enter_never_acts_even_on_the_acting_button(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("R")
        await screen.press(*MODEL, "tab", "enter")
        await screen.shows("press Space")
        assert place.version == "2"


async def test_read_only_opens_no_plan_and_says_why(place: Place) -> None:
    async with console(place, read_only=True) as screen:
        for key in "RK":
            await screen.press(key)
            await screen.shows("--read-only")
            assert not isinstance(screen.app.screen, PlanScreen)
        assert "LOCKED" in screen.rows[0]


async def test_the_past_refuses_every_capital(place: Place) -> None:
    from acting_workspace import BROKE

    async with console(place, as_of=BROKE) as screen:
        for key in "RK":
            await screen.press(key)
            await screen.shows("you look at the past")
            assert not isinstance(screen.app.screen, PlanScreen)


async def test_kill_works_with_the_store_gone(place: Place) -> None:
    from backends.store.summary import write_summary
    from console.config import open_workspace
    from console.lookout import Lookout
    from console.views.health.assessment import assess_fleet

    sight = Lookout(open_workspace(place.root), "production").sight()
    with sight.reader() as reader:
        view = assess_fleet(sight, reader)[0]
    place.without_store()
    place.paths.store.mkdir()
    write_summary(place.paths, view.model_dump(mode="json"))
    async with console(place) as screen:
        await screen.until(lambda: screen.app.screen.content.cursor_key == MODEL, "the last known row")
        await screen.opens("K")
        await screen.shows("the action works without them")
        assert "no reader is recorded" not in screen.text
        await screen.signs()
        await screen.shows("switch = fallback, read back")
    assert place.switch == "fallback"


async def test_a_switch_that_could_not_be_set_says_the_whole_reason_and_does_not_advise_itself(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backends.local.acting import LocalSwitchSetter
    from backends.protocol import BackendError

    reason = f"{place.paths.switches} could not be replaced (No space left on device)"

    def full(*_words: object, **_named: object) -> None:
        raise BackendError(reason)

    monkeypatch.setattr(LocalSwitchSetter, "set_switch", full)
    async with console(place) as screen:
        await screen.opens("K")
        await screen.signs()
        await screen.shows("Receipt")
        await screen.shows("Nothing was changed")
        receipt = " ".join(screen.text.partition("Receipt")[2].split())
        assert "".join(reason.split()) in "".join(receipt.split())
        assert "use the kill switch" not in receipt and "qd doctor" in receipt
    assert place.switch == "normal"


async def test_what_moved_after_the_plan_was_drawn_stops_it(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("R")
        setter = LocalAliasSetter(place.paths.registry)
        now = screen.app.session.clock().now()
        setter.set_alias("production", MODEL, "production", "3", expected="2", key="other", actor="omar", now=now)
        await screen.signs()
        await screen.shows("it changed since the plan was drawn")
        await screen.shows("Nothing was changed")
    assert place.version == "3"


async def test_the_second_person_signs_and_the_first_may_not(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    async with console(place) as screen:
        await screen.opens("P")
        await screen.shows("Ask to promote v3")
        await screen.signs()
        await screen.shows("APR-1 waits: 0 of 1 approvals")
        await screen.press("q", "g", "a")
        await screen.shows("promote delay v2 -> v3")
        await screen.opens("A")
        await screen.shows("another person must approve it")
        await screen.shows("( Sign APR-1: you may not )")
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    async with console(place, size=(120, 40)) as screen:
        await screen.press("g", "a")
        await screen.shows("promote delay v2 -> v3")
        await screen.press("enter")
        await screen.shows("You are ilse, not ines: may approve.")
        await screen.opens("A")
        await screen.shows("Also true")
        await screen.until(lambda: screen.app.screen.asked.world is not None and screen.app.screen.form.takes_keys, "facts")
        await screen.signs()
        await screen.shows("signed, 1 of 1")
        await screen.until(lambda: screen.rows[1].rstrip().endswith("1 of 1"), "the heading follows")
        assert screen.rows[-2].startswith("1 of 1 signed; P executes it")
    assert place.version == "2"
    [approval] = read_state(place.paths).approvals.values()
    assert [vote.person for vote in approval.votes] == ["ilse"]
    assert approval.votes[0].solo is False


async def test_an_approved_promotion_is_executed_only_after_elevating(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.cli.main import main

    monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    assert main(["-w", str(place.root), "promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better"]) == 0
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    assert main(["-w", str(place.root), "approve", "APR-1", "--confirm", MODEL]) == 0
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    async with console(place) as screen:
        await screen.press("g", "a")
        await screen.shows("1 of 1 signed; P executes it")
        await screen.press("enter")
        await screen.shows("P execute  X veto  E elevate first")
        assert "A approve" not in screen.rows[-1], "signed already"
        await screen.opens("P")
        await screen.shows("( Promote v3: elevate first )")
        await screen.press("escape", "E", *"better", "enter")
        await screen.shows("ELEVATED 15m")
        await screen.until(lambda: "E elevate" not in screen.rows[-1], "line 24 follows")
        await screen.opens("P")
        await screen.shows("( Promote v3: name first )")
        await screen.signs()
        await screen.shows("production = v3, read back")
        await screen.press("q")
        await screen.shows("executed by ines")
        await screen.until(lambda: not {"P execute", "X reject", "A approve"} & set(screen.rows[-1].split("  ")), "nothing left to do")
    assert place.version == "3"


async def test_x_vetoes_with_a_reason(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.cli.main import main

    monkeypatch.setenv("QUARTERDECK_ACTOR", "ines@desk")
    assert main(["-w", str(place.root), "promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better"]) == 0
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    async with console(place) as screen:
        await screen.press("g", "a")
        await screen.shows("promote delay v2 -> v3")
        await screen.opens("X")
        await screen.shows("( Reject APR-1: reason first )")
        await screen.until(lambda: screen.app.screen.asked.world is not None and screen.app.screen.form.takes_keys, "facts")
        await screen.press("shift+tab", *"monday", "enter", "tab", "space")
        await screen.shows("APR-1 is vetoed; recorded")
    [approval] = read_state(place.paths).approvals.values()
    assert (approval.ended, approval.ended_reason) == ("vetoed", "monday")


async def test_t_takes_the_incident_without_a_dialog_and_plus_keeps_a_note(place: Place) -> None:
    async with console(place) as screen:
        await screen.press("T")
        await screen.shows("INC-1 taken by")
        await screen.press("plus", *"rain", "enter")
        await screen.shows("delay noted by")
    state = read_state(place.paths)
    assert state.incidents["INC-1"].driver is not None
    assert [note.text for note in state.notes_about(MODEL)] == ["rain"]


async def test_the_plan_keeps_its_model_when_the_list_behind_changes(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("K")
        fleet = screen.app.screen_stack[-2]
        fleet.view = fleet.view.model_copy(update={"rows": ()})
        fleet.draw()
        await screen.signs()
        await screen.shows("switch = fallback, read back")
    assert place.switch == "fallback"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_plan_is_drawn_in_the_order_of_the_questions(place: Place, size: tuple[int, int]) -> None:
    async with console(place, size=size) as screen:
        await screen.opens("R")
        found = [row for row in screen.rows if row.startswith("-- ")]
        order = ["Will change", "Will not change", "Target", "Would it help?", "Who notices, how to undo", "Calls"]
        assert [title for title in order for row in found if row.startswith(f"-- {title} ")] == order
        assert screen.rows[1].startswith("PLAN  ROLL BACK delay  v2 -> v1")
        assert "[ Cancel ]" in screen.text
        assert "qd rollback delay --to 1" in screen.rows[-2]


async def test_enter_on_a_list_of_nothing_opens_nothing_and_says_so(place: Place) -> None:
    async with console(place, size=(80, 24)) as screen:
        await screen.press("g", "a")
        await screen.shows("Nobody has asked for anything")
        await screen.press("enter")
        await screen.shows("nothing to open under the cursor")
        assert screen.app.screen.scope == "approvals"


async def test_on_the_page_of_a_version_a_promotion_means_that_version(place: Place) -> None:
    async with console(place) as screen:
        screen.app.go("version", f"{MODEL}@1")
        await screen.until(lambda: getattr(screen.app.screen, "scope", "") == "version" and screen.app.screen.view, "the page of a version")
        await screen.opens("P")
        await screen.shows("v2 -> v1")
