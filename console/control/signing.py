"""Which key a person signs an approval with, and the signature, found good before anything is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backends.sshsig.keys import PublicKey, short_fingerprint
from backends.sshsig.programs import ProgramUnavailable
from backends.sshsig.signing import NotSigned, key_of_file, sign
from backends.sshsig.verifying import offered_keys
from console.control.approval import Approval
from console.control.approvals import Signed
from console.control.errors import Refused
from console.control.signatures import NAMESPACE, Trust, TrustUnavailable, judge


class NoKey(Refused):
    """This person has no key at hand that may sign."""


@dataclass(frozen=True, slots=True)
class ChosenKey:
    """The key that somebody would sign with."""

    key: PublicKey
    file: Path | None = None
    """Given by name; None: an agent holds it."""

    @property
    def fingerprint(self) -> str:
        return self.key.fingerprint


def choose_key(trust: Trust, person: str, at: datetime, file: Path | None = None) -> ChosenKey:
    """The key of `person` to sign with at the real moment `at`: the one in `file`, else the first listed one that the agent holds.

    Raises NoKey when there is none, saying of each key why not, or Refused when that cannot be told.
    """
    try:
        if file is not None:
            return _given(trust, person, at, file)
        return _offered(trust, person, at)
    except TrustUnavailable as error:
        raise Refused(f"nothing was signed: {error}") from None
    except (NotSigned, ProgramUnavailable) as error:
        raise NoKey(f"nothing was signed: {error}") from None


def signed_with(chosen: ChosenKey, approval: Approval, person: str, at: datetime, trust: Trust, *, may_ask: bool) -> Signed:
    """Sign the payload and see that the signature is good. Raises Refused: nothing was signed, or what was signed does not count.

    `may_ask`: a passphrase may be asked for at the terminal.
    """
    message = approval.payload.signed_bytes()
    try:
        signature = sign(message, chosen.file or chosen.key, NAMESPACE, may_ask=may_ask)
        verdict = judge(signature, message, person, at, trust)
    except (NotSigned, ProgramUnavailable, TrustUnavailable) as error:
        raise Refused(f"nothing was signed: {error}") from None
    if not verdict.good:
        raise Refused(f"the signature does not count: {verdict.message}")
    return Signed(signature, chosen.fingerprint, trust.digest)


def _given(trust: Trust, person: str, at: datetime, file: Path) -> ChosenKey:
    key = key_of_file(file)
    owner = trust.owner(key)
    if owner is None:
        raise NoKey(f"the key {key.fingerprint} of {file} is nobody's in {trust.allowed_path}: nothing was signed")
    if owner.person != person:
        raise NoKey(f"the key {key.fingerprint} of {file} is {owner.person}'s and not {person}'s: nothing was signed")
    objection = trust.objection(owner, at)
    if objection is not None:
        raise NoKey(f"{person}'s key {key.fingerprint} {objection[1]}: nothing was signed")
    return ChosenKey(key, file)


def _offered(trust: Trust, person: str, at: datetime) -> ChosenKey:
    mine = trust.of_person(person)
    if not mine:
        raise NoKey(f"no key is {person}'s in {trust.allowed_path}: nothing can be signed as {person}")
    offered = set(offered_keys())
    held = [signer for signer in mine if signer.key in offered]
    if not held:
        prints = ", ".join(short_fingerprint(signer.key.fingerprint) for signer in mine)
        has = f"holds {len(offered)} other key{'' if len(offered) == 1 else 's'}" if offered else "holds no key"
        raise NoKey(f"your SSH agent {has}, none of {person}'s ({prints}): ssh-add it, forward it with ssh -A, or give --key-file")
    said = []
    for signer in held:
        objection = trust.objection(signer, at)
        if objection is None:
            return ChosenKey(signer.key)
        said.append(f"{short_fingerprint(signer.key.fingerprint)} {objection[1]}")
    raise NoKey(f"no key of {person}'s in your SSH agent may sign: {'; '.join(said)}")
