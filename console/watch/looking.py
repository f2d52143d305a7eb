"""The last part of the profile step: what people look at most is computed once, here, and not at every look."""

from __future__ import annotations

from console.views.assessment import known_health, registry_of
from console.views.basis import ground
from console.views.drift import Asked
from console.views.drift_look import drift_view
from console.views.estimated import last_learnt
from console.views.kept_drift import KeptDrift, drift_in_force, keep_drift
from console.views.sight import Sight


def keep_looks(sight: Sight) -> int:
    """Keep the drift of every model of which something has changed since it was kept; how many. Raises StoreError."""
    paths = sight.workspace.paths
    before, kept = ground(paths), 0
    with sight.reader() as reader:
        registry = registry_of(reader, sight.environment, sight.at)
        for name in sorted(registry.models):
            if drift_in_force(sight, name) is not None:
                continue
            judged_by, learnt = before.under(sight, name), last_learnt(paths, sight.environment, name)
            view = drift_view(sight, reader, known_health(sight, reader, registry, name), Asked())
            if judged_by is not None:
                keep_drift(paths, name, KeptDrift(judged_by=judged_by, learnt=learnt, view=view))
                kept += 1
    return kept
