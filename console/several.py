"""One action on several models, for screens and verbs: every plan is drawn before the first moves, one name is typed, and where one of them
is refused none moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.control.actions import ActionKind, ActionOutcome, ActionPlan, Confirmation
from console.control.errors import Refused
from console.errands import SWITCH_CHOICES, Errand
from console.session import Session


def asked_for_all(plans: Sequence[ActionPlan]) -> str:
    """What is typed for all of them: the environment's name where a rule asks that for one, else how many they are."""
    environment = next((plan.typed_name for plan in plans if plan.typed_name == plan.environment), None)
    return environment or f"{len(plans)} models"


@dataclass
class SeveralErrand:
    """The kill switches of several models, set to one state. Each model keeps an errand, and so a key and an action, of its own."""

    errands: tuple[Errand, ...]
    problem: str | None = None
    """Why facts of some are missing."""

    @classmethod
    def of(cls, session: Session, models: Sequence[str]) -> SeveralErrand:
        """The errand of `models`, in their order."""
        each = [Errand(session, model, SWITCH_CHOICES, bulk=len(models), bulk_index=number) for number, model in enumerate(models)]
        return cls(tuple(each))

    def plans(self) -> dict[ActionKind, list[ActionPlan]]:
        """For each state the plan of every model, in their order."""
        drawn = [errand.plans() for errand in self.errands]
        return {kind: [plans[kind] for plans in drawn] for kind in SWITCH_CHOICES}

    def stand_by(self) -> None:
        """As of one errand: all are carried out at the same desk."""
        self.errands[0].stand_by()

    def stand_down(self) -> None:
        """As of one errand."""
        self.errands[0].stand_down()

    def reason(self) -> str:
        """What the reason is filled in with: the newest open incident of the first that has one."""
        return next((reason for errand in self.errands if (reason := errand.reason())), "")

    def read_facts(self) -> None:
        """Read the facts of each; once they did not come for one, the others are not waited for either."""
        for errand in self.errands:
            if self.problem is None:
                errand.read_facts()
                self.problem = errand.problem
            else:
                errand.problem = self.problem

    def execute(self, plans: Sequence[ActionPlan], *, reason: str, typed: str) -> list[ActionOutcome]:
        """Carry out plans that were shown and confirmed together. Raises Refused where one is refused or has changed: then none moves."""
        wanted = asked_for_all(plans)
        if typed != wanted:
            raise Refused(f"type {wanted} to confirm: nothing was sent to any")
        with self.errands[0].desk_that_acts() as desk:
            fresh = [
                desk.plan(errand.request(plan.kind, plan.incident), errand.facts.get(plan.kind))
                for plan, errand in zip(plans, self.errands, strict=True)
            ]
            for plan, now in zip(plans, fresh, strict=True):
                if now.refusal is not None:
                    desk.execute(plan, Confirmation(reason=reason))
                    raise Refused(f"{plan.model}: {now.refusal}; nothing was sent to any")
                if now.from_ != plan.from_:
                    raise Refused(
                        f"{plan.model} changed since the plan was drawn: {plan.from_} then, {now.from_} now; nothing was sent to any"
                    )
            # What was typed is what the strictest of them asks for; each of them asks for that or for less.
            outcomes = [desk.execute(plan, Confirmation(typed_name=plan.typed_name, reason=reason)) for plan in plans]
        self.errands[0].keep_for_later()
        return outcomes
