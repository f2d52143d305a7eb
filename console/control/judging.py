"""People judging requests: approve, veto, withdraw."""

from __future__ import annotations

from backends.protocol import BackendError
from backends.records import SwitchState
from console.control import approvals
from console.control.actions import ALIAS_KINDS, PlanFacts
from console.control.approval import Approval, ApprovalPayload
from console.control.drawing import world_of
from console.control.errors import Refused
from console.control.post import Post


class Judging(Post):
    """Approvals of requests that somebody else filed."""

    def approve(
        self,
        approval_id: str,
        *,
        seen_digest: str,
        typed_name: str | None = None,
        reason: str = "",
        current_world: PlanFacts | None = None,
        signature: str | None = None,
    ) -> Approval:
        """Approve exactly the payload with digest `seen_digest`. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        payload = approvals.found(self._ledger.state(), approval_id).payload
        if payload.environment in self.policy.production and typed_name != payload.model:
            raise Refused(f"type {payload.model} to approve: nothing was signed")
        world = None if current_world is None else world_of(current_world, self._value_in_force(payload), self.policy)
        return approvals.approve(self._ledger, self.policy, approval_id, seen=seen_digest, world=world, reason=reason, signature=signature)

    def reject(self, approval_id: str, *, reason: str) -> Approval:
        """Veto a request, or withdraw one's own. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        if not reason.strip():
            raise Refused("a rejection needs a reason")
        return approvals.reject(self._ledger, self.policy, approval_id, reason=reason)

    def _value_in_force(self, payload: ApprovalPayload) -> str | None:
        try:
            if payload.action in ALIAS_KINDS:
                move = self._reach.aliases.alias(payload.environment, payload.model, payload.alias)
                return None if move is None else move.version
            setting = self._reach.switches.switch(payload.environment, payload.model)
            return SwitchState.NORMAL.value if setting is None else setting.state.value
        except BackendError as error:
            raise Refused(f"what is in force cannot be read, so nothing can be approved: {error}") from error
