"""What the policy files say about approvals, as the executor takes it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from console.control.actions import MOVING_KINDS, ActionKind
from console.control.roles import ANY
from console.control.terms import GlassTerms, SignerFiles, Terms
from console.policies.load import Policies
from console.policies.rules import Guardrail

_GATED: Final = frozenset({ActionKind.PROMOTE, ActionKind.RESTORE})
"""What `*` in a guardrail asks a second person for. A step towards safety waits for one only where it is named."""


def approval_terms(policies: Policies, environment: str) -> dict[ActionKind, Terms]:
    """The terms of every kind of action that needs somebody's approval in `environment`."""
    found = {kind: _terms(policies, kind, environment) for kind in ActionKind if kind in MOVING_KINDS}
    return {kind: terms for kind, terms in found.items() if terms.quorum}


def signer_files(policies: Policies) -> SignerFiles | None:
    """Whose keys are whose; None where nothing is signed."""
    given = policies.signatures
    return None if given is None else SignerFiles(allowed_signers=given.allowed_signers, revoked=given.revoked)


def glass_terms(policies: Policies) -> GlassTerms:
    """What may be done without approval and reviewed afterwards."""
    given = policies.break_glass
    if given is None:
        return GlassTerms()
    beyond = tuple(kind for kind in ActionKind if kind.value in given.beyond_safer)
    return GlassTerms(beyond_safer=beyond, review_within_hours=given.review_within.total_seconds() / 3600)


def _terms(policies: Policies, kind: ActionKind, environment: str) -> Terms:
    rule = policies.approval_for(kind.value, environment)
    terms = Terms(quorum=0)
    if rule is not None:
        terms = Terms(
            quorum=rule.quorum,
            signature=rule.signature,
            different_from=rule.different_from,
            approve_within_hours=rule.approve_within.total_seconds() / 3600,
            execute_within_hours=rule.execute_within.total_seconds() / 3600,
        )
    if not terms.quorum and any(_asks_second(rail, kind, environment) for rail in policies.guardrails):
        # A guardrail only tightens: whoever else agrees is somebody else.
        return terms.model_copy(update={"quorum": 1, "different_from": tuple({*terms.different_from, "requester"})})
    return terms


def _asks_second(rail: Guardrail, kind: ActionKind, environment: str) -> bool:
    named = kind.value in rail.actions or (ANY in rail.actions and kind in _GATED)
    return rail.second_person and named and any(fnmatchcase(environment, pattern) for pattern in rail.where.environments)
