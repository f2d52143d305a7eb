"""How the traffic of one model is divided: the rollout under way, its steps, what it asks for, and what can be done next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from backends.local.reading import LocalTraffic
from backends.local.routing import in_force
from backends.protocol import AliasMove, BackendError, TrafficSetting
from backends.records import Moment, State
from backends.shell_words import command_line, with_options
from backends.text import Untrusted
from console.control.actions import SERVING_ALIAS, TRAFFIC_KINDS, ActionKind, ActionState
from console.control.aliases import rollback_targets
from console.control.rollout import RolloutTerms
from console.views.health.model import View
from console.views.health.subject import LetIn
from console.views.sight import Sight

if TYPE_CHECKING:
    from datetime import datetime

    from console.control.records import ActionRecord


class Arm(View):
    """One of the two versions of a rollout."""

    version: str
    role: Literal["stable", "candidate"]
    share: float
    """Its share of the answers, 0 to 1, as published."""
    shadow: bool
    """It scores every request without answering."""


class NextMove(View):
    """Something that can be done with the traffic now."""

    verb: str
    """The headless command, without the program's name."""
    what: str
    move: Literal["begin", "step", "share", "pause", "resume", "promote", "rollback", "abort"]
    unjudged: bool = False
    """A step although the one in force could not be judged, which goes on record."""


class EndedRollout(View):
    """The last rollout, which divides nothing any more."""

    strategy: str
    stable: str
    candidate: str
    ended_at: Moment | None
    """None: it was never written off, because something else moved the alias."""
    who: str | None
    reason: Untrusted


class TriggerView(View):
    """One rollback trigger of one model."""

    id: str
    title: str
    state: Literal["would fire", "armed", "not armed"]
    lamp: State
    """`critical`: it would fire; `ok`: it is armed and quiet; `unknown`: it is not armed, so that nothing is known by it."""
    why: Untrusted
    """What it sees now, or why it is not armed."""
    rule: str | None
    """The alert rule that it goes by; None: what the rollout has shown."""
    since: Moment | None = None
    """Since when the signal it goes by has not been ok."""
    verb: str | None = None
    """What it asks for, without the program's name; None where nothing could be done."""
    place: str | None = None
    """File and line of the policy."""


class ArmMeasured(View):
    """What one version did."""

    version: str
    asked: float
    """Share of the answers that is published."""
    answered: int
    observed: float | None
    """Share of the answers that it gave; None: nobody answered anything."""
    labelled: int
    """Answers whose outcome is known."""
    loss: float | None
    """Brier score or MAE on them."""
    outcome: float | None
    """Mean of the outcomes that followed its answers."""
    latency_p95_ms: float | None
    latencies: int


class OtherAnswers(View):
    """Answers of a version that is in neither arm."""

    version: str
    answered: int


class DisagreementIn(View):
    """How far the two versions are apart on the requests of one slice that both scored."""

    column: Untrusted
    value: Untrusted | None
    """None: the requests where the column is missing."""
    n: int
    disagree: float | None
    """Share on different sides of the model's threshold; None: it has none."""
    shift: float
    """Mean of the candidate's score minus the stable version's."""


class RolloutMeasured(View):
    """What is known of a rollout since its shares hold."""

    since: Moment
    until: Moment
    arms: tuple[ArmMeasured, ...]
    """The stable version first."""
    others: tuple[OtherAnswers, ...]
    """Versions in neither arm that answered meanwhile, most answers first; none of it counts for the arms."""
    ratio_p: float | None
    """p-value of the test that answers were divided as published; None: too few, or only one version answers."""
    metric: Literal["brier", "mae"]
    same_rows: bool
    """Whether both versions scored the rows that the difference rests on."""
    n: int
    difference: float | None
    """Loss of the candidate minus that of the stable version: above zero the candidate is worse."""
    low: float | None
    high: float | None
    """95 % interval of the difference."""
    base: float | None
    """Mean loss of the stable version on those rows."""
    margin: float
    """Share of it that the candidate must lose more to be called worse."""
    outcome_difference: float | None
    """Mean of the outcomes after the candidate's answers minus that after the stable version's; None below 30 of either."""
    outcome_low: float | None
    outcome_high: float | None
    """95 % interval of it."""
    both: int
    """Requests that both versions scored, one of them in the shadow."""
    disagree: float | None
    """Share of those on which the two fall on different sides of the model's threshold; None: it has none."""
    disagree_low: float | None
    disagree_high: float | None
    shift: float | None
    """Mean of the candidate's score minus the stable version's, on those."""
    shift_p5: float | None
    shift_p95: float | None
    by_slice: tuple[DisagreementIn, ...] = ()
    """The same by each declared slice with enough requests that both scored, the furthest apart first."""
    state: State
    """`ok`: nothing is worse; `critical`: the candidate is worse, or requests are not divided as published; `unknown`: not yet known."""
    sentence: Untrusted


class TrafficView(View):
    """How the traffic of one model is divided."""

    model: str
    environment: str
    at: Moment
    zone: str
    past: bool
    path: str
    version: int | None
    """How often the published file was changed; None when it cannot be read."""
    problem: Untrusted | None
    """Why nobody knows how the traffic is divided."""
    serving: str | None
    """The version that the serving alias names."""
    value: str
    """One line that names strategy, versions, step and share; `none` without a rollout."""
    strategy: Literal["canary", "shadow", "blue-green", "ab"] | None
    arms: tuple[Arm, ...]
    """The versions that requests go to, the one that serves first; empty when nothing serves."""
    steps: tuple[float, ...]
    step: int
    """Which of `steps` is in force, counted from 1; 0: none of them."""
    paused: bool
    started_at: Moment | None
    step_at: Moment | None
    """Since when these shares hold."""
    until: Moment | None
    """A/B: no verdict before; blue-green: how long the other colour is kept."""
    who: str | None
    reason: Untrusted
    action: str | None
    """The action that set these shares; None when they were set outside this console."""
    last: EndedRollout | None
    next: tuple[NextMove, ...]
    measured: RolloutMeasured | None = None
    """What landed predictions and outcomes say of it since its shares hold; None without a rollout."""
    unmeasured: Untrusted | None = None
    """Why nothing could be measured."""
    triggers: tuple[TriggerView, ...] = ()
    """What would take a version out, those that would fire now first."""


def published_traffic(sight: Sight, model: str) -> TrafficSetting | None:
    """What `traffic.json` says, in the past what the journal says it said. Raises BackendError when the file cannot be read."""
    setting = LocalTraffic(sight.workspace.paths.traffic).traffic(sight.environment, model)
    return _published_then(sight, model) if sight.past and setting is not None and setting.set_at > sight.at else setting


def rollout_in_force(sight: Sight, model: str) -> TrafficSetting | None:
    """The rollout that divides the traffic at the sight's moment; None also when that cannot be read."""
    setting = _published(sight, model)
    return setting if in_force(setting, _alias_then(sight, model)) else None


def _published(sight: Sight, model: str) -> TrafficSetting | None:
    try:
        return published_traffic(sight, model)
    except BackendError:
        return None


def let_in(sight: Sight, model: str) -> list[LetIn]:
    """The stretches in which what a version answers is a candidate's, up to now: from when it was let in until the serving alias names it.

    Its rollout may have ended before: what it answers then is late, or nobody asked for it, and is no answer of the version that serves.
    """
    named = [move for move in sight.alias_history(model) if move.alias == SERVING_ALIAS and move.moved_at <= sight.at]
    moves = sorted(move.moved_at for move in named)
    begun: list[tuple[datetime, str]] = []
    for action in sight.control.actions.values():
        mine = (action.environment, action.model) == (sight.environment, model)
        candidate = ((action.plan or {}).get("terms") or {}).get("candidate")
        if not mine or action.kind not in TRAFFIC_KINDS or action.state is not ActionState.EFFECTIVE or candidate is None:
            continue
        if action.kind is ActionKind.ABORT:
            moves.append(action.finished_at or action.intended_at)
        else:
            begun.append((action.finished_at or action.intended_at, candidate))
    published, alias = _published(sight, model), _alias_then(sight, model)
    if published is not None and in_force(published, alias):
        # After a swap of colours the candidate is the version that answered everything until then.
        begun.append((max([published.started_at, *moves]), published.candidate))
    elif published is not None and published.running and alias is not None and alias.version != published.candidate:
        # A move of the alias has ended it. One that was begun outside this console stands in no journal.
        begun.append((published.started_at, published.candidate))

    def until(version: str, start: datetime) -> datetime:
        return min((move.moved_at for move in named if move.version == version and move.moved_at > start), default=sight.at)

    return [LetIn(version, start, until(version, start)) for start, version in begun if start < sight.at]


def traffic_view(sight: Sight, model: str) -> TrafficView:
    """The traffic of one model. Needs no store. Raises BackendError when the registry cannot be read."""
    file = LocalTraffic(sight.workspace.paths.traffic)
    setting, version, problem = None, None, None
    try:
        version, setting = file.published_version(), published_traffic(sight, model)
    except BackendError as error:
        problem = Untrusted(str(error))
    move = _alias_then(sight, model)
    running = setting if in_force(setting, move) else None
    serving = move.version if move is not None else None
    served = rollback_targets(sight.alias_history(model))
    return TrafficView(
        model=model,
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        path=file.path.name,
        version=version,
        problem=problem,
        serving=serving,
        value=running.value if running is not None else "none",
        strategy=running.strategy if running is not None else None,
        arms=_arms(running, serving),
        steps=running.steps if running is not None else (),
        step=running.step if running is not None else 0,
        paused=running is not None and running.paused,
        started_at=running.started_at if running is not None else None,
        step_at=running.step_at if running is not None else None,
        until=running.until if running is not None else None,
        who=running.set_by if running is not None else None,
        reason=Untrusted(running.reason if running is not None else ""),
        action=sight.control.action_by_key.get(running.key) if running is not None else None,
        last=_ended(setting) if running is None else None,
        next=() if sight.past or problem is not None else tuple(_next(model, running, serving, served)),
    )


def _alias_then(sight: Sight, model: str) -> AliasMove | None:
    moves = [move for move in sight.alias_history(model) if move.alias == SERVING_ALIAS and move.moved_at <= sight.at]
    return moves[-1] if moves else None


def _published_then(sight: Sight, model: str) -> TrafficSetting | None:
    """By the last action that took effect until then; a rollout that a move of the alias wrote off does not count beside that move."""
    done = [
        each
        for each in sight.control.actions.values()
        if (each.environment, each.model) == (sight.environment, model)
        and each.kind in TRAFFIC_KINDS
        and each.state is ActionState.EFFECTIVE
        and (each.finished_at or each.intended_at) <= sight.at
    ]
    return _setting_of(max(reversed(done), key=lambda each: each.finished_at or each.intended_at)) if done else None


def _setting_of(action: ActionRecord) -> TrafficSetting | None:
    raw = (action.plan or {}).get("terms")
    if raw is None:
        return None
    terms, now = RolloutTerms.model_validate(raw), action.finished_at or action.intended_at
    return terms.setting(action.environment, action.model, now=now, who=action.actor.who, key=action.key, reason=action.reason)


def _arms(running: TrafficSetting | None, serving: str | None) -> tuple[Arm, ...]:
    if running is None:
        return () if serving is None else (Arm(version=serving, role="stable", share=1.0, shadow=False),)
    stable, candidate = running.stable, running.candidate
    return (
        Arm(version=stable, role="stable", share=running.weights.get(stable, 0.0), shadow=stable in running.shadow),
        Arm(version=candidate, role="candidate", share=running.share, shadow=candidate in running.shadow),
    )


def _ended(setting: TrafficSetting | None) -> EndedRollout | None:
    if setting is None:
        return None
    written = not setting.running
    return EndedRollout(
        strategy=setting.strategy,
        stable=setting.stable,
        candidate=setting.candidate,
        ended_at=setting.set_at if written else None,
        who=setting.set_by if written else None,
        reason=Untrusted(setting.reason if written else "the alias moved, which ends a rollout"),
    )


def _next(model: str, running: TrafficSetting | None, serving: str | None, served: list[str]) -> list[NextMove]:
    def moved(what: str, options: dict[str, str | None] | None = None) -> str:
        return command_line("traffic", model, what, options=options)

    if running is None:
        begin = NextMove(
            verb=moved("shift", {"--to": "V", "--strategy": "canary"}), what="begin: canary, shadow, blue-green or ab", move="begin"
        )
        return [] if serving is None else [begin]
    moves = []
    if running.paused:
        moves.append(NextMove(verb=moved("resume"), what="go on", move="resume"))
    elif running.strategy == "canary":
        if running.step < len(running.steps):
            share = running.steps[running.step] * 100
            moves.append(NextMove(verb=moved("step"), what=f"step {running.step + 1} of {len(running.steps)}: {share:.4g} %", move="step"))
        moves.append(NextMove(verb=moved("shift", {"--percent": "N"}), what="exactly this share", move="share"))
        moves.append(NextMove(verb=moved("pause"), what="no step until it is resumed", move="pause"))
    words = {
        "canary": "all of it, at the end",
        "ab": "take the other version",
        "blue-green": "swap the colours",
        "shadow": "all of it, directly",
    }
    if running.candidate in served:
        back = command_line("rollback", model, options={"--to": running.candidate})
        moves.append(NextMove(verb=back, what="swap back, 1 operator", move="rollback"))
    else:
        moves.append(NextMove(verb=command_line("promote", f"{model}@{running.candidate}"), what=words[running.strategy], move="promote"))
    moves.append(NextMove(verb=moved("abort"), what="end it, 1 operator", move="abort"))
    return moves


def moves_after(moves: tuple[NextMove, ...], state: State) -> tuple[NextMove, ...]:
    """What can be done next once the step in force was measured: what fails goes no further, what cannot be judged only on record."""
    if state is State.CRITICAL:
        ended = [each for each in moves if each.move == "abort"]
        return (*ended, *(each for each in moves if each.move not in {"step", "abort", "promote"}))
    if state is State.OK:
        return moves
    return tuple(
        each.model_copy(
            update={"verb": with_options(each.verb, "--unjudged"), "what": f"{each.what}, unjudged, on record", "unjudged": True}
        )
        if each.move == "step"
        else each
        for each in moves
    )
