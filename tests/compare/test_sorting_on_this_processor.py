"""The widest instruction set is left out only where it sorts slower, changes no result, and is inherited by nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOADS = """
import json, os, sys
from pathlib import Path
from backends.data_files.processor import SWITCH, load_numpy
left_out = load_numpy(Path(sys.argv[1]))
import numpy as np
values = np.random.default_rng(1).normal(size=50_000)
print(json.dumps([left_out, SWITCH in os.environ, np.sort(values).tolist()[::5000]]))
"""


def loaded(described: Path) -> tuple[bool, bool, list[float]]:
    done = subprocess.run([sys.executable, "-W", "error", "-c", LOADS, str(described)], capture_output=True, text=True, check=True)
    left_out, inherited, ordered = json.loads(done.stdout)
    return left_out, inherited, ordered


def described(path: Path, vendor: str, family: str, flags: str) -> Path:
    path.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\nflags\t\t: fpu {flags}\n\nprocessor\t: 1\n")
    return path


@pytest.mark.parametrize(
    ("vendor", "family", "flags", "expected"),
    [
        ("AuthenticAMD", "25", "avx2 avx512f", True),
        ("AuthenticAMD", "25", "avx2", False),
        ("AuthenticAMD", "26", "avx2 avx512f", False),
        ("GenuineIntel", "6", "avx2 avx512f", False),
    ],
)
def test_only_a_processor_that_sorts_slower_with_it_goes_without(
    tmp_path: Path, vendor: str, family: str, flags: str, expected: bool
) -> None:
    left_out, inherited, ordered = loaded(described(tmp_path / "cpuinfo", vendor, family, flags))
    assert (left_out, inherited) == (expected, False)
    assert ordered == loaded(tmp_path / "no such file")[2]
