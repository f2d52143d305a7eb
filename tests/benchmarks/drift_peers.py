"""Other programs on the same files, each in an environment of its own below `.bench/`, installed where an index offers it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Peer:
    """A program: what is installed for it, and a script that compares the two files it is given."""

    name: str
    packages: tuple[str, ...]
    script: str


EVIDENTLY = Peer(
    "evidently 0.7.23",
    ("evidently==0.7.23", "pandas==2.3.3", "pyarrow"),
    """
import sys
import pandas
from evidently import Report
from evidently.presets import DataDriftPreset
one, two = (pandas.read_parquet(path) for path in sys.argv[1:3])
Report([DataDriftPreset()]).run(two, one).dict()
""",
)

NAIVE = Peer(
    "pandas and scipy by hand",
    ("pandas==2.3.3", "pyarrow", "scipy"),
    """
import sys
import numpy, pandas
from scipy import stats
one, two = (pandas.read_parquet(path) for path in sys.argv[1:3])
for name in one.columns:
    a, b = one[name].dropna(), two[name].dropna()
    if a.dtype.kind == "f":
        stats.ks_2samp(a, b, method="asymp"), stats.wasserstein_distance(a, b)
        edges = numpy.unique(numpy.quantile(a, numpy.linspace(0, 1, 11)))[1:-1]
        [numpy.bincount(numpy.searchsorted(edges, each, side="right"), minlength=len(edges) + 1) for each in (a, b)]
    elif a.dtype.kind != "M":
        table = pandas.concat([a.value_counts(), b.value_counts()], axis=1).fillna(0).to_numpy().T
        stats.chi2_contingency(table, correction=False)
""",
)

PEERS = (NAIVE, EVIDENTLY)


def python_of(peer: Peer, folder: Path) -> Path | str:
    """The interpreter of a peer's environment, made if it is not there; else the reason why there is none."""
    place = folder / peer.packages[0].replace("==", "-")
    ready = place / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        command = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", *peer.packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        ready.touch()
    return place / "bin" / "python"
