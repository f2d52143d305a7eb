"""Policy files on disk: which there are, whether others could have written them, and their text with its places.

Whatever lies in the folder, reading it ends soon and in little memory: nothing waits, nothing grows, and what is refused is named.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from backends.ownership import open_to_others
from backends.yaml_text import YamlFileError, YamlProblem, YamlText, load_yaml, validated
from console.policies.rules import PolicyFile

MOST_FILES: Final = 100


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One policy file and where each of its items stands."""

    text: YamlText
    file: PolicyFile
    shown: str
    """Its name as people are told it."""


def shipped_files() -> dict[str, str]:
    """The text of the policy files that ship, by file name: for `init`, which may write them out for editing."""
    folder = files("console.policies") / "default"
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }


@cache
def read_shipped() -> tuple[ReadFile, ...]:
    """The files that ship, parsed once: they cannot change under a program that runs, and every action asks for them."""
    return tuple(parsed(text, f"shipped/{name}") for name, text in shipped_files().items())


def read_folder(folder: Path) -> tuple[list[ReadFile], list[YamlProblem]]:
    """Every policy file of a folder, in the order of their names, and everything that is wrong with one of them.

    A folder that does not exist is like an empty one; one that cannot be looked into is a problem, since what it holds might deny
    something.
    """
    try:
        paths = sorted(_listed(folder))
        trouble = [problem for path in (folder, *paths) if (problem := open_to_others(path, folder)) is not None]
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [YamlProblem(str(folder), 0, 0, f"cannot be looked into: {error.strerror or error}")]
    if len(paths) > MOST_FILES:
        return [], [YamlProblem(str(folder), 0, 0, f"more than {MOST_FILES} policy files: {len(paths)}")]
    found: list[ReadFile] = []
    for path in paths:
        try:
            found.append(parsed(path, str(path), f"policies/{path.name}"))
        except YamlFileError as error:
            trouble += error.problems
    return found, trouble


def people_that_can_be_read(folder: Path) -> dict[str, Any]:
    """Whom the files of a folder name and with what roles, as far as each entry can be read by itself; who stands in two files is left out.

    For while other parts of the files are broken. What somebody else could have written names nobody.
    """
    try:
        if open_to_others(folder, folder) is not None:
            return {}
        paths = [path for path in sorted(_listed(folder))[:MOST_FILES] if open_to_others(path, folder) is None]
    except OSError:
        return {}
    found: list[tuple[str, Any]] = []
    for path in paths:
        try:
            named = (load_yaml(path, str(path)).data or {}).get("people")
        except (YamlFileError, AttributeError):
            continue
        for person, given in (named if isinstance(named, dict) else {}).items():
            with contextlib.suppress(ValidationError):
                found += PolicyFile.model_validate({"format": 1, "people": {person: given}}).people.items()
    times = Counter(person for person, _ in found)
    return {person: given for person, given in found if times[person] == 1}


def parsed(source: Path | str, name: str, shown: str | None = None) -> ReadFile:
    """One file. Raises YamlFileError."""
    text = load_yaml(source, name)
    return ReadFile(text, validated(text, PolicyFile), shown or name)


def problems_by_place(problems: Sequence[YamlProblem]) -> list[YamlProblem]:
    """Problems in the order of the files and their lines."""
    return sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column))


def _listed(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        # Editors keep their locks and copies under names that begin with a dot.
        return [Path(each.path) for each in entries if each.name.endswith((".yaml", ".yml")) and not each.name.startswith(".")]
