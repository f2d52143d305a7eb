"""On what terms an action is approved: how many people, who may not be among them, whether they sign with a key, and until when.

Also the terms of acting without all that: breaking the glass.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.records import Name
from console.control.actions import ActionKind

Signing = Literal["none", "optional", "required"]
"""Whether a vote is signed with an SSH key: never, when the person has one at hand, or always."""

Distinct = Literal["requester", "trainer"]
"""Whom an approver must not be."""


class Terms(BaseModel):
    """What one kind of action needs before it may be carried out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quorum: int = Field(default=1, ge=0)
    """How many other people must approve; 0: nobody."""
    signature: Signing = "none"
    different_from: tuple[Distinct, ...] = ("requester",)
    approve_within_hours: float = Field(default=24.0, gt=0)
    execute_within_hours: float = Field(default=48.0, gt=0)
    """Counted from the request, like `approve_within_hours`."""


class SignerFiles(BaseModel):
    """Where it stands whose keys are whose: files of OpenSSH's own formats, in the folder of the policies unless absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed_signers: Name
    revoked: Name | None = None
    """Keys that count no longer. Named here and not there, nothing is signed and nothing holds."""


class GlassTerms(BaseModel):
    """What may be done without the approvals that it needs: at once, with a typed reason, reviewed by somebody else afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beyond_safer: tuple[ActionKind, ...] = ()
    """Kinds for which the glass may be broken although they do not lead towards safety."""
    review_within_hours: float = Field(default=24.0, gt=0)


NOBODY: Final = Terms(quorum=0)
"""The terms of what needs nobody's approval."""


def people(needed: int, *, solo: bool = False) -> str:
    """`1 approval by another person`, `approvals by 2 other people`; `1 operator` where nobody is needed; one's own counts if `solo`."""
    if needed == 0:
        return "1 operator"
    if solo:
        return "1 approval, your own (solo)" if needed == 1 else f"{needed} approvals, your own counts (solo)"
    return "1 approval by another person" if needed == 1 else f"approvals by {needed} other people"
