"""Did it help? What was scored since an action took effect, against what went before and against what would have been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from backends.records import Model
from backends.store import queries
from backends.store.reader import Reader
from console.analysis.would_help import MINIMUM_ROWS, would_help
from console.control.actions import ALIAS_KINDS, TRAFFIC_KINDS, ActionKind
from console.control.records import ActionRecord
from console.render import figures
from console.views.health.latest_action import followed_by
from console.views.health.live_rows import rows_of
from console.views.health.measures import quality_between
from console.views.health.model import Quality
from console.views.health.windows import micros
from console.views.incidents.effect_view import EffectView, Verdict
from console.views.incidents.would_help import FALLBACK
from console.views.sight import Sight
from console.views.versions.registry import registry_of

BEFORE: Final = timedelta(hours=24)
"""How far back "before" reaches."""

NO_EFFECT_AFTER: Final = timedelta(minutes=60)
"""How long an action may show no effect before the next step is named."""

DAYS_LIKE_IT: Final = 7
"""How many days before are asked whether anything is usually scored at these hours."""

_SERVED_BY = {
    ActionKind.FALLBACK: "fallback",
    ActionKind.DEGRADE: "degraded",
    ActionKind.RESTORE: "model",
    ActionKind.ROLLBACK: "model",
    ActionKind.PROMOTE: "model",
    ActionKind.SHIFT: "model",
    ActionKind.ABORT: "model",
}


def effect_view(sight: Sight, reader: Reader, action_id: str) -> EffectView:
    """Measure the effect of one action at the sight's moment. Raises LookupError for an unknown action, StoreError."""
    record = sight.control.action(action_id)
    if record is None:
        raise LookupError(f"there is no action {action_id}: see `actions`")
    registry = registry_of(reader, sight.environment, sight.at)
    model = registry.models.get(record.model)
    if model is None:
        raise LookupError(f"nothing is known of {record.model} in the store, so its effect cannot be measured")
    acted_at = record.finished_at or record.intended_at
    return _measured(sight, reader, record, model, acted_at)


def _measured(sight: Sight, reader: Reader, record: ActionRecord, model: Model, acted_at: datetime) -> EffectView:
    following = followed_by(sight, record)
    end = sight.at if following is None else max(acted_at, following.finished_at or following.intended_at)
    since = queries.scored(reader, sight.environment, model.name, acted_at, end)
    live = since.role == "live"
    put, _ = _versions(record)
    counted = since.role == ("shadow" if _silent(record) else "live")
    wanted = counted & (since.served_by == _SERVED_BY.get(record.kind, "killed"))
    if put is not None:
        wanted &= since.version == put
    earlier = queries.scored(reader, sight.environment, model.name, acted_at - BEFORE, acted_at, role="live")
    now = micros(sight.at)
    delay = model.label_delay_hours
    due = acted_at + timedelta(hours=delay) if delay is not None else None
    before = quality_between(rows_of(earlier), model.task, micros(acted_at - BEFORE), micros(acted_at), now, model.threshold)
    after = None
    if wanted.any():
        own = queries.Scored(
            **{name: getattr(since, name)[wanted] for name in _ARRAYS}, columns={name: each[wanted] for name, each in since.columns.items()}
        )
        after = quality_between(rows_of(own), model.task, micros(acted_at), micros(end), now, model.threshold)
    otherwise = _otherwise(record, model, since, wanted)
    quiet = None if live.any() or end - acted_at < NO_EFFECT_AFTER else _quiet_days(sight, reader, model.name, acted_at, end)
    time = _Time(acted_at, end, sight.at, due, quiet)
    verdict, message = _judged(record, time, before, after, otherwise, int(live.sum()), int(wanted.sum()))
    return EffectView(
        action=record.id,
        kind=record.kind.value,
        environment=record.environment,
        model=record.model,
        acted_at=acted_at,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        from_=record.from_,
        to=record.to,
        task=model.task,
        before=before if before.scored else None,
        after=after,
        scored_since=int(live.sum()),
        as_wanted=int(wanted.sum()),
        same_rows=otherwise[0] if otherwise else 0,
        loss=otherwise[1] if otherwise else None,
        loss_otherwise=otherwise[2] if otherwise else None,
        verdict=verdict,
        message=message,
        ended_by=following.id if following is not None else None,
        next_labels_at=due,
    )


def _quiet_days(sight: Sight, reader: Reader, model: str, start: datetime, end: datetime) -> int | None:
    """How many of the days before had nothing at these hours; None where most had, or where they tell nothing."""
    day = timedelta(days=1)
    if end - start >= day:
        return None
    earlier = queries.scored(reader, sight.environment, model, start - DAYS_LIKE_IT * day, start, role="live", keys=False).event_at
    days = [np.datetime64(start.astimezone(UTC).replace(tzinfo=None) - back * day) for back in range(1, DAYS_LIKE_IT + 1)]
    served = [((earlier >= first) & (earlier < first + np.timedelta64(day))).any() for first in days]
    quiet = [not ((earlier >= first) & (earlier < first + np.timedelta64(end - start))).any() for first in days]
    known = [each for each, any_at_all in zip(quiet, served, strict=True) if any_at_all]
    return sum(known) if 2 * sum(known) > len(known) else None


_ARRAYS = ("key", "event_at", "version", "role", "served_by", "score", "latency_ms", "label", "label_known_at")

_Otherwise = tuple[int, float, float, str]
"""Rows, loss of what serves, loss of what served before on the same rows, and the answer of the paired comparison."""


def _versions(record: ActionRecord) -> tuple[str | None, str | None]:
    """The version that an action put in force, and the one that it took out or beside which it was put; None for switches."""
    if record.kind in ALIAS_KINDS:
        return record.to, record.from_
    if record.kind not in TRAFFIC_KINDS:
        return None, None
    terms = _terms(record)
    pair = terms.get("candidate"), terms.get("stable")
    return pair if record.kind is ActionKind.SHIFT else (pair[1], pair[0])


def _silent(record: ActionRecord) -> bool:
    """Whether the candidate of a rollout scores without answering."""
    return record.kind is ActionKind.SHIFT and bool(_terms(record).get("shadow"))


def _terms(record: ActionRecord) -> dict[str, Any]:
    return (record.plan or {}).get("terms") or {}


def _otherwise(record: ActionRecord, model: Model, since: queries.Scored, wanted: np.ndarray) -> _Otherwise | None:
    """Compare on the very rows scored since with what served before and went on scoring them in the shadow."""
    _, rival = _versions(record)
    if record.kind is ActionKind.RESTORE:
        rival = FALLBACK if record.from_ == FALLBACK else None
    # Beside a version that answers, the other one scores in the shadow, and the other way round.
    beside = since.role == ("live" if _silent(record) else "shadow")
    if record.kind is ActionKind.FALLBACK:
        # While the fallback answers, the version in force is what goes on in the shadow.
        named = sorted({str(version) for version in since.version[wanted].tolist()} - {FALLBACK})
        rival = named[0] if len(named) == 1 else None
    if rival is None:
        return None
    of_rival = beside & (since.version == rival)
    theirs = dict(zip(since.key[of_rival].tolist(), since.score[of_rival].tolist(), strict=True))
    rows = [row for row in np.flatnonzero(wanted).tolist() if since.key[row] in theirs and since.label[row] == since.label[row]]
    if len(rows) < MINIMUM_ROWS:
        return None
    hours = since.event_at[rows].astype("datetime64[h]").astype(np.int64)
    scores = {"now": since.score[rows], "otherwise": np.array([theirs[since.key[row]] for row in rows])}
    found = would_help(scores, since.label[rows], "otherwise", task=model.task, groups=hours)
    ours = found.candidate("now")
    if ours is None or ours.loss is None or found.current.loss is None:
        return None
    return len(rows), ours.loss, found.current.loss, str(ours.answer)


@dataclass(frozen=True, slots=True)
class _Time:
    """When it took effect, up to when what was scored is its effect, what time it is, and by when the first outcomes are due."""

    acted_at: datetime
    end: datetime
    now: datetime
    due: datetime | None
    quiet: int | None = None
    """On how many of the last days nothing was scored at these hours either; None where something usually is."""

    @property
    def lasted(self) -> timedelta:
        return max(self.end - self.acted_at, timedelta())


def _judged(
    record: ActionRecord,
    time: _Time,
    before: Quality,
    after: Quality | None,
    otherwise: _Otherwise | None,
    scored: int,
    as_wanted: int,
) -> tuple[Verdict, str]:
    if record.kind is ActionKind.KILL:
        answered = scored - as_wanted
        if answered:
            told = f"{figures.count(answered)} of {figures.count(scored)} requests since were answered all the same"
            return ("unknown", told) if as_wanted else ("no effect", f"{told}: serving has not followed")
        return "unknown", "no answer is given, so there is nothing to measure; the outcomes of callers' own default are not recorded"
    if not scored:
        return _nothing_scored(time)
    if not as_wanted:
        wanted = _versions(record)[0] or _SERVED_BY[record.kind]
        return "no effect", f"none of {figures.count(scored)} scores since came from {wanted}: serving has not followed"
    if after is None or not after.labelled:
        told = f"no labels yet for {figures.count(as_wanted)} scores since"
        if time.due is not None and time.now > time.due:
            return "unknown", f"{told}, though the first were due: whether it helped cannot be told"
        return "watching", told
    if after.labelled < MINIMUM_ROWS:
        told = f"only {after.labelled} of {figures.count(after.scored)} scores since have a label; {MINIMUM_ROWS} are needed"
        return ("unknown" if time.end < time.now else "watching"), told
    if otherwise is not None:
        rows, ours, theirs, answer = otherwise
        told = f"{figures.share(ours)} against {figures.share(theirs)} without it, on the same {figures.count(rows)} rows"
        if answer == "better":
            return "helped", f"it helps: {told}"
        if answer == "worse":
            return "worse", f"it made things worse: {told}"
        return _late(time, f"no difference can be told: {told}")
    return _unpaired(time, before, after)


def _nothing_scored(time: _Time) -> tuple[Verdict, str]:
    ago = figures.age(time.lasted)
    if time.end < time.now:
        return "unknown", f"nothing was scored in the {ago} before the next action"
    if time.lasted < NO_EFFECT_AFTER:
        return "watching", f"nothing was scored since ({ago})"
    if time.quiet is not None:
        usual = f"nor was anything at these hours on {time.quiet} of the {DAYS_LIKE_IT} days before"
        return "watching", f"nothing was scored since ({ago}), {usual}"
    return "no effect", f"no effect after {ago}: nothing was scored since, so nobody is answered as was wanted"


def _unpaired(time: _Time, before: Quality, after: Quality) -> tuple[Verdict, str]:
    """Other rows than before: only a large change of the error says something."""
    name, was, now = ("Brier", before.brier, after.brier) if after.brier is not None else ("MAE", before.mae, after.mae)
    if was is None or now is None:
        return "unknown", "there is nothing from before to compare with"
    told = f"{name} {figures.share(was)} before, {figures.share(now)} since, on other rows"
    if now < 0.9 * was:
        return "helped", f"it seems to help: {told}"
    if now > 1.1 * was:
        return "worse", f"it seems worse: {told}"
    return _late(time, f"about the same: {told}")


def _late(time: _Time, told: str) -> tuple[Verdict, str]:
    if time.lasted < NO_EFFECT_AFTER:
        return "watching", told
    return "no effect", f"no effect after {figures.age(time.lasted)}: {told}"
