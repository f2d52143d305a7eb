"""Views as tables: which rows a view holds, under which columns, of which types. For notebooks; screens and verbs draw views themselves.

A row is one view: its plain fields are columns, the fields of a view inside it follow under `outer_inner`, and named numbers
(`measures`, each with `name` and `value`) become columns of their own: `auc`, `auc_low`, `auc_high`, `auc_reason`. Rows inside rows are
tables of their own, asked for by a dotted path (`layers.signals`). What cannot be computed is missing, never 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from backends.text import Untrusted, displayable

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Kind = Literal["text", "float", "int", "bool", "moment", "date", "texts", "floats", "document"]

_PLAIN: Final[dict[type, Kind]] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "text",
    Untrusted: "text",
    datetime: "moment",
    date: "date",
}


class NoSuchTable(LookupError):
    """A view has no table of that name."""


def tables(view: type[BaseModel]) -> list[str]:
    """The paths of the tables in a view, the main one first: those of the view itself, then those inside their rows."""
    found: list[str] = []
    waiting: list[tuple[str, tuple[type[BaseModel], ...]]] = [("", (view,))]
    while waiting:
        path, kinds = waiting.pop(0)
        for name, field in kinds[-1].model_fields.items():
            rows = _rows_of(field.annotation)
            if rows is not None and rows not in kinds and not _is_named_number(rows):
                found.append(f"{path}{name}")
                waiting.append((f"{path}{name}.", (*kinds, rows)))
    return found


def columns_of(view: BaseModel, table: str | None, exact: bool) -> dict[str, tuple[Kind, list[Any]]]:
    """The columns of one table of a view, each with its kind and its values. Raises NoSuchTable.

    Without tables the view itself is the only row. Text is made displayable, because frames are printed to terminals; with `exact` it is
    as it was recorded.
    """
    known = tables(type(view))
    path = table if table is not None else next(iter(known), "")
    if path and path not in known:
        raise NoSuchTable(f"{type(view).__name__} has no table {path!r}; there are: {', '.join(known) or 'none'}")
    rows, kind = _followed(view, path)
    kinds: dict[str, Kind] = dict(_declared(kind, ""))
    cells = [dict(_cells(row, "", kinds, exact)) for row in rows]
    return {name: (shape, [row.get(name) for row in cells]) for name, shape in kinds.items()}


def pandas_frame(view: BaseModel, table: str | None, exact: bool) -> pd.DataFrame:
    """`columns_of` as a pandas frame; whole numbers and truth values that may be missing have pandas' nullable types."""
    import pandas as pd  # only notebooks pay for it

    types = {"float": "float64", "int": "Int64", "bool": "boolean", "moment": "datetime64[us, UTC]"}
    found = {}
    for name, (kind, values) in columns_of(view, table, exact).items():
        if kind == "moment":
            values = pd.to_datetime(pd.Series(values, dtype="object"), utc=True)  # noqa: PLW2901 - a series of the same moments
        found[name] = pd.Series(values, dtype=types.get(kind, "object"))
    return pd.DataFrame(found)


def polars_frame(view: BaseModel, table: str | None, exact: bool) -> pl.DataFrame:
    """`columns_of` as a polars frame."""
    import polars as pl  # only notebooks pay for it

    types: dict[str, Any] = {
        "text": pl.String, "document": pl.String, "float": pl.Float64, "int": pl.Int64, "bool": pl.Boolean,
        "moment": pl.Datetime("us", "UTC"), "date": pl.Date, "texts": pl.List(pl.String), "floats": pl.List(pl.Float64),
    }  # fmt: skip
    columns = columns_of(view, table, exact)
    return pl.DataFrame([pl.Series(name, values, dtype=types[kind]) for name, (kind, values) in columns.items()])


def _followed(view: BaseModel, path: str) -> tuple[list[Any], type[BaseModel]]:
    rows, kind = [view], type(view)
    for name in path.split(".") if path else ():
        rows = [each for row in rows for each in getattr(row, name)]
        inner = _rows_of(kind.model_fields[name].annotation)
        assert inner is not None
        kind = inner
    return rows, kind


def _declared(kind: type[BaseModel], prefix: str) -> Iterator[tuple[str, Kind]]:
    for name, field in kind.model_fields.items():
        inner = _view_of(field.annotation)
        if inner is not None:
            yield from _declared(inner, f"{prefix}{name}_")
        elif _rows_of(field.annotation) is None:
            yield f"{prefix}{name}", _kind_of(field.annotation)


def _cells(row: BaseModel, prefix: str, kinds: dict[str, Kind], exact: bool) -> Iterator[tuple[str, Any]]:
    for name, field in type(row).model_fields.items():
        value = getattr(row, name)
        rows = _rows_of(field.annotation)
        if rows is not None:
            if _is_named_number(rows):
                yield from _numbers(value, prefix, kinds, exact)
        elif isinstance(value, BaseModel):
            yield from _cells(value, f"{prefix}{name}_", kinds, exact)
        elif f"{prefix}{name}" in kinds:
            yield f"{prefix}{name}", _cell(value, kinds[f"{prefix}{name}"], exact)


def _numbers(found: Iterable[Any], prefix: str, kinds: dict[str, Kind], exact: bool) -> Iterator[tuple[str, Any]]:
    for number in found:
        for name, kind in _declared(type(number), ""):
            if name != "name":
                column = f"{prefix}{number.name}" + ("" if name == "value" else f"_{name}")
                kinds.setdefault(column, kind)
                yield column, _cell(getattr(number, name), kind, exact)


def _cell(value: Any, kind: Kind, exact: bool) -> Any:
    if value is None:
        return None
    if kind == "document":
        return json.dumps(_plain(value))
    if kind in {"texts", "floats"}:
        return [_cell(each, "text" if kind == "texts" else "float", exact) for each in value]
    if kind == "text":
        raw = value.raw if isinstance(value, Untrusted) else str(value.value if isinstance(value, Enum) else value)
        return raw if exact else displayable(raw)
    return float(value) if kind == "float" else value


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Untrusted):
        return value.raw
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _options(annotation: Any) -> list[Any]:
    """What an annotation allows beside None."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [option for each in get_args(annotation) if each is not type(None) for option in _options(each)]
    return [annotation]


def _view_of(annotation: Any) -> type[BaseModel] | None:
    options = _options(annotation)
    return options[0] if len(options) == 1 and isinstance(options[0], type) and issubclass(options[0], BaseModel) else None


def _rows_of(annotation: Any) -> type[BaseModel] | None:
    options = _options(annotation)
    if len(options) != 1 or get_origin(options[0]) not in {tuple, list}:
        return None
    return _view_of(get_args(options[0])[0])


def _is_named_number(kind: type[BaseModel]) -> bool:
    return {"name", "value"} <= kind.model_fields.keys() and set(_options(kind.model_fields["value"].annotation)) == {float}


def _kind_of(annotation: Any) -> Kind:
    options = _options(annotation)
    if set(options) == {int, float}:
        return "float"
    if len(options) != 1:
        return "document"
    [option] = options
    if get_origin(option) is Literal:
        return "text" if all(isinstance(each, str) for each in get_args(option)) else "document"
    if get_origin(option) in {tuple, list}:
        inner = _kind_of(get_args(option)[0])
        return "texts" if inner == "text" else "floats" if inner in {"float", "int"} else "document"
    if isinstance(option, type) and issubclass(option, Enum):
        return "text"
    return _PLAIN.get(option, "document")
