"""CSV and JSON Lines, row by row with their line numbers: what a row says, before anyone asks what it means."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from backends.store.errors import IngestError

CHUNK_ROWS: Final = 20_000
MAX_COLUMNS: Final = 2_000
DELIMITERS: Final = (",", ";", "\t", "|")

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do, in one unit (bytes of a text file, rows of Parquet)."""


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file. Values of CSV are text; of JSON Lines whatever JSON has."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """A row that was not taken, and why."""

    line: int
    reason: str
    row: Any


@dataclass
class Chunk:
    """Some rows of a file, in order."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def csv_chunks(path: Path, progress: Progress) -> Iterator[Chunk]:
    """The rows of a CSV file: a header, then as many fields in each row. An empty field is a missing value.

    Raises IngestError when the file is no such thing as a whole: empty, not UTF-8, a header with equal names, cut off in a row.
    """
    csv.field_size_limit(16 * 1024 * 1024)
    size = path.stat().st_size
    with _opened(path) as file:
        try:
            first = file.readline()
        except UnicodeDecodeError as error:
            raise _not_utf8(path, error) from None
        if not first.strip():
            raise IngestError(f"{path.name} is empty; nothing was taken")
        delimiter = max(DELIMITERS, key=first.count)
        file.seek(0)
        reader = csv.reader(_counted(file, size, progress), delimiter=delimiter, strict=True)
        chunk = Chunk()
        header: list[str] = []
        last: Refused | None = None
        line = 1
        try:
            header = [name.strip() for name in next(reader)]
            _check_header(path, header)
            line = reader.line_num + 1
            for fields in reader:
                last = None
                if len(fields) == len(header):
                    chunk.rows.append(Row(line, {name: value if value != "" else None for name, value in zip(header, fields, strict=True)}))
                elif fields:
                    last = Refused(line, f"has {len(fields)} fields, the header has {len(header)}", fields)
                    chunk.refused.append(last)
                line = reader.line_num + 1
                if len(chunk.rows) + len(chunk.refused) >= CHUNK_ROWS:
                    yield chunk
                    chunk = Chunk()
        except UnicodeDecodeError as error:
            raise _not_utf8(path, error) from None
        except csv.Error as error:
            raise IngestError(f"{path.name} is not CSV from line {line} on ({error}): is the file complete? Nothing was taken") from None
    if last is not None and not _ends_with_newline(path):
        raise IngestError(f"{path.name} is cut off in line {last.line}: {last.reason}. Nothing was taken; get the whole file")
    yield chunk


def json_chunks(path: Path, progress: Progress) -> Iterator[Chunk]:
    """The rows of a JSON Lines file: one object a line; blank lines are skipped.

    Raises IngestError when the file is empty, not UTF-8, or cut off in its last line.
    """
    size = path.stat().st_size
    if size == 0:
        raise IngestError(f"{path.name} is empty; nothing was taken")
    complete = _ends_with_newline(path)
    chunk = Chunk()
    names: set[str] = set()
    with _opened(path) as file:
        last: Refused | None = None
        try:
            for line, content in enumerate(_counted(file, size, progress), start=1):
                if not content.strip():
                    continue
                last = None
                try:
                    value = json.loads(content, object_pairs_hook=_unique)
                    if not isinstance(value, dict):
                        raise ValueError(f"is a JSON {type(value).__name__}, not an object")
                    names.update(value)
                    chunk.rows.append(Row(line, value))
                except RecursionError:
                    chunk.refused.append(Refused(line, "is nested too deeply", content[:200]))
                except ValueError as error:
                    last = Refused(line, f"is not a JSON object: {error}", content.rstrip("\n")[:2000])
                    chunk.refused.append(last)
                if len(names) > MAX_COLUMNS:
                    raise IngestError(f"{path.name} has more than {MAX_COLUMNS} different names up to line {line}; nothing was taken")
                if len(chunk.rows) + len(chunk.refused) >= CHUNK_ROWS:
                    yield chunk
                    chunk = Chunk()
        except UnicodeDecodeError as error:
            raise _not_utf8(path, error) from None
    if last is not None and not complete:
        raise IngestError(f"{path.name} is cut off in line {last.line}: {last.reason}. Nothing was taken; get the whole file")
    yield chunk


def _opened(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")


def _counted(file: TextIO, size: int, progress: Progress) -> Iterator[str]:
    done = 0
    reported = 0
    for content in iter(file.readline, ""):
        done += len(content)
        if done - reported > 1_000_000:
            reported = done
            progress(min(done, size), size)
        yield content
    progress(size, size)


def _check_header(path: Path, header: list[str]) -> None:
    if len(header) > MAX_COLUMNS:
        raise IngestError(f"{path.name} has {len(header)} columns; at most {MAX_COLUMNS} are taken")
    lowered = [name.lower() for name in header]
    twice = [name for name in header if lowered.count(name.lower()) > 1]
    if "" in header:
        raise IngestError(f"{path.name}: column {header.index('') + 1} has no name in line 1; the first line must name every column")
    if twice:
        raise IngestError(f"{path.name}: line 1 has the same column twice: {', '.join(twice)}; rename one")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lowered: set[str] = set()
    for name, value in pairs:
        if name.lower() in lowered:
            raise ValueError(f"the name {name!r} stands in it twice")
        lowered.add(name.lower())
        found[name] = value
    return found


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, 2)
        if file.tell() == 0:
            return True
        file.seek(-1, 2)
        return file.read(1) in {b"\n", b"\r"}


def _not_utf8(path: Path, error: UnicodeDecodeError) -> IngestError:
    return IngestError(f"{path.name} is not UTF-8 text (byte 0x{error.object[error.start]:02X}); convert it, or give Parquet")
