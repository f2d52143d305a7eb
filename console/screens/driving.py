"""What a person does to a run of a playbook from its screen: every step of it goes through the runbook, and the journal keeps it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from console.screens.base import DeckScreen

if TYPE_CHECKING:
    from console.runbook.driving import Driving


class DrivingScreen(DeckScreen):
    """The screen of an incident, as far as it drives the run of its playbook. `view` is an IncidentView."""

    def stand(self, step: Any) -> None:
        """Put the cursor where a person is needed."""
        raise NotImplementedError

    # the step at which the run stands

    def choose(self, choice: str) -> None:
        step = self.view.current
        option = next((each for each in step.decision.choices if each.id == choice), None) if step and step.decision else None
        if option is None:
            return
        if option.not_now:
            self.ask(f"{choice} does not apply now; why all the same: ", answered=lambda why: self._do(lambda run: run.choose(choice, why)))
        else:
            self._do(lambda run: run.choose(choice))

    def settle(self, key: str) -> None:
        if key == "doubt:recheck":
            self._do(lambda run: run.recheck())
        elif key == "doubt:again":
            model = self.view.model
            self.ask(f"type {model} to send it again: ", answered=lambda typed: self._do(lambda run: run.send_again(typed)))
        else:
            effective = key == "doubt:effective"
            self.ask("how do you know: ", answered=lambda how: self._do(lambda run: run.resolve(effective, how)))

    def take_step(self, step: Any) -> None:
        if step.status == "failed" or step.blocked:
            self.ask("try it again, because: ", answered=lambda why: self._do(lambda run: run.retry(why)))
        elif step.status == "in doubt" or step.decision is not None:
            self.stand(step)
        elif step.kind == "action":
            self._open_plan()
        elif step.kind == "approval" and step.approval is None:
            self._ask_approval()
        elif step.kind in {"manual", "note", "escalate"}:
            self.ask("done: ", answered=lambda text: self._do(lambda run: run.complete(text)))
        else:
            self.reload()

    def _ask_approval(self) -> None:
        model, asked = self.view.model, self.view.current.asked_already
        filed = "join it" if asked else "file the request"
        self.ask(
            f"join {asked}, because: " if asked else "ask for it, because: ",
            answered=lambda why: self.ask(
                f"type {model} to {filed}: ",
                answered=lambda typed: self._do(lambda run: run.ask(why, typed)),
            ),
        )

    def _open_plan(self, *, undo: bool = False) -> None:
        """The plan of the action at the cursor (or of taking one back), with incident, run and suggestion filled in."""
        from console.runbook.plans import errand_of  # control is loaded with the first plan
        from console.screens.plan import PlanScreen

        try:
            errand = errand_of(self.app.session, self.view.run, undo=undo)
        except LookupError as error:
            self.say(str(error), "warning")
            return
        self.app.push_screen(PlanScreen(errand))

    # commands

    def do_take(self) -> None:
        if self.view is not None and self.view.run is None:
            self.app.take(self.view.id, self)
            return
        self._do(lambda run: run.take(), said="you drive it now")

    def do_skip(self) -> None:
        if self.view is None or self.view.current is None:
            self.say("there is no step to skip", "warning")
            return
        number = self.view.current.number
        self.ask(f"skip step {number}, because: ", answered=lambda why: self._do(lambda run: run.skip(why)))

    def do_undo(self) -> None:
        if self.view is None or self.view.run is None:
            self.say("nothing was done here that could be taken back", "warning")
        else:
            self._open_plan(undo=True)

    def do_handover(self) -> None:
        self.ask("hand over to: ", answered=lambda name: self._do(lambda run: run.hand_over(name), said=f"handed over to {name}"))

    def do_export(self) -> None:
        if self.view is None:
            self.say("still reading", "warning")
        else:
            self.app.in_background(self._export, self, "export")

    def _export(self) -> None:
        from console.runbook.postmortem import postmortem, write_postmortem

        assert self.target is not None
        lookout = self.app.lookout()
        folder = lookout.workspace.paths.evidence
        # One that was written before stays as it was: it may have been sent to somebody.
        names = (f"{self.view.id}-postmortem{f'-{number}' if number > 1 else ''}.md" for number in count(1))
        path = next(folder / name for name in names if not (folder / name).exists())
        write_postmortem(path, postmortem(lookout.sight(), self.target))
        self.app.call_from_thread(self.say, f"written: {path.relative_to(lookout.workspace.paths.root)} in the workspace")

    def _do(self, step: Callable[[Driving], Any], said: str = "") -> None:
        if self.view is None or self.view.run is None:
            self.say(self.view.why_no_run or "no run was started" if self.view is not None else "still reading", "warning")
            return
        run = self.view.run
        self.app.in_background(lambda: self._drive(run, step, said), self, "drive")

    def _drive(self, run: str, step: Callable[[Driving], Any], said: str) -> None:
        from console.acting import open_desk
        from console.runbook.driving import Driving

        lookout, session = self.app.lookout(), self.app.session
        with open_desk(lookout.workspace, lookout.environment, as_of=session.as_of, read_only=session.read_only) as desk:
            step(Driving(lookout.workspace, lookout.environment, desk, run))
        if said:
            self.app.call_from_thread(self.say, said)
        self.app.call_from_thread(self.reload)
