"""`B` on a source that lies outside: its breaker is held open or closed, or let go, by a line that says how long and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.screens.application import Application
    from console.screens.commanded import Commanded

ASKED = "breaker open or closed, how long, why: "


def begin(app: Application, screen: Commanded, words: str) -> None:
    """Ask how the breaker under the cursor is to be held, or take `NAME open 2h WHY` from the command bar."""
    if words:
        named, _, how = words.partition(" ")
        _hold(app, screen, named, how)
        return
    name = screen.breaker_of(screen.content.cursor_key)
    if name is None:
        screen.say("only what lies outside the workspace has a breaker: a database file, the command that tells of alerts", "warning")
    else:
        screen.ask(ASKED, "open 1h ", answered=lambda how: _hold(app, screen, name, how))


def _hold(app: Application, screen: Commanded, name: str, how: str) -> None:
    def work() -> None:
        from console.holding import hold  # control is loaded with the first action

        told = hold(app.session, name, how)
        app.call_from_thread(screen.say, told)
        app.call_from_thread(app.acted)
        app.call_from_thread(screen.reload)

    app.in_background(work, screen, "hold")
