"""Quality of the scores in a file against the outcomes beside them: overall, by period, by slice, by group, and where it is worst."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from backends.data_files.problem import DataFileProblem
from backends.data_files.table import Table, opened
from backends.store.sql import moment, quoted, text
from console.analysis.fairness import Fairness, GroupRates, fairness
from console.analysis.intervals import Floats, Interval
from console.analysis.quality import NO_SCORES, BinaryQuality, binary_quality
from console.analysis.slicing import number_slices
from console.analysis.worst_slices import CodedColumn, coded, worst_slices
from console.views.health import View

if TYPE_CHECKING:
    import numpy.typing as npt

MINIMUM_SLICE: Final = 200
"""Labelled rows below which no slice is named as one of the worst."""

MINIMUM_GROUP: Final = 30
"""Rows below which a group takes no part in a fairness difference: its rate would be chance."""

MOST_KEYS: Final = 1_000
"""Distinct values beyond which a column is refused as a slice, a period or a group."""

MISSING: Final = "(missing)"

PERIODS: Final = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
"""How a period is named: ISO weeks."""

_NUMBERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE")
_PLAIN_TEXT: Final = ("VARCHAR", "BOOLEAN", "DATE", "UUID", "NULL")
_ZONED: Final = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True, slots=True)
class FileAsked:
    """What is asked of a file. `as_of` with `label_time`: only outcomes known by then count. `zone` is that of times without one."""

    label: str
    score: str
    threshold: float | None = None
    time: str | None = None
    by: Literal["day", "week", "month"] = "week"
    slices: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    label_time: str | None = None
    as_of: datetime | None = None
    zone: str | None = None
    minimum: int = MINIMUM_SLICE


class Metrics(View):
    """Quality of some rows; every number that is None has its reason. `intervals` are 95 %, where one is defined.

    `rows` are all rows, `labelled` those with a usable score and a known outcome. All numbers are over the labelled rows, but for
    `selection_rate`: the share of rows with a usable score that score at least the threshold.
    """

    rows: int
    labelled: int
    label_coverage: float | None
    base_rate: float | None
    mean_score: float | None
    auc: float | None
    average_precision: float | None
    brier: float | None
    log_loss: float | None
    ece: float | None
    selection_rate: float | None
    precision: float | None
    recall: float | None
    left_out: int
    """Rows without a usable score."""
    intervals: dict[str, tuple[float, float]]
    reasons: dict[str, str]


class GroupMetrics(Metrics):
    """Quality within one group, and the rates that equalized odds compares."""

    true_positive_rate: float | None
    false_positive_rate: float | None


class GroupFairness(View):
    """How differently the groups of one column are treated; None with the reason where it cannot be computed."""

    demographic_parity_difference: float | None
    demographic_parity_ratio: float | None
    equalized_odds_difference: float | None
    by_group: dict[str, GroupMetrics]
    left_out: tuple[str, ...]
    """Groups too small to be compared."""
    minimum: int
    reasons: dict[str, str]


class WorstSliceView(View):
    """Rows that share one value, or two, on which the squared error is certainly above that of all others."""

    where: dict[str, str]
    n: int
    brier: float
    excess: float
    """Brier score of these rows minus that of all others, with its interval at the corrected level."""
    low: float
    high: float
    share_of_loss: float


class FileQualityView(View):
    """Everything that a file says of how good its scores are."""

    file: str
    files: int
    label: str
    score: str
    threshold: float | None
    as_of: datetime | None
    overall: Metrics
    by: Literal["day", "week", "month"] | None
    by_period: dict[str, Metrics]
    by_slice: dict[str, dict[str, Metrics]]
    fairness: dict[str, GroupFairness]
    worst_slices: tuple[WorstSliceView, ...]
    slices_searched: int
    minimum: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    score: Floats
    label: Floats
    threshold: float | None
    keys: dict[str, CodedColumn] = field(default_factory=dict)

    def metrics(self, where: npt.NDArray[np.bool_] | slice = slice(None)) -> tuple[Metrics, BinaryQuality]:
        quality = binary_quality(self.score[where], self.label[where], self.threshold)
        return _metrics(quality), quality


def file_quality(named: str, asked: FileAsked, progress: Callable[[int, int], None] = lambda _done, _total: None) -> FileQualityView:
    """All of `FileQualityView`. Raises DataFileProblem: no such file or column, an outcome that is not 0 or 1, a score outside 0 to 1."""
    with opened(named) as table:
        rows, notes = _read(table, asked)
        files = len(table.files)
    steps = 2 + len(asked.slices) + len(asked.groups)
    progress(1, steps)
    overall, quality = rows.metrics()
    if quality.left_out:
        one = quality.left_out == 1
        notes.append("1 row has no score and is left out" if one else f"{quality.left_out:,} rows have no score and are left out")
    by_slice = {}
    for number, column in enumerate(asked.slices):
        by_slice[column] = {key: rows.metrics(mask)[0] for key, mask in _masks(rows.keys[column])}
        progress(2 + number, steps)
    groups = {column: _fairness(rows, column) for column in asked.groups}
    progress(steps - 1, steps)
    searched = {column: rows.keys[column] for column in (*asked.slices, *asked.groups)}
    worst, looked_at = _worst(rows, list(searched.values()), asked.minimum)
    progress(steps, steps)
    return FileQualityView(
        file=named,
        files=files,
        label=asked.label,
        score=asked.score,
        threshold=asked.threshold,
        as_of=asked.as_of,
        overall=overall,
        by=asked.by if asked.time is not None else None,
        by_period={key: rows.metrics(mask)[0] for key, mask in _masks(rows.keys["\0period"])} if asked.time is not None else {},
        by_slice=by_slice,
        fairness=groups,
        worst_slices=worst,
        slices_searched=looked_at,
        minimum=asked.minimum,
        notes=tuple(notes),
    )


def one_class(view: FileQualityView) -> str | None:
    """What to say when every known outcome of the file is the same: nothing about ranking can be computed from it."""
    overall = view.overall
    if overall.labelled and overall.base_rate in {0.0, 1.0}:
        return f"{view.file}: all {overall.labelled:,} known outcomes in {view.label!r} are {overall.base_rate:g}; AUC needs both classes"
    return None


# -- reading -----------------------------------------------------------------------------------------------------------


def _read(table: Table, asked: FileAsked) -> tuple[_Rows, list[str]]:
    notes: list[str] = []
    columns = dict.fromkeys((*asked.slices, *asked.groups))
    expressions = [_number(table, asked.score, "a score", "write probabilities from 0 to 1")]
    expressions.append(_number(table, asked.label, "an outcome", "write 1 where it came true, 0 where not, nothing where nobody knows yet"))
    expressions.append(_known_by(table, asked))
    expressions += [_key(table, column) for column in columns]
    if asked.time is not None:
        expressions.append(_period(table, asked, notes))
    found = table.fetch(expressions)
    score, label, known, *keys = found
    scores, labels = _floats(score), _floats(label)
    _check_labels(table, asked.label, labels)
    _check_scores(table, asked.score, scores)
    labels[~np.asarray(known, dtype=bool)] = np.nan
    names = [*columns, *(["\0period"] if asked.time is not None else [])]
    coded_columns = {name: _coded(table, name, values) for name, values in zip(names, keys, strict=True)}
    return _Rows(scores, labels, asked.threshold, coded_columns), notes


def _column(table: Table, name: str) -> tuple[str, str]:
    """A column in SQL, and the engine's name of its type."""
    return quoted(name), table.column(name).type


def _time(table: Table, name: str) -> tuple[str, str]:
    column = table.column(name)
    if column.kind == "empty":
        raise DataFileProblem(f"{table.given}: column {name!r} holds no value at all, so no time")
    if column.kind == "timestamp" and column.why_not:
        raise DataFileProblem(f"{table.given}: column {name!r}: {column.why_not}")
    return _column(table, name)


def _number(table: Table, name: str, what: str, how: str) -> str:
    column, kind = _column(table, name)
    if kind in {"VARCHAR", "JSON", "NULL"} and table.is_empty(name):
        # Without a single value a file need not show what its column holds.
        return "CAST(NULL AS DOUBLE)"
    if kind != "BOOLEAN" and kind not in _NUMBERS and not kind.startswith("DECIMAL"):
        raise DataFileProblem(f"{table.given}: column {name!r} is {kind}, but {what} must be a number: {how}")
    return f"CAST({column} AS DOUBLE)"


def _known_by(table: Table, asked: FileAsked) -> str:
    """Whether the outcome of a row was known at the moment asked for; a time of arrival that is missing means: not yet."""
    if asked.label_time is None or asked.as_of is None:
        return "true"
    column, kind = _time(table, asked.label_time)
    if kind == _ZONED:
        arrived = f"({column} AT TIME ZONE 'UTC')"
    elif kind in {"DATE"} or kind.startswith("TIMESTAMP"):
        if asked.zone is None:
            raise DataFileProblem(f"{table.given}: times in {asked.label_time!r} carry no zone; say which one with --tz")
        arrived = f"((CAST({column} AS TIMESTAMP) AT TIME ZONE {text(asked.zone)}) AT TIME ZONE 'UTC')"
    else:
        raise DataFileProblem(f"{table.given}: column {asked.label_time!r} is {kind}, not a time")
    return f"coalesce({arrived} <= {moment(asked.as_of)}, false)"


def _key(table: Table, name: str) -> str:
    column, kind = _column(table, name)
    if kind in _NUMBERS or kind.startswith("DECIMAL"):
        return f"CAST({column} AS DOUBLE)"
    if kind in _PLAIN_TEXT or kind.startswith(("TIMESTAMP", "ENUM")):
        return f"CAST({column} AS VARCHAR)"
    raise DataFileProblem(f"{table.given}: column {name!r} is {kind}; rows can be sliced by text, numbers, booleans and dates")


def _period(table: Table, asked: FileAsked, notes: list[str]) -> str:
    name = str(asked.time)
    column, kind = _time(table, name)
    if kind == _ZONED:
        local = f"({column} AT TIME ZONE {text(asked.zone or 'UTC')})"
        notes.append(f"{asked.by}s are those of {asked.zone or 'UTC'}")
    elif kind == "DATE" or kind.startswith("TIMESTAMP"):
        local = f"CAST({column} AS TIMESTAMP)"
        if kind != "DATE" and asked.zone is None:
            notes.append(f"times in {name!r} carry no zone: {asked.by}s are counted as they are written")
    else:
        raise DataFileProblem(f"{table.given}: column {name!r} is {kind}, not a time")
    return f"strftime({local}, {text(PERIODS[asked.by])})"


def _floats(values: Any) -> Floats:
    return np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)


def _check_labels(table: Table, name: str, labels: Floats) -> None:
    odd = np.flatnonzero(~np.isnan(labels) & ~np.isin(labels, (0.0, 1.0)))
    if odd.size:
        example = f"row {int(odd[0]) + 1} holds {labels[odd[0]]:g}"
        said = "1 row of {} holds" if odd.size == 1 else f"{odd.size:,} rows of {{}} hold"
        raise DataFileProblem(f"{table.given}: an outcome must be 0, 1 or missing, but {said.format(repr(name))} another value ({example})")


def _check_scores(table: Table, name: str, scores: Floats) -> None:
    odd = np.flatnonzero((scores < 0) | (scores > 1))
    if odd.size:
        example = f"row {int(odd[0]) + 1} holds {scores[odd[0]]:g}"
        said = "1 score of {} lies" if odd.size == 1 else f"{odd.size:,} scores of {{}} lie"
        raise DataFileProblem(f"{table.given}: {said.format(repr(name))} outside 0 to 1 ({example}); give probabilities")


def _coded(table: Table, name: str, values: Any) -> CodedColumn:
    shown = "the time column" if name == "\0period" else repr(name)
    held = np.ma.asarray(values)
    absent = np.ma.getmaskarray(held).copy()
    plain = held.filled() if held.dtype.kind != "O" else np.asarray(held.data, dtype=object)
    if plain.dtype.kind == "f":
        names, codes = number_slices(np.where(absent, np.nan, plain))
        absent = codes < 0
    else:
        found, present = np.unique(np.asarray([str(value) for value in plain[~absent]], dtype=object), return_inverse=True)
        names, codes = [str(value) for value in found], np.full(plain.size, -1, dtype=np.int64)
        codes[~absent] = present
    if len(names) > MOST_KEYS:
        raise DataFileProblem(f"{table.given}: {shown} has {len(names):,} distinct values; at most {MOST_KEYS:,} can be told apart here")
    if absent.any():
        missing = MISSING
        while missing in names:
            missing = f"({missing})"
        codes = np.where(absent, len(names), codes)
        names = [*names, missing]
    return coded(name, codes, names)


# -- judging -----------------------------------------------------------------------------------------------------------


def _masks(column: CodedColumn) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    for code, name in enumerate(column.values):
        mask = column.codes == code
        if mask.any():
            yield name, mask


def _metrics(quality: BinaryQuality) -> Metrics:
    return Metrics(**_numbers(quality))


def _numbers(quality: BinaryQuality) -> dict[str, Any]:
    rows = quality.n + quality.left_out
    reasons = {name: why for name, why in quality.reasons.items() if name != "gap"}
    if quality.threshold is None:
        reasons |= dict.fromkeys(("selection_rate", "precision", "recall"), "needs a threshold")
    elif quality.selection_rate is None:
        reasons["selection_rate"] = NO_SCORES
    return {
        "rows": rows,
        "labelled": quality.labelled,
        "label_coverage": quality.labelled / rows if rows else None,
        "base_rate": quality.base_rate,
        "mean_score": quality.mean_score,
        "auc": quality.auc,
        "average_precision": quality.average_precision,
        "brier": quality.brier,
        "log_loss": quality.log_loss,
        "ece": quality.ece,
        "selection_rate": quality.selection_rate,
        "precision": quality.precision,
        "recall": quality.recall,
        "left_out": quality.left_out,
        "intervals": _intervals({"base_rate": quality.base_rate_interval, "auc": quality.auc_interval, "brier": quality.brier_interval}),
        "reasons": reasons,
    }


def _intervals(named: Mapping[str, Interval | None]) -> dict[str, tuple[float, float]]:
    return {name: (each.low, each.high) for name, each in named.items() if each is not None}


def _fairness(rows: _Rows, column: str) -> GroupFairness:
    usable = np.isfinite(rows.score)
    masks = dict(_masks(rows.keys[column]))
    found: Fairness = fairness(
        rows.score[usable],
        rows.label[usable],
        {name: mask[usable] for name, mask in masks.items()},
        rows.threshold,
        minimum=MINIMUM_GROUP,
    )
    by_group = {str(name): _group(rows, masks[str(name)], rates) for name, rates in found.by_group.items()}
    return GroupFairness(
        demographic_parity_difference=found.demographic_parity_difference,
        demographic_parity_ratio=found.demographic_parity_ratio,
        equalized_odds_difference=found.equalized_odds_difference,
        by_group=by_group,
        left_out=tuple(str(name) for name in found.left_out),
        minimum=MINIMUM_GROUP,
        reasons=dict(found.reasons),
    )


def _group(rows: _Rows, mask: npt.NDArray[np.bool_], rates: GroupRates) -> GroupMetrics:
    numbers = _numbers(rows.metrics(mask)[1])
    of_rates = {
        "selection_rate": rates.selection_interval,
        "true_positive_rate": rates.true_positive_interval,
        "false_positive_rate": rates.false_positive_interval,
    }
    numbers["intervals"] = {**numbers["intervals"], **_intervals(of_rates)}
    reasons = dict(numbers["reasons"])
    for name, value, of in (
        ("true_positive_rate", rates.true_positive_rate, "positive"),
        ("false_positive_rate", rates.false_positive_rate, "negative"),
    ):
        if value is None:
            reasons[name] = "needs a threshold" if rows.threshold is None else f"no {of} outcome is known here"
    numbers["reasons"] = reasons
    return GroupMetrics(**numbers, true_positive_rate=rates.true_positive_rate, false_positive_rate=rates.false_positive_rate)


def _worst(rows: _Rows, columns: Sequence[CodedColumn], minimum: int) -> tuple[tuple[WorstSliceView, ...], int]:
    known = np.isfinite(rows.score) & ~np.isnan(rows.label)
    losses = (rows.score[known] - rows.label[known]) ** 2
    found, searched = worst_slices(losses, [coded(each.name, each.codes[known], each.values) for each in columns], minimum=minimum)
    return tuple(
        WorstSliceView(
            where=dict(each.where), n=each.n, brier=each.loss, excess=each.excess, low=each.low, high=each.high, share_of_loss=each.share
        )
        for each in found
    ), searched
