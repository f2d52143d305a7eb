"""The course of every column under what is agreed of it: the contract in force, else the signature of the version that serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

import numpy as np

from backends.data_files.columns import column_of
from backends.records import Column, Signature
from backends.store.columns import OWN, Blocks, ColumnCheck, Foreign, column_blocks
from backends.store.reader import Reader
from console.contracts.contract import ReadContract
from console.contracts.fitting import misfit
from console.contracts.references import References, references_of_logs
from console.policies.rules import AlertRule
from console.views.health.deleted_rows import gone_of, without_deleted
from console.views.health.judging import Judged, Limits, judge, limits_of
from console.views.health.measures import Measured
from console.views.health.subject import Subject
from console.views.health.windows import HOUR, STRIP_STEP_HOURS, Floats, Ints, moment_of

NOTHING: Final = "nothing was scored in 24 h"
STEP: Final = timedelta(hours=STRIP_STEP_HOURS)
STRIP_STEP: Final = STRIP_STEP_HOURS * HOUR


@dataclass(frozen=True, slots=True)
class Agreed:
    """What production logs are held against."""

    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...] = ()
    fresh: str | None = None
    fresh_for: timedelta | None = None
    ignored: frozenset[str] = frozenset()
    others_are_wrong: bool = False
    """Whether a column that is not agreed violates the schema."""
    references: References = field(default_factory=References)
    contract: ReadContract | None = None


def agreed(contract: ReadContract | None, signature: Signature | None, features: Mapping[str, str], references: References) -> Agreed:
    """The contract's columns that hold on logs, then those of the signature that it does not name; with neither, whatever is logged."""
    inputs = list(signature.inputs) if signature else []
    if contract is None:
        return Agreed(tuple(inputs) or tuple(Column(name=name, kind="text") for name in features))
    body = contract.contract
    named = {each.name for each in body.columns} | set(body.ignored)
    fresh = body.freshness if body.freshness is not None and "logs" in body.freshness.moments else None
    return Agreed(
        columns=(*(each for each in body.columns if "logs" in each.moments), *(each for each in inputs if each.name not in named)),
        keys=tuple(each.columns for each in body.unique if "logs" in each.moments),
        fresh=fresh.column if fresh else None,
        fresh_for=fresh.at_most if fresh else None,
        ignored=frozenset(body.ignored),
        others_are_wrong=body.other_columns == "critical",
        references=references,
        contract=contract,
    )


class Courses:
    """Counts of the windows of 24 hours that end at every strip end, judged column by column."""

    def __init__(self, reader: Reader, environment: str, model: str, agreed: Agreed, strip: Ints) -> None:
        self.model, self.agreed, self.strip = model, agreed, strip
        self.gone = gone_of(reader, environment, model, "predictions")
        features = reader.features(model)
        self.types = {**features, **OWN}
        named = {each.name for each in agreed.columns}
        self.others = [] if agreed.contract is None else [name for name in features if name not in named | agreed.ignored]
        checks = [
            ColumnCheck(each.name, each.minimum, each.maximum, each.allowed, agreed.references.relations.get(each.name))
            for each in agreed.columns
        ]
        count = partial(
            column_blocks,
            reader,
            environment,
            model,
            step=STEP,
            checks=[*checks, *map(ColumnCheck, self.others)],
            keys=agreed.keys,
            times=[agreed.fresh] if agreed.fresh else [],
            foreign=list(agreed.references.together.values()),
        )
        # The last window ends where it likes: it has blocks of its own, so that those of the past stay what they are.
        regular = strip if int(strip[-1]) % STRIP_STEP == 0 else strip[:-1]
        self._parts: list[Blocks] = [count(start=moment_of(int(regular[0])) - 2 * STEP, blocks=len(regular) + 1)]
        if len(regular) < len(strip):
            self._parts.append(count(start=moment_of(int(strip[-1])) - 2 * STEP, blocks=2))
        self.rows = self._windows(lambda blocks: blocks.rows)

    def missing(self, column: str) -> Ints:
        """Rows without a value of a column, by window."""
        return self._windows(lambda blocks: blocks.missing[column])

    def outside(self, column: str) -> Ints:
        """Rows with a value of a column that is not agreed, by window."""
        return self._windows(lambda blocks: blocks.outside[column])

    def why_unfit(self, column: Column) -> str:
        """Why what is logged is not of the agreed kind; empty when it is, or when nobody agreed on a contract."""
        kind = self.types.get(column.name)
        return misfit(column, column_of(column.name, kind)) if kind is not None and self.agreed.contract is not None else ""

    def nulls(self, rule: AlertRule, column: Column) -> Judged:
        """Missing values of a column as a share."""
        limits = limits_of(rule, self.model, None, column=column.name, declared=column.max_null_share)
        return self._share(rule, self.missing(column.name), limits, column.name)

    def out_of_range(self, rule: AlertRule, column: Column) -> Judged:
        """Values outside the range, the allowed ones, or those of another table, as a share."""
        limits = limits_of(rule, self.model, None, column=column.name, declared=column.max_null_share)
        return self._share(rule, self.outside(column.name), limits, column.name)

    def strange(self, rule: AlertRule, column: Column) -> Judged:
        """Rows with a category that is not allowed: one of them violates the schema."""
        values = np.where(self.rows > 0, self.outside(column.name).astype(np.float64), np.nan)
        return self._judged(rule, values, self.rows, limits_of(rule, self.model, None), column.name)

    def repeats(self, rule: AlertRule, key: tuple[str, ...] | None = None) -> Judged:
        """Rows whose key stood in the block before, as a share; without a key those that one version scored twice."""
        if key is None:
            return self._share(rule, self._windows(lambda blocks: blocks.repeats), limits_of(rule, self.model, None), None)
        named = ", ".join(key)
        if key not in self._parts[0].again:
            return self._judged(
                rule, np.full(len(self.strip), np.nan), self.rows, Limits(None, None), named, "a part of the key is not logged"
            )
        counts = self._windows(lambda blocks: blocks.again[key])
        return self._share(rule, counts, limits_of(rule, self.model, None, column=named), named)

    def strangers(self, rule: AlertRule, foreign: Foreign) -> Judged:
        """Rows whose values together another table does not have, as a share."""
        named = ", ".join(foreign.columns)
        if foreign not in self._parts[0].strangers:
            return self._judged(rule, np.full(len(self.strip), np.nan), self.rows, Limits(None, None), named, "one of them is not logged")
        counts = self._windows(lambda blocks: blocks.strangers[foreign])
        return self._share(rule, counts, limits_of(rule, self.model, None, column=named), named)

    def freshness(self, rule: AlertRule) -> Judged | None:
        """Age of the newest time of the column that the contract names, in hours, by the contract's own limit; None when it names none."""
        fresh, most = self.agreed.fresh, self.agreed.fresh_for
        if fresh is None or most is None:
            return None
        newest = [np.array([-1 if each is None else each for each in part.newest[fresh]]) for part in self._parts if fresh in part.newest]
        by_window = [np.maximum(blocks[:-1], blocks[1:]) for blocks in newest]
        seen = np.maximum.accumulate(np.concatenate(by_window)) if by_window else np.full(len(self.strip), -1, dtype=np.int64)
        ages = np.where(seen >= 0, np.maximum(self.strip - seen, 0) / HOUR, np.nan)
        hours = most.total_seconds() / 3600
        limits = Limits(hours, 2 * hours, "the contract's limit")
        return self._judged(rule, ages, (seen >= 0).astype(np.int64), limits, fresh, "no row has a time")

    def violations(self) -> Iterator[tuple[str, Floats]]:
        """Each column that is agreed, and 1 in the windows in which it violates the schema."""
        for column in self.agreed.columns:
            missing = self.missing(column.name)
            strange = self.outside(column.name) if column.allowed is not None else np.zeros(len(self.rows), dtype=np.int64)
            may_be_empty = self.agreed.contract is not None and column.max_null_share == 1 and column.name in self.types
            gone = (missing == self.rows) & (not may_be_empty)
            yield column.name, (((gone | bool(self.why_unfit(column))) & (self.rows > 0)) | (strange > 0)).astype(np.float64)
        if self.agreed.others_are_wrong:
            for name in self.others:
                yield name, (self.missing(name) < self.rows).astype(np.float64)

    def unexpected(self) -> list[str]:
        """Columns that the contract does not name and that have values in the last window."""
        return [name for name in self.others if self.missing(name)[-1] < self.rows[-1]]

    def schema(self, rule: AlertRule, wrong: Floats, named: str | None) -> Judged:
        """Columns that violate the schema, by number."""
        return self._judged(rule, np.where(self.rows > 0, wrong, np.nan), self.rows, limits_of(rule, self.model, None), named)

    def _windows(self, of: Callable[[Blocks], Sequence[int]]) -> Ints:
        """Counts of blocks of half a window, added up to windows that end with each block but the first."""
        blocks = [np.array(of(part), dtype=np.int64) for part in self._parts]
        return np.concatenate([each[:-1] + each[1:] for each in blocks])

    def _share(self, rule: AlertRule, counts: Ints, limits: Limits, named: str | None) -> Judged:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(self.rows > 0, counts / self.rows, np.nan)
        why = NOTHING if named is not None else "nothing was scored"
        return self._judged(rule, values, self.rows, limits, named, why)

    def _judged(self, rule: AlertRule, values: Floats, n: Ints, limits: Limits, named: str | None, why: str = NOTHING) -> Judged:
        measured = without_deleted(Measured(values, n, of=named, why_not=why), self.strip, 24 * HOUR, self.gone)
        return judge(rule, measured, limits, self.strip, self.strip)


def courses_of(reader: Reader, subject: Subject, strip: Ints) -> Courses:
    """Everything that is agreed of a model, counted. Raises StoreError."""
    signature = subject.version.signature if subject.version else None
    model = subject.model.name
    references = references_of_logs(reader.connection, subject.contract) if subject.contract is not None else References()
    return Courses(reader, subject.environment, model, agreed(subject.contract, signature, reader.features(model), references), strip)
