"""Logged requests handed out for the offline path to score again."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

from backends.data_files.problem import DataFileProblem
from backends.data_files.replayed import SERVED, beside, write_logged
from backends.records import Moment
from backends.shell_words import command_line
from backends.store.reader import open_reader
from backends.text import Untrusted
from console.views.health.model import View
from console.views.sight import Sight
from console.views.versions.registry import no_such_model, registry_of
from console.views.versions.serving import serving_at

DAY = timedelta(days=1)


class ReplayColumn(View):
    """An input as it was logged, and the engine's type of it."""

    name: Untrusted
    type: str


class ReplayView(View):
    """The file that was written, and what comes next."""

    environment: str
    model: str
    version: str
    at: Moment
    file: Untrusted
    rows: int
    first_at: Moment
    last_at: Moment
    served_score: str
    """The column with the score that was given."""
    columns: tuple[ReplayColumn, ...]
    compare: str
    """The command that holds the scores of the offline path against those that were given."""


def replay(sight: Sight, model: str, version: str | None, last: int, out: Path) -> ReplayView:
    """Write the last requests that a version answered; that which serves if None.

    Raises NoSuchModel, DataFileProblem and StoreError.
    """
    if out.suffix.lower() not in {".parquet", ".pq"}:
        raise DataFileProblem(f"{out}: the requests are written as Parquet; let its name end with .parquet")
    if not out.parent.is_dir():
        raise DataFileProblem(f"{out.parent} is no folder: nothing was written")
    target = out.parent.resolve() / out.name
    temporary = beside(target)
    with open_reader(sight.workspace.paths, at=sight.at, also_readable=(temporary,)) as reader:
        models = registry_of(reader, sight.environment, sight.at).models
        if model not in models:
            raise no_such_model(model, models)
        chosen = version or serving_at(sight.alias_history(model), sight.at).version
        if chosen is None:
            raise DataFileProblem(f"no version of {model} serves; name one: {model}@VERSION")
        written = write_logged(reader, sight.environment, model, chosen, sight.at, last, temporary, target)
    days = max(1, math.ceil((sight.at - written.first_at) / DAY))
    # The same key may be asked again another day: the time of the request tells the two apart.
    options = {"--key": "key", "--columns": "score", "--days": str(days)}
    return ReplayView(
        environment=sight.environment,
        model=model,
        version=chosen,
        at=sight.at,
        file=Untrusted(str(out)),
        rows=written.rows,
        first_at=written.first_at,
        last_at=written.last_at,
        served_score=SERVED,
        columns=tuple(ReplayColumn(name=Untrusted(name), type=kind) for name, kind in written.inputs.items()),
        compare="qd " + command_line("parity --key event_at", "RESCORED.parquet", model, options=options),
    )
