"""The five tables of facts: their columns, what identifies one fact, and what may be left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TIMESTAMP: Final = "TIMESTAMP"
VARCHAR: Final = "VARCHAR"
DOUBLE: Final = "DOUBLE"
BIGINT: Final = "BIGINT"
BOOLEAN: Final = "BOOLEAN"

FACT_COLUMNS: Final[Mapping[str, str]] = {
    "event_at": TIMESTAMP,
    "known_at": TIMESTAMP,
    "landed_at": TIMESTAMP,
    "environment": VARCHAR,
    "source": VARCHAR,
    "fact_id": VARCHAR,
}
"""What every fact carries. Times are UTC."""

DIGEST: Final = "__digest"
"""A column of every segment: 64 bits of the digest of the content, to tell a repeated fact from a contradicting one."""

INTERNAL: Final = frozenset({DIGEST, "__given", "__file", "__order", "__place"})
"""Names that the store keeps for itself; a column of that name in a landing file is ignored."""


@dataclass(frozen=True)
class Table:
    """One table of facts.

    `columns` are its own, besides FACT_COLUMNS. `identity` (with environment, source and, where there is one, model) says which
    facts are versions of each other: among them the latest `known_at` wins. `key` is the column whose range each segment records.
    `day_bound` is true when facts of one identity share their `event_at`, so that a correction stays on its day.
    """

    name: str
    columns: Mapping[str, str]
    required: tuple[str, ...]
    identity: tuple[str, ...]
    key: str
    finite: tuple[str, ...] = ()
    """Numbers that must be present and finite: a row without them says nothing."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    by_model: bool = True
    day_bound: bool = True
    open: bool = False
    """True when any other column is kept: the inputs of a model."""

    @property
    def all_columns(self) -> dict[str, str]:
        """Every declared column and its type: the fact's own, then the table's."""
        return {**FACT_COLUMNS, **self.columns}


PREDICTIONS: Final = Table(
    name="predictions",
    columns={
        "model": VARCHAR,
        "version": VARCHAR,
        "key": VARCHAR,
        "score": DOUBLE,
        "role": VARCHAR,
        "served_by": VARCHAR,
        "latency_ms": DOUBLE,
    },
    required=("event_at", "model", "version", "key"),
    # A request is scored at one moment: the same customer scored every day is a new prediction each day, not a correction.
    identity=("version", "role", "key", "event_at"),
    key="key",
    finite=("score",),
    defaults={"role": "live", "served_by": "model"},
    open=True,
)

LABELS: Final = Table(
    name="labels",
    columns={"model": VARCHAR, "key": VARCHAR, "label": DOUBLE},
    required=("event_at", "model", "key"),
    identity=("key",),
    key="key",
    finite=("label",),
    day_bound=False,
)

METRICS: Final = Table(
    name="metrics",
    columns={
        "model": VARCHAR,
        "version": VARCHAR,
        "layer": VARCHAR,
        "name": VARCHAR,
        "value": DOUBLE,
        "unit": VARCHAR,
        "labels": VARCHAR,
        "n": BIGINT,
        "simulated": BOOLEAN,
    },
    required=("event_at", "layer", "name"),
    identity=("version", "layer", "name", "labels", "event_at"),
    key="name",
    defaults={"unit": "", "labels": "{}", "simulated": "false"},
)

RECORDS: Final = Table(
    name="records",
    columns={"kind": VARCHAR, "name": VARCHAR, "body": VARCHAR},
    required=("event_at", "kind", "name", "body"),
    identity=("kind", "name"),
    key="name",
    by_model=False,
    day_bound=False,
)

EVENTS: Final = Table(
    name="events",
    columns={"kind": VARCHAR, "name": VARCHAR, "model": VARCHAR, "body": VARCHAR},
    required=("event_at", "name", "body"),
    identity=("kind", "name"),
    key="name",
    defaults={"kind": "event"},
    by_model=False,
    day_bound=False,
)

TABLES: Final[Mapping[str, Table]] = {table.name: table for table in (PREDICTIONS, LABELS, METRICS, RECORDS, EVENTS)}

JUDGED: Final = tuple(name for name in TABLES if name != EVENTS.name)
"""Tables that a model's health is judged from. Events are told beside it."""

DEFAULT_ENVIRONMENT: Final = "production"
DEFAULT_SOURCE: Final = "local"


def table_named(name: str) -> Table:
    """The table of that name. Raises ValueError listing the five."""
    try:
        return TABLES[name]
    except KeyError:
        raise ValueError(f"there is no table {name!r}; the tables are {', '.join(TABLES)}") from None


def reserved_columns(table: Table) -> frozenset[str]:
    """Names that no input of a model can have in `table`, in lower case."""
    return frozenset(table.all_columns) | INTERNAL


def feature_type(stored: str) -> str:
    """The type in which an input of a model is kept, from the type in which it arrived."""
    kind = stored.upper()
    if kind in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}:
        return BIGINT
    if kind in {"FLOAT", "DOUBLE", "HUGEINT", "UHUGEINT", "UBIGINT"} or kind.startswith("DECIMAL"):
        return DOUBLE
    if kind == "BOOLEAN":
        return BOOLEAN
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return TIMESTAMP
    return VARCHAR
