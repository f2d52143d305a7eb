"""The control history of the demo: what people and rules did before the moment at which its clock stands, done through control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backends.protocol import AliasMove
from backends.records import SwitchState, digest_of
from backends.store import queries
from console.approval_terms import approval_terms
from console.clock import Clock, SimulatedClock
from console.config import Workspace
from console.control.actions import CHALLENGER_ALIAS, ActionKind, ActionRequest, Confirmation, PlanFacts
from console.control.desk import Desk
from console.control.identity import Actor
from console.control.ledger import read_state
from console.control.roles import Grant, Policy, Role
from console.control.state import ControlState
from console.demo.models import Trained
from console.demo.registry_records import promotion_report
from console.demo.story import ENVIRONMENT, MODELS, ModelStory, VersionStory, local
from console.policies.load import load_policies
from console.views.health.assessment import assess
from console.views.sight import Sight
from console.views.versions.registry import registry_of
from console.views.versions.serving import SERVING_ALIAS
from console.watch.alerting import Transition, record, transitions

EVERYBODY: Final = Policy(grants=(Grant(person="*", roles=(Role.ADMIN,)),), read_only=())
ASKED_AT: Final = local(4, 26, 16, 40)
"""When ines asked for the challenger."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that was done at a time."""

    at: datetime
    do: Callable[[], None]


def told_aliases(model: ModelStory) -> list[AliasMove]:
    """The promotions of a model as the history of its alias."""
    return [
        AliasMove(ENVIRONMENT, model.name, SERVING_ALIAS, version.version, version.promoted_at, version.promoted_by or "", version.version)
        for version in model.versions
        if version.promoted_at is not None
    ]


@dataclass(frozen=True)
class ToldSight(Sight):
    """A look in which the promotions of the story are in force, before control has carried them out."""

    def alias_history(self, model: str) -> list[AliasMove]:
        return next((told_aliases(each) for each in MODELS if each.name == model), [])

    @property
    def control(self) -> ControlState:
        return ControlState()

    def switch(self, model: str) -> SwitchState:
        del model
        return SwitchState.NORMAL


class Historian:
    """Carries the story out, in order of time, as the people in it."""

    def __init__(self, workspace: Workspace, trained: dict[str, dict[str, Trained]], at: datetime) -> None:
        self.workspace = workspace
        self.trained = trained
        self.at = at
        terms = approval_terms(load_policies(workspace.paths.policies), ENVIRONMENT)
        self.policy = EVERYBODY.model_copy(update={"terms": {**EVERYBODY.terms, ActionKind.PROMOTE: terms[ActionKind.PROMOTE]}})

    def clock_at(self, moment: datetime) -> Clock:
        """The simulated clock standing at `moment`."""
        real = self.workspace.clock().real_now()
        return SimulatedClock(moment, real, 0.0)

    def desk(self, person: str, moment: datetime) -> Desk:
        """The desk of a person at a moment."""
        actor = (
            Actor.of_program("rule") if person == "rule" else Actor.named(person, host="build" if person in {"ines", "omar"} else "bastion")
        )
        return Desk(self.workspace.paths, self.clock_at(moment), actor, policy=self.policy, elevated=True)

    def tell(self) -> None:
        """Do everything up to now: promotions, alerts and incidents, and the request that waits."""
        moments = [moment for model in MODELS for version in model.versions for moment in self._promotion(model, version)]
        moments += [Moment(transition.at, self._alerting(transition)) for transition in self._transitions()]
        moments += [moment for model in MODELS for moment in self._challenger(model)]
        if self.at >= ASKED_AT:
            moments.append(Moment(ASKED_AT, self._ask_for_challenger))
        for moment in sorted(moments, key=lambda moment: moment.at):
            if moment.at <= self.at:
                moment.do()

    def _challenger(self, model: ModelStory) -> list[Moment]:
        made = next((version.made_at for version in model.versions if version.version == model.challenger), None)
        if made is None or made > self.at:
            return []

        def name() -> None:
            with self.desk("ines", made) as desk:
                desk.name_version(ENVIRONMENT, model.name, CHALLENGER_ALIAS, str(model.challenger), key=f"{model.name}-challenger")

        return [Moment(made, name)]

    def _promotion(self, model: ModelStory, version: VersionStory) -> list[Moment]:
        if version.promoted_at is None or version.promoted_by is None or version.approved_by is None or version.promoted_at > self.at:
            return []
        if version.version not in self.trained[model.name]:
            return []
        at, who, approver = version.promoted_at, version.promoted_by, version.approved_by
        made = self.trained[model.name][version.version]
        report = promotion_report(model, made)
        facts = PlanFacts(artifact_digest=made.artifact_digest, evaluation_digest=digest_of(report.model_dump(mode="json")))
        wanted = ActionRequest(
            kind=ActionKind.PROMOTE, environment=ENVIRONMENT, model=model.name, to=version.version, reason=version.note or "monthly retrain"
        )

        def ask() -> None:
            with self.desk(who, at - timedelta(minutes=20)) as desk:
                self._confirm(desk, wanted, facts)

        def approve() -> None:
            with self.desk(approver, at - timedelta(minutes=2)) as desk:
                waiting = read_state(self.workspace.paths).open_approvals(at, ENVIRONMENT, model.name)
                for approval in waiting:
                    desk.approve(approval.id, seen_digest=approval.payload.digest, typed_name=model.name, reason="report read")

        def execute() -> None:
            with self.desk(who, at) as desk:
                self._confirm(desk, wanted, facts)

        return [Moment(at - timedelta(minutes=20), ask), Moment(at - timedelta(minutes=2), approve), Moment(at, execute)]

    @staticmethod
    def _confirm(desk: Desk, wanted: ActionRequest, facts: PlanFacts) -> None:
        plan = desk.plan(wanted, facts)
        outcome = desk.execute(plan, Confirmation(typed_name=plan.typed_name, reason=wanted.reason), current_world=facts)
        if outcome.exit_code:
            raise RuntimeError(f"the story cannot be told: {outcome.message}")

    def _ask_for_challenger(self) -> None:
        from console.views.approvals.facts import requested_facts

        for model in MODELS:
            if model.challenger is None:
                continue
            wanted = ActionRequest(
                kind=ActionKind.PROMOTE,
                environment=ENVIRONMENT,
                model=model.name,
                to=model.challenger,
                reason="trained on the last 90 days",
            )
            standing = read_state(self.workspace.paths).open_incidents(ENVIRONMENT, model.name)
            waiver = standing[-1].id if standing else None
            facts = requested_facts(Sight(self.workspace, ENVIRONMENT, self.clock_at(ASKED_AT)), wanted, waiver=waiver)
            with self.desk("ines", ASKED_AT) as desk:
                self._confirm(desk, wanted, facts)

    def _transitions(self) -> list[Transition]:
        sight = ToldSight(self.workspace, ENVIRONMENT, self.clock_at(self.at))
        found: list[Transition] = []
        with sight.reader() as reader:
            registry = registry_of(reader, ENVIRONMENT, self.at)
            for model in queries.models(reader, ENVIRONMENT):
                found += transitions(assess(sight, reader, registry, model).judged, ENVIRONMENT, model, None)
        return found

    def _alerting(self, transition: Transition) -> Callable[[], None]:
        def tell() -> None:
            desks: list[Desk] = []

            def desk_at(moment: datetime) -> Desk:
                desks.append(self.desk("rule", moment))
                return desks[-1]

            record([transition], desk_at, self.workspace.paths)
            for desk in desks:
                desk.close()

        return tell
