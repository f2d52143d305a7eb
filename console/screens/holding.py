"""`H` on the data of a model: the plan that holds its jobs, or the one that lets run again what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backends.text import displayable

if TYPE_CHECKING:
    from console.screens.application import Application
    from console.screens.commanded import Commanded

HELD: Final = "held:"
"""What the key of a row begins with that is about a hold; the pipeline follows."""


def begin(app: Application, screen: Commanded, words: str) -> None:
    """What is held under the cursor, or else at all, is released; with a pipeline in `words`, or where nothing is held, it is held."""
    from backends.local.reading import LocalPipelines
    from backends.pipeline_protocol import EVERY_PIPELINE
    from backends.protocol import BackendError
    from console.control.actions import ActionKind  # control is loaded with the first plan
    from console.errands import Errand
    from console.screens.plan import PlanScreen

    key = screen.content.cursor_key
    model = screen.model_of(key)
    if not model:
        screen.say("hold the jobs of which model? open its data first (8)", "warning")
        return
    try:
        held = [each.pipeline for each in LocalPipelines(app.session.paths.pipelines).holding(app.environment, model)]
    except BackendError as error:
        screen.say(displayable(str(error)), "warning")
        return
    if words or not held:
        kind, pipeline = ActionKind.HOLD, words or EVERY_PIPELINE
    else:
        under = (key or "").removeprefix(HELD)
        kind, pipeline = ActionKind.RELEASE_HOLD, under if under in held else held[0]
    subject = None if pipeline == EVERY_PIPELINE else pipeline
    app.push_screen(PlanScreen(Errand(app.session, model, (kind,), subject=subject)))
