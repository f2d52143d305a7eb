"""Which version this is, found in a few milliseconds: `importlib.metadata` would load a mail parser for it."""

from __future__ import annotations

import os
import sys

DISTRIBUTION = "quarterdeck"


def installed_version() -> str:
    """The version of the installed distribution; `unknown` when the program runs without having been installed."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208 - pathlib alone costs more than all of this
        except OSError:
            continue
        for name in names:
            if name.startswith(f"{DISTRIBUTION}-") and name.endswith(".dist-info"):
                return name.removeprefix(f"{DISTRIBUTION}-").removesuffix(".dist-info")
    return "unknown"
