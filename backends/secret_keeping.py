"""Keeping secrets, listing their names, and forgetting them: in the keyring, or in the file of hosts that have none.

A value goes in and never comes out here: `find_secret` is the only way to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backends.protocol import BackendError
from backends.secret_file import SecretFile
from backends.secret_keyring import KeyringProblem, forget_in_keyring, keep_in_keyring, kept_by_keyring
from backends.secrets import LONGEST, Place, checked_name, names_in, remember, secrets_file


class SecretNotKept(BackendError):
    """It was not kept or not forgotten; what there was before is still there."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One place that has a secret of this name."""

    name: str
    place: Place
    used: bool
    """Whether this is the place that it is taken from; another one comes first where it is not."""
    problem: str | None = None
    """Why it cannot be taken from there now."""


def checked_value(value: str) -> str:
    """`value` itself. Raises ValueError for what can be no secret, without saying what it was."""
    if not value:
        raise ValueError("an empty secret protects nothing")
    if len(value) > LONGEST:
        raise ValueError(f"a secret has at most {LONGEST:,} characters")
    if not value.isprintable() or value != value.strip():
        # It has to go through headers and variables as it is.
        raise ValueError("a secret is one line of printable characters, with no blank before or after it")
    return value


def keep(name: str, value: str, environ: Mapping[str, str], *, in_file: bool, file: Path | None = None) -> Path | None:
    """Keep a secret in the keyring, or with `in_file` in the file of the user's own; returns that file when it is there.

    Raises ValueError for what is no name or no secret, SecretNotKept, or SecretFileError.
    """
    checked_name(name)
    remember(checked_value(value))
    kept = SecretFile(file or secrets_file(environ))
    if in_file:
        if _in_keyring(name):
            raise SecretNotKept(f"the keyring has a secret {name}, which comes first: quarterdeck secret remove {name}")
        kept.put(name, value)
        return kept.path
    # A file that cannot be used is found out before the keyring is changed.
    kept.read()
    try:
        keep_in_keyring(name, value)
    except KeyringProblem as problem:
        raise SecretNotKept(f"{problem}: with --file it is kept in {kept.path}, which only you may read") from None
    kept.put(name, None)
    return None


def forget(name: str, environ: Mapping[str, str], file: Path | None = None) -> list[Place]:
    """Forget a secret wherever it is kept, and say where that was; the environment is not this program's to change.

    Raises ValueError, SecretNotKept or SecretFileError.
    """
    checked_name(name)
    kept = SecretFile(file or secrets_file(environ))
    names = kept.read()
    found: list[Place] = []
    try:
        if _in_keyring(name, strict=name in names and names[name] is None):
            forget_in_keyring(name)
            found.append("keyring")
    except KeyringProblem as problem:
        raise SecretNotKept(f"secret {name} is still there: {problem}") from None
    if name in names:
        kept.remove(name)
        if names[name] is not None:
            found.append("file")
    return found


def known(environ: Mapping[str, str], file: Path | None = None) -> list[Kept]:
    """Every secret that is kept and where, the place that is used first. Raises SecretFileError."""
    in_file = SecretFile(file or secrets_file(environ)).read()
    given = names_in(environ)
    found: list[Kept] = []
    silent: str | None = None
    for name in sorted({*in_file, *given}):
        places: list[tuple[Place, str | None]] = []
        try:
            # A keyring that did not answer once is not waited for again with every name.
            if silent is None and kept_by_keyring(name) is not None:
                places.append(("keyring", None))
        except KeyringProblem as problem:
            silent = str(problem)
        if silent is not None and name in in_file and in_file[name] is None:
            places.append(("keyring", silent))
        places += [("environment", None)] if name in given else []
        places += [("file", None)] if in_file.get(name) is not None else []
        first = next((place for place, problem in places if problem is None), None)
        found += [Kept(name, place, place == first, problem) for place, problem in places]
    return found


def _in_keyring(name: str, *, strict: bool = False) -> bool:
    """Whether the keyring has it. One that cannot be used has none, unless it is `strict`: then KeyringProblem is raised."""
    try:
        return kept_by_keyring(name) is not None
    except KeyringProblem:
        if strict:
            raise
        return False
