"""Reviewing a broken glass: whether it was justified, by somebody else, in words that are kept."""

from __future__ import annotations

from typing import Any

from console.acting import control_policy, open_desk
from console.config import open_workspace
from console.control.errors import JournalUnavailable, NotFound, Refused
from console.control.identity import current_actor
from console.render.reviews import review_heading, review_lines
from console.screens.dialog import DialogScreen
from console.session import Session
from console.views.approvals.reviews import ReviewView, review_view
from console.views.sight import Sight
from widgets.dialog import Plan
from widgets.line import Line, line, rule


class ReviewScreen(DialogScreen):
    """One review, from what was done to its receipt."""

    def __init__(self, session: Session, review_id: str, *, justified: bool) -> None:
        super().__init__()
        self.session = session
        self.review_id = review_id
        self.justified = justified
        self.found: ReviewView | None = None

    @property
    def verdict(self) -> str:
        return "justified" if self.justified else "not justified"

    # in workers

    def first(self) -> ReviewView:
        return self._view()

    def carry_out(self, reason: str, typed: str, choice: str | None) -> list[Line]:
        del typed, choice
        assert self.found is not None
        workspace = open_workspace(self.session.located.root)
        environment = self.found.review.environment
        try:
            with open_desk(workspace, environment, as_of=self.session.as_of, read_only=self.session.read_only) as desk:
                desk.review(self.review_id, verdict="justified" if self.justified else "not justified", reason=reason)
        except Refused as error:
            return [rule("Receipt", self.size.width), line(" ", ("X refused", "critical"), f": {error}")]
        except (NotFound, JournalUnavailable) as error:
            return [rule("Receipt", self.size.width), line(" ", ("X failed", "critical"), f": {error}")]
        after = self._view().review
        return [rule("Receipt", self.size.width), line((f" {after.id} is reviewed: {after.state}", "bold"), ", recorded")]

    # on the screen

    def shown(self, found: Any) -> Plan:
        self.found = found
        return self._dialog()

    def resized(self) -> None:
        if self.found is not None and not self._confirmed:
            self.show_plan(self._dialog(), keep_form=True)

    def _dialog(self) -> Plan:
        assert self.found is not None
        view, width = self.found, self.size.width
        self.heading.show(review_heading(view, width))
        said = line(("X", "critical"), f" {view.refusal}") if view.refusal else line("what you write stays in the audit")
        self.why.show(said, verb=f"review {view.review.id}")
        off = "read-only" if self.session.read_only else "you may not" if view.refusal is not None else ""
        return Plan(tuple(review_lines(view, width)), act=f"Reviewed: {self.verdict}", refused=off)

    def _view(self) -> ReviewView:
        workspace = open_workspace(self.session.located.root)
        sight = Sight(workspace, self.session.environment or workspace.environment, workspace.clock(as_of=self.session.as_of))
        actor = current_actor(sight.clock)
        return review_view(sight, self.review_id, actor, control_policy(sight.policies, workspace, sight.environment, actor))
