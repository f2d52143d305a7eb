"""The last part of the profile step: what people look at most is computed once, here, and not at every look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from backends.store.reader import Reader
from console.views.drift import look as drift_look
from console.views.drift.view import DriftColumnsView, DriftView
from console.views.health.assessment import known_health
from console.views.health.basis import ground
from console.views.health.kept_look import What, keep_look, look_in_force
from console.views.health.model import ModelHealth
from console.views.quality import labels_look
from console.views.quality import look as quality_look
from console.views.quality.labels import LabelsView
from console.views.quality.view import QualityAsked, QualityView
from console.views.sight import Sight
from console.views.versions.registry import registry_of

Usual = DriftView | DriftColumnsView | QualityView | LabelsView


class _Kept(NamedTuple):
    what: What
    kind: type[Usual]


class _Computed(NamedTuple):
    """What comes of one computing."""

    looks: tuple[_Kept, ...]
    views: Callable[[Sight, Reader, ModelHealth], tuple[Usual, ...]]


def _drift(sight: Sight, reader: Reader, health: ModelHealth) -> tuple[Usual, ...]:
    return drift_look.usual_drift(sight, reader, health)


def _quality(sight: Sight, reader: Reader, health: ModelHealth) -> tuple[Usual, ...]:
    return (quality_look.quality_view(sight, reader, health, QualityAsked()),)


def _labels(sight: Sight, reader: Reader, health: ModelHealth) -> tuple[Usual, ...]:
    return (labels_look.labels_view(sight, reader, health),)


COMPUTED: Final = (
    _Computed((_Kept("drift", DriftView), _Kept("drift-columns", DriftColumnsView)), _drift),
    _Computed((_Kept("quality", QualityView),), _quality),
    _Computed((_Kept("labels", LabelsView),), _labels),
)
LOOKS: Final = tuple(look for each in COMPUTED for look in each.looks)


def keep_looks(sight: Sight) -> int:
    """Keep every usual look at a model of which something has changed since it was kept; how many. Raises StoreError."""
    paths = sight.workspace.paths
    before, kept = ground(paths), 0
    with sight.reader() as reader:
        registry = registry_of(reader, sight.environment, sight.at)
        for name in sorted(registry.models):
            missing = [each for each in COMPUTED if any(look_in_force(sight, look.what, look.kind, name) is None for look in each.looks)]
            judged_by = before.under(sight, name)
            if not missing or judged_by is None:
                continue
            health = known_health(sight, reader, registry, name)
            for each in missing:
                for look, view in zip(each.looks, each.views(sight, reader, health), strict=True):
                    keep_look(sight, look.what, view, judged_by)
                    kept += 1
    return kept
