"""`:can-i ACTION [TARGET]`: the answer in the message line; the verb tells it in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.screens.application import Application
    from console.screens.commanded import Commanded

ASKED = "can-i ACTION [TARGET]: "


def ask(app: Application, screen: Commanded, words: str) -> None:
    """Say whether this person may do something to what is named, else to what is under the cursor."""
    action, _, named = words.partition(" ")
    if not action:
        screen.ask(ASKED, answered=lambda text: ask(app, screen, text))
        return
    target = named.strip() or screen.model_of(screen.content.cursor_key)

    def work() -> None:
        from console.render.may import may_line  # control is loaded with the first question
        from console.views.approvals.may import action_named, may_view, somebody

        kind, sight = action_named(action), app.lookout().sight()
        view = may_view(sight, kind, target, somebody(sight, None), read_only=app.session.read_only)
        app.call_from_thread(screen.say, may_line(view), "" if view.allowed else "warning")

    app.in_background(work, screen, "can-i")
