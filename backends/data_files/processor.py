"""numpy, loaded so that it sorts fast on the processor at hand."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Final

SWITCH: Final = "NPY_DISABLE_CPU_FEATURES"
"""What numpy reads while it is loaded: instruction sets that it leaves alone."""

SLOW_AT_COMPRESSING: Final = ("AuthenticAMD", "25")
"""Vendor and family of processors that store compressed vectors in microcode: sorting by AVX-512 takes them five times what AVX2 takes."""


def load_numpy(described: Path = Path("/proc/cpuinfo")) -> bool:
    """Load numpy, without its widest instruction set where that sorts slower; says whether it was left out.

    Results are the same either way. Nothing happens when numpy is loaded already, or somebody has set the switch; it is taken back
    afterwards, so that no other process inherits it.
    """
    if "numpy" in sys.modules or SWITCH in os.environ or not _compresses_slowly(described):
        return False
    os.environ[SWITCH] = "X86_V4"
    try:
        with warnings.catch_warnings():
            # An older numpy has other names for it, says so, and sorts as before.
            warnings.simplefilter("ignore", ImportWarning)
            import numpy  # noqa: F401 - what is loaded is the point
    finally:
        del os.environ[SWITCH]
    return True


def _compresses_slowly(described: Path) -> bool:
    try:
        with described.open(encoding="ascii", errors="replace") as lines:
            first = lines.read(8192).split("\n\n", maxsplit=1)[0]
    except OSError:
        return False
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    return (told.get("vendor_id"), told.get("cpu family")) == SLOW_AT_COMPRESSING and "avx512f" in told.get("flags", "").split()
