"""The Traffic page: which version gets which share, which step that is, and what can be done next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.render.facts import fact_rows, paragraph
from widgets.line import Line, Page, Row, columns, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.release.rollout import Arm, DisagreementIn, NextMove, RolloutMeasured, TrafficView, TriggerView

VERSION = "version:"
"""What the keys of rows of a version begin with."""

TRIGGER = "trigger:"
"""What the keys of rows of a rollback trigger begin with."""

SLICES_SHOWN = 6
"""Slices of a shadow that have a line of their own."""

NAMES = {"canary": "canary", "shadow": "shadow", "blue-green": "blue/green", "ab": "A/B"}


def share(value: float) -> str:
    """A share of the traffic: `5 %`, `12.5 %`."""
    return f"{value * 100:.4g} %"


def traffic_page(view: TrafficView, *, width: int = 80, on_screen: bool = False) -> Page:
    """The traffic of one model: the split, the steps, what can be done next; `on_screen` by Enter, else by the verb."""
    zone = ZoneInfo(view.zone)
    rows: list[Row] = [row for each in view.triggers if each.state == "would fire" for row in _firing(each, width)]
    if view.problem is not None:
        rows.append(Row(line(" ", mark("critical"), " ", ("nobody knows how the traffic is divided", "critical"))))
        rows += paragraph(view.problem, width, indent=3)
    elif view.strategy is None:
        rows += paragraph(_undivided(view), width)
    else:
        rows += _split(view, zone, width)
    if view.measured is not None:
        rows += _measured(view.measured, zone, width)
    elif view.unmeasured is not None:
        rows += [Row(line(" ", mark("unknown"), " not measured: ", view.unmeasured))]
    if view.last is not None:
        ended = f" {figures.moment(view.last.ended_at, zone)} by {view.last.who}" if view.last.ended_at else ""
        said = f"{NAMES[view.last.strategy]} of {version_label(view.last.candidate)} beside {version_label(view.last.stable)}, ended{ended}"
        rows += fact_rows("last", f"{said}: {view.last.reason.raw}", width)
    if view.next:
        rows.append(Row(rule("Next", width)))
        rows += [row for each in view.next for row in _move(each, width, on_screen=on_screen)]
    rows += _triggers(view.triggers, width, on_screen=on_screen)
    version = f"{view.path} version {view.version}" if view.version else f"{view.path} not there yet"
    if view.version is None:
        version = "file not readable"
    heading = sides(line(("Traffic", "bold"), f" {view.model}  {view.environment}"), line((version, "dim")), width)
    return Page(heading, tuple(rows), command_line("traffic", view.model))


def _firing(trigger: TriggerView, width: int) -> list[Row]:
    verb = f"; qd {trigger.verb}" if trigger.verb is not None else ""
    told = line(" ", mark("critical"), " ", ("would fire now", "critical"), f": {trigger.title}{verb}")
    return [Row(part) for part in wrapped(told, width, 3)]


def _triggers(triggers: Sequence[TriggerView], width: int, *, on_screen: bool) -> list[Row]:
    """One line a trigger; the verb has no line 23, so it spells each out."""
    if not triggers:
        return []
    rows = [Row(rule("Rollback triggers", width, "they send nothing by themselves"))]
    for each in triggers:
        goes_by = each.rule or "the rollout"
        said = line(" ", mark(each.lamp.value), f" {each.state:<11}{each.id:<18} ", each.why)
        why = line(f"{each.title}; {goes_by}, ", each.why)
        parts = [said] if on_screen else wrapped(said, width, 33)
        rows += [
            Row(part, key=f"{TRIGGER}{each.id}" if number == 0 else None, why=why, state=each.lamp.value if number == 0 else "")
            for number, part in enumerate(parts)
        ]
    return rows


def _move(move: NextMove, width: int, *, on_screen: bool) -> list[Row]:
    if on_screen:
        return [Row(line(f" {move.move:<9} ", (move.what.removeprefix(f"{move.move}: "), "dim")), key=move.verb)]
    parts = wrapped(line(f" qd {move.verb}  ", (move.what, "dim")), width, 4)
    return [Row(part, key=move.verb if number == 0 else None) for number, part in enumerate(parts)]


def _undivided(view: TrafficView) -> str:
    if view.serving is None:
        return "No version serves."
    return f"{version_label(view.serving)} answers every request; no rollout is under way."


def _split(view: TrafficView, zone: ZoneInfo, width: int) -> list[Row]:
    begun = figures.moment(view.started_at, zone)
    state = "paused" if view.paused else "under way"
    head = line((NAMES[view.strategy or "canary"], "bold"), f", {state} since {begun} by {view.who}: ", view.reason)
    rows = [Row(part) for part in wrapped(Line((*line(" ").spans, *head.spans)), width, 3)]
    rows += [_arm(each, width) for each in view.arms]
    if view.steps:
        rows.append(Row(_steps(view, zone)))
    if view.until is not None:
        what = "no verdict before" if view.strategy == "ab" else "the other colour is kept until"
        left = f", {figures.age(view.until - view.at)} left" if view.until > view.at else ", which has passed"
        rows += fact_rows("until", f"{what} {figures.full_moment(view.until, zone)}{left}", width)
    return rows


def _arm(arm: Arm, width: int) -> Row:
    filled = max(10, min(40, width - 50))
    bar = "#" * round(arm.share * filled)
    said = "scores every request, answers none" if arm.shadow else ""
    cells = columns(
        [
            (version_label(arm.version), 12, "bold"),
            (arm.role, 9, "dim"),
            (share(arm.share), 7, ""),
            (f"{bar:.<{filled}}", filled, "dim"),
            (said, 34, "dim"),
        ]
    )
    return Row(Line((*line("  ").spans, *cells.spans)), key=f"{VERSION}{arm.version}")


def _measured(found: RolloutMeasured, zone: ZoneInfo, width: int) -> list[Row]:
    """What each version answered and how well; whether they differ; the verdict."""
    name = "Brier" if found.metric == "brier" else "MAE"
    rows = [Row(rule(f"Measured since {figures.moment(found.since, zone)}", width))]
    head = [("VERSION", 10, "dim"), ("ASKED", 7, "dim"), ("SEEN", 7, "dim"), ("ANSWERS", 8, "dim"), ("OUTCOMES", 8, "dim")]
    head += [(name.upper(), 7, "dim"), ("OUTCOME", 7, "dim"), ("P95", 7, "dim")]
    rows.append(Row(Line((*line("  ").spans, *columns(head).spans))))
    for arm in found.arms:
        seen = share(round(arm.observed, 4)) if arm.observed is not None else figures.MISSING
        cells = [(version_label(arm.version), 10, "bold"), (share(arm.asked), 7, ""), (seen, 7, ""), (figures.count(arm.answered), 8, "")]
        cells += [(figures.count(arm.labelled), 8, ""), (figures.share(arm.loss), 7, ""), (figures.share(arm.outcome), 7, "")]
        cells += [(figures.amount(arm.latency_p95_ms, "ms"), 7, "")]
        rows.append(Row(Line((*line("  ").spans, *columns(cells).spans)), key=f"{VERSION}{arm.version}"))
    if found.difference is not None:
        where = f"on the same {figures.count(found.n)} rows" if found.same_rows else f"in separate groups, n {figures.count(found.n)}"
        bounds = f", 95 % {figures.signed(found.low)} to {figures.signed(found.high)}" if found.low is not None else ""
        rows.append(Row(line(f"  difference in {name} {figures.signed(found.difference)}{bounds}, {where}")))
    if found.outcome_difference is not None:
        bounds = (
            f", 95 % {figures.signed(found.outcome_low)} to {figures.signed(found.outcome_high)}" if found.outcome_low is not None else ""
        )
        rows.append(Row(line(f"  outcomes differ by {figures.signed(found.outcome_difference)}{bounds}")))
    if found.ratio_p is not None:
        rows.append(Row(line(f"  sample ratio p {'< .001' if found.ratio_p < 0.001 else figures.share(found.ratio_p)}")))
    if found.both:
        edges = f"{figures.signed(found.shift_p5)} to {figures.signed(found.shift_p95)}"
        spread = f"scores differ by {figures.signed(found.shift)} (5 % to 95 %: {edges})"
        apart = f", they disagree on {found.disagree * 100:.1f} %" if found.disagree is not None else ""
        rows += paragraph(f"{figures.count(found.both)} requests scored by both: {spread}{apart}", width, indent=2)
        rows += [_disagreement(each) for each in found.by_slice[:SLICES_SHOWN]]
    verdict = line(" ", mark(found.state.value), " ", found.sentence)
    rows += [Row(part, why=verdict) for part in wrapped(verdict, width, 3)]
    return rows


def _disagreement(each: DisagreementIn) -> Row:
    value = each.value if each.value is not None else Untrusted("(missing)")
    apart = f", they disagree on {each.disagree * 100:.1f} %" if each.disagree is not None else ""
    said = f"n {figures.count(each.n)}, scores differ by {figures.signed(each.shift)}{apart}"
    return Row(columns([("", 3, ""), (each.column, 10, "dim"), (value, 12, ""), (said, 52, "")]))


def _steps(view: TrafficView, zone: ZoneInfo) -> Line:
    parts: list[str | tuple[str, str]] = ["  steps "]
    for number, each in enumerate((*view.steps, 1.0), 1):
        name = "promote" if number > len(view.steps) else share(each)
        parts += [
            " > " if number > 1 else "",
            (f"[{name}]", "bold") if number == view.step else (name, "" if number < view.step else "dim"),
        ]
    since = f"   since {figures.moment(view.step_at, zone)}"
    return line(*parts, (since, "dim"))
