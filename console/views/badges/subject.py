"""One version of a system with what its badges are judged from; and what several kinds of assets ask of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from backends.records import Layer, State
from backends.shell_words import command_line
from backends.store.queries import Volume
from console.control.actions import version_label
from console.policies.rules import AlertRule
from console.views.badges.badge import Proof, Verdict, borne_out, not_borne_out, proof, unknown
from console.views.lineage.reach import Reaches
from console.views.maturity.system import System

NOT_MEASURED: Final = (State.UNKNOWN, State.STALE)

MOST: Final = 2
"""Alert rules that are named as evidence; the page of the model shows them all."""


@dataclass(frozen=True)
class Subject:
    """A version of a model: the one that serves, or its challenger."""

    system: System
    serves: bool
    before: str | None
    """The version that it replaced, or would: None where it is the first one."""
    reaches: Reaches
    answers: tuple[Volume, ...]
    """What each version answered, by its role."""

    @property
    def name(self) -> str:
        return self.system.name

    @property
    def label(self) -> str:
        """`v2`, as pages write it."""
        return version_label(self.system.version)

    def in_shadow(self) -> int:
        """Requests that the version answered in the shadow."""
        return sum(each.n for each in self.answers if (each.version, each.role) == (self.system.version, "shadow"))


def of_inputs(rule: AlertRule) -> bool:
    """Whether a rule is about columns that a model is asked with."""
    return rule.signal in {"schema_violations", "null_share", "out_of_range_share", "input_psi"}


def of_answers(rule: AlertRule) -> bool:
    """Whether a rule is about how requests are answered."""
    return rule.signal in {"latency_p95", "error_share", "fallback_share", "volume_ratio"}


def of_quality(rule: AlertRule) -> bool:
    """Whether a rule is about how good the answers are."""
    return rule.layer is Layer.MODEL and not of_outcomes(rule)


def of_outcomes(rule: AlertRule) -> bool:
    """Whether a rule is about outcomes that come, or do not."""
    return rule.signal == "label_coverage"


def watched(system: System, what: str, about: Callable[[AlertRule], bool]) -> Verdict:
    """Whether an alert rule that is about something watches it, and has something to watch."""
    policies, verb = system.sight.policies, command_line("model", system.name)
    rules = policies.rules_for(system.name, system.sight.environment, system.health.task)
    rules = [each for each in rules if about(each)]
    if not rules:
        return not_borne_out(f"no alert rule watches {what}", proof("policies", "no rule of it is switched on", "config policies"))
    seen = {each.id: each for layer in system.health.layers for each in layer.signals}
    known = [(each, seen[each.id]) for each in rules if each.id in seen]
    found = [proof(f"alert rule {rule.id}", signal.why, verb) for rule, signal in known if signal.state not in NOT_MEASURED]
    if found:
        return borne_out(*found[:MOST])
    why = known[0][1].why if known else f"nothing is measured that {rules[0].id} could watch"
    return unknown(why, proof(f"alert rule {rules[0].id}", "it is switched on and sees nothing", verb))


def roles_of(system: System) -> tuple[Proof, ...]:
    """The proof that who may do what is decided; empty where nobody but the owner of the workspace may act."""
    people = system.sight.policies.people
    return (proof("policies", f"{len(people)} people have roles", "config policies"),) if people else ()


def nobody_else(system: System) -> str:
    """Why nothing is governed where no roles are given."""
    personal = system.sight.workspace.settings.personal
    return "one person is everything here: nobody else has a role" if personal else "nobody has a role, so that everybody may only look"
