"""From two periods of profiled days to a verdict on every column."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from backends.profile.profile import ColumnSpec
from backends.profile.reference import FREE_TEXT
from backends.records import Column, Layer, Model, ModelVersion, State, severity_rank
from backends.store.reader import Reader
from backends.text import Untrusted
from console.analysis.bands import band, verdict
from console.analysis.drift import UNSEEN, ColumnDrift
from console.analysis.identifiers import said_of_turned
from console.policies.load import Policies
from console.policies.rules import AlertRule
from console.views.drift.bins import bins_of
from console.views.drift.column import TEXT, ColumnShift, EarlierWindow
from console.views.drift.counted import different, tails_of
from console.views.drift.input_days import SCORE, InputDays, input_days, reference_between, whole_days, with_reference
from console.views.drift.ranking import ranked
from console.views.drift.view import SEASON_DAYS, Asked, DriftDetailView, DriftView
from console.views.health.model import ModelHealth
from console.views.health.subject import LetIn
from console.views.health.windows import Reference

NULL_JUMP: Final = 0.1
"""Rise of the share of missing values that is called broken."""

FAR: Final = frozenset({State.WARNING, State.CRITICAL})

LOOK_SINCE: Final = timedelta(days=60)
"""How far back a window is slid to find since when a column is far from its reference."""


@dataclass(frozen=True, slots=True)
class Periods:
    """The days on both sides, their profiles, and the rule that judges."""

    inputs: InputDays
    days: list[date]
    rule: AlertRule


def drift_rule(policies: Policies, model: Model, environment: str) -> AlertRule:
    """The rule that watches the inputs; a plain calibrated one when no policy has any."""
    rules = policies.rules_for(model.name, environment, model.task)
    found = next((rule for rule in rules if rule.signal == "input_psi"), None)
    return found or AlertRule(
        id="data.drift", title="An input is further from its reference than in any past window", layer=Layer.DATA, signal="input_psi",
        window=timedelta(days=5), minimum_n=500, warning="calibrated", critical="calibrated", playbook="input-drift", severity="ticket",
    )  # fmt: skip


def periods_of(
    reader: Reader,
    rule: AlertRule,
    model: Model,
    version: ModelVersion | None,
    health: ModelHealth,
    onset: datetime | None,
    asked: Asked,
    at: datetime,
    let_in: Sequence[LetIn] = (),
) -> Periods | None:
    """The two periods and their profiles, scores without those of candidates that were `let_in`.

    None when there is nothing to compare with.
    """
    zone = ZoneInfo(model.zone)
    usual = None
    if health.reference_from is not None and health.reference_to is not None:
        usual = Reference(health.reference_from, health.reference_to, "the reference of this version")
    reference = usual
    if asked.reference_first is not None and asked.reference_last is not None:
        reference = reference_between(asked.reference_first, asked.reference_last, zone, "the reference asked for")
    today = (at - timedelta(microseconds=1)).astimezone(zone).date()
    length = max(1, round(rule.window / timedelta(days=1)))
    first = today - timedelta(days=length - 1)
    if onset is not None:
        first = min(first, onset.astimezone(zone).date())
    last = asked.last or today
    first = asked.first or (first if asked.last is None else last - timedelta(days=length - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    before = {"previous": len(days), "season": SEASON_DAYS}.get(asked.against, 0)
    if before:
        because = "as many days right before" if asked.against == "previous" else "the same weekdays a year before"
        reference = reference_between(days[0] - timedelta(days=before), days[-1] - timedelta(days=before), zone, because)
    if reference is None:
        return None
    since = at - timedelta(days=(today - first).days + 16 * len(days) + 1 + (before + 6 if before else 0))
    signature = version.signature if version else None
    edges = usual or reference
    inputs = input_days(reader, health.environment, model.name, signature, edges, at, model.zone, since=since, let_in=let_in)
    if before:
        inputs = replace(with_reference(inputs, reference), before=before)
    elif reference is not usual:
        wanted = whole_days(reference.start, reference.end, zone)
        if not set(wanted) <= set(inputs.days):
            early = min(since, reference.start)
            inputs = input_days(reader, health.environment, model.name, signature, edges, at, model.zone, since=early, let_in=let_in)
        inputs = with_reference(inputs, reference)
    return Periods(replace(inputs, equal_weekdays=True) if asked.against == "weekday" else inputs, days, rule)


def shifts_of(periods: Periods, model: Model, version: ModelVersion | None, *, detail: Container[str] = ()) -> list[ColumnShift]:
    """Every column between the two periods, the worst first; those in `detail` get their bins, and since when they are where they are."""
    declared = {column.name: column for column in version.signature.inputs} if version and version.signature else {}
    importance = version.importance if version else {}
    specs = [*periods.inputs.specs, *([periods.inputs.score] if periods.inputs.score else [])]
    found = [
        _shift(periods, spec, model.name, declared.get(spec.column), importance.get(spec.column), spec.column in detail) for spec in specs
    ]
    return ranked(found)


def _shift(periods: Periods, spec: ColumnSpec, model: str, declared: Column | None, importance: float | None, detail: bool) -> ColumnShift:
    inputs, days, rule = periods.inputs, periods.days, periods.rule
    before, now = inputs.over(spec.column, inputs.against(spec.column, days)), inputs.over(spec.column, inputs.judged(spec.column, days))
    drift = inputs.drift(spec.column, days)
    earlier = inputs.band(spec.column, days[-1], len(days))
    state, text, limit = _judged(rule, model, spec.column, drift, [psi for _, psi in earlier], len(days))
    if spec.kind == TEXT:
        state, text, limit = State.UNKNOWN, not_compared(spec), None
    elif drift is not None:
        state, text = _of_rare_categories(drift, state, text)
    lost, different_values = _lost(drift), inputs.different(spec.column, days)
    turned = different_values.turned if different_values is not None else None
    if lost:
        state, text = State.CRITICAL, lost
    elif turned is not None:
        state, text = State.CRITICAL, said_of_turned(*turned)
    past = band([psi for _, psi in earlier])
    windows = tuple(
        EarlierWindow(first=last - timedelta(days=len(days) - 1), last=last, psi=psi,
                      beyond=psi is not None and limit is not None and psi > limit)
        for last, psi in earlier
    )  # fmt: skip
    common = {
        "column": Untrusted(spec.column),
        "kind": spec.kind,
        "unit": declared.unit if declared else None,
        "is_score": spec.column == SCORE,
        "calendar": spec.column in inputs.calendar,
        "state": state,
        "verdict": text,
        "fault": "nulls" if lost else "schema" if turned is not None else None,
        "importance": importance,
        "earlier": windows,
        "limit": limit,
        "bins_from": spec.edges_from,
    }
    if drift is None:
        rows = before or now
        return ColumnShift(
            **common,
            n_reference=before.n if before else 0,
            n_current=now.n if now else 0,
            nulls_reference=before.missing_rate if before else None,
            nulls_current=now.missing_rate if now else None,
            reasons={"psi": "no facts in " + ("these days" if rows is before else "the reference")},
        )
    assert before is not None
    assert now is not None
    far = limit if state != State.OK else past.median if past else None
    return ColumnShift(
        **common,
        n_reference=drift.n_reference,
        n_current=drift.n_current,
        nulls_reference=drift.missing_reference,
        nulls_current=drift.missing_current,
        mean_reference=drift.mean_reference,
        mean_current=drift.mean_current,
        low_reference=before.min,
        high_reference=before.max,
        low_current=now.min,
        high_current=now.max,
        psi=drift.psi,
        js=drift.js,
        chi2=drift.chi2,
        chi2_p_value=drift.chi2_p_value,
        unseen=drift.unseen,
        moved=drift.moved,
        moved_p_value=drift.moved_p_value,
        judged=drift.judged,
        ks=drift.ks,
        ks_high=drift.ks_high,
        ks_p_value=drift.ks_p_value,
        wasserstein=drift.wasserstein,
        wasserstein_low=drift.wasserstein_low,
        wasserstein_high=drift.wasserstein_high,
        band_low=past.low if past else None,
        band_median=past.median if past else None,
        band_high=past.high if past else None,
        further=past.above(drift.judged) if past and drift.judged is not None else 0,
        high_since=_high_since(inputs, spec.column, days, far) if detail or state in FAR else None,
        new_categories=tuple(map(Untrusted, drift.new_categories)),
        vanished_categories=tuple(map(Untrusted, drift.vanished_categories)),
        different_reference=different(before),
        different_current=different(now),
        tails=tails_of(before, now),
        bins=bins_of(before, now) if detail else (),
        notes=drift.notes,
        reasons=dict.fromkeys(drift.reasons, not_compared(spec)) if spec.kind == TEXT else drift.reasons,
    )


def not_compared(spec: ColumnSpec) -> str:
    """Why a column of texts has no distances, and what to do."""
    why = spec.edges_from or FREE_TEXT
    watched = "Its missing values, and how many of its values are different, are watched"
    return f"not compared: {why}; land a number that says what matters of it, such as its length. {watched}"


def _judged(
    rule: AlertRule, model: str, column: str, drift: ColumnDrift | None, earlier: Sequence[float | None], length: int
) -> tuple[State, str, float | None]:
    """State, sentence, and the PSI over which it warns."""
    if drift is None:
        return State.UNKNOWN, "nothing to compare: one of the two periods has no facts", None
    warning, critical = rule.limits_for(model, column)
    window = {1: "day", 7: "week"}.get(length, f"{length}-day window")
    calibration = rule.calibration
    found = verdict(
        drift.judged,
        band(earlier),
        drift.n_current,
        minimum_n=rule.minimum_n,
        minimum_windows=calibration.least_windows,
        critical_factor=calibration.critical_times,
        window=window,
    )
    if warning in {"calibrated", None} and critical in {"calibrated", None}:
        return found.state, found.reason, found.warning_over
    # A limit that somebody wrote into a policy stands above what is usual.
    numbers = [limit if isinstance(limit, float) else None for limit in (warning, critical)]
    state = rule.judge(drift.judged, drift.n_current, *numbers)
    passed = numbers[1] if state == State.CRITICAL else numbers[0] if numbers[0] is not None else numbers[1]
    if state == State.UNKNOWN or passed is None:
        return state, found.reason, None
    side = "over" if state in {State.WARNING, State.CRITICAL} else "within"
    return state, f"{side} the limit {passed:g} that {rule.id} sets; {found.reason}", numbers[0] if numbers[0] is not None else numbers[1]


def _of_rare_categories(drift: ColumnDrift, state: State, text: str) -> tuple[State, str]:
    """The same verdict where the PSI sees the values; else what it rests on, or that nobody can tell."""
    if drift.blind and state is State.OK:
        why = f"{drift.unseen:.0%} of the reference's values are of categories too rare for the PSI, and too many to be kept by name"
        return State.UNKNOWN, f"cannot be told from profiles: {why}; qd compare on files of both periods reads the rows"
    if drift.moved is not None and drift.judged == drift.moved and drift.unseen > UNSEEN:
        return state, f"shares of rare categories, which PSI does not see, moved by {drift.moved:.2f}: {text}"
    return state, text


def _lost(drift: ColumnDrift | None) -> str:
    """What is said of a column that is gone, or lost many of its values, which no distance sees; else nothing."""
    if drift is None or drift.missing_current is None or drift.missing_reference is None:
        return ""
    before, now = drift.missing_reference, drift.missing_current
    if now == 1.0 and before < 1.0:
        return f"gone: every value is missing now ({before:.0%} before)"
    if now - before > NULL_JUMP and now > 2 * before:
        return f"missing values rose from {before:.1%} to {now:.1%}: look at the pipeline first"
    return ""


def _high_since(inputs: InputDays, column: str, days: Sequence[date], over: float | None) -> date | None:
    """Last day of the first window of the unbroken stretch, slid back day by day, whose PSI is above `over`."""
    found: date | None = None
    for back in range(LOOK_SINCE.days):
        shifted = [day - timedelta(days=back) for day in days]
        psi = inputs.judged_by(column, shifted)[0] if any(day in inputs.days for day in shifted) else None
        if psi is None or over is None or psi <= over:
            break
        found = shifted[-1]
    return found


def in_brief(shift: ColumnShift) -> ColumnShift:
    """A shift with its details as the list of all columns has it."""
    return shift.model_copy(update={"bins": (), "high_since": shift.high_since if shift.state in FAR else None})


def detail_of(view: DriftView, shift: ColumnShift) -> DriftDetailView:
    """The page of one column, from the view that has it in detail."""
    ranked = sorted((each for each in view.columns if each.importance is not None), key=lambda each: -(each.importance or 0.0))
    place = next((number for number, each in enumerate(ranked, 1) if each.column == shift.column), 0)
    worse = next(
        (each for each in view.columns if severity_rank(each.state) < severity_rank(shift.state) and each.state != State.UNKNOWN), None
    )
    assert view.reference_first is not None
    assert view.reference_last is not None
    return DriftDetailView(
        line=view.line,
        zone=view.zone,
        at=view.at,
        first=view.first,
        last=view.last,
        last_is_today=view.last_is_today,
        reference_first=view.reference_first,
        reference_last=view.reference_last,
        against=view.against,
        counted=view.counted,
        place=place,
        of=len(view.columns) - any(each.is_score for each in view.columns),
        more_important=tuple((each.column, each.importance or 0.0) for each in ranked if each.column != shift.column)[:3],
        shift=shift,
        worst=worse.column if worse else None,
        worst_verdict=worse.verdict if worse else "",
    )
