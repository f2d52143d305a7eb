"""One person's hand on a run: what a screen or a verb asks for, in the words of both. Whoever acts where nobody drives takes it."""

from __future__ import annotations

from collections.abc import Callable

from console.config import Workspace
from console.control.actions import ActionKind, ActionPlan, ActionRequest, ActionState, new_key
from console.control.desk import Desk
from console.control.errors import Refused
from console.control.ledger import read_state
from console.runbook.attending import attend, runner_for, tell_whether_it_helped
from console.runbook.host import DeskHost
from playbooks.host import PlanSummary
from playbooks.run import Run
from playbooks.runner import Runner, RunRefusedError


class Driving:
    """A run in the hands of the person of `desk`. Every method raises RunRefusedError or Refused with what to do instead."""

    def __init__(self, workspace: Workspace, environment: str, desk: Desk, run: str) -> None:
        self.workspace = workspace
        self.desk = desk
        self.incident = self._incident(run)
        self.runner: Runner = runner_for(workspace, environment, desk, run, self.incident)
        assert isinstance(self.runner.host, DeskHost)
        self.host: DeskHost = self.runner.host

    def take(self) -> Run:
        """Drive the run and its incident from now on: the same step, wherever the last person left it."""
        self._may()
        self._take_incident()
        return self._moved(self.runner.take)

    def hand_over(self, to: str) -> None:
        """Give the incident to somebody else, who drives from the moment of opening it."""
        self._may()
        incident = read_state(self.workspace.paths).incidents.get(self.incident or "")
        if incident is None:
            raise Refused("this run belongs to no incident")
        request = ActionRequest(
            kind=ActionKind.HAND_OVER, environment=incident.environment, model=incident.model, subject=incident.id, to=to, key=new_key()
        )  # fmt: skip
        outcome = self.desk.act(request)
        if outcome.state is not ActionState.DONE:
            raise Refused(outcome.message)

    def look(self) -> Run:
        """Answer what needs nobody and look at what is waited for."""
        self._may()
        if self.incident is not None:
            attended = attend(self.workspace, self.host.environment, self.desk, self.incident)
            if attended is not None and attended.id == self.runner.run.id:
                return attended
        return self._moved(self.runner.poll)

    def choose(self, choice: str, reason: str = "") -> Run:
        """Take a decision."""
        return self._driven(lambda: self.runner.decide(choice, reason))

    def skip(self, reason: str) -> Run:
        """Leave a step out."""
        return self._driven(lambda: self.runner.skip(reason))

    def complete(self, text: str) -> Run:
        """Say that a manual, escalate or note step is done."""
        return self._driven(lambda: self.runner.complete(text))

    def fail(self, why: str) -> Run:
        """Say that a step could not be done."""
        return self._driven(lambda: self.runner.fail(why))

    def retry(self, reason: str) -> Run:
        """Try a failed or blocked step again."""
        return self._driven(lambda: self.runner.retry(reason))

    def reopen(self, step: str, reason: str) -> Run:
        """Take a decision again."""
        return self._driven(lambda: self.runner.reopen(step, reason))

    def end(self, reason: str) -> Run:
        """End the run before its last step."""
        return self._driven(lambda: self.runner.close(reason))

    def note(self, text: str) -> Run:
        """Write something into the run, whoever drives."""
        self._may()
        return self.runner.note(text)

    def plan(self) -> tuple[PlanSummary, ActionPlan | None]:
        """What the action or approval at the cursor would do."""
        summary = self.runner.plan()
        return summary, self.host.drawn(summary)

    def act(self, typed: str | None) -> Run:
        """Do the action at the cursor; `typed` is the model's name where the environment asks for it."""
        self._ready()
        summary, plan = self.plan()
        self._allowed(summary, plan, typed)
        return self._driven(lambda: self.runner.act(summary, typed))

    def break_glass(self, reason: str) -> None:
        """Do what follows without the approval that it needs: at once, and reviewed afterwards by somebody who reads `reason`."""
        self.host.break_glass, self.host.reason = True, reason

    def undo(self, step: str, typed: str | None) -> Run:
        """Take back the last action of a step."""
        self._ready()
        summary = self.runner.plan_undo(step)
        self._allowed(summary, self.host.drawn(summary), typed)
        return self._driven(lambda: self.runner.undo(step, summary, typed))

    def ask(self, reason: str, typed: str | None) -> Run:
        """File the request of the approval step at the cursor."""
        self._ready()
        _, plan = self.plan()
        if plan is not None and plan.refusal is not None:
            raise RunRefusedError(f"refused: {plan.refusal}")
        if plan is None or (plan.step != "ask" and plan.approval is None):
            raise RunRefusedError("this needs no approval, or nothing to approve: skip the step, with a reason")
        self._typed(plan, typed)
        self.host.typed_name = typed
        return self._driven(lambda: self.runner.ask_approval(reason))

    def recheck(self) -> Run:
        """Find out what became of the operation in doubt, by looking."""
        return self._driven(self.runner.recheck)

    def resolve(self, effective: bool, how: str) -> Run:
        """Say what became of the operation in doubt, and how you know."""
        self._settle_action(effective, how)
        return self._driven(lambda: self.runner.resolve(effective, how))

    def send_again(self, typed: str | None) -> Run:
        """Send the operation in doubt again, with the same key."""
        return self._driven(lambda: self.runner.send_again(typed))

    # -- inside

    def _driven(self, step: Callable[[], Run]) -> Run:
        self._ready()
        return self._moved(step)

    def _moved(self, step: Callable[[], Run]) -> Run:
        run = step()
        tell_whether_it_helped(self.workspace, self.desk, run)
        return run

    def _ready(self) -> None:
        """This person may act and drives; where nobody drove, from now on."""
        self._may()
        run = self.runner.reload()
        if run.outcome is None and run.driver is None:
            self._take_incident()
            self.runner.take()

    def _may(self) -> None:
        run = self.runner.run
        model, environment = str(run.params.get("model", "")), str(run.params.get("environment", self.host.environment))
        refusal = self.desk.refusal(ActionKind.PLAYBOOK, environment, model)
        if refusal is not None:
            raise Refused(refusal)

    def _take_incident(self) -> None:
        incident = read_state(self.workspace.paths).incidents.get(self.incident or "")
        if incident is None or incident.state == "closed" or incident.driver == self.desk.actor.name:
            return
        request = ActionRequest(
            kind=ActionKind.TAKE, environment=incident.environment, model=incident.model, subject=incident.id, key=new_key()
        )  # fmt: skip
        outcome = self.desk.act(request)
        if outcome.state is not ActionState.DONE:
            raise Refused(outcome.message)

    def _allowed(self, summary: PlanSummary, plan: ActionPlan | None, typed: str | None) -> None:
        if summary.refusal is not None:
            raise RunRefusedError(f"refused: {summary.refusal.raw}")
        if plan is not None:
            self._typed(plan, typed)

    def _typed(self, plan: ActionPlan, typed: str | None) -> None:
        if plan.typed_name is not None and typed != plan.typed_name:
            raise RunRefusedError(f"{plan.typed_name} is to be typed here: nothing was sent")

    def _settle_action(self, effective: bool, how: str) -> None:
        """The desk's own record of it is settled first, where it has one that is open."""
        run = self.runner.reload()
        state = run.in_doubt
        intent = state.doubtful if state is not None else None
        if intent is None or not how.strip() or run.driver not in {None, self.desk.actor.name}:
            return
        control = read_state(self.workspace.paths)
        action = control.actions.get(control.action_by_key.get(intent.key, ""))
        if action is not None and action.open:
            self.desk.resolve(action.id, effective=effective, reason=how)

    def _incident(self, run: str) -> str | None:
        control = read_state(self.workspace.paths)
        for event in control.runs.get(run, ()):
            found = event.body.get("incident") or (event.body.get("body") or {}).get("context", {}).get("incident")
            if found:
                return str(found)
        return None
