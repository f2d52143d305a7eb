"""Files of rows that a person names on the command line: Parquet, CSV, JSON Lines, one or many; read with DuckDB, never written.

Whatever is wrong with one is a `DataFileProblem` with its name and what to do; nothing is guessed from a damaged or ragged file.
"""

from __future__ import annotations

import contextlib
import csv
import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backends.store.sql import connect, quoted, run, texts

if TYPE_CHECKING:
    import duckdb

FORMATS: Final = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
MISSING_WORDS: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""What a CSV file may say for "no value"."""


class DataFileProblem(ValueError):
    """A file that cannot be read as rows. `str()` is one line: which file, what is wrong, what to do."""


@dataclass(frozen=True)
class DataTable:
    """The rows of one argument. `columns` are names and DuckDB types, in the order of the file."""

    named: str
    """The path or pattern as it was given."""
    files: tuple[Path, ...]
    relation: str
    """A table expression over all files."""
    columns: dict[str, str]
    connection: duckdb.DuckDBPyConnection

    def column(self, name: str) -> str:
        """The quoted name of a column. Raises DataFileProblem with the names there are."""
        if name not in self.columns:
            listed = ", ".join(list(self.columns)[:12]) + (", ..." if len(self.columns) > 12 else "")
            raise DataFileProblem(f"{self.named} has no column {name!r}; it has: {listed or 'none'}")
        return quoted(name)

    def is_empty(self, name: str) -> bool:
        """Whether a column holds no value at all. Raises DataFileProblem."""
        return bool(self.fetch([f"count({self.column(name)})"])[0][0] == 0)

    def fetch(self, expressions: Sequence[str]) -> list[Any]:
        """One numpy array an expression (masked where it is null), all rows, in one pass. Raises DataFileProblem."""
        import duckdb  # noqa: PLC0415 - loaded already, by whoever opened the table

        listed = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(expressions))
        try:
            found = self.connection.execute(f"SELECT {listed} FROM {self.relation}").fetchnumpy()
        except duckdb.Error as error:
            raise DataFileProblem(f"{self.named} cannot be read: {first_line(error)}") from None
        return [found[f"c{number}"] for number in range(len(expressions))]


@contextlib.contextmanager
def open_table(named: str) -> Iterator[DataTable]:
    """Open a path, or a pattern with `*`, as one table. Raises DataFileProblem: not there, not readable, no rows of one shape."""
    import duckdb  # noqa: PLC0415 - only who reads pays for it

    files = matching(named)
    kind = format_of(files, named)
    for file in files:
        _check_readable(file)
        if kind == "csv":
            _check_header(file)
    connection = connect(allowed=list(files))
    try:
        relation = _relation(files, kind)
        shapes = [_described(connection, _relation([file], kind), file) for file in (files if len(files) > 1 else files[:1])]
        for file, shape in zip(files[1:], shapes[1:], strict=True):
            if shape != shapes[0]:
                raise DataFileProblem(_changed(named, files[0], shapes[0], file, shape))
        yield DataTable(named, files, relation, shapes[0], connection)
    except duckdb.Error as error:
        raise DataFileProblem(f"{named} cannot be read: {first_line(error)}") from None
    finally:
        connection.close()


def matching(named: str) -> tuple[Path, ...]:
    """The files that a path or a pattern names, sorted. A file of exactly that name wins over the pattern."""
    if os.path.lexists(named):
        return (Path(named).absolute(),)
    found = sorted(glob.glob(named)) if glob.has_magic(named) else []  # noqa: PTH207 - patterns may be absolute
    if not found:
        what = "no file matches it" if glob.has_magic(named) else "there is no such file"
        raise DataFileProblem(f"{named}: {what}; give a path, or a quoted pattern such as 'day-*.parquet'")
    return tuple(Path(each).absolute() for each in found)


def format_of(files: Sequence[Path], named: str) -> str:
    """`parquet`, `csv` or `jsonl`, told by the ending. Raises DataFileProblem when there are none, or several."""
    kinds = {FORMATS.get(file.suffix.lower()) for file in files}
    if None in kinds:
        odd = next(file for file in files if file.suffix.lower() not in FORMATS)
        raise DataFileProblem(f"{odd.name}: the ending must be one of {', '.join(FORMATS)}; convert the file, or rename it")
    if len(kinds) > 1:
        raise DataFileProblem(f"{named} matches files of several formats ({', '.join(sorted(filter(None, kinds)))}); name one")
    return str(kinds.pop())


def first_line(error: BaseException) -> str:
    """What an engine's error says first, without its category."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.split("Error: ", 1)[-1]


def _check_readable(file: Path) -> None:
    try:
        held = file.stat()
        if stat.S_ISDIR(held.st_mode):
            raise DataFileProblem(f"{file} is a folder; give its files, such as '{file}/*.parquet'")
        if not stat.S_ISREG(held.st_mode):
            raise DataFileProblem(f"{file} is no regular file, so it cannot be read twice; save it as a file first")
        if not held.st_size:
            raise DataFileProblem(f"{file} is empty")
        with file.open("rb"):
            pass
    except OSError as error:
        raise DataFileProblem(f"{file} cannot be read: {error.strerror}") from None


def _check_header(file: Path) -> None:
    """DuckDB would rename the second of two equal columns; which one was meant nobody could tell."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            header = next(csv.reader(text, delimiter=_delimiter(file)), [])
    except UnicodeDecodeError:
        raise DataFileProblem(f"{file.name} is not UTF-8 text; convert it first") from None
    except csv.Error as error:
        raise DataFileProblem(f"{file.name}, line 1: {error}") from None
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise DataFileProblem(f"{file.name} has the column {repeated[0]!r} twice; rename one of them")


def _ragged(file: Path) -> str | None:
    """Which line of a CSV file has another number of values than its header; the engine only says that it cannot make sense of it."""
    if FORMATS.get(file.suffix.lower()) != "csv":
        return None
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as text, contextlib.suppress(csv.Error):
        rows = csv.reader(text, delimiter=_delimiter(file))
        width = len(next(rows, []))
        for row in rows:
            if row and len(row) != width:
                return f"line {rows.line_num} has {len(row)} values, the header has {width}"
    return None


def _delimiter(file: Path) -> str:
    return "\t" if file.suffix.lower() == ".tsv" else ","


def _relation(files: Sequence[Path], kind: str) -> str:
    listed = texts(str(file) for file in files)
    if kind == "parquet":
        return f"read_parquet({listed}, hive_partitioning=false)"
    if kind == "jsonl":
        return f"read_json({listed}, format='newline_delimited', hive_partitioning=false, sample_size=-1, maximum_depth=2)"
    delimiter = _delimiter(files[0])
    return (
        f"read_csv({listed}, header=true, delim='{delimiter}', quote='\"', escape='\"', skip=0, strict_mode=true, null_padding=false, "
        f"ignore_errors=false, sample_size=-1, nullstr={texts(MISSING_WORDS)}, hive_partitioning=false)"
    )


def _described(connection: duckdb.DuckDBPyConnection, relation: str, file: Path) -> dict[str, str]:
    import duckdb  # noqa: PLC0415 - loaded already, by whoever described a file

    try:
        rows = run(connection, f"DESCRIBE SELECT * FROM {relation}")
    except duckdb.Error as error:
        raise DataFileProblem(f"{file.name} cannot be read: {_ragged(file) or first_line(error)}") from None
    return {str(row[0]): str(row[1]) for row in rows}


def _changed(named: str, first: Path, before: dict[str, str], second: Path, after: dict[str, str]) -> str:
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            was, is_ = before.get(name, "absent"), after.get(name, "absent")
            return f"{named}: column {name!r} is {was} in {first.name} and {is_} in {second.name}; bring the files to one shape"
    return f"{named}: the columns of {first.name} and {second.name} stand in another order; bring the files to one shape"
