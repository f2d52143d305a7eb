"""People judging requests: approve, veto, withdraw."""

from __future__ import annotations

from pathlib import Path

from backends.credentials import without_credentials
from backends.pipeline_protocol import NOTHING_ASKED
from backends.protocol import BackendError
from backends.records import SwitchState
from console.control import approvals, reviewing
from console.control.actions import HOLD_KINDS, SWITCH_STATES, ActionKind, PlanFacts
from console.control.approval import Approval, ApprovalPayload, World, difference
from console.control.approvals import Signed
from console.control.drawing import UNSURE, world_of
from console.control.errors import Refused
from console.control.holds import hold_in_force
from console.control.post import Post
from console.control.records import Review
from console.control.reviewing import Verdict
from console.control.signatures import Trust, TrustUnavailable, open_trust
from console.control.signing import ChosenKey, NoKey, choose_key, signed_with


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
        key_file: Path | None = None,
        may_ask: bool = False,
    ) -> Approval:
        """Approve exactly the payload with digest `seen_digest`, signed with a key where that is asked for.

        The key is the one in `key_file`, else one that an SSH agent holds; `may_ask`: a passphrase may be asked for at the terminal.
        Raises NotFound, Refused or JournalUnavailable.
        """
        self._require_standing()
        if self.policy.unsure:
            raise Refused(f"{UNSURE}, and nothing is approved: {self.policy.trouble}")
        found = approvals.found(self._ledger.state(), approval_id)
        payload = found.payload
        if (one := approvals.one_person(self.policy, found, self.actor)) is not None:
            raise Refused(one)
        wanted = self.policy.typed_name((ActionKind.APPROVE,), payload.environment, payload.model)
        if wanted is not None and typed_name != wanted:
            raise Refused(f"type {wanted} to approve: nothing was signed")
        world = None if current_world is None else world_of(current_world, self._value_in_force(payload), self.policy, payload.action)
        signed = self._signed(approval_id, seen_digest, world, key_file, may_ask)
        return approvals.approve(
            self._ledger, self.policy, approval_id, seen=seen_digest, world=world, reason=without_credentials(reason), signed=signed
        )

    def signing_key(self, approval_id: str, key_file: Path | None = None) -> ChosenKey | None:
        """The key that this person would sign a request with; None where it is approved without one. Raises NotFound or Refused."""
        asked = approvals.signing_asked(approvals.found(self._ledger.state(), approval_id), self.policy)
        if asked == "none" and key_file is None:
            return None
        try:
            return choose_key(self._trust(), self.actor.name, self.clock.real_now(), key_file)
        except NoKey:
            if asked == "required" or key_file is not None:
                raise
            return None

    def reject(self, approval_id: str, *, reason: str) -> Approval:
        """Veto a request, or withdraw one's own. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        if not reason.strip():
            raise Refused("a rejection needs a reason")
        return approvals.reject(self._ledger, self.policy, approval_id, reason=without_credentials(reason))

    def review(self, review_id: str, *, verdict: Verdict, reason: str) -> Review:
        """Say what was found about a broken glass. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        self._ledger.absorb()
        return reviewing.review(self._ledger, self.policy, review_id, verdict=verdict, text=without_credentials(reason))

    def _signed(self, approval_id: str, seen: str, world: World | None, key_file: Path | None, may_ask: bool) -> Signed | None:
        """The signature of this person; nobody touches a key for a request that could not be approved anyway."""
        approval = approvals.may_vote(self._ledger.state(), self.policy, self.actor.name, self.clock.now(), approval_id, seen)
        if approval is None or (world is not None and difference(approval.payload.world, world)):
            return None
        chosen = self.signing_key(approval_id, key_file)
        if chosen is None:
            return None
        return signed_with(chosen, approval, self.actor.name, self.clock.real_now(), self._trust(), may_ask=may_ask)

    def _trust(self) -> Trust:
        try:
            return open_trust(self.policy.signers, self.paths.policies)
        except TrustUnavailable as error:
            raise Refused(f"nothing was signed: {error}") from None

    def _value_in_force(self, payload: ApprovalPayload) -> str | None:
        try:
            if payload.action in SWITCH_STATES:
                setting = self._reach.switches.switch(payload.environment, payload.model)
                return SwitchState.NORMAL.value if setting is None else setting.state.value
            if payload.action in HOLD_KINDS:
                return hold_in_force(self._reach.pipelines, payload.environment, payload.model, payload.to)
            if payload.action is ActionKind.RETRAIN and self._reach.pipelines is not None:
                asked = self._reach.pipelines.request(payload.environment, payload.model)
                return NOTHING_ASKED if asked is None else asked.value
            if payload.action is ActionKind.RETAIN and self._reach.rows is not None:
                return self._reach.rows.standing(payload.environment, payload.model)
            move = self._reach.aliases.alias(payload.environment, payload.model, payload.alias)
            return None if move is None else move.version
        except BackendError as error:
            raise Refused(f"what is in force cannot be read, so nothing can be approved: {error}") from error
