"""Deleting rows of the store: the one way in which facts go, and only by an action. Loads no database engine before it deletes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backends.protocol import BackendConflict, BackendError
from backends.store.catalogue import open_catalogue
from backends.store.deleted import NO_MODEL, Span, newest, standing
from backends.store.deleted_file import take_back
from backends.store.errors import StoreError
from backends.store.paths import WorkspacePaths


@dataclass(frozen=True, slots=True)
class DueRows:
    """What of one log goes: its rows before the UTC day `before`, but for days that are held, as (first, last, reason)."""

    table: str
    before: str
    held: tuple[tuple[str, str, str], ...]
    rule: str


@dataclass(frozen=True, slots=True)
class Done:
    """What one action deleted."""

    told: str
    """`1,204 rows of predictions, 980 rows of labels`."""
    rows: int
    in_force: bool
    """Whether nothing of the same logs was deleted since."""


class DeletesRows(Protocol):
    """A store from which the rows of one model can be deleted."""

    def standing(self, environment: str, model: str) -> str:
        """What was deleted so far, in words."""
        ...

    def done(self, key: str) -> Done | None:
        """What the action of this key deleted; None where it did not."""
        ...

    def delete(self, environment: str, model: str, due: Sequence[DueRows], *, expected: str, key: str, now: datetime) -> None:
        """Delete it, once for each key. Raises BackendConflict, BackendUnavailable or BackendError: then nothing was changed."""
        ...

    def forbid(self, key: str) -> bool:
        """Give a key up: True when it deleted before, False when it never will."""
        ...


class StoreRows:
    """The store of a workspace."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths

    def standing(self, environment: str, model: str) -> str:
        try:
            with open_catalogue(self._paths) as catalogue:
                found = catalogue.deleted(catalogue.generation())
        except StoreError as error:
            raise BackendError(str(error)) from None
        return standing([each for each in found if (each.environment, each.model) == (environment, _stored(model))])

    def done(self, key: str) -> Done | None:
        try:
            with open_catalogue(self._paths) as catalogue:
                found = catalogue.applied(key)
                last = {each.log: each.key for each in newest(catalogue.deleted(catalogue.generation()))}
        except StoreError as error:
            raise BackendError(str(error)) from None
        if not found:
            return None
        told = ", ".join(f"{each.rows:,} rows of {each.table}" for each in found)
        return Done(told, sum(each.rows for each in found), all(last[each.log] == key for each in found))

    def delete(self, environment: str, model: str, due: Sequence[DueRows], *, expected: str, key: str, now: datetime) -> None:
        from backends.store.deleting import NotAsExpected, delete_rows  # loads the engine
        from backends.store.due import Cut

        cuts = [
            Cut(environment, each.table, _stored(model), each.before, tuple(Span(*held) for held in each.held), each.rule) for each in due
        ]
        try:
            delete_rows(self._paths, cuts, expected=expected, key=key, now=now)
        except NotAsExpected as error:
            raise BackendConflict(str(error), error.found) from None
        except StoreError as error:
            # What failed after it was published is done all the same, and left for the next compaction.
            if self.done(key) is None:
                raise BackendError(str(error)) from None

    def forbid(self, key: str) -> bool:
        from backends.store.compactor import only_compactor  # loads the engine

        try:
            # Whoever is deleting holds the lock until it is done.
            with open_catalogue(self._paths) as catalogue, only_compactor(self._paths, 60.0):
                did = catalogue.forbid_deletion(key)
                if not did:
                    take_back(self._paths, catalogue, key)
                return did
        except (StoreError, OSError) as error:
            raise BackendError(str(error)) from None


def _stored(model: str) -> str:
    return "" if model == NO_MODEL else model
