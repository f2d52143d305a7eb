"""Which files are meant by a path or a pattern, and what they are. Nothing is opened that is not a plain file."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from backends.data_files.problem import DataFileProblem

Format = Literal["parquet", "csv", "jsonl"]

FORMATS: Final[dict[str, Format]] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
"""What a file is, told by its ending."""


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The files behind one path or pattern, in order of their names, all of one format."""

    given: str
    files: tuple[Path, ...]
    format: Format


def table_files(given: str) -> TableFiles:
    """Find the files of `given`: a path, or a pattern (`day-*.parquet`, `**/*.csv`). A path that exists is taken literally.

    Raises `DataFileProblem` when there is none, when one is no plain file or empty, or when the endings differ or are not known.
    """
    if not given or "\0" in given:
        raise DataFileProblem(f"{given!r} is no path of a file")
    if any(0xD800 <= ord(character) < 0xE000 for character in given):
        raise DataFileProblem(f"{given}: a path that is not UTF-8 cannot be opened; give the file another name, or a link to it")
    found = [given] if os.path.lexists(given) or not glob.has_magic(given) else sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - pathlib takes no absolute pattern
    files = [Path(each) for each in found if len(found) == 1 or not Path(each).is_dir()]
    if not files:
        raise DataFileProblem(f"no file matches {given}; check the pattern (and quote it, so that the shell leaves it alone)")
    formats = {_checked(file) for file in files}
    if len(formats) > 1:
        raise DataFileProblem(f"{given} matches files of different formats ({', '.join(sorted(formats))}); name one ending")
    return TableFiles(given, tuple(file.resolve() for file in files), formats.pop())


def _checked(file: Path) -> Format:
    try:
        status = file.stat()
    except FileNotFoundError:
        raise DataFileProblem(f"{file}: there is no such file; check the path") from None
    except OSError as error:
        raise DataFileProblem(f"{file} cannot be read: {error.strerror}") from None
    if stat.S_ISDIR(status.st_mode):
        raise DataFileProblem(f"{file} is a folder; name the files in it, as in {file / '*.parquet'}")
    if not stat.S_ISREG(status.st_mode):
        raise DataFileProblem(f"{file} is no regular file but a pipe, a socket or a device; write its rows to a file first")
    form = FORMATS.get(file.suffix.lower())
    if form is None:
        raise DataFileProblem(f"{file}: the ending must be one of {', '.join(FORMATS)}; convert the file, or rename it")
    if status.st_size == 0:
        raise DataFileProblem(f"{file} is empty: it has not even a header")
    if not os.access(file, os.R_OK):
        raise DataFileProblem(f"{file} cannot be read: check its permissions")
    return form
