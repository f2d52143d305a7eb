"""Would it help? What each thing that could serve would have scored on the very rows that went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from backends.protocol import AliasMove
from backends.records import Model, Moment
from backends.store import queries
from backends.store.reader import Reader
from console.analysis.intervals import Bools
from console.analysis.quality import BinaryQuality
from console.analysis.would_help import Candidate as Compared
from console.analysis.would_help import would_help
from console.views.health.model import View
from console.views.health.windows import HOUR, Floats
from console.views.versions.serving import Serving, served

FALLBACK: Final = "fallback"
"""The version under which the scores of the declared safe default are landed."""

Kind = Literal["serving", "fallback", "rollback", "promote"]


class Option(View):
    """One thing that could serve."""

    name: str
    """The version, or `fallback`."""
    kind: Kind
    auc: float | None = None
    brier: float | None = None
    ece: float | None = None
    mae: float | None = None
    bias: float | None = None
    mean_score: float | None = None
    difference: float | None = None
    """Mean loss of this minus that of what serves, on the same rows: below 0 is better."""
    low: float | None = None
    high: float | None = None
    """95 % interval of the difference."""
    answer: str = ""
    """`better`, `worse`, or why it cannot be told."""
    sentence: str = ""
    last_served: Moment | None = None
    """When it last served; None for never, or now."""
    best: bool = False


class WouldHelpView(View):
    """Every option on the same labelled rows since something broke."""

    model: str
    metric: Literal["brier", "mae"]
    since: Moment
    until: Moment
    rows: int
    options: tuple[Option, ...]
    best: str | None
    sentence: str


def would_help_view(
    reader: Reader, environment: str, model: Model, serving: Serving, stretches: dict[str, datetime | None], since: datetime, at: datetime
) -> WouldHelpView | None:
    """Compare what serves with every version and the fallback that scored the same rows; None when nothing can be compared.

    `stretches` gives the end of each version's last service (None: serves now).
    """
    found = queries.scored(reader, environment, model.name, since, at)
    if not len(found.key) or serving.version is None:
        return None
    # What the fallback answered in place of a version is not that version's score.
    names = np.where((found.role == "live") & (found.served_by == "fallback"), FALLBACK, found.version)
    scores = {name: _last(found.key, found.score, names == name) for name in dict.fromkeys(names.tolist())}
    labels = _last(found.key, found.label, found.labelled)
    # A key that comes again belongs to the hour in which it came first.
    hours = dict(zip(found.key[::-1].tolist(), (found.event_at.view(np.int64)[::-1] // HOUR).tolist(), strict=True))
    if serving.version not in scores:
        return None
    rivals = {name: values for name, values in scores.items() if len(values.keys() & labels.keys()) >= 30}
    if serving.version not in rivals:
        return None
    common = sorted(set(labels).intersection(*(values.keys() for values in rivals.values())))
    if not common:
        return None
    table = {name: np.array([values[key] for key in common]) for name, values in rivals.items()}
    outcome = np.array([labels[key] for key in common])
    compared = would_help(table, outcome, serving.version, task=model.task, groups=np.array([hours[key] for key in common], dtype=np.int64))
    options = [_option(compared.current, "serving", None, compared.best)]
    for each in compared.alternatives:
        kind: Kind = "fallback" if each.name == FALLBACK else "rollback" if each.name in stretches else "promote"
        options.append(_option(each, kind, stretches.get(each.name), compared.best))
    options.sort(key=lambda option: (option.kind != "serving", option.brier if option.brier is not None else option.mae or 0.0))
    return WouldHelpView(
        model=model.name,
        metric=compared.metric,
        since=since,
        until=at,
        rows=compared.n,
        options=tuple(options),
        best=compared.best,
        sentence=compared.sentence,
    )


def _last(keys: npt.NDArray[np.object_], values: Floats, rows: Bools) -> dict[str, float]:
    """The value of each key in some rows; of one that comes again, the last."""
    return dict(zip(keys[rows].tolist(), values[rows].tolist(), strict=True))


def last_service(history: Sequence[AliasMove], at: datetime) -> dict[str, datetime | None]:
    """End of the last service of every version that ever served; None for the one that serves now."""
    return {stretch.version: stretch.end for stretch in served(history, at)}


def _option(candidate: Compared, kind: Kind, last_served: datetime | None, best: str | None) -> Option:
    quality = candidate.quality
    return Option(
        name=candidate.name,
        kind=kind,
        auc=quality.auc if isinstance(quality, BinaryQuality) else None,
        brier=quality.brier if isinstance(quality, BinaryQuality) else None,
        ece=quality.ece if isinstance(quality, BinaryQuality) else None,
        mae=None if isinstance(quality, BinaryQuality) else quality.mae,
        bias=None if isinstance(quality, BinaryQuality) else quality.bias,
        mean_score=quality.mean_score,
        difference=candidate.difference,
        low=candidate.interval.low if candidate.interval else None,
        high=candidate.interval.high if candidate.interval else None,
        answer=str(candidate.answer),
        sentence=candidate.sentence,
        last_served=last_served,
        best=candidate.name == best,
    )
