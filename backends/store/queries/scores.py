"""Scores, the labels known for them, and the inputs they were computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from backends.store.errors import StoreError
from backends.store.queries.arrays import by_type, floats, missing_texts, moments, texts, texts_from
from backends.store.reader import Reader
from backends.store.schema import LABELS
from backends.store.sql import quoted, text
from backends.store.versions import nothing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from backends.store.queries.arrays import Floats, Moments, Texts

COMPLETE_SHARE: Final = 0.95
COMPLETE_SPAN: Final = timedelta(hours=24)
"""Labels are complete up to the latest live prediction such that of the live predictions of the COMPLETE_SPAN that ends with it
at least COMPLETE_SHARE have a label."""


@dataclass(frozen=True)
class Scored:
    """Predictions in the order of their time, each with what is known of its outcome. All arrays have one entry a prediction.

    `key` is None everywhere where keys were not asked for. `label` is NaN and `label_known_at` NaT where no label is known;
    `latency_ms` is NaN where it was not recorded. `columns` are the requested inputs: float64 with NaN for numbers and booleans,
    object with None for text, datetime64 for times.
    """

    key: Texts
    event_at: Moments
    version: Texts
    role: Texts
    served_by: Texts
    score: Floats
    latency_ms: Floats
    label: Floats
    label_known_at: Moments
    columns: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.key)

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Where a label is known."""
        import numpy as np

        return np.asarray(~np.isnan(self.label), dtype=np.bool_)


@dataclass(frozen=True)
class RepeatedLabels:
    """Labels of which several versions are known, in the order of their key: when the first came, and whether a later one differs."""

    key: Texts
    first_known_at: Moments
    corrected: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelCompleteness:
    """How many live predictions of a window have a label, and up to when labels are complete (see COMPLETE_SPAN)."""

    predictions: int
    labelled: int
    complete_up_to: datetime | None
    """None when labels are nowhere complete, or there are no predictions."""

    @property
    def coverage(self) -> float | None:
        """Share of live predictions with a label; None without predictions."""
        return self.labelled / self.predictions if self.predictions else None


def scored(
    reader: Reader,
    environment: str,
    model: str,
    start: datetime | None,
    end: datetime | None,
    *,
    versions: Sequence[str] | None = None,
    role: str | None = None,
    columns: Sequence[str] = (),
    keys: bool = True,
) -> Scored:
    """Predictions of a model with event_at in [start, end), joined by key with the latest known label.

    Without `keys` the key of each is None: a text of its own for every row is most of what an answer weighs.

    Several sources that report the same prediction give one entry each. Raises StoreError for a column that is no input of the
    model; one that merely has no values in the window is all missing.
    """
    kinds = _kinds(reader, model, columns)
    asked = ", ".join(f"p.{quoted(name)} AS {quoted(f'in:{name}')}" for name in columns)
    named = _named(reader, model, start, end)
    selected = ("p.key AS key, " if keys else "") + "p.event_at AS event_at, p.score AS score, p.latency_ms AS latency_ms, "
    selected += ", ".join(f"{_place(names, f'p.{column}')} AS {column}" for column, names in named.items())
    selected += ", l.label AS label, l.known_at AS label_known_at" + (f", {asked}" if asked else "")
    rows = _joined(reader, environment, model, start, end, versions=versions, role=role, columns=columns)
    found = reader.arrays(f"SELECT {selected} FROM {rows} ORDER BY p.event_at, p.key, p.version, p.role")
    event_at = moments(found.pop("event_at"))
    # Each column is let go as soon as it is laid out: two of every one would be held otherwise.
    return Scored(
        key=texts(found.pop("key")) if keys else missing_texts(len(event_at)),
        event_at=event_at,
        **{column: texts_from(names, found.pop(column)) for column, names in named.items()},
        score=floats(found.pop("score")),
        latency_ms=floats(found.pop("latency_ms")),
        label=floats(found.pop("label")),
        label_known_at=moments(found.pop("label_known_at")),
        columns={name: by_type(kinds[name], found.pop(f"in:{name}")) for name in columns},
    )


def feature_columns(reader: Reader, model: str) -> dict[str, str]:
    """Inputs of a model that occur in its predictions, by name: BIGINT, DOUBLE, BOOLEAN, TIMESTAMP or VARCHAR."""
    return reader.features(model)


def feature_values(
    reader: Reader,
    environment: str,
    model: str,
    column: str,
    start: datetime | None,
    end: datetime | None,
    *,
    version: str | None = None,
    role: str | None = "live",
) -> npt.NDArray[Any]:
    """Values of one input over a window, one a prediction, in no particular order; types and missing values as in `Scored`.

    Raises StoreError when the column is no input of the model.
    """
    kind = _kinds(reader, model, [column])[column]
    conditions = [f"environment = {text(environment)}"]
    conditions += [f"version = {text(version)}"] if version is not None else []
    conditions += [f"role = {text(role)}"] if role is not None else []
    rows = reader.rows("predictions", model=model, start=start, end=end, inputs=[column])
    found = reader.arrays(f"SELECT {quoted(column)} AS value FROM {rows} WHERE {' AND '.join(conditions)}")
    return by_type(kind, found["value"])


def label_completeness(
    reader: Reader, environment: str, model: str, start: datetime | None, end: datetime | None, *, versions: Sequence[str] | None = None
) -> LabelCompleteness:
    """How complete the labels of live predictions with event_at in [start, end) are, as of the reader's moment."""
    import numpy as np

    rows = _joined(reader, environment, model, start, end, versions=versions, role="live", columns=())
    found = reader.arrays(f"SELECT p.event_at AS event_at, l.label IS NOT NULL AS labelled FROM {rows} ORDER BY p.event_at")
    at = moments(found["event_at"])
    known = np.asarray(found["labelled"], dtype=np.int64)
    if not len(at):
        return LabelCompleteness(0, 0, None)
    before = np.concatenate([[0], np.cumsum(known)])
    last = np.searchsorted(at, at, side="right")
    first = np.searchsorted(at, at - np.timedelta64(COMPLETE_SPAN), side="right")
    share = (before[last] - before[first]) / (last - first)
    complete = np.flatnonzero(share >= COMPLETE_SHARE)
    up_to = at[complete[-1]].astype(datetime).replace(tzinfo=UTC) if len(complete) else None
    return LabelCompleteness(len(at), int(known.sum()), up_to)


@dataclass(frozen=True)
class LabelCoverage:
    """How many predictions of a window have a label, and how long half of those labels took."""

    predictions: int
    labelled: int
    median_delay: timedelta | None


def label_coverage(
    reader: Reader, environment: str, model: str, start: datetime | None, end: datetime | None, *, versions: Sequence[str] | None = None
) -> LabelCoverage:
    """How the predictions of a model with event_at in [start, end), in whatever role, are labelled. Needs no arrays."""
    rows = _joined(reader, environment, model, start, end, versions=versions, role=None, columns=())
    [(predictions, labelled, delay)] = reader.fetch(
        f"SELECT count(*), count(l.label), median(epoch_us(l.known_at) - epoch_us(p.event_at)) FROM {rows}"
    )
    return LabelCoverage(predictions, labelled, None if delay is None else timedelta(microseconds=float(delay)))


def repeated_labels(reader: Reader, environment: str, model: str, start: datetime | None, end: datetime | None) -> RepeatedLabels:
    """Labels with several versions among those that predictions with event_at in [start, end) can have."""
    import numpy as np

    keys = reader.key_range("predictions", model, start, end)
    if keys is None:
        return RepeatedLabels(texts([]), moments([]), np.array([], dtype=np.bool_))
    versions = reader.rows("labels", model=model, keys=keys, every_version=True)
    found = reader.arrays(
        f"SELECT key, min(known_at) AS first_known_at, count(DISTINCT label) > 1 AS corrected FROM {versions} "
        f"WHERE environment = {text(environment)} GROUP BY key HAVING count(*) > 1 ORDER BY key"
    )
    return RepeatedLabels(texts(found["key"]), moments(found["first_known_at"]), np.asarray(found["corrected"], dtype=np.bool_))


def _named(reader: Reader, model: str, start: datetime | None, end: datetime | None) -> dict[str, list[str]]:
    """The few texts that the columns of which every row has one can hold, by column: some of them may be in no row that is asked for."""
    rows = reader.rows("predictions", model=model, start=start, end=end, every_version=True)
    columns = ("version", "role", "served_by")
    found = reader.fetch(f"SELECT DISTINCT {', '.join(columns)} FROM {rows}")
    return {column: sorted({row[place] for row in found if row[place] is not None}) for place, column in enumerate(columns)}


def _place(names: Sequence[str], column: str) -> str:
    """Where a text stands among `names`: a number for each row instead of a text, which the engine would have to hand over as an object."""
    listed = ", ".join(text(name) for name in names)
    return f"CAST(list_position(CAST([{listed}] AS VARCHAR[]), {column}) - 1 AS INTEGER)"


def _kinds(reader: Reader, model: str, columns: Sequence[str]) -> dict[str, str]:
    if not columns:
        return {}
    known = reader.features(model)
    unknown = [name for name in columns if name not in known]
    if unknown:
        listed = ", ".join(known) or "none"
        raise StoreError(f"{model} has no input {', '.join(unknown)}; its inputs are: {listed}")
    return known


def _joined(
    reader: Reader,
    environment: str,
    model: str,
    start: datetime | None,
    end: datetime | None,
    *,
    versions: Sequence[str] | None,
    role: str | None,
    columns: Sequence[str],
) -> str:
    """Predictions `p` with their labels `l`, as the FROM clause of a query."""
    conditions = [f"environment = {text(environment)}"]
    if versions is not None:
        conditions.append(f"version IN ({', '.join(text(version) for version in versions) or 'NULL'})")
    if role is not None:
        conditions.append(f"role = {text(role)}")
    predictions = reader.rows("predictions", model=model, start=start, end=end, inputs=columns)
    keys = reader.key_range("predictions", model, start, end)
    labels = nothing(LABELS)
    if keys is not None:
        # A label may come long after its prediction, or with a time before it: only keys tell which files can hold one.
        labels = reader.rows("labels", model=model, keys=keys)
        labels = f"(SELECT key, label, known_at, landed_at FROM {labels} WHERE environment = {text(environment)}"
        if len(reader.sources("labels", environment)) > 1:
            labels += " QUALIFY row_number() OVER (PARTITION BY key ORDER BY known_at DESC, landed_at DESC) = 1"
        labels += ")"
    return f"(SELECT * FROM {predictions} WHERE {' AND '.join(conditions)}) p LEFT JOIN {labels} l ON p.key = l.key"
