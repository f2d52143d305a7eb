"""What an arriving column of times means: in a zone, with an offset, or counted from 1970 in a unit that its size tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from backends.store.errors import IngestError
from backends.store.schema import VARCHAR
from backends.store.sql import quoted, run, text

if TYPE_CHECKING:
    import duckdb

EXAMPLE_TIME: Final = "2013-04-26T12:00:00Z"
HAS_ZONE: Final = r"[0-9] ?([zZ]|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$"
"""How a time ends that says where it was read."""

UNITS: Final[Mapping[str, int]] = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
"""Units of a number that counts from 1970, and how many are a second."""

FIRST_SECOND: Final = 631_152_000
LAST_SECOND: Final = 4_102_444_800
"""1990 to 2100: no number of one unit in these years is one of another unit, so the size says which it is."""

COUNTED: Final = "seconds, milli-, micro- or nanoseconds since 1970, of the years 1990 to 2100"
WHOLE: Final = frozenset(
    {"SMALLINT", "INTEGER", "BIGINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT", "TINYINT", "UTINYINT"}
)


def time_of(column: str, found: str, zone: str | None) -> str:
    """SQL for the moment in UTC that a column says; what it cannot read becomes NULL."""
    if found == "TIMESTAMP WITH TIME ZONE":
        return f"({column} AT TIME ZONE 'UTC')"
    if found.startswith("TIMESTAMP") or found == "DATE":
        return f"(CAST({column} AS TIMESTAMP) AT TIME ZONE {text(zone or 'UTC')} AT TIME ZONE 'UTC')"
    if _counts(found):
        return _since_1970(column, found)
    if found != VARCHAR:
        return column
    zoned = f"(TRY_CAST({with_offset(column)} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    naive = f"(TRY_CAST(trim({column}) AS TIMESTAMP) AT TIME ZONE {text(zone)} AT TIME ZONE 'UTC')" if zone else "NULL"
    return f"CASE WHEN {_number_text(column)} THEN {_since_1970(column, found)} WHEN {zoned_text(column)} THEN {zoned} ELSE {naive} END"


def with_offset(column: str) -> str:
    """A time with a zone as every supported DuckDB reads it: seconds written out, no blank before a numeric offset."""
    numeric = f"regexp_replace(trim({column}), ' ?([zZ]|UTC|GMT)$', '+00:00')"
    joined = f"regexp_replace({numeric}, ' ([+-][0-9:]+)$', '\\1')"
    return f"regexp_replace({joined}, '([T ][0-9]{{2}}:[0-9]{{2}})([+-][0-9:]+)$', '\\1:00\\2')"


def zoned_text(column: str) -> str:
    """SQL: whether a text says in which zone its time was read."""
    # The offset stands after a time of day; the day of a bare date must not be taken for one.
    return f"(position(':' IN {column}) > 0 AND regexp_matches(trim({column}), {text(HAS_ZONE)}))"


def check_times(connection: duckdb.DuckDBPyConnection, arriving: str, theirs: str, found: str, zone: str | None, file: str) -> None:
    """Raises IngestError when a column as a whole cannot be times, or nobody can tell which."""
    if found == "FLOAT":
        raise IngestError(f"{file}: column {theirs} is FLOAT, too coarse for a time: write it as DOUBLE, a whole number or TIMESTAMP")
    if not (found == VARCHAR or found.startswith("TIMESTAMP") or found in {"DATE", '"NULL"'} or _counts(found)):
        raise IngestError(f"{file}: column {theirs} is {found}, not a time: write it as TIMESTAMP, or as text such as {EXAMPLE_TIME}")
    if found == VARCHAR or _counts(found):
        _check_one_unit(connection, arriving, theirs, found, file)
    if zone is not None:
        return
    if found == "DATE" or (found.startswith("TIMESTAMP") and found != "TIMESTAMP WITH TIME ZONE"):
        raise _zoneless(file, theirs)
    if found == VARCHAR:
        column = quoted(theirs)
        [(present, zoned)] = run(
            connection,
            f"SELECT count(*) FILTER (TRY_CAST(trim({column}) AS TIMESTAMP) IS NOT NULL), count(*) FILTER ({zoned_text(column)}) "
            f"FROM {arriving}",
        )
        if present and not zoned:
            raise _zoneless(file, theirs)


def _zoneless(file: str, column: str) -> IngestError:
    what = f"{file}: the times in column {column} have no zone"
    return IngestError(
        f"{what}; give --tz with the zone they are in, for example --tz UTC or --tz America/New_York",
        f'{what}; say at the table the zone they are in, for example zone = "UTC" or zone = "America/New_York"',
    )


def time_reasons(ours: str, column: str, found: str, expression: str, zone: str | None) -> list[tuple[str, str]]:
    """Why a row's time cannot be taken: the reason in words, and the SQL condition."""
    no_moment = f"{ours} is a number, but none of {COUNTED}: write it as {EXAMPLE_TIME}"
    if found == VARCHAR:
        unreadable = f"{column} IS NOT NULL AND trim({column}) <> '' AND ({expression}) IS NULL"
        bare = f"{unreadable} AND NOT {zoned_text(column)} AND TRY_CAST(trim({column}) AS TIMESTAMP) IS NOT NULL"
        reasons = [
            (f"{ours} has no zone", bare),
            (no_moment, f"{unreadable} AND {_number_text(column)}"),
            (f"{ours} is not a time", unreadable),
        ]
        local = f"CASE WHEN NOT {_number_text(column)} THEN TRY_CAST(trim({column}) AS TIMESTAMP) END"
        return reasons + (_local_reasons(ours, local, f"NOT {zoned_text(column)}", zone) if zone else [])
    if _counts(found):
        return [(no_moment, f"{column} IS NOT NULL AND ({expression}) IS NULL")]
    if found != "TIMESTAMP WITH TIME ZONE" and zone:
        return _local_reasons(ours, f"CAST({column} AS TIMESTAMP)", "true", zone)
    return []


def _local_reasons(ours: str, local: str, condition: str, zone: str) -> list[tuple[str, str]]:
    """Local times that a clock change skips, or shows twice: either way nobody can tell when it was."""

    def there_and_back(expression: str) -> str:
        return f"({expression} AT TIME ZONE {text(zone)})"

    moment = there_and_back(local)
    skipped = f"{condition} AND isfinite({local}) AND ({moment} AT TIME ZONE {text(zone)}) <> {local}"
    twice = " OR ".join(
        f"(({moment} {sign} INTERVAL {minutes} MINUTE) AT TIME ZONE {text(zone)}) = {local}" for sign in "+-" for minutes in (30, 60)
    )
    return [
        (f"{ours} is a time that the clocks of {zone} skip", skipped),
        (
            f"{ours} is a time that the clocks of {zone} show twice; write it with its offset",
            f"{condition} AND isfinite({local}) AND ({twice})",
        ),
    ]


def _counts(found: str) -> bool:
    return found in WHOLE or found == "DOUBLE" or found.startswith("DECIMAL")


def _number_text(column: str) -> str:
    return f"coalesce(regexp_matches(trim({column}), '^([0-9]{{9,}}([.][0-9]+)?|[0-9][.][0-9]+e[+][0-9]+)$'), false)"


def _number(column: str, found: str) -> tuple[str, str]:
    """(exact, with decimals): the value as a whole number where it is one, so that no nanosecond is rounded, and as a decimal one."""
    value = f"trim({column})" if found == VARCHAR else column
    if found in WHOLE:
        return f"TRY_CAST({value} AS BIGINT)", "NULL"
    if found == VARCHAR:
        return f"CASE WHEN position('.' IN {value}) = 0 THEN TRY_CAST({value} AS BIGINT) END", f"TRY_CAST({value} AS DOUBLE)"
    return "NULL", f"TRY_CAST({value} AS DOUBLE)"


def _since_1970(column: str, found: str) -> str:
    exact, decimal = _number(column, found)
    cases = []
    for each in UNITS.values():
        whole = f"({exact}) * {1_000_000 // each}" if each <= 1_000_000 else f"({exact}) // {each // 1_000_000}"
        micros = f"coalesce({whole}, CAST(round({decimal} * {1_000_000 / each!r}) AS BIGINT))"
        cases.append(f"WHEN {_within(exact, decimal, each)} THEN make_timestamp({micros})")
    return f"CASE {' '.join(cases)} END"


def _within(exact: str, decimal: str, each: int) -> str:
    return f"coalesce({exact}, {decimal}) BETWEEN {FIRST_SECOND * each} AND {LAST_SECOND * each}"


def _check_one_unit(connection: duckdb.DuckDBPyConnection, arriving: str, theirs: str, found: str, file: str) -> None:
    exact, decimal = _number(quoted(theirs), found)
    number = _number_text(quoted(theirs)) if found == VARCHAR else "true"
    counted = ", ".join(f"count(*) FILTER ({number} AND {_within(exact, decimal, each)})" for each in UNITS.values())
    [counts] = run(connection, f"SELECT {counted} FROM {arriving}")
    units = [unit for unit, count in zip(UNITS, counts, strict=True) if count]
    if len(units) > 1:
        raise IngestError(
            f"{file}: column {theirs} has numbers that are {' and others that are '.join(units)} since 1970; write all in one unit"
        )
