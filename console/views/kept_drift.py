"""Drift as the watch looked at it last, kept beside health, so that a look at the usual periods computes nothing again. A cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.plain_file import read_plain
from backends.store.paths import WorkspacePaths
from console.simulation import write_atomically
from console.views.basis import Basis, ground
from console.views.drift import DriftView
from console.views.estimated import last_learnt
from console.views.health import View
from console.views.kept import FRESH_FOR
from console.views.sight import Sight

if TYPE_CHECKING:
    from datetime import datetime


class KeptDrift(View):
    """A look at drift, and what it rests on."""

    judged_by: Basis
    learnt: str
    """What had been learnt of all inputs together."""
    view: DriftView


def drift_in_force(sight: Sight, model: str) -> DriftView | None:
    """What is known of every column of a model against the usual reference.

    None when it has to be computed: as for `health_in_force`, and when another day has begun or something was learnt since.
    """
    paths = sight.workspace.paths
    try:
        kept = None if sight.past else KeptDrift.model_validate_json(read_plain(_path(paths, sight.environment, model)))
    except (OSError, ValueError):
        return None
    if kept is None or abs(sight.at - kept.view.at) > FRESH_FOR or _day(sight.at, kept.view) != _day(kept.view.at, kept.view):
        return None
    if kept.learnt != last_learnt(paths, sight.environment, model) or kept.judged_by != ground(paths, model).under(sight, model):
        return None
    return kept.view


def keep_drift(paths: WorkspacePaths, model: str, kept: KeptDrift) -> None:
    """Keep what was computed of a model's drift."""
    path = _path(paths, kept.view.line.environment, model)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, kept.model_dump_json())


def _day(at: datetime, view: DriftView) -> object:
    return at.astimezone(ZoneInfo(view.zone)).date()


def _path(paths: WorkspacePaths, environment: str, model: str) -> Path:
    """A file named by digest: model names may hold anything."""
    name = hashlib.sha256(f"{environment}\n{model}".encode()).hexdigest()[:32]
    return paths.store / "drift" / f"{name}.json"
