"""Signing a request as the second person, or vetoing it. What is signed is what is on the screen."""

from __future__ import annotations

from typing import Any

from console.acting import open_desk
from console.config import open_workspace
from console.control.errors import JournalUnavailable, NotFound, Refused
from console.render.approvals import approval_heading, approval_lines, approval_why, signed_lines
from console.screens.dialog import DialogScreen
from console.session import Session
from console.views.approvals.asked import Asked, approval_asked, approval_at_once
from console.views.approvals.request import ApprovalView
from console.views.sight import Sight
from widgets.dialog import Plan
from widgets.line import Line, line, rule

PATIENCE = 30.0


class SignScreen(DialogScreen):
    """One signature or one veto, from what is asked to its receipt."""

    def __init__(self, session: Session, approval_id: str, *, veto: bool) -> None:
        super().__init__()
        self.session = session
        self.approval_id = approval_id
        self.veto = veto
        self.asked: Asked | None = None
        self.after: ApprovalView | None = None
        """The request as it stands once it was signed or vetoed."""

    # in workers

    def first(self) -> Asked:
        return Asked(approval_at_once(self._sight(), self.approval_id), None)

    def more(self) -> Asked:
        return approval_asked(self._sight(), self.approval_id, PATIENCE)

    def carry_out(self, reason: str, typed: str, choice: str | None) -> list[Line]:
        del choice
        assert self.asked is not None
        workspace = open_workspace(self.session.located.root)
        environment = self.asked.view.request.environment
        try:
            with open_desk(workspace, environment, as_of=self.session.as_of, read_only=self.session.read_only) as desk:
                if self.veto:
                    desk.reject(self.approval_id, reason=reason)
                else:
                    seen = self.asked.view.request.payload_digest
                    desk.approve(self.approval_id, seen_digest=seen, typed_name=typed, reason=reason, current_world=self.asked.world)
        except Refused as error:
            changed = [line(f"   {each}") for each in error.changed]
            return [
                rule("Receipt", self.size.width),
                line(" ", ("X refused", "critical"), f": {error}"),
                *changed,
                line(" Nothing was signed."),
            ]
        except (NotFound, JournalUnavailable) as error:
            return [rule("Receipt", self.size.width), line(" ", ("X failed", "critical"), f": {error}"), line(" Nothing was signed.")]
        self.after = after = approval_at_once(self._sight(), self.approval_id)
        if self.veto:
            return [rule("Receipt", self.size.width), line((f" {self.approval_id} is {after.request.state}; recorded", "bold"))]
        return [rule("Receipt", self.size.width), *(line(" ", *each.spans) for each in signed_lines(after))]

    # on the screen

    def shown(self, found: Any) -> Plan:
        self.asked = found
        return self._dialog()

    def resized(self) -> None:
        if self.asked is not None and not self._confirmed:
            self.show_plan(self._dialog(), keep_form=True)

    def ended(self) -> None:
        if self.after is not None:
            self.heading.show(approval_heading(self.after, self.size.width))
            self.why.show(approval_why(self.after))

    def _dialog(self) -> Plan:
        assert self.asked is not None
        view, width = self.asked.view, self.size.width
        self.heading.show(approval_heading(view, width))
        off = view.refusal if not self.veto else None
        self.why.show(
            line(("X", "critical"), f" {off}") if off else approval_why(view),
            verb=f"{'reject' if self.veto else 'approve'} {view.request.id}",
        )
        lines = tuple(each for each, _ in approval_lines(view, width))
        if self.veto:
            return Plan(
                lines, act=f"Reject {view.request.id}", refused=self._off(view.request.state not in {"pending", "approved"}, "ended")
            )
        refused = self._off(view.refusal is not None, "you may not") or ("it changed" if view.changed_since else "")
        name = self._typed_name(view.request.environment, view.request.model)
        asks = f"Type the {'model' if name == view.request.model else 'environment'}'s name to sign:"
        return Plan(lines, act=f"Sign {view.request.id}", name=name, asks=asks, needs_reason=False, refused=refused)

    def _off(self, refused: bool, word: str) -> str:
        return "read-only" if self.session.read_only else word if refused else ""

    def _typed_name(self, environment: str, model: str) -> str:
        from console.acting import control_policy
        from console.control.actions import ActionKind
        from console.control.identity import current_actor

        sight = self._sight()
        policy = control_policy(sight.policies, sight.workspace, environment, current_actor(sight.clock))
        return policy.typed_name((ActionKind.APPROVE,), environment, model) or ""

    def _sight(self) -> Sight:
        workspace = open_workspace(self.session.located.root)
        return Sight(workspace, self.session.environment or workspace.environment, workspace.clock(as_of=self.session.as_of))
