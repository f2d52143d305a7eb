"""The plan of an action: rollback, kill switch, promotion, closing an incident. Opened by a capital letter; it never acts by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from console.control.actions import SERVING_KINDS, SWITCH_STATES, ActionKind, ActionOutcome, ActionPlan, ActionState
from console.errands import SWITCH_CHOICES, Errand, offered, preselected
from console.render import figures
from console.render.plan import button_words, outcome_lines, plan_body, plan_heading, plan_why
from console.screens.dialog import DialogScreen
from widgets.confirm import AtOnceAsked, ChoiceMoved
from widgets.dialog import Choice, Focus, Plan
from widgets.line import Line, line, rule, sides

if TYPE_CHECKING:
    from console.control.actions import WouldHelp


@dataclass(frozen=True, slots=True)
class Drawn:
    """Plans by kind, and the reason that the form starts with."""

    plans: dict[ActionKind, ActionPlan]
    reason: str


class PlanScreen(DialogScreen):
    """One errand, from its plan to its receipt."""

    def __init__(self, errand: Errand) -> None:
        super().__init__()
        self.errand = errand
        self.drawn: Drawn | None = None
        self.chosen: ActionKind | None = None
        self._touched = False
        self.outcome: ActionOutcome | None = None
        if errand.kinds == SWITCH_CHOICES:
            self.asks = "up/down state  Tab to the button, Space presses it  Esc cancels"

    def keys_said(self) -> str:
        if self.drawn is None or self.chosen is None or self.errand.kinds == SWITCH_CHOICES:
            return super().keys_said()
        # By this the action is found again in the audit, whatever becomes of the line to this terminal.
        return f"{super().keys_said()}  {self.drawn.plans[self.chosen].action_id[:6]}"

    # in workers

    def first(self) -> Drawn:
        return Drawn(self.errand.plans(), self.errand.reason())

    def more(self) -> Drawn | None:
        self.errand.read_facts()
        return Drawn(self.errand.plans(), self.errand.reason())

    def stand_by(self) -> None:
        self.errand.stand_by()

    def stand_down(self) -> None:
        self.errand.stand_down()

    def carry_out(self, reason: str, typed: str, choice: str | None) -> list[Line]:
        plan = self._plan(choice)
        self.outcome = self.errand.execute(plan, reason=reason, typed=typed)
        record = self.errand.record(self.outcome.action_id)
        zone = self.errand.workspace.zone
        moments = [(record.intended_at, "intended"), (record.sent_at, "sent"), (record.finished_at, "ended")] if record else []
        times = [(word, when.astimezone(zone).strftime("%H:%M:%S")) for when, word in moments if when is not None]
        return [*outcome_lines(plan, self.outcome, zone, times, self.size.width), *self._written_down()]

    def _written_down(self) -> list[Line]:
        """Keep in the playbook's run what was done for it; what hinders that, since the incident's page will do it later."""
        if self.errand.run is None or self.errand.incident is None:
            return []
        from console.runbook.attending import adopt, runner_for  # loaded with the first playbook

        try:
            with self.errand.desk(keep=True) as desk:
                adopt(runner_for(self.errand.workspace, self.errand.environment, desk, self.errand.run, self.errand.incident))
        except Exception as error:
            return [line((f" the playbook was not moved on: {self.app.said_of(error)}", "warning"))]
        return []

    def afterwards(self) -> list[Line]:
        if self.outcome is None or self.outcome.kind not in SERVING_KINDS or self.outcome.state is not ActionState.EFFECTIVE:
            return []
        from console.render.effect import effect_lines  # loads the store
        from console.views.incidents.effect import effect_view

        sight = self.app.lookout().sight()
        with sight.reader() as reader:
            return effect_lines(effect_view(sight, reader, self.outcome.action_id), self.size.width)

    # on the screen

    def shown(self, found: Any) -> Plan:
        self.drawn = found
        if self.errand.kinds == SWITCH_CHOICES and not self._touched and not self.form.dialog.typed:
            best = next((plan.would_help.best for plan in found.plans.values() if plan.would_help and plan.would_help.best), None)
            self.chosen = preselected(found.plans, self.errand.suggested or best)
        elif self.chosen is None:
            self.chosen = self.errand.kinds[0]
        return self._dialog()

    def resized(self) -> None:
        if self.drawn is not None and not self._confirmed:
            self.show_plan(self._dialog(), keep_form=True)

    def on_confirm_choice_moved(self, message: ChoiceMoved) -> None:
        message.stop()
        self._touched = True
        self.chosen = ActionKind(message.choice)
        self.show_plan(self._dialog(), keep_form=True)

    def on_confirm_at_once_asked(self, message: AtOnceAsked) -> None:
        message.stop()
        self.errand.break_glass = True
        # Who reviews it reads the reason: it is typed for this, and nothing that was filled in before counts.
        self.form.dialog.reason = ""
        self.draw_again()

    def started(self) -> list[Line]:
        now = self.app.session.clock().now()
        zone = self.errand.workspace.zone
        self.heading.show(line(("being sent ...", "bold")))
        return [rule("Receipt", self.size.width), line((f" intended {now.astimezone(zone):%H:%M:%S}, being sent ...", "bold"))]

    def ended(self) -> None:
        if self.outcome is not None and self.drawn is not None and self.chosen is not None:
            self.heading.show(plan_heading(self.drawn.plans[self.chosen], self.size.width, self.outcome))

    def _plan(self, choice: str | None) -> ActionPlan:
        assert self.drawn is not None
        return self.drawn.plans[ActionKind(choice) if choice else self.errand.kinds[0]]

    def _dialog(self) -> Plan:
        assert self.drawn is not None
        assert self.chosen is not None
        plan, zone, width = self.drawn.plans[self.chosen], self.errand.workspace.zone, self.size.width
        switch = self.errand.kinds == SWITCH_CHOICES
        self.heading.show(switch_heading(plan, zone, width) if switch else plan_heading(plan, width))
        self.why.show(plan_why(plan), verb=plan.verb)
        return Plan(
            lines=tuple(plan_body(plan, zone, width, reading=self.errand.reading)),
            act=button_words(plan),
            name=plan.typed_name or "",
            asks=asks_for(plan),
            reason=self.form.dialog.reason or self.drawn.reason,
            needs_reason=plan.break_glass or not plan.safer,
            refused=refused_word(plan),
            at_once=plan.at_once,
            choices=tuple(self._choices(self.drawn.plans)) if switch else (),
            chosen=self.chosen.value if switch else None,
            choices_title=rule("Choose a state", width, "up/down: safer downwards") if switch else Line(),
        )

    def _choices(self, plans: dict[ActionKind, ActionPlan]) -> list[Choice]:
        return [
            Choice(kind.value, line(f"{SWITCH_STATES[kind].value:<11} ", *_description(plans[kind])), button_words(plans[kind]))
            for kind in offered(plans)
        ]


def _description(plan: ActionPlan) -> list[Any]:
    if plan.renewal:
        return ["in force: it goes on, and its owner is asked later"]
    words: list[Any] = [plan.target[0] if plan.target else _WITHOUT_FACTS[plan.kind]]
    if plan.kind is ActionKind.FALLBACK and plan.would_help is not None:
        words.append(_numbers(plan.would_help))
    return words


_WITHOUT_FACTS = {
    ActionKind.RESTORE: "the version in force answers again",
    ActionKind.DEGRADE: "the version answers; readers are told it is degraded",
    ActionKind.FALLBACK: "the declared safe default answers",
    ActionKind.KILL: "no answer; callers use their own default",
}


def _numbers(found: WouldHelp) -> str:
    by_name = {candidate.name: candidate for candidate in found.candidates}
    fallback, serving = by_name.get("fallback"), next((each for each in found.candidates if each.current), None)
    if fallback is None or serving is None:
        return ""
    measure = "brier" if "brier" in fallback.metrics else "mae"
    title = "Brier" if measure == "brier" else "MAE"
    now = f" ({figures.share(serving.metrics.get(measure))} now)" if measure in serving.metrics else ""
    return f". {title} {figures.share(fallback.metrics.get(measure))}{now}"


def switch_heading(plan: ActionPlan, zone: ZoneInfo, width: int) -> Line:
    """Line 2 of the kill switch: the model, and the state that was read back just now."""
    read = f"now: {plan.from_}, read back {plan.drawn_at.astimezone(zone):%H:%M:%S}" if plan.from_ else "its state cannot be read"
    return sides(line(("KILL SWITCH ", "bold"), (plan.model, "bold"), f"   {plan.environment.upper()}"), line(read), width)


def asks_for(plan: ActionPlan) -> str:
    """The words before the field in which a name is typed."""
    if plan.bulk > 1:
        return f"Type {plan.typed_name} to enable:"
    return f"Type the {'environment' if plan.typed_name == plan.environment != plan.model else 'model'}'s name to enable:"


def refused_word(plan: ActionPlan) -> str:
    """Why the button is off, in a word or two; empty when it is on."""
    if plan.refusal is None:
        return ""
    return next((word for sign, word in _REFUSED_WORDS if sign in plan.refusal), "refused")


_REFUSED_WORDS = (
    ("read-only for this", "elevate first"),
    ("read-only", "read-only"),
    ("past", "the past"),
    ("needs one of", "not your role"),
    ("towards safety", "policy says no"),
)


__all__ = ["Drawn", "Focus", "PlanScreen", "refused_word", "switch_heading"]
