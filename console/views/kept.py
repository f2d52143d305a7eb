"""Evaluated health, kept beside the summary, so that looking at a model does not judge it again. A rebuildable cache."""

from __future__ import annotations

import hashlib
from pathlib import Path

from backends.plain_file import read_plain
from backends.store.paths import WorkspacePaths
from console.simulation import write_atomically
from console.views.health import ModelHealth


def keep_health(paths: WorkspacePaths, health: ModelHealth) -> None:
    """Keep a model's health as last evaluated."""
    path = _path(paths, health.environment, health.model)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, health.model_dump_json())


def kept_health(paths: WorkspacePaths, environment: str, model: str) -> ModelHealth | None:
    """A model's health as last evaluated; None when there is none, or none that this program can read."""
    try:
        return ModelHealth.model_validate_json(read_plain(_path(paths, environment, model)))
    except (OSError, ValueError):
        return None


def _path(paths: WorkspacePaths, environment: str, model: str) -> Path:
    """A file named by digest: model names may hold anything."""
    name = hashlib.sha256(f"{environment}\n{model}".encode()).hexdigest()[:32]
    return paths.store / "health" / f"{name}.json"
