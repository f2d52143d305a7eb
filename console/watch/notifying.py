"""Telling somebody: the command that the workspace names, given each new alert as JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from backends.text import displayable
from console.watch.alerting import Transition


def notify(command: Sequence[str], timeout: float, found: Sequence[Transition]) -> list[str]:
    """Run `command` once for each alert that opened or closed; returns one line for each that could not be told."""
    if not command:
        return []
    failures = []
    for transition in found:
        body = {
            "schema": "quarterdeck/notification/1",
            "event": "opened" if transition.opens else "closed",
            "at": transition.at.isoformat(),
            "alert": transition.alert.model_dump(mode="json"),
        }
        try:
            subprocess.run(list(command), input=json.dumps(body).encode(), timeout=timeout, check=True, capture_output=True)
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(f"{transition.alert.id} was not told to {displayable(command[0])}: {displayable(str(error))[:160]}")
    return failures
