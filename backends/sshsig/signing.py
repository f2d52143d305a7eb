"""Signs with `ssh-keygen -Y sign`: a private key file, or a public key whose private half an agent holds, here or forwarded."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Final

from backends.sshsig.armour import read_signature
from backends.sshsig.keys import PublicKey, read_key
from backends.sshsig.programs import PATIENT, run

_PRIVATE: Final = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC: Final = b"openssh-key-v1\0"
_LONGEST_FILE: Final = 65_536


class NotSigned(Exception):
    """Nothing was signed. `str()` is one line that says why."""


def sign(message: bytes, key: PublicKey | Path, namespace: str, *, may_ask: bool) -> str:
    """An armoured signature over `message`. Raises NotSigned or ProgramUnavailable.

    `key`: one that an agent holds, or a file with a private or a public key. `may_ask`: a passphrase may be asked for at the terminal.
    """
    with tempfile.TemporaryDirectory(prefix="quarterdeck-sig-") as folder:
        file = key if isinstance(key, Path) else Path(folder) / "key.pub"
        if isinstance(key, PublicKey):
            file.write_text(key.line + "\n", encoding="ascii")
        answer = run("ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(file), given=message, seconds=PATIENT, may_ask=may_ask)
    if answer.code != 0:
        raise NotSigned(f"ssh-keygen could not sign: {answer.told or 'it does not say why'}")
    signature = answer.output.decode("ascii", "replace")
    try:
        read_signature(signature)
    except ValueError as error:
        raise NotSigned(f"ssh-keygen gave something else than a signature: {error}") from None
    return signature


def key_of_file(file: Path) -> PublicKey:
    """The public key of a file that holds a public or a private key; no passphrase is needed. Raises NotSigned."""
    try:
        if not file.is_file():
            raise NotSigned(f"{file} is no file with a key")
        text = file.read_bytes()[:_LONGEST_FILE].decode("ascii", "replace")
        if text.startswith(_PRIVATE):
            return _public_half(text)
        if text.startswith("-----BEGIN"):
            # An older format hides the public key behind the passphrase; ssh-keygen wrote it beside.
            text = file.with_name(file.name + ".pub").read_text(encoding="utf-8")
        return read_key(text)
    except OSError as error:
        raise NotSigned(f"{error.filename} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise NotSigned(f"{file}: {error}") from None


def _public_half(text: str) -> PublicKey:
    """Source: OpenSSH's PROTOCOL.key: magic, cipher, kdf, its options, how many keys, then the public key in clear."""
    inner = text.partition("\n")[2].partition("-----END")[0]
    blob = base64.b64decode("".join(inner.split()), validate=True)
    if not blob.startswith(_MAGIC):
        raise ValueError("no private key of OpenSSH")
    rest = blob[len(_MAGIC) :]
    for _ in range(3):
        rest = rest[4 + int.from_bytes(rest[:4], "big") :]
    length = int.from_bytes(rest[4:8], "big")
    key = rest[8 : 8 + length]
    if len(key) < length or not length:
        raise ValueError("the key is cut off")
    return PublicKey(key)
