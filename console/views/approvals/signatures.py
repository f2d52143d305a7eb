"""The signatures of a request: what each is worth, and what somebody needs to check them without this program."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final, Literal

from backends.durable import private_mode, replace_file
from console.acting import control_policy
from console.control.approvals import found, signing_asked
from console.control.identity import current_actor
from console.control.signatures import NAMESPACE, Trust, TrustUnavailable, open_trust
from console.control.terms import Signing
from console.views.approvals.request import VoteView, vote_views
from console.views.health.model import View
from console.views.sight import Sight

PAYLOAD: Final = "payload.json"


class SignaturesView(View):
    """What the votes of one request are worth at this moment."""

    id: str
    state: str
    zone: str
    payload_digest: str
    namespace: str
    asked: Signing
    votes: tuple[VoteView, ...]
    verdict: Literal["holds", "does not hold", "cannot be checked", "nobody signed"]
    allowed_signers: str | None = None
    revoked: str | None = None
    advisory: str | None = None
    """Why the files of keys are advice here: this person may change them."""


class BundleView(View):
    """Files with which stock `ssh-keygen` verifies a request, and the commands."""

    id: str
    folder: str
    files: tuple[str, ...]
    commands: tuple[str, ...]


def signatures_view(sight: Sight, approval_id: str) -> SignaturesView:
    """Verify every vote of a request again. Raises NotFound."""
    approval = found(sight.control, approval_id)
    policy = control_policy(sight.policies, sight.workspace, approval.payload.environment, current_actor(sight.clock))
    votes, asked = vote_views(sight, approval, policy), signing_asked(approval, policy)
    fits = approval.payload.digest == approval.payload_digest
    try:
        trust: Trust | None = open_trust(policy.signers, sight.workspace.paths.policies)
    except TrustUnavailable:
        trust = None
    return SignaturesView(
        id=approval.id,
        state=approval.state_at(sight.at).value,
        zone=sight.workspace.settings.display_zone,
        payload_digest=approval.payload_digest,
        namespace=NAMESPACE,
        asked=asked,
        votes=votes,
        verdict=_verdict(votes, asked) if fits else "does not hold",
        allowed_signers=str(trust.allowed_path) if trust is not None else None,
        revoked=str(trust.revoked_path) if trust is not None and trust.revoked_path is not None else None,
        advisory=_advisory(trust),
    )


def _verdict(votes: tuple[VoteView, ...], asked: Signing) -> Literal["holds", "does not hold", "cannot be checked", "nobody signed"]:
    states = {vote.signature for vote in votes}
    if "not checked" in states:
        return "cannot be checked"
    if states - {None, "good"} or (None in states and asked == "required"):
        return "does not hold"
    return "holds" if "good" in states else "nobody signed"


def _advisory(trust: Trust | None) -> str | None:
    """Said plainly: who may rewrite the list of keys can make anybody's signature good."""
    if trust is None:
        return None
    changeable = [path.name for path in (trust.allowed_path, trust.revoked_path) if path is not None and os.access(path, os.W_OK)]
    return f"you may write {' and '.join(changeable)}: keep a copy where you may not" if changeable else None


def export_bundle(sight: Sight, approval_id: str, folder: Path) -> BundleView:
    """Write the payload, each signature and the files of keys into `folder`. Raises NotFound, TrustUnavailable or OSError."""
    approval = found(sight.control, approval_id)
    policy = control_policy(sight.policies, sight.workspace, approval.payload.environment, current_actor(sight.clock))
    trust = open_trust(policy.signers, sight.workspace.paths.policies)
    contents = {PAYLOAD: approval.payload.signed_bytes(), "allowed_signers": trust.allowed}
    if trust.revoked is not None:
        contents["revoked_keys"] = trust.revoked
    commands = []
    for number, vote in enumerate(approval.votes, start=1):
        if vote.signature is None:
            continue
        name = f"vote-{number}.sig"
        contents[name] = vote.signature.encode()
        words = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", vote.person, "-n", NAMESPACE, "-s", name]
        words += [f"-Overify-time={vote.signed_at:%Y%m%d%H%M%S}Z"] + (["-r", "revoked_keys"] if trust.revoked is not None else [])
        commands.append(f"{shlex.join(words)} < {PAYLOAD}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        replace_file(folder / name, content, private_mode(folder))
    return BundleView(id=approval.id, folder=str(folder), files=tuple(contents), commands=tuple(commands))
