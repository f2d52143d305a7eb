"""Evaluated health, kept beside the summary, so that looking at a model does not judge it again. A rebuildable cache."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from backends.plain_file import read_plain
from backends.store.paths import WorkspacePaths
from console.simulation import write_atomically
from console.views.health import ModelHealth, View


class Kept(View):
    """A health, and what the rules were written like that it was judged by."""

    rules: str
    health: ModelHealth


def rules_as_written(paths: WorkspacePaths) -> str:
    """What tells that a policy or a contract was changed, came or went, without reading one."""
    seen: list[tuple[str, int, int]] = []
    for folder in (paths.policies, paths.contracts):
        try:
            with os.scandir(folder) as entries:
                files = [(entry.path, entry.stat()) for entry in entries if entry.name.endswith((".yaml", ".yml"))]
        except OSError:
            continue
        seen += [(os.path.relpath(path, paths.root), status.st_mtime_ns, status.st_size) for path, status in files]
    return hashlib.sha256(repr(sorted(seen)).encode()).hexdigest()


def keep_health(paths: WorkspacePaths, health: ModelHealth, rules: str) -> None:
    """Keep a model's health as last evaluated, by the `rules_as_written` of before the evaluation."""
    path = _path(paths, health.environment, health.model)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, Kept(rules=rules, health=health).model_dump_json())


def kept_health(paths: WorkspacePaths, environment: str, model: str) -> ModelHealth | None:
    """A model's health as last evaluated.

    None when there is none, or none that this program can read, or when it was judged by rules that have been changed since.
    """
    try:
        kept = Kept.model_validate_json(read_plain(_path(paths, environment, model)))
    except (OSError, ValueError):
        return None
    return kept.health if kept.rules == rules_as_written(paths) else None


def _path(paths: WorkspacePaths, environment: str, model: str) -> Path:
    """A file named by digest: model names may hold anything."""
    name = hashlib.sha256(f"{environment}\n{model}".encode()).hexdigest()[:32]
    return paths.store / "health" / f"{name}.json"
