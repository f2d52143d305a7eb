"""Whether a signature is good, by the word of `ssh-keygen -Y verify`, and whether a key was revoked."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

from backends.sshsig.keys import PublicKey, read_key
from backends.sshsig.programs import ProgramUnavailable, run

_KRL: Final = b"SSHKRL\n\0"


def verify(
    message: bytes, signature: str, *, person: str, namespace: str, allowed: bytes, at: datetime, revoked: bytes | None = None
) -> str | None:
    """None when `signature` over `message` is good for `person` at the moment `at`, else what ssh-keygen said.

    `allowed` and `revoked` are the contents of the files: what was read and judged is what is used. Raises ProgramUnavailable.
    """
    with tempfile.TemporaryDirectory(prefix="quarterdeck-sig-") as folder:
        place = Path(folder)
        (place / "allowed_signers").write_bytes(allowed)
        (place / "signature").write_text(signature.strip() + "\n", encoding="ascii", errors="replace")
        arguments = ["-Y", "verify", "-f", str(place / "allowed_signers"), "-I", person, "-n", namespace]
        arguments += ["-s", str(place / "signature"), f"-Overify-time={at.astimezone():%Y%m%d%H%M%S}"]
        if revoked is not None:
            (place / "revoked").write_bytes(revoked)
            arguments += ["-r", str(place / "revoked")]
        answer = run("ssh-keygen", *arguments, given=message)
    if answer.code == 0 and answer.output.startswith(b"Good "):
        return None
    return answer.told or "ssh-keygen does not find it good"


def is_revoked(key: PublicKey, revoked: bytes) -> bool:
    """Whether a revocation list names a key. Raises ValueError when the list cannot be read, and ProgramUnavailable."""
    if not revoked.startswith(_KRL):
        return key in listed_keys(revoked)
    with tempfile.TemporaryDirectory(prefix="quarterdeck-sig-") as folder:
        place = Path(folder)
        (place / "revoked").write_bytes(revoked)
        (place / "key.pub").write_text(key.line + "\n", encoding="ascii")
        answer = run("ssh-keygen", "-Q", "-f", str(place / "revoked"), str(place / "key.pub"))
    if b"REVOKED" in answer.output:
        return True
    if answer.code != 0:
        raise ValueError(answer.told or "no key revocation list")
    return False


def listed_keys(revoked: bytes) -> frozenset[PublicKey]:
    """The keys of a revocation list of one public key a line. Raises ValueError naming the line that is none."""
    found = []
    for number, line in enumerate(revoked.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            found.append(read_key(line))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return frozenset(found)


def offered_keys() -> list[PublicKey]:
    """The keys that the agent of this session can sign with; empty without one. Raises ProgramUnavailable."""
    answer = run("ssh-add", "-L")
    if answer.code == 1:
        return []
    if answer.code != 0:
        raise ProgramUnavailable(f"no SSH agent answers ({answer.told}): forward yours with ssh -A, or give --key-file")
    keys = []
    for line in answer.output.decode("utf-8", "replace").splitlines():
        try:
            keys.append(read_key(line))
        except ValueError:
            # What this program cannot read it cannot choose either.
            continue
    return keys
