"""This machine: what is installed, what the terminal can show, and where secrets of this user lie."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from backends.records import State
from backends.store.inspection import sqlite_version
from console.terminal import LEAST, Terminal
from console.views.own.finding import Finding, finding, many

PACKAGES: Final = (
    "quarterdeck", "duckdb", "textual", "pydantic", "numpy", "polars", "pandas", "scikit-learn", "plotext", "httpx", "keyring", "PyYAML"
)  # fmt: skip

LEAST_PYTHON: Final = (3, 11)
DUCKDB: Final = ((1, 5, 5), (3,))
"""Supported from, and below."""
LEAST_SQLITE: Final = (3, 38)
"""`unixepoch()` is used by leases."""


def installed() -> dict[str, str]:
    """Versions by name, `missing` where a package is not there. Nothing is imported for it."""
    found = {"python": platform.python_version(), "sqlite": sqlite_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def program_findings(versions: dict[str, str]) -> Iterator[Finding]:
    """Whether everything that is needed is there, in a version that it was made for."""
    missing = sorted(name for name, found in versions.items() if found == "missing")
    if missing:
        what = f"not installed: {', '.join(missing)}"
        yield finding("program.packages", State.CRITICAL, what, "install quarterdeck again, with its dependencies")
    if sys.version_info < LEAST_PYTHON:
        what = f"Python {versions['python']} is older than {'.'.join(map(str, LEAST_PYTHON))}"
        yield finding("program.python", State.CRITICAL, what, "install quarterdeck into a newer Python")
    if versions["duckdb"] != "missing" and not DUCKDB[0] <= numbers(versions["duckdb"]) < DUCKDB[1]:
        what = f"duckdb {versions['duckdb']} is not one that this program was tested with (1.5.5 to below 3)"
        yield finding("program.duckdb", State.WARNING, what, 'pip install "duckdb>=1.5.5,<3"')
    if numbers(versions["sqlite"]) < LEAST_SQLITE:
        what = f"SQLite {versions['sqlite']} is older than {'.'.join(map(str, LEAST_SQLITE))}"
        yield finding("program.sqlite", State.CRITICAL, what, "use a Python that brings a newer one")
    if not missing:
        told = ", ".join(f"{name} {versions[name]}" for name in ("quarterdeck", "python", "duckdb", "sqlite", "textual", "pydantic"))
        yield finding("program.versions", State.OK, f"{told} on {platform.system()} {platform.machine()}")


def secret_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Where this user's secrets lie, and who else could read them. Asks no keyring: a locked one would hold up everything else."""
    from backends.secret_file import SecretFile, SecretFileError  # not for the first frame
    from backends.secrets import names_in, secrets_file

    try:
        kept = SecretFile(secrets_file(environ)).read()
    except SecretFileError as problem:
        yield finding("program.secrets", State.CRITICAL, str(problem), "nothing is taken from it until then; quarterdeck secret list")
        return
    outside = sorted({*names_in(environ), *(name for name, value in kept.items() if value is not None)})
    if outside:
        what = f"{many(len(outside), 'secret')} not in a keyring but in a variable or a file: {', '.join(outside)}"
        yield finding("program.secrets", State.WARNING, what, "where there is a keyring: quarterdeck secret set NAME")
    else:
        yield finding("program.secrets", State.OK, f"{many(len(kept), 'secret')} in the keyring" if kept else "no secret is kept")


def terminal_findings(seen: Terminal) -> Iterator[Finding]:
    """What the console would find here. Verbs need none of it."""
    if seen.size is None or not seen.interactive:
        yield finding("terminal.size", State.UNKNOWN, "there is none, so verbs work and the console does not open")
    elif seen.size[0] < LEAST[0] or seen.size[1] < LEAST[1]:
        what = f"{seen.size[0]}x{seen.size[1]} is too small for the console"
        yield finding("terminal.size", State.WARNING, what, f"make it {LEAST[0]}x{LEAST[1]} or larger; verbs work at any size")
    else:
        yield finding("terminal.size", State.OK, f"{seen.size[0]}x{seen.size[1]}, {seen.colours} colours, TERM={seen.term}")
    if seen.size is not None and seen.term in {"", "dumb"}:
        what = f"TERM={seen.term!r} cannot move the cursor, so the console does not open"
        yield finding("terminal.kind", State.WARNING, what, "set TERM to what the terminal is, e.g. xterm-256color; verbs work")
    if not seen.utf8:
        what = "the locale is not UTF-8: characters outside it are written as \\u escapes"
        yield finding("terminal.characters", State.WARNING, what, "export LC_ALL=C.UTF-8")


def numbers(text: str) -> tuple[int, ...]:
    """`1.5.6rc1` is (1, 5, 6)."""
    return tuple(int(part) for part in re.findall(r"\d+", text.split("rc", maxsplit=1)[0])[:3])
