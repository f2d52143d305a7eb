"""The evaluate step: judge every model, write the summary that consoles start from, open and close alerts and incidents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from console.control.desk import Desk
from console.views.health.assessment import assess_fleet
from console.views.health.basis import ground
from console.views.health.fleet import FleetView
from console.views.health.kept import keep_fleet, keep_health
from console.views.sight import Sight
from console.watch.alerting import Transition, record, transitions
from console.watch.evaluated import last_evaluated, mark_evaluated
from console.watch.responding import propose


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation found."""

    fleet: FleetView
    new: tuple[Transition, ...]
    proposed: int = 0
    """Proposals that rules made for alerts that fire."""


def evaluate_workspace(sight: Sight, desk_at: Callable[[datetime], Desk]) -> Evaluation:
    """Evaluate one environment at the sight's moment. Raises StoreError, and Refused or JournalUnavailable from control."""
    since = last_evaluated(sight.workspace.paths, sight.environment)
    before = ground(sight.workspace.paths)
    with sight.reader() as reader:
        fleet, evaluated = assess_fleet(sight, reader)
    found = [
        transition
        for model, each in evaluated.items()
        for transition in transitions(each.judged, sight.environment, model, since)
        if transition.at <= sight.at
    ]
    found.sort(key=lambda transition: transition.at)
    new = record(found, desk_at, sight.workspace.paths)
    if new:
        sight = Sight(sight.workspace, sight.environment, sight.clock)
        with sight.reader() as reader:
            fleet, evaluated = assess_fleet(sight, reader)
    for each in evaluated.values():
        keep_health(sight.workspace.paths, each.health, before.under(sight, each.health.model))
    if sight.environment == sight.workspace.environment:
        keep_fleet(sight.workspace.paths, fleet, before.under(sight, None))
    mark_evaluated(sight.workspace.paths, sight.environment, sight.at)
    proposed = propose(sight, {model: each.health for model, each in evaluated.items()}, desk_at)
    return Evaluation(fleet, tuple(new), proposed)
