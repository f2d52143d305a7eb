"""What was evaluated, kept beside the summary, so that a look judges nothing again. A rebuildable cache.

It counts only for what it was judged by: the facts, the rules, and what people did. And for some minutes: windows move with the clock.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backends.durable import make_folder
from backends.plain_file import read_plain
from backends.store.paths import WorkspacePaths
from backends.store.summary import read_summary, write_summary
from console.simulation import write_atomically
from console.views.health.basis import Basis, ground
from console.views.health.fleet import FleetView
from console.views.health.model import ModelHealth, View
from console.views.health.standing import health_with_control, with_control
from console.views.sight import Sight

if TYPE_CHECKING:
    from backends.store.reader import Reader

FRESH_FOR: Final = timedelta(minutes=10)
"""What was evaluated longer ago than this is evaluated again."""

BASIS: Final = "judged_by"
"""Where `summary.json` says what its fleet was judged by, beside the fleet."""


class Kept(View):
    """A health, and what it was judged by."""

    judged_by: Basis
    health: ModelHealth


def keep_health(paths: WorkspacePaths, health: ModelHealth, judged_by: Basis | None) -> None:
    """Keep a model's health as last evaluated, by what it was judged by; what is not known to be that is not kept."""
    path = _path(paths, health.environment, health.model)
    if judged_by is None:
        path.unlink(missing_ok=True)
        return
    make_folder(path.parent)
    write_atomically(path, Kept(judged_by=judged_by, health=health).model_dump_json())


def keep_fleet(paths: WorkspacePaths, fleet: FleetView, judged_by: Basis | None) -> None:
    """Write the summary that consoles start from, by what it was judged by. Raises StoreError."""
    write_summary(paths, fleet.model_dump(mode="json") | {BASIS: judged_by.model_dump() if judged_by is not None else None})


def last_health(paths: WorkspacePaths, environment: str, model: str) -> ModelHealth | None:
    """A model's health as last evaluated, whatever has changed since; None when there is none that this program can read."""
    kept = _kept(paths, environment, model)
    return kept.health if kept is not None else None


def last_fleet(paths: WorkspacePaths, environment: str) -> FleetView | None:
    """The fleet as last evaluated, whatever has changed since; None when there is none that this program can read."""
    return _kept_fleet(paths, environment)[0]


def health_in_force(sight: Sight, model: str, reader: Reader | None = None) -> ModelHealth | None:
    """A model's health as last evaluated, with switch and incidents as they are now.

    None when it has to be judged again: the past is looked at, it is too old, or facts, rules or what people did have changed since.
    With a reader, facts that wait for the next compaction and are about other models are no change.
    """
    paths = sight.workspace.paths
    kept = None if sight.past else _kept(paths, sight.environment, model)
    if kept is None or abs(sight.at - kept.health.at) > FRESH_FOR or kept.judged_by != ground(paths, model).under(sight, model, reader):
        return None
    return health_with_control(kept.health, sight)


def fleet_in_force(sight: Sight) -> FleetView | None:
    """The fleet as last evaluated, with what people did up to now; None when it has to be judged again, as for `health_in_force`."""
    paths = sight.workspace.paths
    found, judged_by = (None, None) if sight.past else _kept_fleet(paths, sight.environment)
    if (
        found is None
        or abs(sight.at - found.evaluated_at) > FRESH_FOR
        or judged_by is None
        or judged_by != ground(paths).under(sight, None)
    ):
        return None
    return with_control(found, sight)


def _kept_fleet(paths: WorkspacePaths, environment: str) -> tuple[FleetView | None, Basis | None]:
    raw = read_summary(paths)
    if raw is None or raw.get("environment") != environment:
        return None, None
    judged_by = raw.pop(BASIS, None)
    try:
        return FleetView.model_validate(raw), Basis.model_validate(judged_by) if judged_by is not None else None
    except ValueError:
        return None, None


def _kept(paths: WorkspacePaths, environment: str, model: str) -> Kept | None:
    try:
        return Kept.model_validate_json(read_plain(_path(paths, environment, model)))
    except (OSError, ValueError):
        return None


def _path(paths: WorkspacePaths, environment: str, model: str) -> Path:
    """A file named by digest: model names may hold anything."""
    name = hashlib.sha256(f"{environment}\n{model}".encode()).hexdigest()[:32]
    return paths.store / "health" / f"{name}.json"
