"""Secrets by name: kept by the keyring, else given by the environment, else in a file that only its owner may read.

A name is what configuration mentions; the value never is. What came from anywhere but a keyring says so in `notice`, which whoever
uses it passes on to a person. Every value that was found is taken out of whatever goes through `redacted`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr

from backends.protocol import BackendError
from backends.secret_file import SecretFile, SecretFileError
from backends.secret_keyring import KeyringProblem, kept_by_keyring

Place = Literal["keyring", "environment", "file"]

VARIABLE: Final = "QUARTERDECK_SECRET_"
"""`ofrep-token` may be given by `QUARTERDECK_SECRET_OFREP_TOKEN`."""

FILE_VARIABLE: Final = "QUARTERDECK_SECRETS_FILE"

NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
LONGEST: Final = 16_384
"""Characters of a value."""

SHORTEST_HIDDEN: Final = 6
"""Shorter values are not looked for in text: half of every sentence would be taken out."""


class SecretUnavailable(BackendError):
    """There is no such secret, or it cannot be read now; says where it was looked for and what to do."""


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret and where it was."""

    name: str
    value: SecretStr
    place: Place
    notice: str | None
    """What a person must be told: it did not come from a keyring. None when it did."""


def secret(name: str, environ: Mapping[str, str], file: Path | None = None) -> SecretStr:
    """The value of the secret `name`. Raises SecretUnavailable, ValueError for what is no name."""
    return find_secret(name, environ, file).value


def find_secret(name: str, environ: Mapping[str, str], file: Path | None = None) -> FoundSecret:
    """The secret `name` with its place: the keyring first, then `environ`, then `file` (default: the user's own).

    Raises SecretUnavailable, ValueError for what is no name.
    """
    checked_name(name)
    looked: list[str] = []
    try:
        value = kept_by_keyring(name)
        if value is not None:
            return _found(name, value, "keyring", None)
        looked.append("the keyring has none")
    except KeyringProblem as problem:
        looked.append(str(problem))
    given = environ.get(variable_of(name))
    if given:
        notice = (
            f"secret {name} comes from the environment variable {variable_of(name)}, not from a keyring: every program started here sees it"
        )
        return _found(name, given, "environment", notice)
    looked.append(f"{variable_of(name)} is not set")
    kept = SecretFile(file or secrets_file(environ))
    try:
        value = kept.value(name)
    except SecretFileError as problem:
        raise SecretUnavailable(f"secret {name} cannot be read: {problem}") from None
    if value is not None:
        notice = f"secret {name} comes from the file {kept.path}, not from a keyring: whoever reads that file or a copy of it has it"
        return _found(name, value, "file", notice)
    looked.append(f"{kept.path} has none")
    raise SecretUnavailable(f"there is no secret {name} ({'; '.join(looked)}): quarterdeck secret set {name}")


def checked_name(name: str) -> str:
    """`name` itself. Raises ValueError when it is not one to four-and-sixty small letters, digits and hyphens."""
    if not NAME.fullmatch(name):
        # What follows an equals sign is a value that somebody meant to give with it.
        shown = name.partition("=")[0]
        raise ValueError(f"{shown!r} is no name of a secret: small letters, digits and hyphens, a letter first, at most 64")
    return name


def variable_of(name: str) -> str:
    """The environment variable that may give a secret."""
    return VARIABLE + name.upper().replace("-", "_")


def names_in(environ: Mapping[str, str]) -> list[str]:
    """Names of the secrets that the environment gives."""
    found = (each.removeprefix(VARIABLE).lower().replace("_", "-") for each in environ if each.startswith(VARIABLE))
    return sorted(name for name in found if NAME.fullmatch(name))


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for a program of somebody else's: without the variables that give secrets."""
    return {name: value for name, value in environ.items() if not name.startswith(VARIABLE)}


def secrets_file(environ: Mapping[str, str]) -> Path:
    """Where the file of this user is: outside every workspace, so that no backup and no colleague has it."""
    chosen = environ.get(FILE_VARIABLE)
    if chosen:
        return Path(chosen)
    import platformdirs  # only where a secret is looked for

    return Path(platformdirs.user_config_dir("quarterdeck", appauthor=False)) / "secrets.json"


_found_values: set[str] = set()


def remember(value: str) -> None:
    """Have `redacted` take `value` out from now on."""
    if len(value) >= SHORTEST_HIDDEN:
        _found_values.add(value)


def redacted(text: str) -> str:
    """`text` without any secret that this process has found, `***` in its place."""
    for value in sorted(_found_values, key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def _found(name: str, value: str, place: Place, notice: str | None) -> FoundSecret:
    remember(value)
    return FoundSecret(name, SecretStr(value), place, notice)
