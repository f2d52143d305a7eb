"""What a rollout has shown since its shares hold, from landed predictions and outcomes: the division, the losses, the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from backends.protocol import TrafficSetting
from backends.records import Model, State
from backends.store import queries
from backends.store.errors import StoreError
from backends.store.reader import Reader
from backends.text import Untrusted
from console.analysis.experiment import MINIMUM_REQUESTS, MISMATCH, TOLERATED, Difference, losses, paired, sample_ratio_p, unpaired
from console.analysis.intervals import Floats, Interval, wilson
from console.analysis.would_help import MINIMUM_ROWS
from console.control.actions import Judgement, version_label
from console.policies.rules import MARGIN
from console.render import figures
from console.views.release.disagreement import disagreements
from console.views.release.rollout import (
    ArmMeasured,
    OtherAnswers,
    RolloutMeasured,
    TrafficView,
    moves_after,
    rollout_in_force,
    traffic_view,
)
from console.views.sight import Sight
from console.views.versions.registry import registry_of

MISPLACED: Final = 0.01
"""Share of the answers of a version that should give none, above which serving does not obey: below it, processes are still looking."""


@dataclass(frozen=True)
class _Rows:
    """Predictions since the shares hold, and which of them are whose answers."""

    found: queries.Scored
    task: str
    answers: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
    """Rows that the stable version and the candidate answered."""
    pairs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    """Places of the two scores of each request that both scored."""

    @property
    def binary(self) -> bool:
        return self.task == "binary"

    def loss_of(self, places: npt.NDArray[np.int64]) -> Floats:
        return losses(self.found.score[places], self.found.label[places], binary=self.binary)


def traffic_measured(sight: Sight, model: str) -> TrafficView:
    """The traffic of one model with what its rollout has shown. Raises BackendError when the registry cannot be read."""
    view, running = traffic_view(sight, model), rollout_in_force(sight, model)
    if running is None:
        return view
    try:
        with sight.reader() as reader:
            known = registry_of(reader, sight.environment, sight.at).models.get(model)
            if known is None:
                why = Untrusted("the store knows nothing of this model")
                return view.model_copy(update={"unmeasured": why, "next": moves_after(view.next, State.UNKNOWN)})
            found = measured(sight, reader, known, running)
    except StoreError as error:
        return view.model_copy(update={"unmeasured": Untrusted(str(error)), "next": moves_after(view.next, State.UNKNOWN)})
    return view.model_copy(update={"measured": found, "next": moves_after(view.next, found.state)})


def measured(sight: Sight, reader: Reader, model: Model, setting: TrafficSetting) -> RolloutMeasured:
    """Measure a rollout at the sight's moment. Raises StoreError."""
    pair = [setting.stable, setting.candidate]
    logged = queries.feature_columns(reader, model.name)
    sliced_by = [name for name in model.slices if name in logged]
    found = queries.scored(reader, sight.environment, model.name, setting.step_at, sight.at, versions=pair, columns=sliced_by)
    rows = _Rows(found, model.task, _answers(found, pair), _pairs(found, pair))
    others = _others(reader, sight, model.name, setting)
    counts = [int(mask.sum()) for mask in rows.answers]
    shares = [setting.weights.get(version, 0.0) for version in pair]
    ratio = sample_ratio_p(counts, shares)
    same, difference = _difference(rows, setting)
    outcomes = _outcomes(rows)
    margin = _margin(sight, model)
    state, sentence = _verdict(sight.at, setting, counts, others, ratio, difference, margin, rows, same)
    candidate, stable = found.score[rows.pairs[1]], found.score[rows.pairs[0]]
    shift = candidate - stable
    apart = None if model.threshold is None else int(((candidate > model.threshold) != (stable > model.threshold)).sum())
    spread = wilson(apart, len(shift)) if apart is not None else None
    return RolloutMeasured(
        since=setting.step_at,
        until=sight.at,
        arms=tuple(_arm(rows, number, version, shares[number], sum(counts)) for number, version in enumerate(pair)),
        others=others,
        ratio_p=ratio,
        metric="brier" if rows.binary else "mae",
        same_rows=same,
        n=difference.n if difference is not None else 0,
        difference=difference.value if difference is not None else None,
        low=_edge(difference, "low"),
        high=_edge(difference, "high"),
        base=difference.base if difference is not None else None,
        margin=margin,
        outcome_difference=outcomes.value if outcomes is not None else None,
        outcome_low=_edge(outcomes, "low"),
        outcome_high=_edge(outcomes, "high"),
        both=len(shift),
        disagree=apart / len(shift) if apart is not None and len(shift) else None,
        disagree_low=spread.low if spread is not None else None,
        disagree_high=spread.high if spread is not None else None,
        shift=float(shift.mean()) if len(shift) else None,
        shift_p5=float(np.quantile(shift, 0.05)) if len(shift) else None,
        shift_p95=float(np.quantile(shift, 0.95)) if len(shift) else None,
        by_slice=disagreements(stable, candidate, model.threshold, {name: _logged(rows, name) for name in sliced_by}),
        state=state,
        sentence=Untrusted(sentence),
    )


def _logged(rows: _Rows, column: str) -> npt.NDArray[Any]:
    """The column of each request that both scored: inputs are logged with the answer, a score in the shadow has none of its own."""
    values, live = rows.found.columns[column], rows.found.role == "live"
    return values[np.where(live[rows.pairs[1]], rows.pairs[1], rows.pairs[0])]


def judgement_of(view: RolloutMeasured) -> Judgement:
    """The same, as a plan carries it."""
    return Judgement(state=view.state, sentence=view.sentence, lines=tuple(Untrusted(text) for text in measured_lines(view)))


def measured_lines(view: RolloutMeasured) -> list[str]:
    """The division, the losses and the disagreement, one line each."""
    lines = []
    for arm in view.arms:
        observed = f"{arm.observed * 100:.1f} %" if arm.observed is not None else "nothing"
        loss = f"{'Brier' if view.metric == 'brier' else 'MAE'} {figures.share(arm.loss)} on {figures.count(arm.labelled)} outcomes"
        asked = f"{arm.asked * 100:.4g} % asked"
        lines.append(f"{version_label(arm.version)} answered {observed} of {asked}, n {figures.count(arm.answered)}; {loss}")
    lines += [
        f"{version_label(each.version)} is in neither arm and gave {figures.count(each.answered)} answers: they count for nobody"
        for each in view.others
    ]
    if view.difference is not None:
        where = f"the same {figures.count(view.n)} rows" if view.same_rows else f"{figures.count(view.n)} rows of its own"
        bounds = f", 95 % {figures.signed(view.low)} to {figures.signed(view.high)}" if view.low is not None else ""
        lines.append(f"difference {figures.signed(view.difference)}{bounds}, on {where}")
    if view.disagree is not None:
        lines.append(f"the two disagree on {view.disagree * 100:.1f} % of {figures.count(view.both)} requests")
    return lines


def _others(reader: Reader, sight: Sight, model: str, setting: TrafficSetting) -> tuple[OtherAnswers, ...]:
    found = queries.hourly(reader, sight.environment, model, setting.step_at, sight.at)
    given = (found.role == "live") & ((found.served_by == "model") | (found.served_by == "degraded"))
    counted = Counter[str]()
    for version, n in zip(found.version[given].tolist(), found.n[given].tolist(), strict=True):
        if version not in {setting.stable, setting.candidate}:
            counted[version] += n
    return tuple(OtherAnswers(version=version, answered=n) for version, n in counted.most_common())


def _margin(sight: Sight, model: Model) -> float:
    """The least that a trigger of the model asks for; a policy without one goes by what ships."""
    found = sight.policies.triggers_for(model.name, sight.environment, model.task)
    return min((each.margin for each in found if each.rollout == "worse" and each.enabled), default=MARGIN)


def _answers(found: queries.Scored, pair: list[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    given = (found.role == "live") & ((found.served_by == "model") | (found.served_by == "degraded"))
    return given & (found.version == pair[0]), given & (found.version == pair[1])


def _pairs(found: queries.Scored, pair: list[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A request is its key and its time. What both scored counts whoever answered: also while a switch answered in the model's place."""
    known: list[dict[tuple[str, int], int]] = [{}, {}]
    times = found.event_at.astype("datetime64[us]").astype(np.int64).tolist()
    whose = {version: number for number, version in enumerate(pair)}
    for place, (key, at, version) in enumerate(zip(found.key.tolist(), times, found.version.tolist(), strict=True)):
        known[whose[version]].setdefault((key, at), place)
    both = [request for request in known[0] if request in known[1]]
    stable, candidate = ([each[request] for request in both] for each in known)
    return np.array(stable, dtype=np.int64), np.array(candidate, dtype=np.int64)


def _difference(rows: _Rows, setting: TrafficSetting) -> tuple[bool, Difference | None]:
    """On the same rows where both scored enough of them: that tells apart what separate groups cannot. An experiment has its groups."""
    found = rows.found
    stable, candidate = rows.pairs
    known = found.labelled[stable] if len(stable) else np.array([], dtype=np.bool_)
    if setting.strategy != "ab" and int(known.sum()) >= MINIMUM_ROWS:
        mine, theirs = candidate[known], stable[known]
        hours = found.event_at[theirs].astype("datetime64[h]").astype(np.int64)
        # The label stands beside either score; the one of the pair is taken for both.
        labels = found.label[theirs]
        own = losses(found.score[mine], labels, binary=rows.binary)
        return True, paired(own, losses(found.score[theirs], labels, binary=rows.binary), hours)
    groups = [np.flatnonzero(mask & found.labelled) for mask in rows.answers]
    if min(len(group) for group in groups) < MINIMUM_ROWS:
        return False, None
    return False, unpaired(rows.loss_of(groups[1]), rows.loss_of(groups[0]))


def _outcomes(rows: _Rows) -> Difference | None:
    """What followed the answers of either version: for an experiment the very thing that it asks."""
    stable, candidate = (rows.found.label[mask & rows.found.labelled] for mask in rows.answers)
    return unpaired(candidate, stable) if min(len(stable), len(candidate)) >= MINIMUM_ROWS else None


def _verdict(
    at: datetime,
    setting: TrafficSetting,
    counts: list[int],
    others: Sequence[OtherAnswers],
    ratio: float | None,
    difference: Difference | None,
    margin: float,
    rows: _Rows,
    same: bool,
) -> tuple[State, str]:
    candidate = version_label(setting.candidate)
    total = sum(counts)
    strays = sum(each.answered for each in others)
    if strays > MISPLACED * (total + strays) and total + strays >= MINIMUM_REQUESTS:
        gave = f"{version_label(others[0].version)} gave {figures.count(others[0].answered)} of {figures.count(total + strays)} answers"
        return State.CRITICAL, f"{gave} and is in neither arm: serving does not go by the rollout"
    if not len(rows.found):
        return State.UNKNOWN, "nothing was scored since"
    if total and setting.share > 0 and ratio is not None and ratio < MISMATCH:
        seen = f"{candidate} gave {counts[1] / total * 100:.1f} % of {figures.count(total)} answers"
        return State.CRITICAL, f"{seen}, {setting.share * 100:.4g} % were asked for (p < .001): serving does not divide them so"
    if setting.share == 0 and counts[1] > MISPLACED * total and total >= MINIMUM_REQUESTS:
        return State.CRITICAL, f"{candidate} gave {figures.count(counts[1])} of {figures.count(total)} answers and should give none"
    if setting.strategy == "ab" and setting.until is not None and at < setting.until:
        return State.UNKNOWN, f"the experiment runs until {setting.until:%-d %b %H:%M} UTC: no verdict before its end"
    if difference is None:
        return State.UNKNOWN, _too_few(setting, rows)
    word = "Brier" if rows.binary else "MAE"
    bounds = _bounds(difference.interval)
    told = f"{word} {figures.signed(difference.value)}{bounds}, n {figures.count(difference.n)}"
    where = "on the same rows" if same else "in separate groups"
    if difference.worse(margin):
        return State.CRITICAL, f"{candidate} is worse {where}: {told}"
    if difference.interval is None:
        return State.UNKNOWN, f"no interval can be computed: {told}"
    if not difference.cleared:
        much = f"{TOLERATED * 100:.0f} % more than {version_label(setting.stable)}"
        return State.UNKNOWN, f"it may still be that {candidate} loses {much} {where}: {told}"
    little = f"loses more, but less than {margin * 100:.4g} % of the loss of {version_label(setting.stable)},"
    word = "is better" if difference.better else little if difference.certain else "is not worse"
    return State.OK, f"{candidate} {word} {where}: {told}"


def _too_few(setting: TrafficSetting, rows: _Rows) -> str:
    labelled = [int((mask & rows.found.labelled).sum()) for mask in rows.answers]
    if setting.share == 0:
        both = int(rows.found.labelled[rows.pairs[0]].sum())
        return f"only {both} requests that both scored have an outcome; {MINIMUM_ROWS} are needed"
    few, version = min((labelled[1], setting.candidate), (labelled[0], setting.stable))
    return f"only {few} answers of {version_label(version)} have an outcome; {MINIMUM_ROWS} are needed"


def _bounds(interval: Interval | None) -> str:
    return "" if interval is None else f" (95 % {figures.signed(interval.low)} to {figures.signed(interval.high)})"


def _edge(difference: Difference | None, side: Literal["low", "high"]) -> float | None:
    if difference is None or difference.interval is None:
        return None
    return difference.interval.low if side == "low" else difference.interval.high


def _arm(rows: _Rows, number: int, version: str, asked: float, total: int) -> ArmMeasured:
    mine, found = rows.answers[number], rows.found
    known = np.flatnonzero(mine & found.labelled)
    latency = found.latency_ms[mine]
    latency = latency[~np.isnan(latency)]
    answered = int(mine.sum())
    return ArmMeasured(
        version=version,
        asked=asked,
        answered=answered,
        observed=answered / total if total else None,
        labelled=len(known),
        loss=float(rows.loss_of(known).mean()) if len(known) else None,
        outcome=float(found.label[known].mean()) if len(known) else None,
        latency_p95_ms=float(np.quantile(latency, 0.95)) if len(latency) else None,
        latencies=len(latency),
    )
