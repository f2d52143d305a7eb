"""What arriving columns mean: usual other names, times in a zone, types; and for each row the reason why it cannot be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from backends.store.errors import IngestError, LandingError
from backends.store.facts import Columns, facts_select, feature_columns, violations
from backends.store.schema import BIGINT, BOOLEAN, DOUBLE, TIMESTAMP, VARCHAR, Table
from backends.store.sql import quoted, run, text

if TYPE_CHECKING:
    import duckdb

OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "event_at": ("event_time", "event_timestamp", "timestamp", "time", "ts", "datetime"),
    "known_at": ("known_time", "labelled_at", "labeled_at"),
    "key": ("request_id", "prediction_id", "entity_id", "id"),
    "score": ("prediction", "predicted", "probability", "proba", "y_pred", "y_score", "y_prob"),
    "label": ("outcome", "actual", "target", "ground_truth", "y_true"),
    "model": ("model_name",),
    "version": ("model_version",),
    "name": ("metric", "metric_name"),
}
"""What producers call a column of ours; taken when ours is missing and exactly one of them is there."""

EXAMPLE_TIME: Final = "2013-04-26T12:00:00Z"
MISSING: Final = ("na", "n/a", "nan", "null", "none")
"""What a column of numbers may say for "no value"."""

HAS_ZONE: Final = r"[0-9] ?([zZ]|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$"
"""How a time ends that says where it was read."""


def renamed(table: Table, arriving: Sequence[str], file: str, called: Mapping[str, str]) -> dict[str, str]:
    """Column of the table -> name in the file. `called` says so for some of them; the others are known by their usual names.

    Raises IngestError when two columns could be meant by the same, or when what `called` names is not there.
    """
    lowered = {name.lower(): name for name in arriving}
    names: dict[str, str] = {}
    for ours, theirs in called.items():
        if ours not in table.all_columns:
            raise IngestError(f"{ours} is no column of {table.name}; they are {', '.join(table.all_columns)}")
        if theirs.lower() not in lowered:
            raise IngestError(f"{file}: no column {theirs} to be {ours}; there are: {', '.join(arriving) or 'none'}")
        names[ours] = lowered[theirs.lower()]
    for ours in table.all_columns:
        if ours in names:
            continue
        if ours in lowered:
            names[ours] = lowered[ours]
            continue
        found = [lowered[other] for other in OTHER_NAMES.get(ours, ()) if other in lowered]
        if len(found) > 1:
            raise IngestError(f"{file}: column {ours} is missing, and {' or '.join(found)} could be it; rename the right one to {ours}")
        if found:
            names[ours] = found[0]
    return names


def load_facts(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    arriving: str,
    columns: Columns,
    *,
    file: str,
    given: Mapping[str, str],
    called: Mapping[str, str],
    zone: str | None,
    stored: Mapping[str, str],
    texty: frozenset[str],
    now: str,
) -> tuple[str, str]:
    """Read the relation `arriving` (columns `columns`, and `__line`) into facts: (table of facts, table of refused rows).

    `given` are values for columns that the file lacks, `called` what it calls some of ours, `stored` the types that inputs have in
    the store already, `texty` columns that are text although they look like numbers. The refused rows are (line, reason).
    Raises IngestError naming the column when the file as a whole cannot be read.
    """
    names = renamed(table, [name for name, _ in columns], file, called)
    clash = [name for name in ("model", "version") if name in given and name in names]
    if clash:
        raise IngestError(f"{file} has a column {names[clash[0]]}, and --{clash[0]} was given too; drop one of them")
    missing = [name for name in (*table.required, *table.finite) if name not in names and name not in given]
    if missing:
        listed = ", ".join(name for name, _ in columns) or "none"
        way = f"give --{missing[0]}" if missing[0] in {"model", "version"} else f"say what it is called with --column {missing[0]}=NAME"
        raise IngestError(f"{file}: no column {', '.join(missing)}; {way}; there are: {listed}")
    kinds = dict(columns)
    expressions: dict[str, tuple[str, str]] = {}
    reasons: list[tuple[str, str]] = []
    for ours, theirs in names.items():
        kind = table.all_columns[ours]
        if kind == TIMESTAMP:
            _check_zone(connection, arriving, theirs, kinds[theirs], zone, file)
        expressions[ours] = (_declared(quoted(theirs), kinds[theirs], kind, zone), _kept_kind(kinds[theirs], kind))
        reasons += _conversion_reasons(ours, theirs, kinds[theirs], kind, expressions[ours][0], zone)
    for ours, value in given.items():
        if ours not in names:
            expressions[ours] = (f"CAST({text(value)} AS VARCHAR)", VARCHAR)
    used = set(names.values())
    rest = [(name, kind) for name, kind in columns if name not in used]
    for name in feature_columns(table, rest):
        kind = kinds[name]
        if kind == VARCHAR:
            kind = VARCHAR if name in texty else _inferred(connection, arriving, name, stored.get(name))
            if kind != VARCHAR:
                reasons += _number_reasons(name, kind)
        expressions[name] = (_read(quoted(name), kinds[name], kind), kind)
    read = ", ".join(f"{expression} AS {quoted(name)}" for name, (expression, _) in expressions.items())
    typed = f"(SELECT __line, {read} FROM {arriving} WHERE {' AND '.join(f'NOT coalesce({c}, false)' for _, c in reasons) or 'true'})"
    try:
        select = facts_select(table, [(name, kind) for name, (_, kind) in expressions.items()], typed, landed=now, carried=("__line",))
    except LandingError as error:
        raise IngestError(f"{file}: {error}") from None
    run(connection, f"CREATE OR REPLACE TEMP TABLE ingested AS {select}")
    run(connection, "CREATE OR REPLACE TEMP TABLE refused (line BIGINT, reason VARCHAR)")
    _refuse(connection, arriving, "__line", reasons)
    wrong = list(violations(table).items())
    _refuse(connection, "ingested", "__line", wrong)
    run(connection, f"DELETE FROM ingested WHERE {' OR '.join(f'coalesce({condition}, false)' for _, condition in wrong)}")
    return "ingested", "refused"


def _refuse(connection: duckdb.DuckDBPyConnection, relation: str, line: str, reasons: Sequence[tuple[str, str]]) -> None:
    if not reasons:
        return
    cases = " ".join(f"WHEN {condition} THEN {text(reason)}" for reason, condition in reasons)
    run(
        connection,
        f"INSERT INTO refused SELECT * FROM (SELECT {line}, CASE {cases} END AS reason FROM {relation}) WHERE reason IS NOT NULL",
    )


def _kept_kind(found: str, kind: str) -> str:
    return kind if found == VARCHAR or kind == TIMESTAMP else found


def _declared(column: str, found: str, kind: str, zone: str | None) -> str:
    """The expression of a declared column; what it cannot read becomes NULL, and a condition in the reasons says so."""
    if kind == TIMESTAMP:
        return _time(column, found, zone)
    if found != VARCHAR:
        return column
    return _read(column, found, kind)


def _read(column: str, found: str, kind: str) -> str:
    if found != VARCHAR or kind == VARCHAR:
        return column
    if kind == DOUBLE:
        # An outcome is often written as true or false.
        return f"CASE lower(trim({column})) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 ELSE TRY_CAST(trim({column}) AS DOUBLE) END"
    if kind == BIGINT:
        # A cast alone would round.
        return f"CASE WHEN {_is_whole(column)} THEN TRY_CAST(trim({column}) AS BIGINT) END"
    return f"TRY_CAST(trim({column}) AS {kind})"


def _is_whole(column: str) -> str:
    return f"regexp_matches(trim({column}), '^[+-]?[0-9]+$')"


def _time(column: str, found: str, zone: str | None) -> str:
    if found == "TIMESTAMP WITH TIME ZONE":
        return f"({column} AT TIME ZONE 'UTC')"
    if found.startswith("TIMESTAMP"):
        return f"(CAST({column} AS TIMESTAMP) AT TIME ZONE {text(zone or 'UTC')} AT TIME ZONE 'UTC')"
    if found != VARCHAR:
        return column
    zoned = f"(TRY_CAST({with_offset(column)} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    naive = f"(TRY_CAST(trim({column}) AS TIMESTAMP) AT TIME ZONE {text(zone)} AT TIME ZONE 'UTC')" if zone else "NULL"
    return f"CASE WHEN {zoned_text(column)} THEN {zoned} ELSE {naive} END"


def with_offset(column: str) -> str:
    """A time with a zone as every supported DuckDB reads it: seconds written out, no blank before a numeric offset."""
    numeric = f"regexp_replace(trim({column}), ' ?([zZ]|UTC|GMT)$', '+00:00')"
    joined = f"regexp_replace({numeric}, ' ([+-][0-9:]+)$', '\\1')"
    return f"regexp_replace({joined}, '([T ][0-9]{{2}}:[0-9]{{2}})([+-][0-9:]+)$', '\\1:00\\2')"


def zoned_text(column: str) -> str:
    """SQL: whether a text says in which zone its time was read."""
    # The offset stands after a time of day; the day of a bare date must not be taken for one.
    return f"(position(':' IN {column}) > 0 AND regexp_matches(trim({column}), {text(HAS_ZONE)}))"


def _check_zone(connection: duckdb.DuckDBPyConnection, arriving: str, theirs: str, found: str, zone: str | None, file: str) -> None:
    if zone is not None:
        return
    advice = "give --tz with the zone they are in, for example --tz UTC or --tz America/New_York"
    if found.startswith("TIMESTAMP") and found != "TIMESTAMP WITH TIME ZONE":
        raise IngestError(f"{file}: the times in column {theirs} have no zone; {advice}")
    if found == VARCHAR:
        column = quoted(theirs)
        [(present, zoned)] = run(
            connection,
            f"SELECT count(*) FILTER (TRY_CAST(trim({column}) AS TIMESTAMP) IS NOT NULL), count(*) FILTER ({zoned_text(column)}) "
            f"FROM {arriving}",
        )
        if present and not zoned:
            raise IngestError(f"{file}: the times in column {theirs} have no zone; {advice}")


def _conversion_reasons(ours: str, theirs: str, found: str, kind: str, expression: str, zone: str | None) -> list[tuple[str, str]]:
    column = quoted(theirs)
    if kind == TIMESTAMP and found == VARCHAR:
        unreadable = f"{column} IS NOT NULL AND trim({column}) <> '' AND ({expression}) IS NULL"
        bare = f"{unreadable} AND NOT {zoned_text(column)} AND TRY_CAST(trim({column}) AS TIMESTAMP) IS NOT NULL"
        counted = f"{unreadable} AND regexp_matches(trim({column}), '^[0-9]{{9,}}([.][0-9]+)?$')"
        since_1970 = f"{ours} is a number, such as milliseconds since 1970: write it as {EXAMPLE_TIME}"
        found_reasons = [(f"{ours} has no zone", bare), (since_1970, counted), (f"{ours} is not a time", unreadable)]
        return found_reasons + (
            _local_reasons(ours, f"TRY_CAST(trim({column}) AS TIMESTAMP)", f"NOT {zoned_text(column)}", zone) if zone else []
        )
    if kind == TIMESTAMP and found.startswith("TIMESTAMP") and found != "TIMESTAMP WITH TIME ZONE" and zone:
        return _local_reasons(ours, f"CAST({column} AS TIMESTAMP)", "true", zone)
    if found == VARCHAR and kind in {DOUBLE, BIGINT}:
        unread = f"{_not(column, kind)} AND lower(trim({column})) NOT IN ('true', 'false')" if ours == "label" else _not(column, kind)
        words = "a whole number" if kind == BIGINT else "a number"
        return [(f"{ours} is not {words}", f"trim({column}) <> '' AND {unread}")]
    if found == VARCHAR and kind == BOOLEAN:
        return [(f"{ours} is neither true nor false", f"trim({column}) <> '' AND TRY_CAST(trim({column}) AS BOOLEAN) IS NULL")]
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


def _number_reasons(name: str, kind: str) -> list[tuple[str, str]]:
    column = quoted(name)
    words = "neither true nor false" if kind == BOOLEAN else "a time that cannot be read" if kind == TIMESTAMP else "not a number"
    return [(f"{name} is {words}", f"{column} IS NOT NULL AND {_not(column, kind)}")]


def _not(column: str, kind: str) -> str:
    unread = f"TRY_CAST(trim({column}) AS {kind}) IS NULL"
    if kind == BIGINT:
        unread = f"(NOT {_is_whole(column)} OR {unread})"
    return f"{unread} AND lower(trim({column})) NOT IN ({', '.join(text(word) for word in MISSING)})"


def _inferred(connection: duckdb.DuckDBPyConnection, arriving: str, name: str, stored: str | None) -> str:
    """The type of a column of text: what the store has for it, else what all of its values can be read as."""
    column = quoted(name)
    said = f"trim({column}) <> '' AND lower(trim({column})) NOT IN ({', '.join(text(word) for word in MISSING)})"
    # A number that begins with a zero is a code, such as a postal one.
    whole = f"{_is_whole(column)} AND TRY_CAST(trim({column}) AS BIGINT) IS NOT NULL AND NOT regexp_matches(trim({column}), '^[+-]?0[0-9]')"
    number = f"TRY_CAST(trim({column}) AS DOUBLE) IS NOT NULL AND NOT regexp_matches(trim({column}), '^[+-]?0[0-9]')"
    flag = f"lower(trim({column})) IN ('true', 'false')"
    wanted = ", ".join(f"count(*) FILTER ({said} AND {condition})" for condition in ("true", whole, number, flag))
    [(present, wholes, numbers, flags)] = run(connection, f"SELECT {wanted} FROM {arriving}")
    if stored is not None and stored != VARCHAR:
        return DOUBLE if stored == BIGINT and wholes < present and numbers > wholes else stored
    if stored == VARCHAR or not present:
        return VARCHAR
    if wholes == present:
        return BIGINT
    if numbers == present:
        return DOUBLE
    return BOOLEAN if flags == present else VARCHAR
