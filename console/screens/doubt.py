"""Out of doubt, from the list of actions or from one of them: `V` looks again, `S` settles by your word, `A` opens the plan of the same
call once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.commands import Command

if TYPE_CHECKING:
    from console.control.actions import ActionOutcome
    from console.screens.application import Application
    from console.screens.commanded import Commanded


def begin(app: Application, command: Command, screen: Commanded, action_id: str) -> None:
    """Do what a command says about one action, or say why not."""
    from console import doubts  # control is loaded with the first action
    from console.control.errors import NotFound

    if not action_id:
        screen.say(f"{command.title}: put the cursor on an action first", "warning")
        return
    try:
        action = doubts.action_of(app.session, action_id)
    except NotFound as error:
        screen.say(str(error), "warning")
        return
    if command.id == "recheck":
        _settle(app, screen, lambda: doubts.recheck(app.session, action.id))
    elif not action.open:
        screen.say(f"{action.id} has ended, {action.state.value}: nothing is in doubt", "warning")
    elif command.id == "resolve":
        asked = "done or failed, and how you know: "
        screen.ask(asked, "done ", answered=lambda words: _settle(app, screen, lambda: doubts.resolve(app.session, action.id, words)))
    else:
        _retry(app, action.id)


def _retry(app: Application, action_id: str) -> None:
    from console.doubts import RetryErrand, action_of
    from console.screens.plan import PlanScreen

    app.push_screen(PlanScreen(RetryErrand.of(app.session, action_of(app.session, action_id))))


def _settle(app: Application, screen: Commanded, settled: Callable[[], ActionOutcome]) -> None:
    """Look, or settle."""

    def work() -> None:
        outcome = settled()
        role = "critical" if outcome.exit_code == 6 else ""
        app.call_from_thread(screen.say, f"{outcome.state.value}: {outcome.message}", role)
        app.call_from_thread(screen.reload)

    screen.say("looking ...", "dim")
    app.in_background(work, screen, "settle")
