"""Telling somebody: the command that the workspace names, given each new alert as JSON.

What could not be told waits in the outbox for the next round. A command that keeps failing is left alone for a while by its
breaker, so that twenty alerts do not wait for twenty of its timeouts; then it is tried with the oldest message.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from backends.breaker_file import BreakerOpen
from backends.durable import LockHeld, locked, private_mode
from backends.protocol import BackendUnavailable
from backends.secrets import without_secrets
from backends.text import displayable
from console.clock import Clock
from console.config import Workspace
from console.guards import NOTIFY, NOTIFY_RULE, breakers_of
from console.watch.alerting import Transition
from console.watch.outbox import Message, put, told, waiting


def notify(workspace: Workspace, clock: Clock, found: Sequence[Transition]) -> list[str]:
    """Run the workspace's command once for each alert that opened or closed, and for what still waits from before.

    Returns one line for each that could not be told now.
    """
    settings, folder = workspace.settings.watch, workspace.paths.spool
    if not settings.notify:
        return []
    kept = [put(folder, _name(transition), _body(transition)) for transition in found]
    lost = [each for each in kept if each.path is None]
    try:
        # One process tells at a time, or two of them would tell the same; what is kept is told by whoever is at it, or next.
        with locked(folder / "untold", private_mode(folder), tries=1):
            messages, problems = waiting(folder)
            return problems + _tell(workspace, clock, messages + lost)
    except LockHeld:
        return _tell(workspace, clock, lost)
    except OSError:
        # No lock can be had where nothing can be written: to be told twice is better than not at all.
        messages, problems = waiting(folder)
        return problems + _tell(workspace, clock, messages + lost)


def _tell(workspace: Workspace, clock: Clock, messages: Sequence[Message]) -> list[str]:
    settings, problems = workspace.settings.watch, []
    breakers = breakers_of(workspace, clock.real_now)
    for number, message in enumerate(messages):
        try:
            breakers.call(NOTIFY, NOTIFY_RULE, partial(_run, settings.notify, settings.notify_timeout_seconds, message))
            told(message)
        except BreakerOpen as closed:
            problems.append(f"{len(messages) - number} alerts wait to be told: {displayable(str(closed))}")
            break
        except BackendUnavailable as error:
            said = f"{_what(message)} was not told to {displayable(settings.notify[0])}: {displayable(str(error))[:160]}"
            problems.append(f"{said}; {_next(message)}")
    return problems


def _run(command: Sequence[str], timeout: float, message: Message) -> None:
    try:
        subprocess.run(
            list(command),
            input=json.dumps(message.body).encode(),
            timeout=timeout,
            check=True,
            capture_output=True,
            # Whatever is named there is somebody else's program: it gets none of our secrets.
            env=without_secrets(os.environ),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BackendUnavailable(str(error)) from error


def _body(transition: Transition) -> dict[str, Any]:
    return {
        "schema": "quarterdeck/notification/1",
        "event": "opened" if transition.opens else "closed",
        "at": transition.at.isoformat(),
        "alert": transition.alert.model_dump(mode="json"),
    }


def _name(transition: Transition) -> str:
    return f"{_stamp(transition.at)}-{transition.alert.id}-{'opened' if transition.opens else 'closed'}"


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%S%f")


def _what(message: Message) -> str:
    alert = message.body.get("alert")
    return displayable(str(alert.get("id"))) if isinstance(alert, dict) else "a message"


def _next(message: Message) -> str:
    return "it waits for the next round" if message.path is not None else "it could not be kept either, and is lost"
