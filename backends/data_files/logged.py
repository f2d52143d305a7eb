"""The live predictions of a model over a stretch of time, as a table like those of files."""

from __future__ import annotations

from datetime import datetime

from backends.data_files.columns import column_of
from backends.data_files.problem import DataFileProblem
from backends.data_files.table import Table
from backends.store.columns import OWN
from backends.store.reader import Reader
from backends.store.sql import quoted, text

BESIDE = ("key", "score", "event_at")
"""What is looked at beside the inputs."""


def logged(reader: Reader, environment: str, model: str, start: datetime, end: datetime) -> Table:
    """Inputs, key, score and time of what was scored in [start, end). Raises DataFileProblem when nothing was, StoreError."""
    features = reader.features(model)
    types = {**features, **{name: OWN[name] for name in BESIDE}}
    rows = reader.rows("predictions", model=model, start=start, end=end, inputs=list(features))
    wanted = f"role = 'live' AND environment = {text(environment)}"
    relation = f"(SELECT {', '.join(map(quoted, types))} FROM {rows} WHERE {wanted})"
    count = int(reader.fetch(f"SELECT count(*) FROM {relation}")[0][0])
    given = f"production logs of {model}"
    if not count:
        raise DataFileProblem(f"{given}: nothing was scored in {environment} from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC")
    columns = {name: column_of(name, kind) for name, kind in types.items()}
    return Table(given, (), count, columns, relation, (relation,), "", reader.connection)
