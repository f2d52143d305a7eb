"""Whether a vote's signature is good: made by a key of that very person, for approvals, over exactly this payload, and not revoked.

OpenSSH decides (`ssh-keygen -Y verify`); what is said here beside it is which key it was and why not.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from backends.plain_file import A_LINK, of_a_group
from backends.records import Digest, digest_of_bytes
from backends.sshsig.allowed import LARGEST, Signer, SignersError, read_signers
from backends.sshsig.armour import read_signature
from backends.sshsig.keys import PublicKey
from backends.sshsig.programs import ProgramUnavailable
from backends.sshsig.verifying import is_revoked, verify
from console.control.approval import FOREIGN, Approval, Vote
from console.control.terms import SignerFiles, Signing

NAMESPACE: Final = "quarterdeck-approval@1"
"""What signatures are made for: one made for anything else, a commit above all, approves nothing."""

_STRICTNESS: Final = ("none", "optional", "required")


class TrustUnavailable(Exception):
    """It cannot be told whose keys are whose. `str()` is one line with the file and what to do."""


class NoOpenSSH(TrustUnavailable):
    """OpenSSH's own programs are not here, or do not answer."""


class SignatureState(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    MISSING = "missing"
    UNKNOWN_KEY = "unknown key"
    OTHER_PERSON = "another person's key"
    NOT_YET = "not valid yet"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NAMESPACE = "wrong namespace"
    ALTERED = "does not fit"
    """Made over something else, or with another key than it names."""
    MALFORMED = "no signature"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """One signature judged; `message` is one line that names the key."""

    state: SignatureState
    message: str
    fingerprint: str | None = None

    @property
    def good(self) -> bool:
        return self.state is SignatureState.GOOD


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose keys are whose, and which count no longer, as the files said when they were read."""

    signers: tuple[Signer, ...]
    allowed: bytes
    revoked: bytes | None
    allowed_path: Path
    revoked_path: Path | None

    @property
    def digest(self) -> Digest:
        """Of the file of allowed signers."""
        return digest_of_bytes(self.allowed)

    def of_person(self, person: str) -> tuple[Signer, ...]:
        """The keys of a person, in the order of the file."""
        return tuple(signer for signer in self.signers if signer.person == person)

    def owner(self, key: PublicKey) -> Signer | None:
        return next((signer for signer in self.signers if signer.key == key), None)

    def objection(self, signer: Signer, at: datetime) -> tuple[SignatureState, str] | None:
        """Why a listed key may not sign approvals at `at`; None when it may. Raises TrustUnavailable."""
        if not signer.takes(NAMESPACE):
            return SignatureState.NAMESPACE, f"may not be used for {NAMESPACE} ({self.allowed_path.name}:{signer.line})"
        if signer.valid_after is not None and at < signer.valid_after:
            return SignatureState.NOT_YET, f"is valid only from {_time(signer.valid_after)} on"
        if signer.valid_before is not None and at >= signer.valid_before:
            return SignatureState.EXPIRED, f"expired at {_time(signer.valid_before)}"
        if self.revoked is not None and self._revokes(signer.key):
            return SignatureState.REVOKED, f"is revoked ({self.revoked_path})"
        return None

    def _revokes(self, key: PublicKey) -> bool:
        try:
            return is_revoked(key, self.revoked or b"")
        except ValueError as error:
            raise TrustUnavailable(f"{self.revoked_path} cannot be used, so no signature counts: {error}") from None
        except ProgramUnavailable as error:
            raise NoOpenSSH(str(error)) from None


def open_trust(files: SignerFiles | None, folder: Path) -> Trust:
    """Read the files of keys. Raises TrustUnavailable when one of them is missing, malformed or writable by everybody."""
    if files is None:
        raise TrustUnavailable("no policy file says whose keys are whose: add  signatures: {allowed_signers: allowed_signers}")
    allowed_path = folder / files.allowed_signers
    revoked_path = None if files.revoked is None else folder / files.revoked
    allowed = _content(allowed_path, "lists whose keys are whose")
    revoked = None if revoked_path is None else _content(revoked_path, "lists the keys that are revoked")
    try:
        signers = read_signers(allowed.decode("utf-8"), str(allowed_path))
    except SignersError as error:
        raise TrustUnavailable(f"{error.problems[0]}; until it is mended nothing can be signed") from None
    except UnicodeDecodeError:
        raise TrustUnavailable(f"{allowed_path} is not UTF-8; until it is mended nothing can be signed") from None
    return Trust(signers, allowed, revoked, allowed_path, revoked_path)


def judge(signature: str | None, message: bytes, person: str, at: datetime, trust: Trust) -> SignatureVerdict:
    """What `signature` over `message` is worth as the word of `person` at the real moment `at`. Raises TrustUnavailable."""
    if signature is None:
        return SignatureVerdict(SignatureState.MISSING, f"{person} did not sign with a key")
    try:
        claim = read_signature(signature)
    except ValueError as error:
        return SignatureVerdict(SignatureState.MALFORMED, f"what {person} gave cannot be read: {error}")
    print_ = claim.key.fingerprint
    if claim.namespace != NAMESPACE:
        said = f"the signature with {print_} was made for {claim.namespace!r} and not for {NAMESPACE!r}"
        return SignatureVerdict(SignatureState.NAMESPACE, said, print_)
    owner = trust.owner(claim.key)
    if owner is None:
        return SignatureVerdict(SignatureState.UNKNOWN_KEY, f"the key {print_} is nobody's in {trust.allowed_path}", print_)
    if owner.person != person:
        return SignatureVerdict(SignatureState.OTHER_PERSON, f"the key {print_} is {owner.person}'s and not {person}'s", print_)
    objection = trust.objection(owner, at)
    if objection is not None:
        return SignatureVerdict(objection[0], f"{person}'s key {print_} {objection[1]}", print_)
    try:
        told = verify(message, signature, person=person, namespace=NAMESPACE, allowed=trust.allowed, at=at, revoked=trust.revoked)
    except ProgramUnavailable as error:
        raise NoOpenSSH(str(error)) from None
    if told is not None:
        return SignatureVerdict(
            SignatureState.ALTERED, f"the signature with {person}'s key {print_} does not fit the payload: {told}", print_
        )
    return SignatureVerdict(SignatureState.GOOD, f"good signature of {person} with {print_}", print_)


def judged_votes(approval: Approval, trust: Trust, at: datetime | None = None) -> Iterator[tuple[Vote, SignatureVerdict]]:
    """Each vote with what its signature is worth at `at`, default: when it was given. Raises TrustUnavailable."""
    message = approval.payload.signed_bytes()
    for vote in approval.votes:
        yield vote, judge(vote.signature, message, vote.person, at or vote.signed_at, trust)


def broken_votes(approval: Approval, asked: Signing, files: SignerFiles | None, folder: Path, at: datetime) -> tuple[str, ...]:
    """Why the votes of an approval no longer hold at `at`, one line each; empty when they do. Raises TrustUnavailable.

    Where signatures are required every vote needs one; where one was given it must be good in any case.
    """
    wanted = strictest(asked, approval.payload.signature)
    if wanted != "required" and not any(vote.signature for vote in approval.votes):
        return ()
    if wanted == "required" and approval.payload.journal is None:
        return (f"{approval.id} names no journal, so what was signed for it could come from another workspace",)
    trust = open_trust(files, folder)
    found = judged_votes(approval, trust, at)
    counts = {SignatureState.GOOD} if wanted == "required" else {SignatureState.GOOD, SignatureState.MISSING}
    return tuple(f"vote of {vote.person}: {verdict.message}" for vote, verdict in found if verdict.state not in counts)


def strictest(*asked: Signing) -> Signing:
    """The strictest of several demands."""
    return max(asked, key=_STRICTNESS.index)


def _content(path: Path, purpose: str) -> bytes:
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if of_a_group(path.parent) else 0)
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise TrustUnavailable(f"{path}, which {purpose}, is {A_LINK}") from None
        reason = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise TrustUnavailable(f"{path}, which {purpose}, {reason}: nothing can be signed and nothing holds without it") from None
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise TrustUnavailable(f"{path} is no regular file: move it away")
        if mode & stat.S_IWOTH:
            raise TrustUnavailable(f"{path} can be written by everybody on this machine: chmod o-w it first")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise TrustUnavailable(f"{path} is larger than {LARGEST:,} bytes")
    return content


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def signature_findings(approvals: Iterable[Approval], files: SignerFiles | None, folder: Path) -> tuple[list[str], list[str]]:
    """Every kept vote judged as of when it was given: what is wrong, and what is only worth knowing, one line each.

    A key that was revoked since is worth knowing: when it was used it had been verified against the list of that day. A list of keys
    that is gone is wrong: without it a forged vote could not be told from a good one.
    """
    approvals = list(approvals)
    foreign = [f"{each.id}: {FOREIGN}" for each in approvals if each.foreign]
    signed = [each for each in approvals if each.payload.signature == "required" or any(vote.signature for vote in each.votes)]
    if not any(each.votes for each in signed):
        return foreign, []
    try:
        wrong, worth = _findings(signed, open_trust(files, folder))
        return [*foreign, *wrong], worth
    except NoOpenSSH as error:
        return foreign, [f"signatures of approvals could not be verified: {error}"]
    except TrustUnavailable as error:
        return [*foreign, f"signatures of approvals cannot be verified: {error}"], []


def _findings(approvals: Iterable[Approval], trust: Trust) -> tuple[list[str], list[str]]:
    wrong: list[str] = []
    worth: list[str] = []
    for approval in approvals:
        if approval.payload.digest != approval.payload_digest:
            wrong.append(f"{approval.id}: its payload is not the one that its digest names")
        for vote, verdict in judged_votes(approval, replace(trust, revoked=None)):
            if verdict.state is SignatureState.MISSING and approval.payload.signature != "required":
                continue
            if not verdict.good:
                wrong.append(f"{approval.id}, vote of {vote.person}: {verdict.message}")
                continue
            owner = trust.owner(read_signature(vote.signature or "").key)
            objection = trust.objection(owner, vote.signed_at) if owner is not None else None
            if objection is not None:
                worth.append(f"{approval.id}, vote of {vote.person}: the key {verdict.fingerprint} {objection[1]} by now")
    return wrong, worth
