"""Runs `ssh-keygen` and `ssh-add`: bounded in time, in a folder of their own, with messages in English."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from backends.text import displayable

QUICK: Final = 10.0
"""Seconds for what asks nobody."""
PATIENT: Final = 90.0
"""Seconds for what may wait for a passphrase, or for a finger on a security key."""


class ProgramUnavailable(Exception):
    """A program of OpenSSH is missing, or gave no answer. `str()` is one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said; `told` is its last line of complaint, made displayable."""

    code: int
    output: bytes
    told: str


def run(program: str, *arguments: str, given: bytes = b"", seconds: float = QUICK, may_ask: bool = False) -> Answer:
    """Run a program of OpenSSH. Raises ProgramUnavailable.

    `may_ask`: it may ask for a passphrase at the terminal; else it has no terminal to ask at, and does not draw over a screen.
    """
    found = shutil.which(program)
    if found is None:
        raise ProgramUnavailable(f"{program} is not installed: signatures need OpenSSH 8.9 or newer")
    environment = {**os.environ, "LC_ALL": "C"}
    if not may_ask:
        environment |= {"SSH_ASKPASS_REQUIRE": "never"}
        environment.pop("DISPLAY", None)
    try:
        done = subprocess.run(
            [found, *arguments],
            input=given,
            capture_output=True,
            timeout=seconds,
            check=False,
            env=environment,
            start_new_session=not may_ask,
        )
    except subprocess.TimeoutExpired:
        raise ProgramUnavailable(f"{program} gave no answer within {seconds:g} s") from None
    except OSError as error:
        raise ProgramUnavailable(f"{program} cannot be run: {error.strerror or error}") from None
    said = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    complaints = [line for line in said if not line.startswith("Signing data on")]
    return Answer(done.returncode, done.stdout, displayable(complaints[-1][:300]) if complaints else "")
