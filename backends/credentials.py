"""What looks like a credential is taken out of words that stay: reports of faults, and what people say in the audit."""

from __future__ import annotations

import re

_NAMED = r"(?i)((?:token|secret|password|passwd|api[_-]?key|authorization)[\"']?\s*[=:]\s*)"
_SECRET = re.compile(_NAMED + r"(?:[\"']?(?:bearer|basic|token)\s+)?(?:\"[^\"]*\"|'[^']*'|\S+)")
"""A value after its name, as in a setting, an address, a header, or a dictionary that was written out."""
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_USER_INFO = re.compile(r"://[^/\s@]+@")


def without_credentials(text: str) -> str:
    """`text` with `...` in the place of values that look like credentials."""
    return _USER_INFO.sub("://...@", _SCHEME.sub(r"\1 ...", _SECRET.sub(r"\1...", text)))
