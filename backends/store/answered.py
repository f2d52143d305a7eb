"""Finds the run that answers a request, among the records: what a pipeline says of itself, and nothing else, makes a request effective."""

from __future__ import annotations

from backends.pipeline_protocol import AnsweringRun
from backends.protocol import BackendError
from backends.store.errors import StoreError
from backends.store.paths import WorkspacePaths


class RecordedRuns:
    """Runs as the store of a workspace has them, what has landed and is not compacted yet among them."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self.paths = paths

    def run_of(self, environment: str, model: str, key: str) -> AnsweringRun | None:
        """The run that names `key`, of training before the run of its pipeline. Raises BackendError when the store cannot be read."""
        # Loaded here: the database engine, which no other action may depend on.
        from backends.store import queries
        from backends.store.reader import open_reader

        try:
            with open_reader(self.paths) as reader:
                return queries.run_of_request(reader, environment, model, key)
        except (StoreError, OSError) as error:
            raise BackendError(f"whether a run names the request cannot be read: {error}") from error
