"""Out of doubt, from the list of actions or from one of them: `V` looks again, `S` settles by your word, `A` opens the plan of the same
call once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.commands import Command

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.control.actions import ActionOutcome
    from console.screens.base import DeckScreen


def begin(app: ConsoleApp, command: Command, screen: DeckScreen, action_id: str) -> None:
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


def _retry(app: ConsoleApp, action_id: str) -> None:
    from console.doubts import RetryErrand, action_of
    from console.screens.plan import PlanScreen

    app.push_screen(PlanScreen(RetryErrand.of(app.session, action_of(app.session, action_id))))


def _settle(app: ConsoleApp, screen: DeckScreen, work: Callable[[], ActionOutcome]) -> None:
    """Look, or settle, on a thread of its own: a backend may take its time to answer."""

    def run() -> None:
        try:
            outcome = work()
        except Exception as error:
            app.call_from_thread(screen.say, app.said_of(error), "warning")
            return
        role = "critical" if outcome.exit_code == 6 else ""
        app.call_from_thread(screen.say, f"{outcome.state.value}: {outcome.message}", role)
        app.call_from_thread(screen.reload)

    screen.say("looking ...", "dim")
    app.run_worker(run, thread=True, group="settle", exit_on_error=False)
