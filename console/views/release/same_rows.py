"""What a promotion is judged on: rows with an outcome that the candidate and what serves both scored, and neither was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from backends.store import queries
from backends.store.reader import Reader
from console.control.actions import version_label
from console.views.release.plan_facts import Evidence

LEAST_BEFORE_ONSET = 200
"""Labelled rows before an onset that suffice to judge a candidate on; with fewer, the rows since then count too."""


@dataclass(frozen=True, slots=True)
class SameRows:
    """Rows that both versions scored, with an outcome. Scores of the candidate and of what serves, by row."""

    since: datetime | None
    until: datetime
    scored: int
    candidate: npt.NDArray[np.float64]
    champion: npt.NDArray[np.float64]
    label: npt.NDArray[np.float64]
    slices: Mapping[str, npt.NDArray[Any]]
    """Values of the columns that the model is sliced by, and of those that gates group by."""
    latency: Mapping[str, float | None]
    """p95 in ms by version."""
    why_not: str = ""
    """Why there are none."""
    before_onset: bool = False
    """Whether they end where something broke, and not now."""

    @property
    def n(self) -> int:
        return len(self.label)


def same_rows(evidence: Evidence, reader: Reader, to: str, until: datetime | None = None, groups: Sequence[str] = ()) -> SameRows:
    """The rows after what both versions were trained on, up to `until`, else to the day on which something broke if that leaves enough.

    `groups`: columns whose values are wanted besides those of the slices.
    """
    at, champion = evidence.sight.at, evidence.serving.version
    since = _untrained_since(evidence, to, champion)
    if since is None:
        return _nothing(since, at, f"what {version_label(to)} was trained on is not recorded")
    broke = evidence.health.since_onset.since if evidence.health.broke_first is not None and evidence.health.since_onset else None
    onset = until or broke
    if onset is not None and since < onset < at:
        before = _read(evidence, reader, to, champion, since, onset, groups)
        if before.n >= LEAST_BEFORE_ONSET:
            return replace(before, before_onset=True)
    return _read(evidence, reader, to, champion, since, at, groups)


def _nothing(since: datetime | None, until: datetime, why: str) -> SameRows:
    empty = np.array([], dtype=np.float64)
    return SameRows(since, until, 0, empty, empty, empty, {}, {}, why)


def _untrained_since(evidence: Evidence, *versions: str | None) -> datetime | None:
    """The first moment after everything that the versions were trained on; None when one of them says nothing of it."""
    zone = ZoneInfo(evidence.model.zone)
    moments = []
    for version in versions:
        data, run = evidence.training(version), evidence.run(version)
        if data is not None and data.covers_to is not None:
            moments.append(datetime.combine(data.covers_to + timedelta(days=1), time(), zone))
        elif run is not None:
            moments.append(run.started_at)
        elif version == versions[0]:
            return None
    return max(moments, default=None)


def _read(
    evidence: Evidence, reader: Reader, to: str, champion: str | None, since: datetime, until: datetime, groups: Sequence[str]
) -> SameRows:
    known = queries.feature_columns(reader, evidence.model.name)
    wanted = [name for name in dict.fromkeys((*evidence.model.slices, *groups)) if name in known]
    champion = champion or to
    versions = sorted({to, champion})
    found = queries.scored(reader, evidence.sight.environment, evidence.model.name, since, until, versions=versions, columns=wanted)
    place: dict[str, dict[str, int]] = {to: {}, champion: {}}
    logged: dict[str, int] = {}
    for row, (key, version, served) in enumerate(zip(found.key.tolist(), found.version.tolist(), found.served_by.tolist(), strict=True)):
        # What the fallback answered in a version's place is not that version's score.
        if served == "model" or found.role[row] == "shadow":
            place[version][key] = row
        if found.role[row] == "live":
            # Inputs are logged with what was served; a shadow score has none of its own.
            logged[key] = row
    both = sorted(place[to].keys() & place[champion].keys())
    mine = np.array([place[to][key] for key in both], dtype=np.int64)
    theirs = np.array([place[champion][key] for key in both], dtype=np.int64)
    labelled = found.labelled[mine] if both else np.array([], dtype=np.bool_)
    inputs = np.array([logged.get(key, row) for key, row in zip(both, theirs.tolist(), strict=True)], dtype=np.int64)[labelled]
    mine, theirs = mine[labelled], theirs[labelled]
    latency = {version: _p95(found.latency_ms[found.version == version]) for version in (to, champion)}
    why_not = "" if len(mine) else f"no row has an outcome and a score of both {version_label(champion)} and {version_label(to)}"
    slices = {name: found.columns[name][inputs] for name in wanted}
    return SameRows(since, until, len(both), found.score[mine], found.score[theirs], found.label[mine], slices, latency, why_not)


def _p95(values: npt.NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, 0.95)) if len(known) else None
