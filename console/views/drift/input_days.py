"""Profiles of a model's inputs and scores by day of its zone: what drift between any two periods is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from backends.profile.days import DAY, DaySource, LeftOut, day_start
from backends.profile.profile import ColumnKind, ColumnSpec, Profile, merge_profiles
from backends.profile.windows import WindowProfile, merge_windows
from backends.records import Signature
from backends.store.reader import Reader
from console.analysis.bands import equal_weekdays
from console.analysis.drift import ColumnDrift, blind_between, compare, judged_between, psi_between
from console.analysis.identifiers import Shares, shares_of_different
from console.views.health.subject import LetIn
from console.views.health.windows import Reference

BAND_WINDOWS: Final = 15
"""Earlier windows of the same length that say what is usual."""

HISTORY: Final = timedelta(days=120)
"""How far back days are profiled, so that a band has its windows."""

UTC_ZONE: Final = ZoneInfo("UTC")

SCORE: Final = "score"
"""The name under which the scores are profiled beside the inputs; no input can have it."""


@dataclass(frozen=True, slots=True)
class InputDays:
    """Profiles of every input, and of the scores, by day of the model's zone, on edges fixed by the reference."""

    reference: Reference
    specs: tuple[ColumnSpec, ...]
    days: dict[date, dict[str, Profile]]
    calendar: frozenset[str]
    zone: ZoneInfo = UTC_ZONE
    score: ColumnSpec | None = None
    fixed_by: Reference | None = None
    """The rows that the edges were taken from, where they are not those of the reference."""

    before: int = 0
    """Days back from each window to what it is compared with; 0: the reference. Earlier windows go back equally far, each from itself."""
    equal_weekdays: bool = False
    """Every column is compared with equal weekdays of the reference, not only those that follow the calendar."""

    open_day: date | None = None
    """The day that is still going on at the moment looked at: part of a day has not the weight of a whole one."""

    answers: dict[date, int] = field(default_factory=dict)
    """Answers of every version on the days on which a candidate gave some; on any other day its scores are all there are."""

    windows: dict[date, WindowProfile] = field(default_factory=dict, repr=False)
    """What each day was counted from: its versions added up, and how they were counted."""

    merged: dict[tuple[str, tuple[date, ...]], Profile | None] = field(default_factory=dict, compare=False, repr=False)
    """Sums already made: the reference is compared with every window."""

    def over(self, column: str, days: Sequence[date]) -> Profile | None:
        """The profile of a column over some days, those without facts left out."""
        key = (column, tuple(days))
        if key not in self.merged:
            found = [self.days[day][column] for day in days if day in self.days and column in self.days[day]]
            self.merged[key] = merge_profiles(found) if found else None
        return self.merged[key]

    def answered(self, days: Sequence[date]) -> int | None:
        """Answers on some days, whichever version gave them; None when none of the days has facts."""
        found = [self.answers.get(day, self.days.get(day, {}).get(SCORE)) for day in days]
        counts = [each if isinstance(each, int) else each.rows for each in found if each is not None]
        return sum(counts) if counts else None

    def reference_days(self) -> list[date]:
        """The days of the reference: as many whole days as it lasts, from the one in which it begins."""
        return whole_days(self.reference.start, self.reference.end, self.zone)

    def against(self, column: str, days: Sequence[date]) -> list[date]:
        """The days that some days are compared with: for calendar columns equal weekdays of the reference only."""
        if self.before:
            # A column that follows the calendar goes back whole weeks, to the weekdays that it has now.
            back = self.before if column not in self.calendar else -(-self.before // 7) * 7
            return [day - timedelta(days=back) for day in self.judged(column, days)]
        reference = self.reference_days()
        if not self._by_weekday(column):
            return reference
        judged = self.judged(column, days)
        return list(equal_weekdays([day for day in reference if day in self.days], [day for day in judged if day in self.days]).days)

    def judged(self, column: str, days: Sequence[date]) -> list[date]:
        """The days of a window that a column is judged by: for calendar columns without the day that is still going on.

        Its first hours, weighed as a whole weekday, would make the mix of weekdays look unlike any other. It stays where it is all
        there is: a single weekday has no mix.
        """
        closed = [day for day in days if day != self.open_day]
        return closed if self._by_weekday(column) and any(day in self.days for day in closed) else list(days)

    def _by_weekday(self, column: str) -> bool:
        return self.equal_weekdays or column in self.calendar

    def drift(self, column: str, days: Sequence[date]) -> ColumnDrift | None:
        """Some days against the reference; None without facts on either side."""
        before, now = self.over(column, self.against(column, days)), self.over(column, self.judged(column, days))
        return compare(before, now) if before is not None and now is not None else None

    def psi(self, column: str, days: Sequence[date]) -> tuple[float | None, int]:
        """PSI of some days against the reference, and the values that it rests on."""
        before, now = self.over(column, self.against(column, days)), self.over(column, self.judged(column, days))
        return (psi_between(before, now), now.n) if before is not None and now is not None else (None, 0)

    def judged_by(self, column: str, days: Sequence[date]) -> tuple[float | None, int]:
        """What some days are judged by, PSI unless it does not see many of the values, and the values that it rests on."""
        before, now = self.over(column, self.against(column, days)), self.over(column, self.judged(column, days))
        return (judged_between(before, now), now.n) if before is not None and now is not None else (None, 0)

    def blind(self, column: str, days: Sequence[date]) -> bool:
        """Whether a small number of some days says nothing, because of categories too many to be kept by name."""
        before, now = self.over(column, self.against(column, days)), self.over(column, self.judged(column, days))
        return before is not None and now is not None and blind_between(before, now)

    def different(self, column: str, days: Sequence[date]) -> Shares | None:
        """How different the texts of a column are, before and now; None where it has none, or nobody can tell."""
        before, now = self.over(column, self.against(column, days)), self.over(column, self.judged(column, days))
        if before is None or now is None or before.kind not in {"text", "categorical"}:
            return None
        return shares_of_different(before, now)

    def days_ending(self, end: datetime, count: int) -> list[date]:
        """The day in which a window ends, and the `count - 1` days before it."""
        last = (end - timedelta(microseconds=1)).astimezone(self.zone).date()
        return [last - timedelta(days=back) for back in range(count - 1, -1, -1)]

    def band(self, column: str, last: date, length: int) -> list[tuple[date, float | None]]:
        """(last day, what it is judged by) of up to 15 windows of `length` days before the one that ends on `last`.

        None overlap, and the newest comes last.

        Windows with a day without facts have no number.
        """
        found: list[tuple[date, float | None]] = []
        for back in range(BAND_WINDOWS, 0, -1):
            until = last - timedelta(days=back * length)
            days = [until - timedelta(days=number) for number in range(length - 1, -1, -1)]
            whole = all(day in self.days for day in days)
            found.append((until, self.judged_by(column, days)[0] if whole else None))
        return found


def whole_days(start: datetime, end: datetime, zone: ZoneInfo) -> list[date]:
    """As many days as [start, end) lasts, rounded, at least one, from the one in which it begins."""
    first = start.astimezone(zone).date()
    count = max(1, round((end - start) / DAY))
    return [first + timedelta(days=number) for number in range(count)]


def input_days(
    reader: Reader,
    environment: str,
    model: str,
    signature: Signature | None,
    reference: Reference,
    end: datetime,
    zone: str = "UTC",
    *,
    fixed_by: Reference | None = None,
    since: datetime | None = None,
    let_in: Sequence[LetIn] = (),
    keep: bool = False,
) -> InputDays:
    """The days of the reference, and every day from 120 days before `end` (or from `since`) up to it, from stored profiles where they hold.

    Inputs are those of every request, whoever answered it; scores are without those of candidates that were `let_in`.
    `fixed_by`: the period whose rows fix the bins, when that is not the reference. With `keep` closed days are stored, and sqlite3.Error
    or OSError says that they cannot be.
    """
    source = DaySource(reader, environment, model, ZoneInfo(zone))
    stored = reader.features(model)
    declared = {column.name: column for column in signature.inputs} if signature else {}
    names = [name for name in stored if not declared or name in declared]
    kinds: dict[str, ColumnKind] = {name: declared[name].kind for name in names if name in declared}
    edges = fixed_by or reference
    found = source.specs(edges.start, edges.end, [*names, SCORE], kinds, keep=keep)
    own = replace(source, left_out=tuple(LeftOut(each.version, each.start, each.end) for each in let_in))
    if own.leaves_out(edges.start, edges.end):
        found = (*(spec for spec in found if spec.column != SCORE), *own.specs(edges.start, edges.end, [SCORE], {}, keep=keep))
    first = min(since or end - HISTORY, end - HISTORY).astimezone(source.zone).date()
    last = (end - timedelta(microseconds=1)).astimezone(source.zone).date()
    wanted = {first + timedelta(days=number) for number in range((last - first).days + 1)}
    wanted |= set(whole_days(reference.start, reference.end, source.zone))
    days = source.profiles(sorted(wanted), found, end, keep=keep)
    score = next((spec for spec in found if spec.column == SCORE), None)
    windows = {day: added for day, each in days.items() if (added := merge_windows(each)) is not None}
    by_day = {day: {profile.column: profile for profile in window.columns} for day, window in windows.items()}
    shared = [day for day in by_day if own.leaves_out(day_start(day, source.zone), day_start(day + DAY, source.zone))]
    answers = {day: by_day[day].pop(SCORE).rows for day in shared if SCORE in by_day[day]}
    whole = {day: out for day in shared if (out := own.left_out_all(day, end)) is not None}
    parted = own.profiles([day for day in shared if day not in whole], (score,) if score else (), end, keep=keep)
    parted |= {day: tuple(each for each in days[day] if each.windows[0][1] not in out) for day, out in whole.items()}
    for day, each in parted.items():
        kept = merge_windows(each)
        scores = kept.column(SCORE) if kept is not None else None
        by_day[day] |= {SCORE: scores} if scores is not None else {}
    return InputDays(
        reference=reference,
        specs=tuple(spec for spec in found if spec.column != SCORE),
        days=by_day,
        calendar=frozenset(name for name, column in declared.items() if column.calendar),
        zone=source.zone,
        score=score,
        fixed_by=fixed_by,
        open_day=None if day_start(last + DAY, source.zone) <= end else last,
        answers=answers,
        windows=windows,
    )


def profile_days(
    reader: Reader,
    environment: str,
    model: str,
    signature: Signature | None,
    reference: Reference,
    end: datetime,
    zone: str = "UTC",
    let_in: Sequence[LetIn] = (),
) -> int:
    """Store the profiles of every closed day that a look at `end` needs; returns how many days have facts.

    Idempotent and cheap when nothing changed. Raises sqlite3.Error or OSError when they cannot be kept; looks then compute them.
    """
    return len(input_days(reader, environment, model, signature, reference, end, zone, let_in=let_in, keep=True).days)


def reference_between(first: date, last: date, zone: ZoneInfo, because: str) -> Reference:
    """The period of whole days from `first` to `last`, both included."""
    return Reference(day_start(first, zone).astimezone(UTC), day_start(last + DAY, zone).astimezone(UTC), because)


def with_reference(inputs: InputDays, reference: Reference) -> InputDays:
    """The same days against another reference, counted on the edges that they were counted on."""
    return replace(inputs, reference=reference, fixed_by=inputs.fixed_by or inputs.reference)
