"""Rows held against a contract: every rule with its verdict, how many rows break it, and the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from backends.data_files.columns import TableColumn
from backends.data_files.contract_counts import (
    Counted,
    counted,
    first_missing,
    first_outside,
    first_repeated,
    first_strangers,
    strangers,
)
from backends.data_files.problem import DataFileProblem
from backends.data_files.table import ENGINE_MIB, Table, opened
from backends.durations import format_duration
from backends.records import Column, State, severity_rank, worst
from backends.store.columns import ColumnCheck
from backends.text import Untrusted
from console.contracts.contract import ContractColumn, Freshness, ReadContract
from console.contracts.fitting import misfit
from console.contracts.moments import Moment
from console.contracts.references import references_in, referred_together
from console.contracts.shapes import shape
from console.policies.load import Policies, shipped_policies
from console.policies.rules import AlertRule
from console.views.data.handled import HandledCount
from console.views.data.kept_check import RecordedCheck
from console.views.data.kept_search import RecordedSearch
from console.views.health.judging import limits_of
from console.views.health.model import View
from console.views.release.holds import HoldRow

SAMPLE: Final = 3
"""Rows that are shown of those that break a rule."""

RuleName = Literal["schema", "nulls", "allowed", "among", "range", "unique", "freshness", "columns"]


class Offender(View):
    """One row that breaks a rule."""

    row: int | None = None
    """Counted from 1 in the order of the file."""
    at: datetime | None = None
    """When it was scored, of production logs."""
    value: Untrusted | None
    """The value, or its shape (letters as a or A, digits as 9) when `redacted`; None where there is none."""
    redacted: bool


class RuleVerdict(View):
    """One rule of the contract and what the rows say to it."""

    rule: RuleName
    column: Untrusted | None
    """The column, or the columns of a key with commas between; None for the file as a whole."""
    line: int | None
    """Where it stands in the contract; None where the signature of the version says it."""
    state: State
    count: int | None
    """Rows that break it; of `columns`, columns."""
    share: float | None
    warning: float | None
    critical: float | None
    """The limits of the share; of `freshness` those of the age in seconds."""
    why: str
    sample: tuple[Offender, ...] = ()
    since: datetime | None = None
    """Of production logs: since when the state lasts, as far back as was looked."""
    history: tuple[float | None, ...] = ()
    """Of production logs: the number that was judged, over the windows that end at each of `ends`."""


class ContractCheckView(View):
    """A file, or the production logs of a model, held against a contract, the worst rule first."""

    contract: Untrusted | None
    """Where it stands; None: there is none, and the logs are held against the signature of the version that serves."""
    name: Untrusted
    file: Untrusted
    rows: int
    moment: Moment | None
    """None: every rule was held against it, whatever the moment."""
    at: datetime
    state: State
    rules: tuple[RuleVerdict, ...]
    model: Untrusted | None = None
    environment: str | None = None
    zone: str = "UTC"
    start: datetime | None = None
    """Of production logs: the window that the counts are of, up to `at`."""
    ends: tuple[datetime, ...] = ()
    recorded: tuple[RecordedCheck, ...] = ()
    """Of production logs: the newest check that was kept, of each moment."""
    searches: tuple[RecordedSearch, ...] = ()
    """Of production logs: the newest search for leakage, and of parity, that was kept."""
    handled: tuple[HandledCount, ...] = ()
    """Of production logs: requests that were rejected or repaired at inference, as their producer counts them."""
    problems: tuple[Untrusted, ...] = ()
    deleted: str = ""
    """Of logs: which rows of these 24 hours retention deleted, so that what is left is not counted; empty: none."""
    """What is wrong with the contracts of the workspace."""
    holds: tuple[HoldRow, ...] = ()
    """What holds the jobs of the model now: at the moment `batch` the job does not run, whatever its rows are like."""


class ContractProposalView(View):
    """A contract made from rows, as data."""

    file: Untrusted
    contract: dict[str, Any]
    notes: tuple[Untrusted, ...] = ()
    """What it does not say, and why."""


def checked(read: ReadContract, given: str, at: datetime, policies: Policies, moment: Moment | None = None) -> ContractCheckView:
    """Hold a file, or a pattern of files, against a contract as of `at`. Raises DataFileProblem."""
    with opened(given, engine_mib=ENGINE_MIB) as table:
        rules = list(_Check(read, table, at, policies, moment).verdicts())
    rules.sort(key=lambda each: (severity_rank(each.state), each.line))
    return ContractCheckView(
        contract=Untrusted(read.text.file),
        name=Untrusted(read.contract.name),
        file=Untrusted(given),
        rows=table.rows,
        moment=moment,
        at=at,
        state=worst([each.state for each in rules]),
        rules=tuple(rules),
    )


class _Check:
    def __init__(self, read: ReadContract, table: Table, at: datetime, policies: Policies, moment: Moment | None) -> None:
        self.read, self.contract, self.table, self.at, self.policies = read, read.contract, table, at, policies
        self.moment = moment
        self.held = [(number, each) for number, each in enumerate(self.contract.columns) if self._now(each.moments)]
        self.there = {each.name for _, each in self.held if each.name in table.columns and not misfit(each, table.columns[each.name])}
        self.keys = [
            (number, each.columns)
            for number, each in enumerate(self.contract.unique)
            if self._now(each.moments) and all(name in self.there for name in each.columns)
        ]
        fresh = self.contract.freshness
        self.fresh = fresh if fresh is not None and self._now(fresh.moments) else None
        self.references = references_in(table.connection, read, moment)
        self.checks = {
            each.name: ColumnCheck(
                each.name, each.minimum, each.maximum, _written(each, table.columns[each.name]), self.references.relations.get(each.name)
            )
            for _, each in self.held
            if each.name in self.there and _is_bounded(each) and each.name not in self.references.problems
        }
        self.counted: Counted = counted(
            table,
            sorted(self.there),
            list(self.checks.values()),
            [key for _, key in self.keys],
            self.fresh.column if self.fresh is not None and self.fresh.column in self.there else None,
        )

    def verdicts(self) -> Iterator[RuleVerdict]:
        yield self._others()
        for number, each in self.held:
            yield self._schema(number, each)
            if each.name in self.there:
                yield self._nulls(number, each)
                if each.name in self.checks:
                    yield self._outside(number, each)
                elif each.name in self.references.problems:
                    line = self.read.line("columns", number, "among")
                    why = self.references.problems[each.name]
                    yield self._counted("among", line, each.name, None, (State.UNKNOWN, None, None, why), [], [])
        for number, rule in enumerate(self.contract.unique):
            if self._now(rule.moments):
                yield self._unique(number, rule.columns)
        for number, together in enumerate(self.contract.together):
            if self._now(together.moments):
                yield self._together(number, together.columns)
        if self.fresh is not None:
            yield self._freshness(self.fresh)

    def _now(self, moments: Sequence[Moment]) -> bool:
        return self.moment is None or self.moment in moments

    def _others(self) -> RuleVerdict:
        known = {each.name for each in self.contract.columns} | set(self.contract.ignored)
        others = [name for name in self.table.columns if name not in known]
        listed = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        return RuleVerdict(
            rule="columns", column=None, line=self.read.line("other_columns"), count=len(others), share=None, warning=None, critical=None,
            state=State(self.contract.other_columns) if others else State.OK,
            why=f"not in the contract: {listed}" if others else "no column beyond the contract",
        )  # fmt: skip

    def _schema(self, number: int, each: ContractColumn) -> RuleVerdict:
        column = self.table.columns.get(each.name)
        if column is None:
            state, why = State.CRITICAL, "the file has no such column"
        elif wrong := misfit(each, column):
            state, why = State.CRITICAL, wrong
        elif self.counted.missing[each.name] == self.table.rows and each.max_null_share != 1:
            state, why = State.CRITICAL, "no row has a value"
        else:
            state, why = State.OK, f"{each.kind}, as {column.type}"
        return self._verdict("schema", number, each.name, state, why)

    def _nulls(self, number: int, each: ContractColumn) -> RuleVerdict:
        count = self.counted.missing[each.name]
        found = self._judged("null_share", count, each.name, each.max_null_share)
        offenders = first_missing(self.table, each.name, SAMPLE) if found[0] in _BROKEN else []
        return self._counted("nulls", self.read.line("columns", number, "max_null_share"), each.name, count, found, offenders, [each])

    def _outside(self, number: int, each: ContractColumn) -> RuleVerdict:
        count = self.counted.outside[each.name]
        is_set = each.allowed is not None
        rule = bound_of(each)
        part = rule if rule != "range" else "minimum" if each.minimum is not None else "maximum"
        line = self.read.line("columns", number, part)
        if is_set:
            # One strange category violates the schema, on production logs too: no share of them is small enough.
            state = State.CRITICAL if count else State.OK
            why = f"{count:,} rows hold none of the {len(each.allowed or ()):,} allowed values"
            found: _Found = state, 0.0, 0.0, why
        else:
            found = self._judged("out_of_range_share", count, each.name, None)
        offenders = first_outside(self.table, self.checks[each.name], SAMPLE) if found[0] in _BROKEN else []
        return self._counted(rule, line, each.name, count, found, offenders, [each])

    def _unique(self, number: int, key: tuple[str, ...]) -> RuleVerdict:
        line, named = self.read.line("unique", number), ", ".join(key)
        absent = [name for name in key if name not in self.there]
        if absent:
            why = f"{', '.join(absent)} cannot be read as the contract has it"
            return self._counted("unique", line, named, None, (State.UNKNOWN, None, None, why), [], [])
        count = self.counted.repeats[key]
        found = self._judged("duplicate_share", count, named, None)
        offenders = first_repeated(self.table, key, SAMPLE) if found[0] in _BROKEN else []
        return self._counted("unique", line, named, count, found, offenders, [each for _, each in self.held if each.name in key])

    def _together(self, number: int, columns: tuple[str, ...]) -> RuleVerdict:
        line, named = self.read.line("together", number), ", ".join(columns)
        absent = [name for name in columns if name not in self.there]
        try:
            relation = referred_together(self.table.connection, self.read, number) if not absent else ""
        except DataFileProblem as error:
            return self._counted("among", line, named, None, (State.UNKNOWN, None, None, str(error)), [], [])
        if absent:
            why = f"{', '.join(absent)} cannot be read as the contract has it"
            return self._counted("among", line, named, None, (State.UNKNOWN, None, None, why), [], [])
        count = strangers(self.table, columns, relation)
        found = self._judged("out_of_range_share", count, named, None)
        offenders = first_strangers(self.table, columns, relation, SAMPLE) if found[0] in _BROKEN else []
        return self._counted("among", line, named, count, found, offenders, [each for _, each in self.held if each.name in columns])

    def _freshness(self, rule: Freshness) -> RuleVerdict:
        line, limit = self.read.line("freshness", "at_most"), rule.at_most.total_seconds()
        state, why = self._age(rule)
        return RuleVerdict(
            rule="freshness", column=Untrusted(rule.column), line=line, state=state, count=None, share=None,
            warning=limit, critical=2 * limit, why=why,
        )  # fmt: skip

    def _age(self, rule: Freshness) -> tuple[State, str]:
        if rule.column not in self.there:
            return State.UNKNOWN, f"{rule.column} cannot be read as the contract has it"
        column, newest = self.table.columns[rule.column], self.counted.newest
        if column.why_not:
            return State.UNKNOWN, column.why_not
        if newest is None:
            return State.UNKNOWN, "no row has a time"
        if not column.zoned and rule.zone is None:
            return State.UNKNOWN, "its times carry no zone: say in the contract which one"
        try:
            when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=newest)
            if not column.zoned and rule.zone is not None:
                when = when.replace(tzinfo=ZoneInfo(rule.zone)).astimezone(UTC)
        except OverflowError:
            return State.UNKNOWN, "its newest time lies outside the years 1 to 9999"
        age = self.at - when
        said = f"newest {when.isoformat(timespec='seconds')}"
        if age < -rule.at_most:
            return State.WARNING, f"{said}, which is {format_duration(-age)} ahead of the clock"
        state = State.CRITICAL if age > 2 * rule.at_most else State.WARNING if age > rule.at_most else State.OK
        return state, f"{said}, {format_duration(max(age, timedelta(0)))} old, {format_duration(rule.at_most)} allowed"

    # -- the parts of a verdict

    def _judged(self, signal: str, count: int, named: str, declared: float | None) -> _Found:
        """The verdict that the same share would get on production logs."""
        rule, rows = rule_watching(self.policies, signal), self.table.rows
        limits = limits_of(rule, self.contract.model or "", None, column=named, declared=declared)
        state = rule.judge(count / rows, rows, limits.warning, limits.critical)
        if state is State.UNKNOWN:
            why = f"{rows:,} rows, {rule.minimum_n} are needed" if rows < rule.minimum_n else limits.because or "no limit is set"
        else:
            why = limits.because or f"the limits of {rule.id}"
        return state, limits.warning, limits.critical, why

    def _counted(
        self, rule: RuleName, line: int, column: str, count: int | None, found: _Found, offenders: _Offenders, of: Sequence[ContractColumn]
    ) -> RuleVerdict:
        state, warning, critical, why = found
        exact = bool(of) and all(each.show_values for each in of)
        sample = tuple(
            Offender(
                row=row,
                value=None if value is None else Untrusted(value if exact else shape(value)),
                redacted=value is not None and not exact,
            )
            for row, value in offenders
        )
        return RuleVerdict(
            rule=rule, column=Untrusted(column), line=line, state=state, count=count,
            share=None if count is None else count / self.table.rows, warning=warning, critical=critical, why=why, sample=sample,
        )  # fmt: skip

    def _verdict(self, rule: RuleName, number: int, name: str, state: State, why: str) -> RuleVerdict:
        return RuleVerdict(
            rule=rule, column=Untrusted(name), line=self.read.line("columns", number, "name"), state=state,
            count=None, share=None, warning=None, critical=None, why=why,
        )  # fmt: skip


_Found = tuple[State, float | None, float | None, str]
_Offenders = Sequence[tuple[int, str | None]]
_BROKEN: Final = frozenset({State.WARNING, State.CRITICAL})


def _is_bounded(each: ContractColumn) -> bool:
    return each.among is not None or each.allowed is not None or each.minimum is not None or each.maximum is not None


def bound_of(each: Column) -> Literal["allowed", "among", "range"]:
    """What bounds the values of a column."""
    if each.allowed is not None:
        return "allowed"
    return "among" if isinstance(each, ContractColumn) and each.among is not None else "range"


def _written(each: ContractColumn, column: TableColumn) -> tuple[str, ...] | None:
    """The allowed values, and how they read where the column was taken for numbers or truth values: `01` is 1 there, `True` is true."""
    if each.allowed is None or column.kind not in {"numeric", "boolean"}:
        return each.allowed
    other = {"boolean": (str.lower,), "numeric": (_whole, _broken)}[column.kind]
    return tuple(dict.fromkeys([*each.allowed, *(read(value) for value in each.allowed for read in other)]))


def _whole(value: str) -> str:
    try:
        return str(int(value))
    except ValueError:
        return value


def _broken(value: str) -> str:
    try:
        return str(float(value))
    except ValueError:
        return value


def rule_watching(policies: Policies, signal: str) -> AlertRule:
    """The rule in force that watches a signal, else the one that ships."""
    listed = [*policies.rules, *shipped_policies().rules]
    return next(rule for rule in listed if rule.signal == signal and rule.enabled)
