"""Which days of a log are due: closed days before a limit, but for those that are held back, or that others need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from backends.store.arrivals import identity
from backends.store.catalogue import Segment
from backends.store.deleted import Span
from backends.store.schema import LABELS, PREDICTIONS, Table, table_named
from backends.store.sql import parquet, text

Run = Callable[[str], list[tuple[Any, ...]]]

DELETABLE: Final = ("predictions", "labels", "metrics", "events")
"""Logs that age. Records say what models and versions are, and are in force until they are corrected."""

STILL_MEANT: Final = "a fact of these days holds in place of one that stays"
OF_KEPT_ROWS: Final = "outcomes of rows that are kept back"


@dataclass(frozen=True, slots=True)
class Cut:
    """What a rule asks of one log: its rows before the UTC day `before` go, but for those of the days that are held."""

    environment: str
    table: str
    model: str
    before: str
    held: tuple[Span, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class DayRows:
    """The rows of one environment on one UTC day of a log."""

    day: str
    rows: int
    bytes: int
    """Of the file, which other environments may share."""


@dataclass(frozen=True, slots=True)
class Due:
    """What of a log is due now, and what is kept back although it is as old."""

    cut: Cut
    days: tuple[DayRows, ...]
    kept: tuple[tuple[DayRows, str], ...]
    """Days with the reason."""

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.days)

    @property
    def spans(self) -> tuple[Span, ...]:
        """The days that are kept back, in stretches of one reason. Only days that have rows: what is gone stays gone."""
        found = []
        for reason, stretch in groupby(self.kept, key=lambda each: each[1]):
            listed = [each.day for each, _ in stretch]
            found.append(Span(listed[0], listed[-1], reason))
        return tuple(found)


def log_days(run: Run, segments: Iterable[Segment], environment: str) -> dict[tuple[str, str], list[DayRows]]:
    """The days of every log that have rows of an environment, oldest first; all versions of a fact are counted."""
    found: dict[tuple[str, str], list[DayRows]] = {}
    for segment in segments:
        here = {where for where, _ in segment.sources}
        if environment not in here:
            continue
        rows = segment.rows
        if len(here) > 1:
            [(rows,)] = run(f"SELECT count(*) FROM {parquet([segment.file])} WHERE environment = {text(environment)}")
        found.setdefault((segment.table, segment.model), []).append(DayRows(segment.day, rows, segment.bytes))
    return {log: sorted(days, key=lambda each: each.day) for log, days in found.items()}


def due_of(run: Run, segments: Sequence[Segment], cuts: Sequence[Cut]) -> list[Due]:
    """What is due by `cuts`, of which there is one a log; `segments` are those of every table in one generation."""
    found: dict[str, Due] = {}
    # Outcomes follow the rows that they are outcomes of.
    for cut in sorted(cuts, key=lambda each: each.table == LABELS.name):
        mine = [each for each in segments if (each.table, each.model) == (cut.table, cut.model)]
        predictions = [each for each in segments if (each.table, each.model) == (PREDICTIONS.name, cut.model)]
        days = {each.day: each for each in log_days(run, mine, cut.environment).get((cut.table, cut.model), [])}
        due = [day for day in days if day < cut.before]
        kept = {day: span.reason for day in due for span in cut.held if span.holds(day)}
        if cut.table == LABELS.name:
            needed = found[PREDICTIONS.name].spans if PREDICTIONS.name in found else cut.held
            answered = [each for each in predictions if any(span.holds(each.day) for span in needed)]
            for day in _with_keys(run, [each for each in mine if each.day in due and each.day not in kept], answered):
                kept[day] = OF_KEPT_ROWS
        table = table_named(cut.table)
        while True:
            more = _still_meant(run, table, mine, {day for day in due if day not in kept})
            if not more:
                break
            kept |= dict.fromkeys(more, STILL_MEANT)
        found[cut.table] = Due(
            cut,
            tuple(days[day] for day in sorted(due) if day not in kept and days[day].rows),
            tuple((days[day], kept[day]) for day in sorted(kept) if days[day].rows),
        )
    return [found[cut.table] for cut in cuts]


def _with_keys(run: Run, labels: Sequence[Segment], predictions: Sequence[Segment]) -> list[str]:
    if not labels or not predictions:
        return []
    keys = f"SELECT key FROM {parquet((each.file for each in predictions), alike=True)}"
    found = run(
        f"SELECT DISTINCT strftime(event_at, '%Y-%m-%d') FROM {parquet((each.file for each in labels), alike=True)} WHERE key IN ({keys})"
    )
    return [str(day) for (day,) in found]


def _still_meant(run: Run, table: Table, segments: Sequence[Segment], due: set[str]) -> list[str]:
    """Due days with a fact of which another version is on a day that stays: without it the version that it replaced would hold again."""
    if table.day_bound:
        return []
    crossed = [each for each in segments if each.crossed]
    going = [each for each in crossed if each.day in due]
    staying = [each for each in crossed if each.day not in due]
    if not going or not staying:
        return []
    scope = f"environment, source, {identity(table)} AS __identity"
    left = f"SELECT strftime(event_at, '%Y-%m-%d') AS day, {scope} FROM {parquet((each.file for each in going), alike=True)}"
    right = f"SELECT DISTINCT {scope} FROM {parquet((each.file for each in staying), alike=True)}"
    return [str(day) for (day,) in run(f"SELECT DISTINCT day FROM ({left}) JOIN ({right}) USING (environment, source, __identity)")]
