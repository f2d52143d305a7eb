"""The playbooks that ship, and beside them a folder of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from backends.ownership import open_to_others
from backends.yaml_text import YamlFileError, YamlProblem
from playbooks.format import Playbook
from playbooks.validator import PlaybookFile, read_playbook


@dataclass(frozen=True, slots=True)
class Library:
    """Every playbook that could be read, by id, and what is wrong with the files that could not."""

    files: Mapping[str, PlaybookFile]
    problems: tuple[YamlProblem, ...]

    @property
    def playbooks(self) -> dict[str, Playbook]:
        return {name: file.playbook for name, file in self.files.items()}


def read_library(extra: Path | None = None) -> Library:
    """The shipped playbooks, and those in `extra` before them: a playbook of the same id replaces the shipped one.

    A broken file of the user's leaves the rest usable; its problems are in `problems`, with file and line. Structure across
    steps is not checked here: see `playbooks.validator.check_playbook`.
    """
    shipped = [
        read_playbook(entry.read_bytes(), f"shipped/{entry.name}")
        for entry in sorted(files("playbooks.library").iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    ]
    found = {file.playbook.id: file for file in shipped}
    problems: list[YamlProblem] = []
    first: dict[str, str] = {}
    for path in _written(extra) if extra is not None and extra.is_dir() else []:
        foreign = open_to_others(path, path.parent)
        if foreign is not None:
            # What it says is done by whoever runs it, with their rights.
            problems.append(foreign)
            continue
        try:
            file = read_playbook(path)
        except YamlFileError as error:
            problems += error.problems
            continue
        name = file.playbook.id
        if name in first:
            problems.append(file.text.problem(("id",), f"the playbook {name} is in {first[name]} already; this one is left out"))
            continue
        first[name] = str(path)
        found[name] = file
    return Library(found, tuple(problems))


def _written(folder: Path) -> list[Path]:
    # Editors keep their locks and copies under names that begin with a dot.
    return sorted(path for path in folder.glob("*.y*ml") if path.suffix in {".yaml", ".yml"} and not path.name.startswith("."))


def load_library(extra: Path | None = None) -> dict[str, Playbook]:
    """The playbooks of `read_library`, by id. What could not be read is left out; ask `read_library` why."""
    return read_library(extra).playbooks
