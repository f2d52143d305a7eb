"""Tables that a contract names: the values that a column may have because another table has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from backends.data_files.listed import Connection, listed_rows, listed_values
from backends.data_files.problem import DataFileProblem
from backends.store.columns import Foreign
from console.contracts.contract import ReadContract
from console.contracts.moments import Moment

MOST: Final = 1_000_000
"""Values that a table may have to be held against: they are kept in memory."""


@dataclass(frozen=True, slots=True)
class References:
    """By column: the relation of its values, or why there is none."""

    relations: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    together: Mapping[int, Foreign] = field(default_factory=dict)
    """By number in the contract: several columns, and the relation of their rows."""
    apart: Mapping[int, str] = field(default_factory=dict)
    """Why there is none, of others."""


def references_in(connection: Connection, read: ReadContract, moment: Moment | None) -> References:
    """Put the values of every table that the contract names into `connection`. Never raises: what cannot be read is a problem."""
    relations: dict[str, str] = {}
    problems: dict[str, str] = {}
    for number, column in enumerate(read.contract.columns):
        among = column.among
        if among is None or (moment is not None and moment not in column.moments):
            continue
        try:
            relations[column.name] = listed_values(connection, read.beside(among.file), among.column, f"among_{number}", MOST)
        except DataFileProblem as error:
            problems[column.name] = str(error)
    return References(relations, problems)


def references_of_logs(connection: Connection, read: ReadContract) -> References:
    """What production logs are held against: for single columns and for several together. Never raises."""
    single = references_in(connection, read, "logs")
    together: dict[int, Foreign] = {}
    apart: dict[int, str] = {}
    for number, each in enumerate(read.contract.together):
        if "logs" not in each.moments:
            continue
        try:
            together[number] = Foreign(each.columns, referred_together(connection, read, number))
        except DataFileProblem as error:
            apart[number] = str(error)
    return replace(single, together=together, apart=apart)


def referred_together(connection: Connection, read: ReadContract, number: int) -> str:
    """Put the rows that columns together are held against into `connection`, and return the relation. Raises `DataFileProblem`."""
    among = read.contract.together[number].among
    return listed_rows(connection, read.beside(among.file), among.columns, f"together_{number}", MOST)
