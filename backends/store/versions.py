"""Which fact of an identity is in force: SQL shared by the reader and the roll-ups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backends.store.catalogue import Segment
from backends.store.schema import DIGEST, Table
from backends.store.sql import moment, parquet, quoted


def known_by(at: datetime | None) -> str:
    """The condition "as of `at`"; None means everything that is known."""
    return "true" if at is None else f"event_at <= {moment(at)} AND known_at <= {moment(at)}"


def current(table: Table, relation: str, condition: str) -> str:
    """Among the facts of `relation` that meet `condition`, one for each identity: the latest known."""
    scope = ["environment", "source", *(["model"] if table.by_model else []), *table.identity]
    partition = ", ".join(quoted(name) for name in scope)
    return (
        f"(SELECT * FROM {relation} WHERE {condition} "
        f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY known_at DESC, landed_at DESC, {DIGEST} DESC) = 1)"
    )


def nothing(table: Table) -> str:
    """A relation with the declared columns of `table` and no row."""
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in table.all_columns.items())
    return f"(SELECT {columns}, CAST(NULL AS UBIGINT) AS {DIGEST} WHERE false)"


def stored(table: Table, segments: Sequence[Segment]) -> str:
    """The facts of segments as they are kept, all versions of each."""
    return parquet((segment.file for segment in segments), alike=not table.open) if segments else nothing(table)


def needs_choice(segments: Sequence[Segment]) -> bool:
    """Whether some identity has more than one version in `segments`."""
    return any(segment.corrected or segment.crossed for segment in segments)
