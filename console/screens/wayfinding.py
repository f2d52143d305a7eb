"""Getting about: the screen before, moments of the past, what can be copied, whose mouse it is. Changes nothing but this terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from console.clock import no_moment
from console.render import figures

if TYPE_CHECKING:
    from console.screens.application import Application
    from console.screens.commanded import Commanded

MOST_COPIED = 4096
"""Bytes: more than this many terminals refuse without a word."""


def travel(app: Application, screen: Commanded, words: str) -> None:
    """Stand at a moment of the past: asked for when it was not given."""
    if not words:
        now = app.session.clock().now().astimezone(app.zone)
        screen.ask("t", now.strftime("%Y-%m-%dT%H:%M%z"), answered=lambda text: travel(app, screen, text))
        return
    try:
        moment = datetime.fromisoformat(words.strip())
    except ValueError:
        screen.say(f"{words!r} is no time; write it as 2013-04-22T14:00, with an offset or in {app.zone}", "warning")
        return
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=app.zone)
    present = replace(app.session, as_of=None).clock().now()
    if moment > present:
        screen.say(f"{figures.full_moment(moment, app.zone)} has not been yet; it is {figures.full_moment(present, app.zone)}", "warning")
        return
    if no_moment(moment) is not None:
        screen.say(f"{words.strip()} {no_moment(moment)}", "warning")
        return
    app.stand_at(moment)
    screen.say(f"you look at {figures.full_moment(moment, app.zone)}; 0 returns to now")


def return_to_now(app: Application, screen: Commanded) -> None:
    """Back from the past."""
    if app.session.as_of is None:
        screen.say("this is now")
        return
    app.stand_at(None)
    screen.say("back to now")


def copy_verb(app: Application, screen: Commanded) -> None:
    """Copy the headless command of this screen through the terminal (OSC 52), and say how much was sent."""
    text = f"qd {screen.verb}"
    size = len(text.encode())
    if size > MOST_COPIED:
        # Half a command is another command.
        screen.say(
            f"nothing was copied: the command has {size} bytes, and many terminals drop more than {MOST_COPIED} without a word", "warning"
        )
        return
    app.copy_to_clipboard(text)
    screen.say(f"sent {size} bytes to the terminal's clipboard: {text}")


def give_mouse(app: Application, screen: Commanded) -> None:
    """Give the mouse to the terminal, so that it selects text, or take it back."""
    app.mouse_is_ours = not app.mouse_is_ours
    switch = getattr(app._driver, "_enable_mouse_support" if app.mouse_is_ours else "_disable_mouse_support", None)
    if switch is not None:
        switch()
    screen.say("the mouse moves the cursor here" if app.mouse_is_ours else "the terminal has the mouse: select and copy; m takes it back")


def reopen_last(app: Application, screen: Commanded) -> None:
    """The screen that was left last."""
    if app.left is None:
        screen.say("no screen was left yet")
        return
    app.go(*app.left)
