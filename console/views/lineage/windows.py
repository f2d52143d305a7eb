"""Features whose window of time training and serving define differently, and how far their values were measured apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backends.feature_windows import FeatureWindows, WindowSpec
from backends.records import FeatureSet, Moment, Run
from backends.store.reader import Reader
from backends.text import Untrusted
from console.views.data.kept_search import RecordedSearch, newest_search
from console.views.health.model import View
from console.views.lineage.provenance import Provenance
from console.views.sight import Sight


class WindowDifference(View):
    """One feature whose two definitions differ."""

    feature: Untrusted
    training: Untrusted
    serving: Untrusted
    differ: tuple[str, ...]
    """The parts that differ: aggregation, length, lag, closed, zone."""
    share: float | None
    """Share of the requests whose values differ, by the newest comparison that was kept; None: it was never measured."""
    requests: int | None
    measured_at: Moment | None


@dataclass(frozen=True, slots=True)
class TwoWindows:
    """Both definitions of one feature, as text."""

    training: str
    serving: str
    differ: tuple[str, ...]


def windows_apart(known: Provenance, run: Run) -> dict[str, TwoWindows]:
    """Features of a run whose two windows are known and differ, in the order of the columns.

    The window of training is the one that was recorded when the run read its features, that of serving the one in force.
    """
    then = known.features_of(run)
    if then is None:
        return {}
    now = known.features(then.name) or then
    names = dict.fromkeys([*then.columns, *sorted(then.windows), *sorted(now.windows)])
    pairs = {name: FeatureWindows(training=_side(name, "training", then, now), serving=_side(name, "serving", now, then)) for name in names}
    return {name: TwoWindows(str(both.training), str(both.serving), both.differ()) for name, both in pairs.items() if both.differ()}


def _side(name: str, side: Literal["training", "serving"], first: FeatureSet, second: FeatureSet) -> WindowSpec | None:
    """What the first record says of one side, else the second."""
    found: list[WindowSpec | None] = [getattr(each.windows.get(name, FeatureWindows()), side) for each in (first, second)]
    return next((each for each in found if each is not None), None)


def trained_windows(known: Provenance, version: str | None) -> dict[str, TwoWindows]:
    """Those of the features that a version was trained on."""
    run = known.run_of(version) if version is not None else None
    return windows_apart(known, run) if run is not None else {}


def window_differences(sight: Sight, reader: Reader, known: Provenance, version: str | None) -> tuple[WindowDifference, ...]:
    """Each of them with what the newest kept comparison measured of it."""
    found = trained_windows(known, version)
    if not found:
        return ()
    newest = newest_search(reader, sight.environment, known.name, "parity", sight.at)
    return tuple(_measured(name, each, newest) for name, each in found.items())


def _measured(name: str, found: TwoWindows, newest: RecordedSearch | None) -> WindowDifference:
    kept = newest if newest is not None and name in newest.shares else None
    return WindowDifference(
        feature=Untrusted(name),
        training=Untrusted(found.training),
        serving=Untrusted(found.serving),
        differ=found.differ,
        share=None if kept is None else kept.shares[name],
        requests=None if kept is None else kept.rows,
        measured_at=None if kept is None else kept.at,
    )
