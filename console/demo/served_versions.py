"""The versions that the demo's score server holds ready: artifacts of the workspace, loaded only when their digest is the recorded one."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.records import ModelVersion
from backends.store import queries
from backends.store.reader import Reader
from console.demo.models import answers
from console.demo.registry_records import artifact_path
from console.demo.story import ENVIRONMENT, ModelStory

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """A version in memory, ready to answer."""

    model: ModelStory
    version: str
    pipeline: Any

    def score(self, frame: pl.DataFrame) -> np.ndarray[Any, Any]:
        """Scores of flights: a probability, or minutes."""
        return answers(self.pipeline, self.model, frame)


@dataclass(frozen=True, slots=True)
class Ready:
    """What can serve, by model and version, and one line for each version that cannot."""

    versions: Mapping[str, Mapping[str, ServedVersion]]
    problems: tuple[str, ...]


def load_versions(root: Path, reader: Reader, models: Iterable[ModelStory]) -> Ready:
    """Load every version of `models` that the registry knows at the reader's moment. Raises StoreError."""
    recorded = {
        (record.model, record.version): record
        for record in queries.records_of(reader, environment=ENVIRONMENT)
        if isinstance(record, ModelVersion)
    }
    versions: dict[str, dict[str, ServedVersion]] = {}
    problems: list[str] = []
    for model in models:
        versions[model.name] = {}
        for story in model.versions:
            record = recorded.get((model.name, story.version))
            if record is None:
                continue
            found = _loaded(root / artifact_path(model, story), model, record)
            if isinstance(found, str):
                problems.append(found)
            else:
                versions[model.name][story.version] = found
    return Ready(versions, tuple(problems))


def _loaded(path: Path, model: ModelStory, record: ModelVersion) -> ServedVersion | str:
    named = f"{model.name} v{record.version}"
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"{named} cannot serve: {path}: {error.strerror}; build the demo anew: quarterdeck demo --rebuild"
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest != record.artifact_digest:
        # Loading a pickle runs it, so one that is not the recorded artifact is never opened.
        return f"{named} cannot serve: {path} is not the recorded artifact ({digest[:19]}); build the demo anew: quarterdeck demo --rebuild"
    return ServedVersion(model, record.version, pickle.loads(content))
