"""docs/benchmarks.md: the method, and the figures of the run that wrote it."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.measures import HEADER, Measure
from tests.benchmarks.workspaces import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"

METHOD = """# Benchmarks

`make bench` measures every budget beside its reference in one run and writes this page. Budgets are ratios wherever a ratio says
more than a time: a slow machine slows both sides. Nothing here runs in the test suite.

## Method

- The workspace is the demo on recorded flights, built once into `.bench/`.
- Processes and starts are interleaved: every case once a round, one round first that does not count. Both columns are medians; the
  ratio is the median of the ratios of neighbouring runs, so that a busy moment meets both sides.
- The console runs in a pseudo-terminal of 80x24 that knows synchronised output. A start counts from the creation of the process to the
  read that brings the text that was waited for. A key counts from the write of its bytes to the last byte that it causes; the picture is
  interpreted afterwards.
- *Live rows* are seen by a summary that calls every switch killed: once `normal` is on the screen, control has been read. *Computed
  from the store* has a summary that is too old to be shown as it is, so every model is judged again.
- Verbs that read are measured in CPU, of at most five rounds, just after a round of the watch; those without a budget are computed from
  rows, or look at everything, at each call.
- *Opens the store* is a process that imports duckdb and pydantic, attaches the newest generation and counts the predictions.
- The kill switch is set by keys in a console: K, the typed name, Tab, Space. It counts from the write of Space to the moment at which
  `switches.json` is another file. For the busy figures two processes take in 20,000 rows a file and merge what has landed, without a
  pause, at the priority at which `ingest` and `watch` do; Space is pressed only when both are at it.
- Figures depend on bytecode caches: `PYTHONDONTWRITEBYTECODE` must not be set.

## Figures

"""


def write(measures: Sequence[Measure]) -> None:
    """Replace the page."""
    rows = [HEADER, ("---",) * len(HEADER), *(measure.cells() for measure in measures)]
    PAGE.write_text(METHOD + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n", encoding="utf-8")
