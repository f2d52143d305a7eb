"""Nothing happens by accident: the rules of a confirmation, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gallery import ConfirmScreen, Gallery, SwitchScreen, rollback_plan
from test_page_under_a_cursor import shown
from textual import events
from textual.app import App
from textual.message import Message
from textual.pilot import Pilot

from backends.text import Untrusted
from widgets.confirm import Cancelled, ChoiceMoved, Closed, Confirmed, ConfirmView
from widgets.dialog import Dialog, Focus, Outcome, Plan, form_lines, mixed_scripts, plan_lines
from widgets.line import line

NAME = list("arrival-delay")


def outcomes(app: App[None]) -> list[Message]:
    return app.screen.outcomes  # type: ignore[attr-defined,no-any-return]


def text(app: App[None]) -> str:
    return "\n".join(shown(app))  # type: ignore[arg-type]


async def ready(pilot: Pilot[None]) -> ConfirmView:
    """Wait until the dialog takes keys."""
    view = pilot.app.screen.query_one(ConfirmView)
    while view._drawn_at is None:
        await pilot.pause(0.01)
    await pilot.pause(0.01)
    return view


@pytest.fixture
async def dialog():
    app = Gallery(ConfirmScreen())
    async with app.run_test() as pilot:
        await ready(pilot)
        yield pilot


async def test_it_reads_as_drawn_at_80x24(dialog):
    rows = shown(dialog.app)
    assert rows[1] == "PLAN  ROLL BACK arrival-delay  v2 -> v1   PRODUCTION       nothing has been sent"
    assert rows[2] == "-- Will change -----------------------------------------------------------------"
    assert rows[19] == " Reason  INC-1 late gap +.338                           shift+Tab edits it"
    assert rows[21] == "                                   [ Cancel ]   ( Roll back to v1: name first )"
    assert rows[22] == "production, safer direction: 1 operator is enough      qd rollback arrival-delay"


async def test_letters_go_to_the_name_while_cancel_has_the_focus(dialog):
    await dialog.press(*"arrival-del")
    assert " Type the model's name to enable:  arrival-del_" in shown(dialog.app)
    assert outcomes(dialog.app) == []
    await dialog.press(*"ay")
    assert " Type the model's name to enable:  arrival-delay  matches" in shown(dialog.app)
    assert "[ Cancel ]  [ Roll back to v1 ]" in text(dialog.app)


async def test_enter_is_cancel_while_cancel_has_the_focus_even_when_the_name_matches(dialog):
    await dialog.press(*NAME, "enter")
    assert [type(one) for one in outcomes(dialog.app)] == [Cancelled]


async def test_space_presses_cancel_while_it_has_the_focus(dialog):
    await dialog.press(*NAME, "space")
    assert [type(one) for one in outcomes(dialog.app)] == [Cancelled]


async def test_tab_reaches_the_acting_button_only_once_the_name_matches(dialog):
    await dialog.press(*"arrival", "tab", "space")
    assert [type(one) for one in outcomes(dialog.app)] == [Cancelled]


async def test_name_tab_space_acts_once_and_shows_the_receipt(dialog):
    await dialog.press(*NAME, "tab", "space", "space", "space")
    acted = [one for one in outcomes(dialog.app) if isinstance(one, Confirmed)]
    assert [(one.typed, one.reason, one.choice) for one in acted] == [("arrival-delay", "INC-1 late gap +.338", None)]
    assert " effective  after .2 s: production = 1, read back" in shown(dialog.app)
    assert "Cancel" not in text(dialog.app)
    await dialog.press("q")
    closed = outcomes(dialog.app)[-1]
    assert isinstance(closed, Closed) and closed.finished


async def test_enter_on_the_acting_button_only_says_press_space(dialog):
    await dialog.press(*NAME, "tab", "enter", "enter")
    assert outcomes(dialog.app) == []
    assert "press Space" in text(dialog.app)


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
@pytest.mark.parametrize("before", [[], [*NAME, "tab"], ["shift+tab"]])
async def test_esc_and_ctrl_c_cancel_from_anywhere(dialog, key, before):
    await dialog.press(*before, key)
    assert [type(one) for one in outcomes(dialog.app)] == [Cancelled]


async def test_shift_tab_edits_the_reason_and_enter_moves_on(dialog):
    await dialog.press("shift+tab", *"and")
    await dialog.press("space", "x", "enter", *NAME, "tab", "space")
    acted = [one for one in outcomes(dialog.app) if isinstance(one, Confirmed)]
    assert [one.reason for one in acted] == ["INC-1 late gap +.338and x"]


async def test_a_letter_after_tab_takes_the_focus_back_to_cancel(dialog):
    await dialog.press(*NAME, "tab", "x", "space")
    assert [type(one) for one in outcomes(dialog.app)] == [Cancelled]


async def test_keys_typed_before_the_dialog_was_drawn_are_dropped(dialog):
    view = dialog.app.screen.query_one(ConfirmView)
    early = [events.Key(key, character) for key, character in [("escape", None), ("a", "a"), ("enter", "\r")]]
    for event in early:
        event.time = (view._drawn_at or 0) - 0.001
        view.post_message(event)
    await dialog.pause()
    assert outcomes(dialog.app) == []
    assert view.dialog.typed == ""


async def test_esc_cancels_also_while_what_arrived_later_is_being_drawn(dialog):
    view = dialog.app.screen.query_one(ConfirmView)
    view.show_plan(rollback_plan(lines=(line(" facts have arrived"),)), keep_form=True, drop_keys=True)
    for key, character in (("a", "a"), ("space", " "), ("escape", None)):
        view.post_message(events.Key(key, character))
    await dialog.pause()
    assert view.dialog.typed == ""
    assert [type(one) for one in outcomes(dialog.app)] == [Cancelled]


async def test_a_plan_that_changed_meanwhile_must_be_named_again(dialog):
    await dialog.press(*NAME, "tab")
    view = dialog.app.screen.query_one(ConfirmView)
    view.show_plan(rollback_plan(lines=(line(" v2 is now v4"),)))
    await ready(dialog)
    await dialog.press("space")
    assert [type(one) for one in outcomes(dialog.app)] == [Cancelled]
    assert " v2 is now v4" in shown(dialog.app)


async def test_a_paste_fills_the_name_and_presses_nothing(dialog):
    view = dialog.app.screen.query_one(ConfirmView)
    view.post_message(events.Paste("arrival-delay\t \r\n"))
    await dialog.pause()
    assert view.dialog.typed == "arrival-delay "
    assert outcomes(dialog.app) == []


async def test_a_click_on_the_acting_button_does_not_act(dialog):
    await dialog.press(*NAME)
    await dialog.click(ConfirmView, offset=(55, 19))
    assert outcomes(dialog.app) == []
    assert dialog.app.screen.query_one(ConfirmView).dialog.focus is Focus.ACT
    await dialog.click(ConfirmView, offset=(40, 19))
    assert [type(one) for one in outcomes(dialog.app)] == [Cancelled]


async def test_the_suggested_state_is_preselected_and_another_is_planned_anew():
    app = Gallery(SwitchScreen())
    async with app.run_test() as pilot:
        await ready(pilot)
        assert " > fallback    late share of the last 24 h at the origin. Brier .265 (v2 .345)" in shown(app)
        await pilot.press(*NAME, "tab", "up")
        await pilot.pause()
        assert [one.choice for one in outcomes(app) if isinstance(one, ChoiceMoved)] == ["degraded"]
        assert "[ Cancel ]  [ Set degraded ]" in text(app)
        assert " switches.json  normal -> degraded, version 12 -> 13, replaced in one step" in shown(app)
        await pilot.press("space")
        assert isinstance(outcomes(app)[-1], Cancelled), "another choice takes the focus back to Cancel"


async def test_a_long_plan_scrolls_and_the_form_stays():
    plan = rollback_plan(lines=tuple(line(f" step {n}") for n in range(60)))
    app = Gallery(ConfirmScreen(plan))
    async with app.run_test() as pilot:
        await ready(pilot)
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        assert " step 59" in shown(app)
        assert "[ Cancel ]" in shown(app)[21]
        await pilot.press("up")
        assert " step 58" in text(app) and " step 59" not in text(app)


def pressed(dialog: Dialog, *keys: str) -> Outcome | None:
    outcome = None
    for key in keys:
        outcome = dialog.press(key, key if len(key) == 1 else " " if key == "space" else None)
    return outcome


def test_a_refused_action_says_why_and_cannot_be_reached():
    dialog = Dialog(rollback_plan(refused="read-only"))
    assert pressed(dialog, *NAME, "tab", "space") is Outcome.CANCELLED
    assert "( Roll back to v1: read-only )" in form_lines(dialog, 80)[-1].text


def test_an_action_needs_a_reason():
    dialog = Dialog(rollback_plan(reason=""))
    pressed(dialog, *NAME, "tab")
    assert dialog.focus is Focus.CANCEL
    assert "( Roll back to v1: reason first )" in form_lines(dialog, 80)[-1].text
    assert pressed(dialog, "shift+tab", "w", "h", "y", "enter", "tab", "space") is Outcome.ACTED


def test_without_a_name_to_type_tab_and_space_act_and_enter_still_does_not():
    plan = Plan(lines=(), act="Acknowledge", needs_reason=False)
    assert pressed(Dialog(plan), "enter") is Outcome.CANCELLED
    assert pressed(Dialog(plan), "tab", "enter") is None
    assert pressed(Dialog(plan), "tab", "space") is Outcome.ACTED


def test_a_name_with_a_blank_can_be_typed():
    dialog = Dialog(rollback_plan(name="my model"))
    assert pressed(dialog, "m", "y", "space", *"model", "tab", "space") is Outcome.ACTED


def test_killed_is_only_chosen_when_the_plan_says_so():
    plan = SwitchScreen().view.dialog.plan
    assert Dialog(replace(plan, chosen=None)).chosen == "degraded"


def test_names_are_shown_in_full_and_mixed_scripts_are_named():
    long_name = "x" * 150
    drawn = "".join(one.text.strip() for one in form_lines(Dialog(rollback_plan(name=long_name)), 80))
    assert long_name in drawn
    assert mixed_scripts("arrival-delay") == ""
    assert mixed_scripts(Untrusted("arriv\u0430l")) == "the name mixes cyrillic and latin letters: \u0430 U+0430"
    plan = rollback_plan(name="arriv\u0430l")
    assert any("mixes cyrillic" in one.text for one in form_lines(Dialog(plan), 80))


def test_lines_of_a_plan_wrap_and_lose_nothing():
    words = " ".join(f"word{n}" for n in range(60))
    lines = plan_lines(Dialog(rollback_plan(lines=(line(" ", (words, "bold")),))), 80)
    assert max(one.width for one in lines) <= 80
    assert " ".join(" ".join(one.text.split()) for one in lines) == words
