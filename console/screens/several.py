"""The plan of several models at once: each is listed, how many they are is typed, and where one is refused none moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.shell_words import command_line
from console.control.actions import SWITCH_STATES, ActionKind, ActionOutcome, ActionPlan, ActionState
from console.errands import preselected
from console.render.plan import outcome_lines, plan_body, plan_why
from console.screens.dialog import DialogScreen
from console.screens.plan import refused_word
from console.several import SeveralErrand, asked_for_all
from widgets.confirm import ChoiceMoved
from widgets.dialog import Choice, Plan
from widgets.line import MARKS, Line, line, rule, sides

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class DrawnTogether:
    """For each state the plan of every model, and the reason that the form starts with."""

    plans: dict[ActionKind, list[ActionPlan]]
    reason: str


class SeveralScreen(DialogScreen):
    """One state for the kill switches of several models, from the plan of each to the receipt of each."""

    asks = "up/down state  Tab to the button, Space presses it  Esc cancels"

    def __init__(self, errand: SeveralErrand, *, done: Callable[[], None] = lambda: None) -> None:
        """`done` is called once something was sent."""
        super().__init__()
        self.errand = errand
        self.drawn: DrawnTogether | None = None
        self.chosen: ActionKind | None = None
        self.outcomes: list[ActionOutcome] = []
        self._sent = done

    # in workers

    def first(self) -> DrawnTogether:
        return DrawnTogether(self.errand.plans(), self.errand.reason())

    def more(self) -> DrawnTogether:
        self.errand.read_facts()
        return self.first()

    def stand_by(self) -> None:
        self.errand.stand_by()

    def stand_down(self) -> None:
        self.errand.stand_down()

    def carry_out(self, reason: str, typed: str, choice: str | None) -> list[Line]:
        plans = self._plans(choice)
        self.outcomes = self.errand.execute(plans, reason=reason, typed=typed)
        self.app.call_from_thread(self._sent)
        zone, lines = self.errand.errands[0].workspace.zone, [rule(f"Receipts of {len(plans)} models", self.size.width)]
        for plan, outcome in zip(plans, self.outcomes, strict=True):
            lines.append(line(" ", (plan.model, "bold"), f"  {plan.action_id[:8]}"))
            lines += outcome_lines(plan, outcome, zone, (), self.size.width)[1:]
        return lines

    # on the screen

    def shown(self, found: Any) -> Plan:
        self.drawn = found
        if self.chosen is None:
            self.chosen = preselected({kind: plans[0] for kind, plans in found.plans.items()})
        return self._dialog()

    def resized(self) -> None:
        if self.drawn is not None and not self._confirmed:
            self.show_plan(self._dialog(), keep_form=True)

    def on_confirm_choice_moved(self, message: ChoiceMoved) -> None:
        message.stop()
        self.chosen = ActionKind(message.choice)
        self.show_plan(self._dialog(), keep_form=True)

    def ended(self) -> None:
        effective = sum(each.state is ActionState.EFFECTIVE for each in self.outcomes)
        self.heading.show(line((f"{effective} of {len(self.errand.errands)} effective", "bold")))

    def _plans(self, choice: str | None) -> list[ActionPlan]:
        assert self.drawn is not None
        assert self.chosen is not None
        return self.drawn.plans[ActionKind(choice) if choice else self.chosen]

    def _dialog(self) -> Plan:
        assert self.drawn is not None
        assert self.chosen is not None
        plans, width = self._plans(None), self.size.width
        refused = [plan for plan in plans if plan.refusal is not None]
        heading = line(("KILL SWITCH ", "bold"), (f"of {len(plans)} models", "bold"), f"   {plans[0].environment.upper()}")
        self.heading.show(sides(heading, line(("nothing sent yet", "dim")), width))
        told = plan_why((refused or plans)[0])
        self.why.show(
            line(f"{refused[0].model}: ", *told.spans) if refused else told, verb=command_line("kill", *(each.model for each in plans))
        )
        return Plan(
            lines=tuple(self._lines(plans, width)),
            act=f"Set {SWITCH_STATES[self.chosen].value} on {len(plans)}",
            name=asked_for_all(plans),
            asks=f"Type {asked_for_all(plans)} to enable:",
            reason=self.form.dialog.reason or self.drawn.reason,
            needs_reason=any(not plan.safer for plan in plans),
            refused=refused_word(refused[0]) if refused else "",
            choices=tuple(self._choice(kind) for kind in self.drawn.plans),
            chosen=self.chosen.value,
            choices_title=rule("Choose a state", width, "up/down: safer downwards"),
        )

    def _choice(self, kind: ActionKind) -> Choice:
        assert self.drawn is not None
        plans = self.drawn.plans[kind]
        refused, word = sum(plan.refusal is not None for plan in plans), SWITCH_STATES[kind].value
        said = f"{refused} of {len(plans)} refused" if refused else f"on {len(plans)} models"
        return Choice(kind.value, line(f"{word:<11} {said}"), f"Set {word} on {len(plans)}")

    def _lines(self, plans: Sequence[ActionPlan], width: int) -> list[Line]:
        """Each model with what becomes of it, and below that the whole plan of each."""
        lines: list[Line] = []
        for plan in plans:
            mark = ("X", "critical") if plan.refusal else (MARKS["ok"], "ok")
            movement = f"{plan.from_} goes on" if plan.renewal else f"{plan.from_} -> {plan.to}"
            lines.append(line(" ", mark, " ", (plan.model, "bold"), f"   {movement}" + (f"   {plan.refusal}" if plan.refusal else "")))
        zone = self.errand.errands[0].workspace.zone
        for plan, errand in zip(plans, self.errand.errands, strict=True):
            lines += [rule(plan.model, width), *plan_body(plan, zone, width, reading=errand.reading)]
        return lines
