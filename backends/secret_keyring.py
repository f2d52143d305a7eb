"""The keyring of the operating system, through the `keyring` library. Loaded only when a secret is looked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

SERVICE: Final = "quarterdeck"

PATIENCE: Final = 30.0
"""Seconds for an answer: a locked keyring may ask its owner on a desktop, and never answers where there is none."""

Answer = TypeVar("Answer")


class KeyringProblem(Exception):
    """The keyring cannot be used: one line why, with nothing of any value in it."""


def keyring_in_use() -> str | None:
    """What the keyring is called; None when this machine has none."""
    library = _library()
    chosen = library.get_keyring()
    # `fail` and `null` are the library's words for "there is none" and "keep nothing".
    if type(chosen).__module__ in {"keyring.backends.fail", "keyring.backends.null"}:
        return None
    if type(chosen).__module__ == "keyring.backends.chainer" and not chosen.backends:
        return None
    return str(chosen.name)


def kept_by_keyring(name: str) -> str | None:
    """The value kept under `name`, None when there is none. Raises KeyringProblem."""
    _required()
    value: str | None = _answered("did not give it", lambda library: library.get_password(SERVICE, name))
    return value


def keep_in_keyring(name: str, value: str) -> None:
    """Keep `value` under `name`, in place of what was there. Raises KeyringProblem."""
    _required()
    _answered("did not take it", lambda library: library.set_password(SERVICE, name, value))


def forget_in_keyring(name: str) -> None:
    """Remove what is kept under `name`. Raises KeyringProblem."""
    _required()
    _answered("did not remove it", lambda library: library.delete_password(SERVICE, name))


def _required() -> None:
    if keyring_in_use() is None:
        raise KeyringProblem("this machine has no keyring")


def _answered(what: str, ask: Callable[[Any], Answer]) -> Answer:
    """What the keyring says, in a thread of its own: a daemon that waits for a desktop that is not there is not waited for."""
    library = _library()
    answers: list[Answer] = []
    problems: list[BaseException] = []

    def asking() -> None:
        try:
            answers.append(ask(library))
        except BaseException as error:
            # A keyring is a plug-in of somebody else's: it may raise anything, and its words may hold the value.
            problems.append(error)

    thread = threading.Thread(target=asking, name="keyring", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        raise KeyringProblem(f"the keyring {what}: no answer within {PATIENCE:g} s, it may be locked")
    if problems:
        raise KeyringProblem(f"the keyring {what}: {type(problems[0]).__name__}") from None
    return answers[0]


def _library() -> Any:
    try:
        import keyring  # costs as much as a start, and few runs need it
    except ImportError as error:
        raise KeyringProblem(f"the keyring library is not installed: {error.name}") from None
    return keyring
