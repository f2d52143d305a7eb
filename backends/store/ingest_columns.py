"""What arriving columns mean: usual other names, times in a zone, types; and for each row the reason why it cannot be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from backends.store.errors import IngestError, LandingError
from backends.store.facts import Columns, facts_select, feature_columns, violations
from backends.store.ingest_times import check_times, time_of, time_reasons
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

MISSING: Final = ("na", "n/a", "nan", "null", "none")
"""What a column of numbers may say for "no value"."""


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
        what = f"{file} has a column {names[clash[0]]}, and"
        raise IngestError(
            f"{what} --{clash[0]} was given too; drop one of them", f"{what} {clash[0]} is given at the table too; drop one of them"
        )
    missing = [name for name in (*table.required, *table.finite) if name not in names and name not in given]
    if missing:
        listed = ", ".join(name for name, _ in columns) or "none"
        first, what = missing[0], f"{file}: no column {', '.join(missing)}"
        given_whole = first in {"model", "version"}
        option = f"give --{first}" if given_whole else f"say what it is called with --column {first}=NAME"
        setting = f'{first} = "NAME"' if given_whole else f'columns = {{ {first} = "NAME" }}'
        raise IngestError(f"{what}; {option}; there are: {listed}", f"{what}; say at the table {setting}; there are: {listed}")
    kinds = dict(columns)
    expressions: dict[str, tuple[str, str]] = {}
    reasons: list[tuple[str, str]] = []
    for ours, theirs in names.items():
        kind = table.all_columns[ours]
        if kind == TIMESTAMP:
            check_times(connection, arriving, theirs, kinds[theirs], zone, file)
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
        return time_of(column, found, zone)
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


def _conversion_reasons(ours: str, theirs: str, found: str, kind: str, expression: str, zone: str | None) -> list[tuple[str, str]]:
    column = quoted(theirs)
    if kind == TIMESTAMP:
        return time_reasons(ours, column, found, expression, zone)
    if found == VARCHAR and kind in {DOUBLE, BIGINT}:
        unread = f"{_not(column, kind)} AND lower(trim({column})) NOT IN ('true', 'false')" if ours == "label" else _not(column, kind)
        words = "a whole number" if kind == BIGINT else "a number"
        return [(f"{ours} is not {words}", f"trim({column}) <> '' AND {unread}")]
    if found == VARCHAR and kind == BOOLEAN:
        return [(f"{ours} is neither true nor false", f"trim({column}) <> '' AND TRY_CAST(trim({column}) AS BOOLEAN) IS NULL")]
    return []


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
