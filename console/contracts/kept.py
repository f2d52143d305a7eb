"""The contracts of a workspace: one file a model in `contracts/`. While one is broken, the copy that was good last stays in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from backends.durable import make_folder, private_mode, replace_file
from backends.ownership import open_to_others
from backends.yaml_text import YamlFileError, YamlProblem
from console.contracts.contract import ReadContract, read_contract

IN_FORCE: Final = ".in-force"
"""Folder of the copies that were good last, by the name of their file."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """The contracts in force by model, and everything that is wrong with the files."""

    by_model: Mapping[str, ReadContract]
    problems: tuple[YamlProblem, ...] = ()
    kept: Mapping[str, ReadContract] = field(default_factory=dict)
    """By file that is broken: the copy that is in force in its place."""
    lost: frozenset[str] = frozenset()
    """Files that are broken and were never good: nothing is in force in their place."""


def load_contracts(folder: Path) -> Contracts:
    """Read every contract of a workspace. Never raises on bad content: a folder that is not there is an empty one."""
    found: dict[str, ReadContract] = {}
    problems: list[YamlProblem] = []
    instead: dict[str, ReadContract] = {}
    lost: set[str] = set()
    for path in _written(folder):
        try:
            read = _own(folder, path)
        except YamlFileError as error:
            problems += error.problems
            kept = _last_good(folder, path)
            if kept is None:
                lost.add(f"contracts/{path.name}")
                continue
            read = instead[f"contracts/{path.name}"] = kept
        model = read.contract.model
        if model is None:
            problems.append(read.text.problem((), "a contract of a workspace says whose it is: model: NAME"))
        elif model in found:
            problems.append(read.text.problem(("model",), f"{model!r} has a contract already, in {found[model].text.file}"))
        else:
            found[model] = read
    return Contracts(found, tuple(problems), instead, frozenset(lost))


def adopt_contracts(folder: Path) -> None:
    """Keep a copy of every contract that is good now. Raises OSError when it cannot be written."""
    for path in _written(folder):
        try:
            _own(folder, path)
        except YamlFileError:
            continue
        copy, content = folder / IN_FORCE / path.name, path.read_bytes()
        if not copy.exists() or copy.read_bytes() != content:
            make_folder(copy.parent)
            replace_file(copy, content, private_mode(folder))


def _own(folder: Path, path: Path) -> ReadContract:
    """A contract that nobody could have written who should not. Raises YamlFileError."""
    foreign = open_to_others(path, folder)
    if foreign is not None:
        raise YamlFileError([replace(foreign, file=f"contracts/{path.name}")])
    return read_contract(path, f"contracts/{path.name}")


def _written(folder: Path) -> list[Path]:
    """The contracts of a folder, by name: what ends as policies and playbooks may, too."""
    return sorted(path for path in folder.glob("*.y*ml") if path.suffix in {".yaml", ".yml"} and not path.name.startswith("."))


def _last_good(folder: Path, path: Path) -> ReadContract | None:
    try:
        kept = read_contract(folder / IN_FORCE / path.name, f"contracts/{IN_FORCE}/{path.name}")
        # The tables that it names lie beside the contract, not beside its copy.
        return replace(kept, folder=folder)
    except YamlFileError:
        return None
