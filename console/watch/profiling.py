"""The profile step: store the profiles of every closed day, so that looks at drift read no rows of theirs."""

from __future__ import annotations

from backends.profile.days import CannotKeep
from console.views.drift.input_days import profile_days
from console.views.health.kept import last_health
from console.views.health.windows import Reference
from console.views.release.rollout import let_in
from console.views.sight import Sight
from console.views.versions.registry import registry_of
from console.views.versions.serving import serving_at


def profile_environment(sight: Sight) -> tuple[int, list[str]]:
    """Profile every model that was evaluated and has a reference; returns the days with facts and what could not be kept.

    Follows the evaluation, which says what the reference is. Raises StoreError.
    """
    days, problems = 0, []
    with sight.reader() as reader:
        registry = registry_of(reader, sight.environment, sight.at)
        for name, model in sorted(registry.models.items()):
            health = last_health(sight.workspace.paths, sight.environment, name)
            if health is None or health.reference_from is None or health.reference_to is None:
                continue
            serving = serving_at(sight.alias_history(name), sight.at)
            version = registry.versions.get((name, serving.version)) if serving.version else None
            reference = Reference(health.reference_from, health.reference_to, "the reference of this version")
            signature = version.signature if version else None
            try:
                days += profile_days(reader, sight.environment, name, signature, reference, sight.at, model.zone, let_in(sight, name))
            except CannotKeep as error:
                problems.append(f"profiles of {name} cannot be kept: {error}; looks at drift compute them")
    return days, problems
