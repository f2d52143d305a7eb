"""The form of a contract, and reading one: every problem has its file, line and reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backends.durations import Duration
from backends.records import Column, Name
from backends.yaml_text import YamlFileError, YamlText, load_yaml, validated
from console.contracts.moments import MOMENTS, Moment


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    moments: tuple[Moment, ...] = Field(default=MOMENTS, min_length=1)
    """The moments at which it holds; all of them when it does not say."""


class Among(BaseModel):
    """Every value must stand in a column of another file: the path is relative to the contract's own folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(min_length=1)
    column: Name


class ContractColumn(Column):
    """One column. What is said of it means the same as in the signature of a model version."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    moments: tuple[Moment, ...] = Field(default=MOMENTS, min_length=1)
    among: Among | None = None
    """Referential integrity: the values that another table has. Compared as text."""
    show_values: bool = False
    """True: samples show values as they are, where else only their shape is shown."""

    @model_validator(mode="after")
    def _fitting(self) -> ContractColumn:
        if (self.minimum is not None or self.maximum is not None) and self.kind != "numeric":
            raise ValueError(f"{self.name}: minimum and maximum are of numbers, and this is {self.kind}")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"{self.name}: the minimum {self.minimum:g} is above the maximum {self.maximum:g}")
        if self.allowed is not None and self.kind in {"numeric", "timestamp"}:
            raise ValueError(f"{self.name}: allowed values are of categories, and this is {self.kind}; numbers have minimum and maximum")
        if self.among is not None and (self.allowed is not None or self.minimum is not None or self.maximum is not None):
            raise ValueError(f"{self.name}: either among, or allowed, minimum and maximum")
        if self.allowed == ():
            raise ValueError(f"{self.name}: allowed lists no value; leave it out when every value is allowed")
        return self


class Unique(_Part):
    """Columns whose values together stand in one row only. Rows that lack one of them are left out."""

    columns: tuple[Name, ...] = Field(min_length=1)


class AmongTogether(BaseModel):
    """The columns of another file, in the order of those that are held against them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(min_length=1)
    columns: tuple[Name, ...] = Field(min_length=2)


class Together(_Part):
    """Columns whose values together must stand in one row of another file. Rows that lack one of them are left out."""

    columns: tuple[Name, ...] = Field(min_length=2)
    among: AmongTogether

    @model_validator(mode="after")
    def _fitting(self) -> Together:
        ours, theirs = len(self.columns), len(self.among.columns)
        if ours != theirs:
            raise ValueError(f"{ours} columns cannot be held against {theirs} of {self.among.file}: name one for each, in the same order")
        if len(set(self.columns)) < ours:
            raise ValueError("a column stands here twice")
        return self


class Freshness(_Part):
    """How old the newest time of a column may be: beyond `at_most` warns, beyond twice that is critical."""

    column: Name
    at_most: Duration
    zone: Name | None = None
    """IANA zone of times that carry none."""

    @model_validator(mode="after")
    def _sensible(self) -> Freshness:
        if not self.at_most.total_seconds():
            raise ValueError("at_most must be longer than 0s")
        return self


class Contract(BaseModel):
    """A whole contract. Columns that it does not name are judged by `other_columns`; those in `ignored` may be there or not."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1]
    name: Name
    model: Name | None = None
    columns: tuple[ContractColumn, ...] = Field(min_length=1)
    ignored: tuple[Name, ...] = ()
    other_columns: Literal["ok", "warning", "critical"] = "warning"
    unique: tuple[Unique, ...] = ()
    together: tuple[Together, ...] = ()
    freshness: Freshness | None = None

    def column(self, name: str) -> ContractColumn | None:
        """The column of this name, None where the contract has none."""
        return next((each for each in self.columns if each.name == name), None)


@dataclass(frozen=True, slots=True)
class ReadContract:
    """A contract and where each part of it stands."""

    contract: Contract
    text: YamlText
    folder: Path = Path()
    """Where the contract lies."""

    def beside(self, file: str) -> str:
        """The path of a file that the contract names."""
        return str(self.folder / file)

    def line(self, *path: str | int) -> int:
        """The line of a part, counted from 1."""
        return self.text.place(path)[0]


def read_contract(source: Path | str, name: str | None = None) -> ReadContract:
    """Read a contract from a file (`Path`) or from text. Raises YamlFileError, which names every place."""
    text = load_yaml(source, name)
    read = ReadContract(validated(text, Contract), text, source.parent if isinstance(source, Path) else Path())
    problems = [text.problem(path, reason) for path, reason in _inconsistent(read.contract)]
    if problems:
        raise YamlFileError(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return read


def _inconsistent(contract: Contract) -> Iterator[tuple[tuple[str | int, ...], str]]:
    seen: dict[str, int] = {}
    for at, column in enumerate(contract.columns):
        if column.name in seen:
            yield ("columns", at, "name"), f"columns.{at}: {column.name!r} stands here a second time"
        seen[column.name] = at
    for at, name in enumerate(contract.ignored):
        if name in seen:
            yield ("ignored", at), f"ignored.{at}: {name!r} is among the columns too"
    several = [(("unique", at), key.columns) for at, key in enumerate(contract.unique)]
    several += [(("together", at), rule.columns) for at, rule in enumerate(contract.together)]
    for (part, at), names in several:
        for name in names:
            if name not in seen:
                yield (part, at), f"{part}.{at}: there is no column {name!r} in this contract"
    fresh = contract.freshness
    if fresh is not None:
        dated = contract.column(fresh.column)
        if dated is None:
            yield ("freshness", "column"), f"freshness.column: there is no column {fresh.column!r} in this contract"
        elif dated.kind != "timestamp":
            yield ("freshness", "column"), f"freshness.column: {fresh.column!r} is {dated.kind}, not a time"
        if fresh.zone is not None and not _is_zone(fresh.zone):
            yield ("freshness", "zone"), f"freshness.zone: {fresh.zone!r} is no zone; write it as Europe/Berlin"


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # few contracts name one

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
