"""Answers the checks of playbooks from what the store, the policies and control know at one moment. Reads only.

What cannot be computed is `unknown` with its reason, and never passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from backends.records import Layer, PipelineRun, State, SwitchState, worst
from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import CHALLENGER_ALIAS, SERVING_KINDS, ActionState, version_label
from console.control.aliases import rollback_targets
from console.control.records import ActionRecord
from console.control.state import ControlState
from console.render import figures
from console.runbook.choices import compared
from console.views.health.assessment import assess, would_help_of
from console.views.health.evaluation import Evaluated
from console.views.health.judging import Judged
from console.views.health.model import ModelHealth, Signal
from console.views.incidents.changes import changes_view
from console.views.incidents.since_mitigation import measured_since
from console.views.not_found import NoSuchModel
from console.views.sight import Sight
from console.views.versions.artifacts import checked
from console.views.versions.registry import Registry, registry_of
from console.views.versions.serving import aliases_at, served
from playbooks.format import Argument, CheckCall
from playbooks.host import CheckResult

DATA_SIGNALS: Final = ("schema_violations", "null_share", "out_of_range_share", "duplicate_share", "age_hours", "volume_ratio")
"""What a data bug shows in."""

NEAR_BEFORE: Final = timedelta(days=3)
NEAR_AFTER: Final = timedelta(hours=6)
"""How near to the onset something must have changed to be suspected."""

SUSPECTS: Final = frozenset({"deploy", "alias", "schema", "data", "upstream", "flag", "campaign"})
ENOUGH_LABELS: Final = 200
FEW_LABELS: Final = 30


@dataclass(frozen=True, slots=True)
class _Seen:
    """One model as it was judged at the moment of the checks."""

    registry: Registry
    evaluated: Evaluated

    @property
    def health(self) -> ModelHealth:
        return self.evaluated.health

    def judged(self, signal: str) -> Judged | None:
        """A signal by its own name or by its rule's id: one that somebody is told of, where there is one."""
        named = [each for each in self.evaluated.judged if signal in {each.signal.id, each.rule.signal if each.rule else None}]
        return min(named, key=lambda each: each.signal.only_logged, default=None)


def last_mitigation(control: ControlState, environment: str, model: str, at: datetime) -> ActionRecord | None:
    """The last effective action on what a model answers by `at`."""
    done = [
        action
        for action in control.actions.values()
        if action.kind in SERVING_KINDS
        and action.state is ActionState.EFFECTIVE
        and (action.environment, action.model) == (environment, model)
        and effective_at(action) <= at
    ]
    return max(done, key=effective_at, default=None)


def effective_at(action: ActionRecord) -> datetime:
    """When an action was seen to be in effect."""
    return action.finished_at or action.sent_at or action.intended_at


class Checks:
    """Every check of the standard catalogue at the moment of `sight`; each model is judged once."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self._seen: dict[str, _Seen] = {}
        self._questions: dict[str, Callable[[str, Mapping[str, Argument]], CheckResult]] = {
            "data_bug": self._data_bug,
            "labels_sound": self._labels_sound,
            "input_drift": partial(self._signals, ("input_psi",), "drift"),
            "score_shift": partial(self._signals, ("score_psi", "score_mean_jump"), "drift"),
            "signal": self._signal,
            "layer": self._layer,
            "changed": self._changed,
            "would_help": self._would_help,
            "challenger": self._challenger,
            "previous_version": self._previous_version,
            "fallback": self._fallback,
            "switch": self._switch,
            "pipeline": self._pipeline,
            "slo_budget": self._slo_budget,
        }

    @property
    def known(self) -> frozenset[str]:
        """Names of the checks that can be answered."""
        return frozenset(self._questions)

    def answer(self, call: CheckCall) -> CheckResult:
        """The answer to one check. Raises StoreError when the store does not answer."""
        environment = str(call.args.get("environment", self.sight.environment))
        if environment != self.sight.environment:
            return Checks(Sight(self.sight.workspace, environment, self.sight.clock)).answer(call)
        question = self._questions.get(call.check)
        if question is None:
            return self._unknown(f"this program has no check {call.check}")
        try:
            return question(str(call.args.get("model", "")), call.args)
        except NoSuchModel as error:
            return self._unknown(str(error))

    # -- the data

    def _data_bug(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        return self._signals(DATA_SIGNALS, "model", model, {})

    def _signals(self, names: Sequence[str], verb: str, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        """The worst of several signals; one of them unknown keeps the rest from being `ok`."""
        seen = self._model(model)
        watched = [each.signal for name in names if (each := seen.judged(name)) is not None]
        if not watched:
            return self._unknown(f"no rule watches {', '.join(names)} of {model}", command_line(verb, model))
        found = [signal for signal in watched if not signal.only_logged]
        if not found:
            return self._of_signal(watched[0], _not_asked(watched), command_line(verb, model), State.UNKNOWN)
        state = worst([signal.state for signal in found])
        troubled = [signal for signal in found if signal.state == state]
        sentence = "; ".join(signal.why for signal in troubled)
        if state is State.OK:
            sentence = ", ".join(_short(signal) for signal in found)
        elif state is State.UNKNOWN and len(troubled) < len(found):
            sentence += f"; ok: {', '.join(_short(signal) for signal in found if signal.state == State.OK)}"
        return self._of_signal(troubled[0], sentence, command_line(verb, model), state)

    def _labels_sound(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        seen = self._model(model)
        health, judged = seen.health, seen.judged("label_coverage")
        labels = health.labels
        if not labels.scored:
            return self._unknown(f"nothing was scored by {model} in the last day", command_line("quality", model))
        complete = f", complete to {figures.moment(labels.complete_to, self.sight.zone)}" if labels.complete_to else ", nowhere complete"
        usable = health.since_onset.labelled if health.since_onset is not None else labels.labelled
        arrived = f"{figures.percent(labels.share)} of {figures.count(labels.scored)}{complete}, {figures.count(usable)} to judge by"
        amount = State.OK if usable >= ENOUGH_LABELS else State.WARNING if usable >= FEW_LABELS else State.CRITICAL
        if judged is None or judged.signal.value is None or judged.signal.only_logged:
            return self._result(amount, arrived, value=labels.share, n=labels.scored, command=command_line("quality", model))
        state = worst([judged.signal.state, amount])
        why = f"; {judged.signal.why}" if judged.signal.state not in {State.OK, State.UNKNOWN} else ""
        return self._of_signal(judged.signal, f"{arrived}{why}", command_line("quality", model), state)

    # -- signals and layers

    def _signal(self, model: str, args: Mapping[str, Argument]) -> CheckResult:
        name = str(args.get("signal", ""))
        seen = self._model(model)
        judged = seen.judged(name)
        if judged is None:
            return self._unknown(f"no rule watches {name} of {model}", command_line("model", model))
        if judged.signal.only_logged:
            return self._of_signal(judged.signal, _not_asked([judged.signal]), command_line("model", model), State.UNKNOWN)
        if args.get("since") != "mitigation":
            return self._of_signal(judged.signal, judged.signal.why, command_line("model", model))
        action = last_mitigation(self.sight.control, self.sight.environment, model, self.sight.at)
        if action is None:
            return self._unknown(f"nothing was done to {model} yet, so nothing can have helped", command_line("model", model))
        began = effective_at(action)
        what = f"{action.kind.value} in effect since {figures.moment(began, self.sight.zone)}"
        with self.sight.reader() as reader:
            found = measured_since(self.sight, reader, seen.registry, seen.evaluated, judged, began)
        return self._result(
            found.state,
            f"{what}: {found.sentence}",
            value=found.value,
            limit=found.limit,
            n=found.n,
            command=command_line("quality", model),
        )

    def _layer(self, model: str, args: Mapping[str, Argument]) -> CheckResult:
        name = str(args.get("layer", ""))
        if name not in {layer.value for layer in Layer}:
            return self._unknown(f"there is no layer {name}", command_line("model", model))
        layer = self._model(model).health.layer(Layer(name))
        signal = next((each for each in layer.signals if each.state == layer.state and not each.only_logged), None)
        if signal is None:
            return self._result(layer.state, layer.why, command=command_line("model", model))
        logged = sum(each.only_logged and each.state in {State.WARNING, State.CRITICAL} for each in layer.signals)
        beside = f", {logged} in trouble {'is' if logged == 1 else 'are'} only logged" if logged else ""
        sentence = layer.why if layer.state is not State.OK else f"every signal of the {name} layer is ok{beside}"
        return self._of_signal(signal, sentence, command_line("model", model), layer.state)

    def _slo_budget(self, model: str, args: Mapping[str, Argument]) -> CheckResult:
        budget = self._model(model).health.budget
        wanted = args.get("slo")
        if budget is None or (wanted is not None and budget.slo != wanted):
            return self._unknown(f"no budget of {wanted or 'any objective'} can be computed for {model}", command_line("model", model))
        spent = budget.left is not None and budget.left <= 0
        state = State.UNKNOWN if budget.left is None else State.CRITICAL if spent else State.OK
        return self._result(state, budget.why, value=budget.left, limit=0.0, command=command_line("model", model))

    # -- what changed

    def _changed(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        health = self._model(model).health
        incidents = self.sight.control.open_incidents(self.sight.environment, model)
        onset = health.broke_first_at or min((each.opened_at for each in incidents), default=None)
        command = command_line("changes", model)
        if onset is None:
            return self._unknown(f"nothing is wrong with {model}, so there is no moment to look around", command)
        first, last = onset - NEAR_BEFORE, min(onset + NEAR_AFTER, self.sight.at)
        with self.sight.reader() as reader:
            listed = changes_view(reader, self.sight.environment, model, onset, self.sight.at).items
        found = {
            change.at: f"{figures.moment(change.at, self.sight.zone)} {change.message.raw}"
            for change in listed
            if change.topic in SUSPECTS and first <= change.at <= last
        }
        for stretch in served(self.sight.alias_history(model), self.sight.at):
            if first <= stretch.start <= last:
                found.setdefault(
                    stretch.start, f"{figures.moment(stretch.start, self.sight.zone)} {version_label(stretch.version)} deployed"
                )
        around = f"within 3 d before {figures.moment(onset, self.sight.zone)} and 6 h after"
        if not found:
            return self._result(State.OK, f"nothing recorded {around}", value=0.0, command=command)
        told = "; ".join(text for _, text in sorted(found.items())[:3])
        return self._result(State.WARNING, f"{len(found)} {around}: {told}", value=float(len(found)), command=command)

    # -- what could be done

    def _would_help(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        seen = self._model(model)
        with self.sight.reader() as reader:
            view = would_help_of(self.sight, reader, seen.registry, seen.health)
        return compared(view, self.sight.alias_history(model), self.sight.at, self.sight.zone, model)

    def _challenger(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        version = aliases_at(self.sight.alias_history(model), self.sight.at).get(CHALLENGER_ALIAS)
        command = command_line("versions", model)
        if version is None:
            return self._result(State.CRITICAL, f"{model} has no challenger", command=command)
        artifact = checked(self.sight.workspace.paths.root, self._model(model).registry.versions.get((model, version)))
        states = {"matches": State.OK, "missing": State.CRITICAL, "different": State.CRITICAL}
        return self._result(
            states.get(artifact.found, State.UNKNOWN), f"challenger {version_label(version)}, {artifact.sentence}", command=command
        )

    def _previous_version(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        history = [move for move in self.sight.alias_history(model) if move.moved_at <= self.sight.at]
        targets, command = rollback_targets(history), command_line("versions", model)
        if not targets:
            return self._result(State.CRITICAL, f"no version of {model} served before the one that does", command=command)
        artifact = checked(self.sight.workspace.paths.root, self._model(model).registry.versions.get((model, targets[0])))
        if artifact.problem is not None:
            return self._result(State.CRITICAL, artifact.problem, command=command)
        return self._result(State.OK, f"{version_label(targets[0])} served before; {artifact.sentence}", command=command)

    def _fallback(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        declared = self._model(model).registry.models[model].fallback
        if declared is None:
            return self._result(State.CRITICAL, f"{model} declares no fallback", command=command_line("model", model))
        return self._result(State.OK, declared.raw, command=command_line("model", model))

    def _switch(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        standing = self.sight.switch_standing(model)
        found = standing.switch
        states = {SwitchState.NORMAL: State.OK, SwitchState.DEGRADED: State.WARNING, SwitchState.FALLBACK: State.WARNING}
        states[SwitchState.KILLED] = State.CRITICAL
        if found is SwitchState.UNKNOWN:
            return self._unknown(f"nobody knows how the kill switch stands: {standing.why}", "switches")
        return self._result(states[found], f"the kill switch stands at {found.value}", command="switches")

    def _pipeline(self, model: str, _args: Mapping[str, Argument]) -> CheckResult:
        last: dict[str, PipelineRun] = {}
        for run in sorted(self._model(model).registry.runs_of(model), key=lambda run: run.started_at):
            if run.status in {"succeeded", "failed"} and run.started_at <= self.sight.at:
                last[run.pipeline] = run
        if not last:
            return self._unknown(f"no pipeline run of {model} is recorded", command_line("model", model))
        failed = [run for run in last.values() if run.status == "failed"]
        if failed:
            told = "; ".join(f"{run.pipeline} failed {figures.moment(run.started_at, self.sight.zone)} {run.message.raw}" for run in failed)
            return self._result(State.CRITICAL, told, value=float(len(failed)), n=len(last), command=command_line("model", model))
        return self._result(State.OK, f"the last run of each of {len(last)} pipelines succeeded", value=0.0, n=len(last))

    # -- inside

    def _model(self, name: str) -> _Seen:
        if name not in self._seen:
            with self.sight.reader() as reader:
                registry = registry_of(reader, self.sight.environment, self.sight.at)
                self._seen[name] = _Seen(registry, assess(self.sight, reader, registry, name))
        return self._seen[name]

    def _of_signal(self, signal: Signal, sentence: str, command: str, state: State | None = None) -> CheckResult:
        limit = signal.critical if signal.state is State.CRITICAL and signal.critical is not None else signal.warning
        return self._result(
            state or signal.state,
            sentence,
            value=signal.value,
            limit=limit if limit is not None else signal.critical,
            n=signal.n,
            command=command,
        )

    def _unknown(self, why: str, command: str | None = None) -> CheckResult:
        return self._result(State.UNKNOWN, why, command=command)

    def _result(self, state: State, sentence: str, **more: Any) -> CheckResult:
        return CheckResult(state=state, sentence=Untrusted(sentence), at=self.sight.at, **more)


def _not_asked(signals: Sequence[Signal]) -> str:
    """What a rule that only logs saw, and that it decides nothing."""
    seen = ", ".join(f"{signal.id} says {signal.state}{'' if signal.value is None else f' at {_short(signal)}'}" for signal in signals)
    return f"only rules that log watch this, and they lead no step: {seen}"


def _short(signal: Signal) -> str:
    return f"{signal.title} {figures.amount(signal.value, signal.unit)}"
