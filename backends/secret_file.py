"""A file of secrets for hosts without a keyring: JSON, 0600, outside every workspace; refused as soon as anybody else could read it.

It also holds the names of what the keyring keeps, because a keyring cannot be asked for them: their value is null.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from backends.durable import locked, replace_file

FORMAT: Final = "quarterdeck/secrets/1"
LARGEST: Final = 1 << 20
MODE: Final = 0o600


class SecretFileError(Exception):
    """The file cannot be used: one line with what is wrong and what to do."""


class SecretFile:
    """Names and values in one file; a missing file is an empty one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def value(self, name: str) -> str | None:
        """The value in the file; None when the file has none, or only says that the keyring does. Raises SecretFileError."""
        return self.read().get(name)

    def put(self, name: str, value: str | None) -> None:
        """Keep `value` under `name`; None: the keyring keeps it. Raises SecretFileError."""
        self._change(lambda kept: kept | {name: value})

    def remove(self, name: str) -> None:
        """Remove `name`, whatever it stands for. Raises SecretFileError."""
        self._change(lambda kept: {each: value for each, value in kept.items() if each != name})

    def read(self) -> dict[str, str | None]:
        """Everything in it. Raises SecretFileError."""
        try:
            # Never waits for a named pipe, and never follows a link that somebody else may have put there.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise SecretFileError(f"{self.path} is a link, and not followed: put the file itself there") from None
            raise SecretFileError(f"{self.path}: {error.strerror}") from None
        try:
            self._require_own(os.fstat(descriptor))
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                raw = file.read(LARGEST + 1)
        finally:
            os.close(descriptor)
        if len(raw) > LARGEST:
            raise SecretFileError(f"{self.path} is larger than {LARGEST} bytes: it is no file of secrets")
        return self._parsed(raw)

    def _require_own(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise SecretFileError(f"{self.path} is not a file")
        if status.st_uid not in {os.geteuid(), 0}:
            raise SecretFileError(f"{self.path} belongs to somebody else (uid {status.st_uid}): it is not used")
        if status.st_mode & 0o077:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            raise SecretFileError(f"{self.path} is open to others ({mode}): it is not used; chmod 600 it, and change what was in it")

    def _parsed(self, raw: bytes) -> dict[str, str | None]:
        # What is wrong is said without the text around it: that may be a value.
        try:
            body: Any = json.loads(raw)
            kept = body["secrets"]
            if body["format"] != FORMAT or not isinstance(kept, dict):
                raise ValueError
            if not all(value is None or isinstance(value, str) for value in kept.values()):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise SecretFileError(f"{self.path} is not of the format {FORMAT}: remove it and set each secret again") from None
        return kept

    def _change(self, changed: Any) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self.path, MODE):
                body = {"format": FORMAT, "secrets": changed(self.read())}
                replace_file(self.path, json.dumps(body, indent=1, sort_keys=True).encode(), MODE)
        except OSError as error:
            raise SecretFileError(f"{self.path}: {error.strerror or error}") from None
