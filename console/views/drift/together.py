"""All inputs together: how well a classifier tells the last week from the reference, judged by how well it told earlier weeks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from backends.records import Moment, State
from backends.text import Untrusted
from console.views.health.estimated import EarlierTelling, Telling, kept_estimates
from console.views.health.model import View

if TYPE_CHECKING:
    from console.views.sight import Sight

LATE_DAYS: Final = 2
"""Days after its last day from which a number is stale: the watch learns a new one every day."""

OTHER_PERIODS: Final = "it is learnt for the last whole week against the version's own reference only, not for periods that are asked for"


class Together(View):
    """Inputs of the last whole week against the reference, all at once: sees what no column shows alone. Never critical."""

    state: State = State.UNKNOWN
    verdict: str
    """Why it has its state; why there is no number, when there is none."""
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    """95 % interval of the AUC, which counts rows."""
    limit: float | None = None
    """AUC over which it warns."""
    first: date | None = None
    last: date | None = None
    n_reference: int = 0
    n_current: int = 0
    """Rows that the classifier was given, at most 2,000 of each side."""
    learnt_at: Moment | None = None
    digest: str = ""
    earlier: tuple[EarlierTelling, ...] = ()
    by: tuple[tuple[Untrusted, float], ...] = ()
    """Columns by which it tells the periods apart: the AUC that shuffling one costs, the largest first."""
    left_out: tuple[tuple[Untrusted, str], ...] = ()
    """Columns that it was not given, and why."""
    note: str = ""
    """Why it was not learnt anew, when it was not."""


def together_of(sight: Sight, model: str, version: str | None, zone: str, *, usual: bool) -> Together:
    """What the watch learnt last, judged; `usual`: no other periods than the usual ones are looked at."""
    if not usual:
        return Together(verdict=OTHER_PERIODS)
    kept = kept_estimates(sight.workspace.paths, sight.environment, model, version, sight.at)
    if kept is None:
        never = "nothing had been learnt of this version by then" if sight.past else "the watch has not looked at it yet: qd watch --once"
        return Together(verdict=never)
    why = kept.reasons.get("telling", "")
    if kept.telling is None:
        return Together(verdict=why or "it was not learnt")
    return _judged(kept.telling, why, sight.at, zone)


def _judged(found: Telling, note: str, at: datetime, zone: str) -> Together:
    from console.analysis.apart import judged_apart  # what is only shown needs no arithmetic

    verdict = judged_apart(found.auc, found.low, [each.auc for each in found.earlier])
    state, said = verdict.state, found.reason or verdict.reason
    today = at.astimezone(ZoneInfo(zone)).date()
    if state is not State.UNKNOWN and today - found.last > timedelta(days=LATE_DAYS):
        state, said = State.STALE, f"{(today - found.last).days} days old; then it was: {said}"
    return Together(
        state=state, verdict=said, auc=found.auc, low=found.low, high=found.high, limit=verdict.warning_over, first=found.first,
        last=found.last, n_reference=found.n_reference, n_current=found.n_current, learnt_at=found.learnt_at, digest=found.digest,
        earlier=found.earlier, by=found.by, left_out=found.left_out, note=note,
    )  # fmt: skip
