"""What the watch learnt of a model, kept beside the summary: a cache of dated files that is computed anew when it is gone."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field

from backends.durable import make_folder
from backends.plain_file import read_plain
from backends.records import Moment
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.simulation import write_atomically
from console.views.health.model import View

if TYPE_CHECKING:
    from console.analysis.performance_estimate import Calibration, PossibleOutcomes
    from console.views.health.windows import Floats

KEPT: Final = 60
"""Moments at which something was learnt that are kept of a model, so that the past can be looked at as it was."""

_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"


class KeptCalibration(View):
    """Isotonic maps from score to probability, learnt on the labelled rows of the reference; the first is of all of them."""

    since: Moment
    until: Moment
    learnt_at: Moment
    n: int
    digest: str
    """Of the rows that it was learnt on."""
    maps: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]

    def alone(self) -> Calibration:
        """The map that was learnt on all rows."""
        return self.each()[0]

    def each(self) -> list[Calibration]:
        """Every map, that of all rows first, then those of resampled days."""
        import numpy as np  # what is only shown needs no arithmetic

        from console.analysis.performance_estimate import Calibration

        return [Calibration(np.array(x), np.array(y)) for x, y in self.maps]

    def possible(self, scores: Floats) -> PossibleOutcomes:
        """What outcomes to expect of `scores`."""
        from console.analysis.performance_estimate import possible_outcomes

        found = self.each()
        return possible_outcomes(scores, found[0], found[1:])


class EarlierTelling(View):
    """How well an earlier window of the same length was told from the reference."""

    first: date
    last: date
    auc: float


class Telling(View):
    """How well a classifier tells the inputs of the last days from those of the reference, on days it did not see."""

    first: date
    last: date
    learnt_at: Moment
    digest: str
    """Of the rows that it was learnt on."""
    n_reference: int
    n_current: int
    auc: float | None
    low: float | None = None
    high: float | None = None
    earlier: tuple[EarlierTelling, ...] = ()
    by: tuple[tuple[Untrusted, float], ...] = ()
    """Columns whose shuffling costs the classifier AUC, and how much, the one that costs most first."""
    left_out: tuple[tuple[Untrusted, str], ...] = ()
    """Columns that it was not given, and why."""
    reason: str = ""


class Estimates(View):
    """What the watch learnt of one version of a model by a moment of the workspace's time."""

    environment: str
    model: str
    version: str
    made_at: Moment
    calibration: KeptCalibration | None = None
    telling: Telling | None = None
    reasons: dict[str, str] = Field(default_factory=dict)
    """Why `calibration` or `telling` could not be learnt."""
    failed_at: Moment | None = None
    """When learning was tried last, if that failed."""


def keep_estimates(paths: WorkspacePaths, estimates: Estimates) -> None:
    """Keep what was learnt of a model, beside what was learnt before."""
    folder = _folder(paths, estimates.environment, estimates.model)
    make_folder(folder)
    write_atomically(folder / f"{estimates.made_at.astimezone(UTC).strftime(_STAMP)}.json", estimates.model_dump_json())
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)


def kept_estimates(paths: WorkspacePaths, environment: str, model: str, version: str | None, at: datetime) -> Estimates | None:
    """What was last learnt of this version of a model by `at`; None when nothing was, or nothing that this program can read."""
    until = at.astimezone(UTC).strftime(_STAMP)
    for path in sorted(_folder(paths, environment, model).glob("*.json"), reverse=True):
        if path.stem > until:
            continue
        try:
            found = Estimates.model_validate_json(read_plain(path))
        except (OSError, ValueError):
            continue
        if (found.environment, found.model, found.version) == (environment, model, version) and found.made_at <= at:
            return found
    return None


def last_learnt(paths: WorkspacePaths) -> dict[str, str]:
    """The newest file of each folder that holds what was learnt of a model, by `estimates_folder`; none is read."""
    try:
        folders = sorted((paths.store / "estimates").iterdir())
    except OSError:
        return {}
    return {folder.name: max((path.stem for path in folder.glob("*.json")), default="") for folder in folders}


def estimates_folder(environment: str, model: str) -> str:
    """The name of the folder of a model, a digest: model names may hold anything."""
    return hashlib.sha256(f"{environment}\n{model}".encode()).hexdigest()[:32]


def _folder(paths: WorkspacePaths, environment: str, model: str) -> Path:
    return paths.store / "estimates" / estimates_folder(environment, model)
