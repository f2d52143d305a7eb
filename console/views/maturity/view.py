"""How mature the delivery of every system is."""

from __future__ import annotations

from collections.abc import Sequence

from backends.records import Moment
from backends.store.reader import Reader
from console.views.health.model import ModelHealth, View
from console.views.lineage.provenance import Provenance
from console.views.maturity.judged import Judged
from console.views.maturity.practices import practices
from console.views.maturity.system import System, system_of
from console.views.sight import Sight


class SystemMaturity(View):
    """One model and everything around it."""

    model: str
    version: str | None
    """What is judged: the version that serves, else the newest recorded."""
    owner: str | None
    there: int
    """Practices of the seven that are there."""
    practices: tuple[Judged, ...]


class MaturityView(View):
    """Every system, those with the least first."""

    environment: str
    at: Moment
    zone: str
    past: bool
    rows: tuple[SystemMaturity, ...]


def maturity_view(sight: Sight, reader: Reader, known: Sequence[tuple[Provenance, ModelHealth]]) -> MaturityView:
    """What the workspace bears out of each system. Raises StoreError."""
    rows = [_row(system_of(sight, reader, each, health)) for each, health in known]
    return MaturityView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        rows=tuple(sorted(rows, key=lambda row: (row.there, row.model))),
    )


def _row(system: System) -> SystemMaturity:
    found = practices(system)
    return SystemMaturity(
        model=system.name,
        version=system.version,
        owner=system.known.model.owner if system.known.model else None,
        there=sum(each.level == "there" for each in found),
        practices=found,
    )
