"""The production logs of a model held against its contract: every column and rule, since when, and the newest rows that break it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from backends.records import Column, State, severity_rank, worst
from backends.store.columns import Breach, ColumnCheck, breaches, missing_of, outside, stranger
from backends.store.reader import Reader
from backends.text import Untrusted
from console.contracts.contract import ContractColumn
from console.contracts.shapes import shape
from console.policies.rules import AlertRule
from console.views.data.contract import SAMPLE, ContractCheckView, Offender, RuleName, RuleVerdict, bound_of, rule_watching
from console.views.data.courses import Courses, courses_of
from console.views.data.handled import handled_counts
from console.views.data.kept_check import recorded_checks
from console.views.data.searches import recorded_searches
from console.views.health.assessment import subject_of
from console.views.health.judging import Judged
from console.views.health.windows import moment_of, strip_ends
from console.views.release.holds import held_view
from console.views.sight import Sight
from console.views.versions.registry import no_such_model, registry_of

DAY: Final = timedelta(hours=24)


def logs_checked(sight: Sight, reader: Reader, model: str) -> ContractCheckView:
    """Hold the last 24 hours of live predictions against what is agreed of them. Raises NoSuchModel and StoreError."""
    registry = registry_of(reader, sight.environment, sight.at)
    record = registry.models.get(model)
    if record is None:
        raise no_such_model(model, registry.models)
    subject = subject_of(sight, registry, record)
    strip = strip_ends(sight.at)
    courses = courses_of(reader, subject, strip)
    rules = sorted(_Logs(sight, reader, courses).verdicts(), key=lambda each: (severity_rank(each.state), each.line or 0))
    read = subject.contract
    serving = f"signature of version {subject.version.version}" if subject.version is not None else "whatever is logged"
    held = held_view(sight, model)
    return ContractCheckView(
        contract=Untrusted(read.text.file) if read is not None else None,
        name=Untrusted(read.contract.name if read is not None else serving),
        file=Untrusted(f"production logs of {model}"),
        rows=int(courses.rows[-1]),
        deleted=courses.gone.why if courses.gone.touches(sight.at - DAY, sight.at) else "",
        moment="logs",
        at=sight.at,
        state=_state(rules, known=read is not None or not sight.contracts.problems),
        rules=tuple(rules),
        model=Untrusted(model),
        environment=sight.environment,
        zone=record.zone,
        start=sight.at - DAY,
        ends=tuple(moment_of(end) for end in strip.tolist()),
        recorded=recorded_checks(reader, sight.environment, model, sight.at),
        searches=recorded_searches(reader, sight.environment, model, sight.at),
        handled=handled_counts(reader, sight.environment, model, sight.at),
        problems=(*(Untrusted(str(problem)) for problem in sight.contracts.problems), *((held.problem,) if held.problem else ())),
        holds=held.rows,
    )


def _state(rules: Sequence[RuleVerdict], *, known: bool) -> State:
    """The worst of all; where a contract that nobody can read may be that of this model, what is agreed is not known."""
    return worst([*(each.state for each in rules), *([] if rules and known else [State.UNKNOWN])])


class _Logs:
    def __init__(self, sight: Sight, reader: Reader, courses: Courses) -> None:
        self.sight, self.reader, self.courses, self.agreed = sight, reader, courses, courses.agreed
        self.read = courses.agreed.contract
        self.contract = self.read.contract if self.read is not None else None

    def verdicts(self) -> Iterator[RuleVerdict]:
        wrong = dict(self.courses.violations())
        for column in self.agreed.columns:
            yield self._schema(column, self.courses.schema(self._rule("schema_violations"), wrong[column.name], column.name))
            if self.courses.why_unfit(column) or column.name not in self.courses.types:
                continue
            nulls = self.courses.nulls(self._rule("null_share"), column)
            missing = missing_of(column.name, self.courses.types[column.name])
            yield self._verdict("nulls", "max_null_share", (column.name,), nulls, missing)
            yield from self._bounded(column)
        for number, key in enumerate(self.agreed.keys):
            repeats = self.courses.repeats(self._rule("duplicate_share"), key)
            yield self._verdict("unique", "", key, repeats, Breach(key, again=True), self._line("unique", number))
        references = self.agreed.references
        for number, foreign in references.together.items():
            strangers = self.courses.strangers(self._rule("out_of_range_share"), foreign)
            logged = all(name in self.courses.types for name in foreign.columns)
            breach = Breach(foreign.columns, stranger(foreign, self.courses.types)) if logged else None
            yield self._verdict("among", "", foreign.columns, strangers, breach, self._line("together", number))
        for number, why in references.apart.items():
            named = ", ".join(self.contract.together[number].columns) if self.contract is not None else None
            yield self._bare("among", named, State.UNKNOWN, why, self._line("together", number))
        fresh = self.courses.freshness(self._rule("age_hours"))
        if fresh is not None and self.agreed.fresh is not None:
            yield self._verdict("freshness", "", (self.agreed.fresh,), fresh, None, self._line("freshness", "at_most"), counted=False)
        if self.contract is not None:
            yield self._others()

    def _bounded(self, column: Column) -> Iterator[RuleVerdict]:
        why = self.agreed.references.problems.get(column.name)
        part = bound_of(column)
        if why is not None:
            yield self._bare("among", column.name, State.UNKNOWN, why, self._at(column.name, "among"))
            return
        among = self.agreed.references.relations.get(column.name)
        if column.minimum is None and column.maximum is None and column.allowed is None and among is None:
            return
        judged = (
            self.courses.strange(self._rule("schema_violations"), column)
            if part == "allowed"
            else self.courses.out_of_range(self._rule("out_of_range_share"), column)
        )
        check = ColumnCheck(column.name, column.minimum, column.maximum, column.allowed, among)
        breach = Breach((column.name,), outside(check, self.courses.types[column.name]))
        line = "minimum" if part == "range" and column.minimum is not None else "maximum" if part == "range" else part
        yield self._verdict(part, line, (column.name,), judged, breach, number_of_rows=part == "allowed")

    def _schema(self, column: Column, judged: Judged) -> RuleVerdict:
        """Why, in words: the number of the signal would only say that one column is wrong."""
        state, stored = judged.signal.state, self.courses.types.get(column.name)
        if state is State.OK:
            why = f"{column.kind}, as {stored}"
        elif stored is None:
            why = "nobody logs it"
        else:
            why = self.courses.why_unfit(column) or judged.signal.why
            if state is State.CRITICAL and not self.courses.why_unfit(column):
                strange = column.allowed is not None and self.courses.outside(column.name)[-1]
                why = "it holds categories that are not allowed" if strange else "no row of the last 24 hours has a value"
        return self._bare("schema", column.name, state, why, self._at(column.name, "name"), since=judged.signal.since)

    def _others(self) -> RuleVerdict:
        assert self.contract is not None
        found = self.courses.unexpected()
        listed = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
        state = State(self.contract.other_columns) if found else State.OK
        why = f"not in the contract: {listed}" if found else "no column beyond the contract"
        return self._bare("columns", None, state, why, self._line("other_columns")).model_copy(update={"count": len(found)})

    def _verdict(
        self,
        rule: RuleName,
        part: str,
        columns: tuple[str, ...],
        judged: Judged,
        breach: Breach | None,
        line: int | None = None,
        *,
        counted: bool = True,
        number_of_rows: bool = False,
    ) -> RuleVerdict:
        signal, n = judged.signal, int(self.courses.rows[-1])
        value = signal.value if counted else None
        count = None if value is None else round(value) if number_of_rows else round(value * n)
        return RuleVerdict(
            rule=rule,
            column=Untrusted(", ".join(columns)),
            line=line if line is not None else self._at(columns[0], part),
            state=signal.state,
            count=count,
            share=None if count is None or not n else count / n,
            warning=signal.warning,
            critical=signal.critical,
            why=signal.why,
            sample=self._sample(columns, breach) if breach is not None and signal.state in {State.WARNING, State.CRITICAL} else (),
            since=signal.since,
            history=signal.history,
        )

    def _bare(
        self, rule: RuleName, column: str | None, state: State, why: str, line: int | None, since: datetime | None = None
    ) -> RuleVerdict:
        return RuleVerdict(
            rule=rule, column=None if column is None else Untrusted(column), line=line, state=state, count=None, share=None,
            warning=None, critical=None, why=why, since=since,
        )  # fmt: skip

    def _sample(self, columns: Sequence[str], breach: Breach) -> tuple[Offender, ...]:
        model = self.courses.model
        found = breaches(self.reader, self.sight.environment, model, self.sight.at - DAY, self.sight.at, breach, SAMPLE)
        shown = all(self._shows(name) for name in columns)
        return tuple(
            Offender(
                at=at,
                value=None if value is None else Untrusted(value if shown else shape(value)),
                redacted=value is not None and not shown,
            )
            for at, value in found
        )

    def _shows(self, name: str) -> bool:
        column = next((each for each in self.agreed.columns if each.name == name), None)
        return isinstance(column, ContractColumn) and column.show_values

    def _rule(self, signal: str) -> AlertRule:
        return rule_watching(self.sight.policies, signal)

    def _line(self, *path: str | int) -> int | None:
        return None if self.read is None else self.read.line(*path)

    def _at(self, column: str, part: str) -> int | None:
        if self.contract is None:
            return None
        number = next((at for at, each in enumerate(self.contract.columns) if each.name == column), None)
        return None if number is None else self._line("columns", number, part)
