"""The last part of the profile step: what people look at most is computed once, here, and not at every look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from backends.store.reader import Reader
from console.views.drift import look as drift_look
from console.views.drift.view import Asked, DriftView
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

Usual = DriftView | QualityView | LabelsView


class _Kept(NamedTuple):
    what: What
    kind: type[Usual]
    look: Callable[[Sight, Reader, ModelHealth], Usual]


LOOKS: Final = (
    _Kept("drift", DriftView, lambda sight, reader, health: drift_look.drift_view(sight, reader, health, Asked())),
    _Kept("quality", QualityView, lambda sight, reader, health: quality_look.quality_view(sight, reader, health, QualityAsked())),
    _Kept("labels", LabelsView, labels_look.labels_view),
)


def keep_looks(sight: Sight) -> int:
    """Keep every usual look at a model of which something has changed since it was kept; how many. Raises StoreError."""
    paths = sight.workspace.paths
    before, kept = ground(paths), 0
    with sight.reader() as reader:
        registry = registry_of(reader, sight.environment, sight.at)
        for name in sorted(registry.models):
            missing = [each for each in LOOKS if look_in_force(sight, each.what, each.kind, name) is None]
            judged_by = before.under(sight, name)
            if not missing or judged_by is None:
                continue
            health = known_health(sight, reader, registry, name)
            for each in missing:
                keep_look(sight, each.what, each.look(sight, reader, health), judged_by)
            kept += len(missing)
    return kept
