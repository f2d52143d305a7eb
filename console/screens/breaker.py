"""`B` on a source that lies outside: its breaker is held open or closed, or let go, by a line that says how long and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.screens.base import DeckScreen

ASKED = "breaker open or closed, how long, why: "


def begin(app: ConsoleApp, screen: DeckScreen, words: str) -> None:
    """Ask how the breaker under the cursor is to be held, or take `NAME open 2h WHY` from the command bar."""
    if words:
        name, _, how = words.partition(" ")
        _hold(app, screen, name, how)
        return
    name = getattr(screen, "breaker_of", lambda _key: None)(screen.content.cursor_key)
    if name is None:
        screen.say("only what lies outside the workspace has a breaker: a database file, the command that tells of alerts", "warning")
    else:
        screen.ask(ASKED, "open 1h ", answered=lambda how: _hold(app, screen, name, how))


def _hold(app: ConsoleApp, screen: DeckScreen, name: str, how: str) -> None:
    """On a thread of its own: the journal may take its time."""

    def run() -> None:
        from console.holding import hold  # control is loaded with the first action

        try:
            told = hold(app.session, name, how)
        except Exception as error:
            app.call_from_thread(screen.say, app.said_of(error), "warning")
            return
        app.call_from_thread(screen.say, told)
        app.call_from_thread(app.acted)
        app.call_from_thread(screen.reload)

    app.run_worker(run, thread=True, group="hold", exit_on_error=False)
