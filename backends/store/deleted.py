"""What retention has deleted, as the catalogue keeps it: of each log the day before which its rows are gone, and the days kept back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from backends.store.catalogue_file import CatalogueFile

NO_MODEL: Final = "(no model)"
"""What the rows that belong to no model are called where a model is named."""

NOTHING: Final = "nothing deleted"
"""How a model stands of which no rows were deleted."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole UTC days, both ends included, and why their rows stay."""

    first: str
    last: str
    reason: str

    def holds(self, day: str) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Deleted:
    """Of one log of one environment the rows before the UTC day `before` are gone, but for those of the days in `kept`."""

    environment: str
    table: str
    model: str
    """Empty for what belongs to no model."""
    before: str
    kept: tuple[Span, ...]
    rule: str
    """The rule that asked for it, with file and line."""
    rows: int
    key: str
    """Of the action that did it."""
    deleted_at: str

    @property
    def log(self) -> tuple[str, str, str]:
        return self.environment, self.table, self.model

    def takes(self, day: str) -> bool:
        """Whether the rows of a day are gone."""
        return day < self.before and not any(span.holds(day) for span in self.kept)

    def told(self) -> str:
        """`predictions before 2013-02-01`, with how many stretches were kept back."""
        kept = f" but {len(self.kept)} kept" if self.kept else ""
        return f"{self.table} before {self.before}{kept}"


def standing(deleted: Sequence[Deleted]) -> str:
    """What was deleted of one model, in a few words: the value that an action goes by."""
    return ", ".join(each.told() for each in sorted(deleted, key=lambda each: each.table)) or NOTHING


def newest(deleted: Iterable[Deleted]) -> list[Deleted]:
    """The last word about each log."""
    return list({each.log: each for each in deleted}.values())


def as_json(deleted: Deleted) -> dict[str, Any]:
    """As it is written to a file."""
    return asdict(deleted)


def from_json(raw: dict[str, Any]) -> Deleted:
    """As it was written. Raises KeyError or TypeError."""
    return Deleted(**{**raw, "kept": tuple(Span(**span) for span in raw["kept"])})


class Deletions(CatalogueFile):
    """Looking deletions up, and giving their keys up."""

    def deleted(self, generation: int) -> list[Deleted]:
        """What was deleted up to a generation: the last word about each log."""
        return newest(
            Deleted(environment, table, model, before, tuple(Span(*span) for span in json.loads(kept)), rule, rows, key, at)
            for environment, table, model, before, kept, rule, rows, key, at in self._rows("since <= ?", generation)
        )

    def applied(self, key: str) -> list[Deleted]:
        """What the action of this key deleted; empty where it did not."""
        return [
            Deleted(environment, table, model, before, tuple(Span(*span) for span in json.loads(kept)), rule, rows, own, at)
            for environment, table, model, before, kept, rule, rows, own, at in self._rows("key = ?", key)
        ]

    def forbid_deletion(self, key: str) -> bool:
        """Give the key of an action up, so that it can delete nothing any more; True when it did before. Raises StoreError."""
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM deleted WHERE key = ?", (key,)).fetchone():
                return True
            connection.execute("INSERT OR IGNORE INTO deletions_forbidden VALUES (?)", (key,))
        return False

    def deletion_forbidden(self, key: str) -> bool:
        """Whether the key of an action was given up."""
        return bool(self._knows_deletions() and self._read("SELECT 1 FROM deletions_forbidden WHERE key = ?", [key]))

    def _rows(self, where: str, value: object) -> list[tuple[Any, ...]]:
        if not self._knows_deletions():
            return []
        columns = "environment, tbl, model, before, kept, rule, rows, key, deleted_at"
        return self._read(f"SELECT {columns} FROM deleted WHERE {where} ORDER BY id", [value])

    def _knows_deletions(self) -> bool:
        """Whether it can know any: one that an older program made, and that cannot be written, has no place for them."""
        return bool(self._read("SELECT 1 FROM sqlite_master WHERE name = 'deleted'"))


def insert_deleted(connection: sqlite3.Connection, deleted: Iterable[Deleted], generation: int) -> None:
    """Record deletions with the generation that makes them, and let what was refused of those days go too. Inside its transaction."""
    for each in deleted:
        kept = json.dumps([[span.first, span.last, span.reason] for span in each.kept])
        connection.execute(
            "INSERT INTO deleted (environment, tbl, model, before, kept, rule, rows, key, deleted_at, since) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                each.environment, each.table, each.model, each.before, kept, each.rule, each.rows, each.key, each.deleted_at, generation,
            ),
        )  # fmt: skip
        refused = connection.execute(
            "SELECT id, refused FROM conflicts WHERE environment = ? AND tbl = ? AND model = ?", each.log
        ).fetchall()
        gone = [(number,) for number, content in refused if each.takes(str(json.loads(content).get("event_at", "9999"))[:10])]
        connection.executemany("DELETE FROM conflicts WHERE id = ?", gone)
