"""Files for comparisons, and the verb run on them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import duckdb

from console.cli.main import main


def parquet(path: Path, columns: Mapping[str, tuple[str, Sequence[Any]]]) -> Path:
    """Write columns, each a type of the engine and its values."""
    connection = duckdb.connect()
    names = ", ".join(f'unnest(?::{kind}[]) AS "{name}"' for name, (kind, _) in columns.items())
    connection.execute(f"CREATE TABLE t AS SELECT {names}", [list(values) for _, values in columns.values()])
    connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    connection.close()
    return path


def asked(*words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `quarterdeck compare`."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["compare", *map(str, words)])
    return code, out.getvalue(), err.getvalue()


def answered(*words: object) -> dict[str, Any]:
    """The JSON answer."""
    code, out, err = asked(*words, "--json")
    assert code == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


def column(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """One column of an answer."""
    return next(each for each in answer["columns"] if each["name"] == name)
