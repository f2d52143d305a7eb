"""Running a process that learns: arrays out, what it learnt back, or why it did not."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

SECONDS: Final = 120
"""Seconds after which learning is stopped."""

PYTHON: Final = sys.executable

Arrays = dict[str, npt.NDArray[Any]]


class NotLearnt(Exception):
    """The process that learns did not answer: `str()` says why."""


def digest_of(arrays: Arrays) -> str:
    """One digest of all arrays, with their names, types and shapes."""
    summed = hashlib.sha256()
    for name in sorted(arrays):
        summed.update(f"\n{name} {arrays[name].dtype} {arrays[name].shape}\n".encode())
        summed.update(np.ascontiguousarray(arrays[name]).tobytes())
    return summed.hexdigest()


def learn(arrays: Arrays, program: Sequence[str]) -> dict[str, Any]:
    """What a program (words for Python) made of the arrays. Raises NotLearnt; nothing of a process that was killed is used."""
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as folder:
        source, target = Path(folder) / "arrays.npz", Path(folder) / "learnt.json"
        np.savez(source, **arrays)  # type: ignore[arg-type]  # the stubs take a keyword of their own for one of the arrays
        # One thread: learning must not take both cores from whoever looks at a screen.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            subprocess.run(
                [PYTHON, *program, str(source), str(target)], check=True, capture_output=True, timeout=SECONDS, env=environment,
                cwd=Path(__file__).parents[2],
            )  # fmt: skip
            found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
        except subprocess.TimeoutExpired:
            raise NotLearnt(f"learning took more than {SECONDS} s and was stopped") from None
        except subprocess.CalledProcessError as error:
            killed = f"killed by signal {-error.returncode}" if error.returncode < 0 else "no reason given"
            last = (error.stderr.decode(errors="replace").strip().splitlines() or [killed])[-1]
            raise NotLearnt(f"learning failed: {last}") from None
        except (OSError, ValueError) as error:
            raise NotLearnt(f"learning failed: {error}") from error
        return found
