"""Public keys as OpenSSH writes them, and the names that people know them by."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

ALGORITHM: Final = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+")
_LONGEST: Final = 16_384
"""Bytes of the largest key that is read: the largest RSA keys in use have about a tenth of it."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key; two are the same key when their bytes are."""

    blob: bytes
    """As it stands in a signature and, in base64, in `id_ed25519.pub`."""

    @property
    def algorithm(self) -> str:
        """`ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, ..."""
        length = int.from_bytes(self.blob[:4], "big")
        return self.blob[4 : 4 + length].decode("ascii", "replace")

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and 43 characters, as `ssh-keygen -l` prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        """As it stands in a file of keys, without a comment."""
        return f"{self.algorithm} {base64.b64encode(self.blob).decode()}"


def read_key(text: str) -> PublicKey:
    """The key of a line `ssh-ed25519 AAAA... [comment]`. Raises ValueError saying what is wrong."""
    words = text.split(None, 2)
    if len(words) < 2 or not ALGORITHM.fullmatch(words[0]):
        raise ValueError("no public key: a line begins with its kind, such as ssh-ed25519")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the key is cut off or not in base64") from None
    key = PublicKey(blob)
    if not 32 <= len(blob) <= _LONGEST or key.algorithm != words[0]:
        raise ValueError(f"the key is not of the kind {words[0]} that the line names")
    return key


def short_fingerprint(fingerprint: str) -> str:
    """`SHA256:9rTq..`: enough to tell the keys of one person apart on a line."""
    return fingerprint if len(fingerprint) <= 13 else f"{fingerprint[:11]}.."
