"""What a column of a file is, how its values are asked for, and why some columns cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from backends.profile.sql import kind_of
from backends.store.sql import quoted

Kind = Literal["numeric", "timestamp", "categorical", "boolean", "nested", "binary", "mixed", "empty"]
"""`empty` is a column without any value and without a type: that of a text file, or one that was written as null. It takes that of the
other side."""

WHOLE_UP_TO: Final = 2**53
"""Whole numbers beyond this have no float of their own: different ones would be taken for equal."""

NOT_COMPARED: Final[dict[str, str]] = {
    "nested": "holds lists or structures, such as embeddings, which have no order and no categories: "
    "compare numbers taken from them, such as their length or a distance",
    "binary": "holds binary data, which has neither order nor categories",
    "mixed": "holds values of different kinds, such as numbers beside texts: give it one type",
    "zones": "holds times of which some carry a time zone and some do not, so they have no common order: write all of them in UTC",
}
"""Why a column has no distances, in words."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of one side. `type` is the engine's name of its type; what text files hold is found by reading all of it.

    `value` is SQL: of a number as the engine has it, of a time as whole microseconds since 1970 in UTC, of a category as text; NULL
    where there is no value. Of a column that cannot be compared it only says whether there is a value, and `why_not` says why.
    `per_unit` is how many of its steps make one of the unit that is shown: a million microseconds make a second.
    """

    name: str
    type: str
    kind: Kind
    value: str
    why_not: str = ""
    per_unit: float = 1.0
    zoned: bool = False
    whole: bool = False
    inferred: bool = False
    """The file has no types: this one was found from its values."""


def column_of(name: str, engine_type: str) -> TableColumn:
    """The column of a typed table."""
    upper, own = engine_type.upper(), quoted(name)
    if upper in {"NULL", '"NULL"'}:
        return TableColumn(name, "NULL", "empty", "NULL")
    kind = kind_of(engine_type)
    if kind is None:
        what: Kind = "binary" if upper.startswith(("BLOB", "BIT")) and not upper.endswith("]") else "nested"
        return TableColumn(name, engine_type, what, own, NOT_COMPARED[what])
    if upper == "JSON":
        return TableColumn(name, engine_type, "mixed", own, NOT_COMPARED["mixed"])
    if kind == "numeric":
        return TableColumn(name, engine_type, kind, own, whole=upper.endswith("INT") or upper == "INTEGER")
    if kind == "timestamp":
        zoned = upper in {"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"}
        moment = own if upper != "DATE" else f"CAST({own} AS TIMESTAMP)"
        return TableColumn(name, engine_type, kind, f"CASE WHEN isfinite({own}) THEN epoch_us({moment}) END", per_unit=1e6, zoned=zoned)
    return TableColumn(name, engine_type, "boolean" if kind == "boolean" else "categorical", f"CAST({own} AS VARCHAR)")


def comparable(reference: TableColumn, current: TableColumn) -> str:
    """Why two columns of one name cannot be compared; empty when they can. A number is a number, of whatever width."""
    for each in (reference, current):
        if each.why_not:
            return each.why_not
    if "empty" in {reference.kind, current.kind}:
        return ""
    if reference.kind != current.kind:
        return f"was {_word(reference)} and is {_word(current)} now: there is no distance between the two"
    if reference.kind == "timestamp" and reference.zoned != current.zoned and "DATE" not in {reference.type, current.type}:
        return "one side has a time zone and the other has none, so the times have no common order"
    return ""


def _word(column: TableColumn) -> str:
    names = {"numeric": "a number", "timestamp": "a time", "categorical": "text", "boolean": "true or false"}
    return f"{names.get(column.kind, column.kind)} ({column.type})"
