"""Incident: the playbook step by step at the left, what the step under the cursor is about at the right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.widget import Widget

from backends.shell_words import command_line
from console import commands
from console.render.incident import incident_heading, incident_page, playbook_line, step_rows, steps_width
from console.render.incident_detail import detail_rows
from console.screens.driving import DrivingScreen
from console.screens.keyed import ALWAYS
from console.session import who_am_i
from widgets.frame import OneLine
from widgets.line import Line, Page
from widgets.rows import Moved
from widgets.stepper import Stepper

if TYPE_CHECKING:
    from console.lookout import Lookout
    from console.screens.application import Application
    from console.screens.commanded import Commanded

CHOICE, DOUBT = "choice:", "doubt:"
OF_A_RUN = frozenset({"open", "skip", "handover"})
"""Keys that an incident without a run of a playbook has no use for."""

KEYS = ("open", "pane", "take", "skip", "note", "handover", "changes", "rollback", "kill")
WORDS = {"rollback": "", "kill": ""}
"""What line 24 says here behind a key, where the room is needed."""

ENTER = {"action": "open plan", "manual": "done", "note": "write", "escalate": "done", "decision": "decide"}
"""What Enter does at the step where the run stands, by the kind of the step."""


class PlaybookLine(OneLine):
    """Line 3: which playbook, and where its run stands."""

    def __init__(self) -> None:
        super().__init__()
        self._line = Line()

    def show(self, shown: Line) -> None:
        self._line = shown
        self.redraw()

    def composed(self, width: int) -> Line:
        return self._line.fitted(width)


class IncidentScreen(DrivingScreen):
    """One incident. Opening it starts its playbook, and answers the checks that need nobody."""

    scope = "incident"
    reading = "reading, and answering the checks that need nobody ..."

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self.playbook = PlaybookLine()
        self.stepper = Stepper()
        self.content = self.stepper.steps
        self._at: tuple[str, str] | None = None
        """The step, and its status, for which the cursor was placed last."""
        self._said_so = False
        self._told: str | None = None
        """The choice whose reasons are shown."""
        self._trouble: str | None = None
        self._only_looks: str | None = None
        """Why this person moves nothing here; said once, since line 23 is needed for the steps."""

    # reading

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        self._trouble = self._attended(lookout)
        return lookout.incident(self.target)

    def at_once(self, lookout: Lookout) -> Any:
        # What was done on the plan's own screen stands in the journal; how the model does takes longer to read.
        return lookout.incident_standing(self.view)

    def load_glance(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.incident(self.target)

    def page_at_a_glance(self, view: Any, width: int, height: int) -> Page:
        del height
        return incident_page(view, width=width)

    def _attended(self, lookout: Lookout) -> str | None:
        """Bring the run to where a person is needed; why that could not be done, when it could not."""
        if lookout.as_of is not None or self.app.session.read_only:
            return None
        from console.acting import open_desk  # control is loaded with the first incident
        from console.runbook.attending import attend, why_only_looking

        assert self.target is not None
        try:
            with open_desk(lookout.workspace, lookout.environment) as desk:
                attend(lookout.workspace, lookout.environment, desk, self.target)
                self._only_looks = why_only_looking(lookout.workspace, desk, self.target)
        except Exception as error:
            return f"the playbook was not moved on: {self.app.said_of(error)}"
        return None

    def forget(self) -> None:
        self.stepper.show((), ())
        super().forget()

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.view.model if self.view is not None else None

    # drawing

    def compose_content(self) -> Iterable[Widget]:
        yield self.playbook
        yield self.stepper

    def draw(self) -> None:
        if self.view is None or self.size.width == 0 or self.too_small:
            return
        width = self.size.width
        self.heading.show(incident_heading(self.view, width))
        self.playbook.show(playbook_line(self.view, width))
        self.show_verb(f"incident {self.view.id}")
        current = self.view.current
        place = (current.id, current.status) if current is not None else None
        moved = place is not None and place != self._at
        self.stepper.show(step_rows(self.view, width), self._detail(current.id if moved and current else self.content.cursor_key))
        if moved and current is not None:
            self._at = place
            self.content.put_cursor_on(current.id)
            self.stand(current)
        pane = self.stepper.detail if self.stepper.detail.has_focus else self.content
        row = pane.cursor_row or self.content.cursor_row
        self.why.show(row.why if row is not None else Line())
        if self._trouble:
            self.say(self._trouble, "warning")
        elif self._only_looks and not self._said_so:
            self._said_so = True
            self.say(f"you only look here: {self._only_looks}")

    def show_keys(self) -> None:
        """Line 24: what takes the run on, in the order in which it is needed."""
        known = {command.id: command for command in commands.on_screen(self.scope)}
        words = WORDS | {"open": self._enter()}
        shown = [known[name] for name in KEYS if self._is_of_use(name) and self.app.disabled(known[name]) is None]
        self.keys.show([(commands.key_words(command.keys[0]), words.get(command.id, command.footer)) for command in shown], kept=ALWAYS)

    def _is_of_use(self, name: str) -> bool:
        view = self.view
        if view is None:
            return False
        if name == "open":
            return bool(self._enter())
        if name == "pane":
            return self.stepper.detail.cursor_key is not None
        if name == "take":
            me = who_am_i(self.app.session.clock()).split("@")[0]
            return bool(view.state != "closed" and view.driver != me)
        if name in OF_A_RUN and view.run is None:
            return False
        return name != "skip" or view.current is not None

    def _enter(self) -> str:
        """What Enter does under the cursor, in a word; nothing: it does nothing there."""
        if self.view is None:
            return ""
        if self.stepper.detail.has_focus:
            key = self.stepper.detail.cursor_key or ""
            return "choose" if key.startswith(CHOICE) else "do it" if key.startswith(DOUBT) else ""
        step = self.view.current
        if step is None or step.id != self.content.cursor_key:
            return "other pane" if self.stepper.detail.cursor_key is not None else ""
        if step.status == "failed" or step.blocked:
            return "try again"
        if step.kind == "approval":
            return "ask" if step.approval is None else "look again"
        decisions = [each for each in self.view.steps[: step.number] if each.decision]
        if step.kind == "action" and decisions and not any(each.chosen for each in decisions):
            return ""
        return ENTER.get(step.kind, "look again")

    def _detail(self, key: str | None) -> Any:
        width = self.size.width
        return detail_rows(self.view, self.view.step(key), width - steps_width(width) - 1, self._told)

    def _tell_of(self, choice: str) -> None:
        """Below the choices: what speaks for the one that the cursor is on."""
        if choice != self._told:
            self._told = choice
            self.stepper.detail.show_rows(self._detail(self.content.cursor_key), mark_changes=False, take_order=True)

    def _show_detail(self, key: str | None) -> None:
        """Show what a step is about; on the way back to the decision that is open its cursor is on what is suggested."""
        detail = self.stepper.detail
        before = detail.cursor_key
        detail.show_rows(self._detail(key), mark_changes=False, take_order=True)
        step = self.view.step(key)
        if step is not None and step.decision is not None and not (before or "").startswith(CHOICE):
            detail.put_cursor_on(f"{CHOICE}{step.decision.suggested}")

    def stand(self, step: Any) -> None:
        """Put the cursor where a person is needed."""
        detail = self.stepper.detail
        if self.prompt.is_open:
            return
        if step.status == "in doubt":
            detail.put_cursor_on("doubt:recheck")
            detail.focus()
        elif step.decision is not None and step.status != "failed":
            detail.put_cursor_on(f"{CHOICE}{step.decision.suggested}")
            detail.focus()
        else:
            self.content.focus()

    def on_rows_moved(self, message: Moved) -> None:
        if message.view is self.content and self.view is not None and message.key == self.content.cursor_key:
            # One that was overtaken by another move says nothing any more: what it would show is not under the cursor.
            self._show_detail(message.key)
        choice = message.key or ""
        if message.view is self.stepper.detail and self.view is not None and choice.startswith(CHOICE):
            self._tell_of(choice.removeprefix(CHOICE))
        if message.view.has_focus and message.key is not None:
            # Detail without a row that can be chosen has nothing to say: the step keeps line 23.
            self.why.show(message.why)
        self.show_keys()

    def on_descendant_focus(self) -> None:
        self.show_keys()

    def _leave_prompt(self) -> None:
        super()._leave_prompt()
        if self.view is not None and self.view.current is not None:
            self.stand(self.view.current)

    # Enter

    def open_row(self, key: str) -> None:
        if key.startswith(CHOICE):
            self.choose(key.removeprefix(CHOICE))
        elif key.startswith(DOUBT):
            self.settle(key)
        elif self.view is not None and self.view.current is not None and self.view.current.id == key:
            self.take_step(self.view.current)
        elif self.stepper.detail.cursor_key is not None:
            self.stepper.detail.focus()

    def do_open(self) -> None:
        key = (self.stepper.detail.cursor_key if self.stepper.detail.has_focus else None) or self.content.cursor_key
        if key is not None:
            self.open_row(key)

    def do_pane(self) -> None:
        self.stepper.action_other_pane()

    def do_incident(self) -> None:
        self.say("this is it")


def open_incident(app: Application, screen: Commanded, words: str) -> None:
    """Open the incident named, or the newest open one of the model under the cursor."""
    from console.control.ledger import read_state  # control is loaded with the first incident

    control = read_state(app.session.paths, until=app.session.as_of)
    wanted = words or screen.model_of(screen.content.cursor_key) or ""
    found = control.incidents.get(wanted.upper())
    if found is None:
        opened = control.open_incidents(app.environment, wanted)
        found = opened[-1] if opened else None
    if found is None:
        declared = command_line("incident", "open", wanted or "MODEL", options={"--title": "T"})
        screen.say(f"no incident is open for {wanted or 'this row'}; declare one with: qd {declared}", "warning")
    else:
        app.go("incident", found.id)
