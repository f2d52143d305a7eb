"""What an armoured SSH signature says of itself: key, namespace, hash. Source: OpenSSH's PROTOCOL.sshsig.

Nothing here decides whether a signature is good: it says which key and namespace to speak of when it is not.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from backends.sshsig.keys import PublicKey

BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
END: Final = "-----END SSH SIGNATURE-----"
LONGEST: Final = 16_384
"""Characters of the longest signature that is read."""
_MAGIC: Final = b"SSHSIG"


@dataclass(frozen=True, slots=True)
class SignatureClaim:
    """What a signature claims to be."""

    key: PublicKey
    namespace: str
    hash_algorithm: str


def read_signature(armoured: str) -> SignatureClaim:
    """Read an armoured signature. Raises ValueError saying what is wrong."""
    text = armoured.strip()
    if len(text) > LONGEST or not text.startswith(BEGIN) or not text.endswith(END):
        raise ValueError("no SSH signature")
    try:
        blob = base64.b64decode("".join(text[len(BEGIN) : -len(END)].split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the signature is cut off or not in base64") from None
    if blob[:6] != _MAGIC or int.from_bytes(blob[6:10], "big") != 1:
        raise ValueError("no SSH signature of version 1")
    fields: list[bytes] = []
    rest = blob[10:]
    for _ in range(5):
        length = int.from_bytes(rest[:4], "big")
        if len(rest) < 4 + length or len(rest) < 4:
            raise ValueError("the signature is cut off")
        fields.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    if rest:
        raise ValueError("something follows the signature")
    key, namespace, _reserved, hash_algorithm, _signed = fields
    try:
        return SignatureClaim(PublicKey(key), namespace.decode(), hash_algorithm.decode("ascii"))
    except UnicodeDecodeError:
        raise ValueError("the namespace of the signature is no text") from None
