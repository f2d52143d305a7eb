"""Profiles of a model's live inputs by version and day: from what is stored where its segments are the same, computed elsewhere.

A day is stored once it is closed: it is over, every fact of its segments was known by the moment of the look, and nothing that has
landed since touches it. Days are those of a zone; each is made of one or two segments, which are cut by UTC day.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from backends.profile.profile import ColumnKind, ColumnSpec
from backends.profile.reference import reference_specs
from backends.profile.sql import engine_of, profile_columns
from backends.profile.stored import keep_days, keep_specs, specs_digest, stored_days, stored_specs
from backends.profile.windows import WindowProfile, schema_of
from backends.records import digest_of
from backends.store.catalogue import Segment
from backends.store.reader import Reader, common_type
from backends.store.sql import moment, text

DAY = timedelta(days=1)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a day begins in its zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The answers of one version in [start, end), which are not counted."""

    version: str
    start: datetime
    end: datetime

    def within(self, start: datetime, end: datetime) -> LeftOut | None:
        """The part of it that lies in [start, end); None: no part does."""
        since, until = max(self.start, start), min(self.end, end)
        return LeftOut(self.version, since, until) if since < until else None


@dataclass(frozen=True, slots=True)
class DaySource:
    """The live facts of one model in one environment, cut into days of its zone, without those that are left out."""

    reader: Reader
    environment: str
    model: str
    zone: ZoneInfo
    left_out: tuple[LeftOut, ...] = ()

    def leaves_out(self, start: datetime, end: datetime) -> list[LeftOut]:
        """What is left out of [start, end)."""
        return [part for each in self.left_out if (part := each.within(start, end)) is not None]

    def left_out_all(self, day: date, end: datetime) -> frozenset[str] | None:
        """The versions whose answers on a day, up to `end`, are all left out; None when some of a version are counted and some are not."""
        start, until = day_start(day, self.zone), min(end, day_start(day + DAY, self.zone))
        parts = self.leaves_out(start, until)
        return frozenset(each.version for each in parts) if all((each.start, each.end) == (start, until) for each in parts) else None

    def live(self, start: datetime, end: datetime, inputs: Sequence[str], without_days: frozenset[str] = frozenset()) -> str:
        """A relation: the live rows in [start, end), with a column for each of `inputs`."""
        names = [name for name in inputs if name != "score"]
        rows = self.reader.rows("predictions", model=self.model, start=start, end=end, inputs=names, without_days=without_days)
        without = "".join(
            f" AND NOT (version = {text(each.version)} AND event_at >= {moment(each.start)} AND event_at < {moment(each.end)})"
            for each in self.leaves_out(start, end)
        )
        return f"(SELECT * FROM {rows} WHERE role = 'live' AND environment = {text(self.environment)}{without})"

    def specs(
        self, start: datetime, end: datetime, names: Sequence[str], kinds: Mapping[str, ColumnKind], *, keep: bool = False
    ) -> tuple[ColumnSpec, ...]:
        """How to count the columns `names`, fixed by the live rows of a reference [start, end)."""
        if not names:
            return ()
        path = self.reader.paths.profiles
        reference = digest_of([start.isoformat(), end.isoformat(), list(names), dict(sorted(kinds.items()))])
        made_of = self.closed_digest(start, end)
        if made_of is not None:
            known = stored_specs(path, self.environment, self.model, reference, made_of)
            if known is not None:
                return known
        specs = reference_specs(self._run, self.live(start, end, names), names, kinds)
        if keep and made_of is not None:
            keep_specs(path, self.environment, self.model, reference, made_of, specs)
        return specs

    def profiles(
        self, days: Sequence[date], specs: Sequence[ColumnSpec], end: datetime, *, keep: bool = False
    ) -> dict[date, tuple[WindowProfile, ...]]:
        """A window for every version that answered on each of `days` before `end`. With `keep`, closed days are stored for the next look.

        Raises sqlite3.Error or OSError when days were to be kept and cannot be.
        """
        if not specs or not days:
            return {}
        path, digest = self.reader.paths.profiles, specs_digest(specs)
        gone = {day for day in days if self._has_lost(day)}
        made_of = {day: made for day in days if day not in gone and (made := self._closed_day(day, end)) is not None}
        wanted: dict[date, str | None] = {**made_of, **{day: None for day in gone if self._is_over(day, end)}}
        found = stored_days(path, self.environment, self.model, digest, wanted) if wanted else {}
        # What is left of a day whose rows were deleted is not that day.
        missing = sorted(set(days) - set(found) - gone)
        computed = self._counted(missing, specs, end) if missing else {}
        if keep:
            fresh = {day: computed.get(day, ()) for day in missing if day in made_of}
            if fresh:
                keep_days(path, self.environment, self.model, digest, fresh, made_of)
        return {day: windows for day, windows in sorted({**found, **computed}.items()) if windows}

    def closed_digest(self, start: datetime, end: datetime) -> str | None:
        """What tells the facts of [start, end) from any others: the segments they are in, and what is left out of them.

        None while they may still change.
        """
        at = self.reader.at
        if at is not None and at < end:
            return None
        first, last = start.date().isoformat(), (end - timedelta(microseconds=1)).astimezone(UTC).date().isoformat()
        mine = [segment for segment in self.reader.segments("predictions") if segment.model == self.model]
        chosen = [segment for segment in mine if first <= segment.day <= last]
        if any(segment.crossed for segment in chosen):
            # A fact of these days may have been replaced by one of another day.
            chosen = [segment for segment in mine if segment in chosen or segment.crossed]
        if not all(self.reader.knows_all_of(segment) for segment in chosen) or self._touched(first, last, chosen):
            return None
        names = "\n".join(sorted(str(segment.path.relative_to(self.reader.paths.store)) for segment in chosen))
        for each in sorted(self.leaves_out(start, end), key=lambda each: (each.start, each.version)):
            names += f"\nwithout {each.version} {each.start.isoformat()} {each.end.isoformat()}"
        return f"sha256:{hashlib.sha256(names.encode()).hexdigest()}"

    def _touched(self, first: str, last: str, chosen: Sequence[Segment]) -> bool:
        tail = self.reader.tail("predictions")
        if any(model == self.model and since <= last and until >= first for model, since, until in tail.days):
            return True
        return any(segment in tail.related for segment in chosen)

    def _has_lost(self, day: date) -> bool:
        """Whether retention deleted rows of it."""
        mine = [each for each in self.reader.deleted if each.log == (self.environment, "predictions", self.model)]
        return any(each.takes(moment.date().isoformat()) for each in mine for moment in _ends_of(day, self.zone))

    def _is_over(self, day: date, end: datetime) -> bool:
        until, at = day_start(day + DAY, self.zone), self.reader.at
        return until <= end and (at is None or until <= at)

    def _closed_day(self, day: date, end: datetime) -> str | None:
        until = day_start(day + DAY, self.zone)
        return None if until > end else self.closed_digest(day_start(day, self.zone), until)

    def _counted(self, days: Sequence[date], specs: Sequence[ColumnSpec], end: datetime) -> dict[date, tuple[WindowProfile, ...]]:
        """Count the rows of some days, reading nothing of the days between them."""
        start, until = day_start(days[0], self.zone), min(end, day_start(days[-1] + DAY, self.zone))
        if start >= until:
            return {}
        needed = {moment.date().isoformat() for day in days for moment in _ends_of(day, self.zone)}
        span = (until.date() - start.date()).days
        between = {(start.date() + timedelta(days=number)).isoformat() for number in range(span + 1)} - needed
        rows = self.live(start, until, [spec.column for spec in specs], frozenset(between))
        by = [f"strftime(event_at + {_offset(start, until, self.zone)}, '%Y-%m-%d')", "coalesce(version, '')"]
        found = profile_columns(self._run, rows, specs, by=by)
        engine, schemas = engine_of(self._run), self._schemas(days)
        windows: dict[date, list[WindowProfile]] = {}
        for (day, version), profiles in found.items():
            at = date.fromisoformat(str(day))
            if at in schemas:
                windows.setdefault(at, []).append(WindowProfile(((at, str(version)),), (engine,), schemas[at], profiles))
        return {day: tuple(each) for day, each in windows.items()}

    def _schemas(self, days: Sequence[date]) -> dict[date, tuple[str, ...]]:
        """The fingerprint of the inputs that the facts of each day have; none of a day that something has landed for since."""
        by_day: dict[str, dict[str, str]] = {}
        for segment in self.reader.segments("predictions"):
            if segment.model == self.model:
                types = by_day.setdefault(segment.day, {})
                for name, kind in segment.columns.items():
                    types[name] = common_type(types.get(name, kind), kind)
        found: dict[date, tuple[str, ...]] = {}
        for day in days:
            held = [by_day.get(moment.date().isoformat(), {}) for moment in _ends_of(day, self.zone)]
            types = {name: kind for each in held for name, kind in each.items()}
            found[day] = () if self._has_landed(day) else (schema_of(types),)
        return found

    def _has_landed(self, day: date) -> bool:
        first, last = (moment.date().isoformat() for moment in _ends_of(day, self.zone))
        return any(model == self.model and since <= last and until >= first for model, since, until in self.reader.tail("predictions").days)

    def _run(self, sql: str, parameters: Sequence[object]) -> list[tuple[object, ...]]:
        return self.reader.fetch(sql, list(parameters))


def _ends_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return day_start(day, zone), day_start(day + DAY, zone) - timedelta(microseconds=1)


def _offset(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """SQL: what is to be added to a UTC time in [start, end) to get local time, whose steps lie where the zone's clock changes."""
    changes: list[tuple[datetime, timedelta]] = []
    here, offset = start, _utc_offset(start, zone)
    first = offset
    while here < end:
        following = min(here + DAY, end)
        if _utc_offset(following, zone) != offset:
            low, high = here, following
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _utc_offset(middle, zone) == offset else (low, middle)
            changed = high.replace(second=0, microsecond=0)
            offset = _utc_offset(following, zone)
            changes.append((changed, offset))
        here = following
    if not changes:
        return _interval(first)
    cases = "".join(f" WHEN event_at >= {moment(changed)} THEN {_interval(after)}" for changed, after in reversed(changes))
    return f"(CASE{cases} ELSE {_interval(first)} END)"


def _utc_offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _interval(offset: timedelta) -> str:
    return f"to_seconds({int(offset.total_seconds())})"


CannotKeep = (sqlite3.Error, OSError)
"""What `keep` may raise."""
