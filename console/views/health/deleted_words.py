"""What is said of rows that retention deleted. Loads no arithmetic: records are read without it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from backends.store.deleted import Deleted
from backends.store.reader import Reader


def deleted_of(reader: Reader, environment: str, model: str, *tables: str) -> list[Deleted]:
    """The last deletions of one model's rows in some tables."""
    return [each for each in reader.deleted if (each.environment, each.model) == (environment, model) and each.table in tables]


def take_some(deleted: Sequence[Deleted], start: datetime, end: datetime) -> bool:
    """Whether some rows of [start, end) may be gone."""
    day = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < end:
        if any(each.takes(day.strftime("%Y-%m-%d")) for each in deleted):
            return True
        day += timedelta(days=1)
    return False


def words(deleted: Sequence[Deleted]) -> str:
    """`predictions and labels before 2013-02-01 were deleted by retention (policies/retention.yaml:3 keep 90d)`."""
    together: dict[tuple[str, bool], list[Deleted]] = {}
    for each in deleted:
        together.setdefault((each.before, bool(each.kept)), []).append(each)
    said = []
    for (before, kept), some in together.items():
        rules = ", ".join(dict.fromkeys(each.rule for each in some))
        but = ", but for days that were kept back" if kept else ""
        said.append(f"{' and '.join(each.table for each in some)} before {before} were deleted by retention{but} ({rules})")
    return "; ".join(said)
