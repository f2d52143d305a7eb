"""What people look at most of a model, kept beside its health as the watch looked at it last: a usual look computes nothing. A cache."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from backends.durable import make_folder
from backends.plain_file import read_plain
from backends.records import Moment
from backends.store.paths import WorkspacePaths
from console.simulation import write_atomically
from console.views.health.basis import Basis, ground
from console.views.health.kept import FRESH_FOR
from console.views.health.model import View
from console.views.sight import Sight

if TYPE_CHECKING:
    from console.views.drift.view import DriftColumnsView, DriftView
    from console.views.quality.labels import LabelsView
    from console.views.quality.view import QualityView

What = Literal["drift", "drift-columns", "quality", "labels"]
Look = TypeVar("Look", bound=BaseModel)


class KeptLook(View, Generic[Look]):
    """A look at a model, and what it rests on."""

    at: Moment
    zone: str
    """Of the model's days."""
    judged_by: Basis
    view: Look


def look_in_force(sight: Sight, what: What, kind: type[Look], model: str) -> Look | None:
    """The usual look at a model.

    None when it has to be computed: as for `health_in_force`, and when another day has begun.
    """
    paths = sight.workspace.paths
    try:
        read = None if sight.past else read_plain(_path(paths, what, sight.environment, model))
        kept = KeptLook[kind].model_validate_json(read) if read is not None else None  # type: ignore[valid-type]  # known only when it runs
    except (OSError, ValueError):
        return None
    if kept is None or abs(sight.at - kept.at) > FRESH_FOR or _day(sight.at, kept.zone) != _day(kept.at, kept.zone):
        return None
    if kept.judged_by != ground(paths, model).under(sight, model):
        return None
    found: Look = kept.view
    return found


def keep_look(sight: Sight, what: What, view: DriftView | DriftColumnsView | QualityView | LabelsView, judged_by: Basis) -> None:
    """Keep a usual look of now. What it rests on was looked at before it: what has changed meanwhile makes it count no more."""
    path = _path(sight.workspace.paths, what, sight.environment, view.line.model)
    make_folder(path.parent)
    kept = KeptLook[type(view)](at=sight.at, zone=view.zone, judged_by=judged_by, view=view)  # type: ignore[misc, operator]  # as above
    write_atomically(path, kept.model_dump_json())


def _day(at: datetime, zone: str) -> object:
    return at.astimezone(ZoneInfo(zone)).date()


def _path(paths: WorkspacePaths, what: What, environment: str, model: str) -> Path:
    """A file named by digest: model names may hold anything."""
    name = hashlib.sha256(f"{environment}\n{model}".encode()).hexdigest()[:32]
    return paths.store / "looks" / what / f"{name}.json"
