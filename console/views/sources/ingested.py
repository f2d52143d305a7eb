"""What became of the files that were taken in."""

from __future__ import annotations

from typing import Literal

from backends.records import Moment
from backends.text import Untrusted
from console.views.health.model import View


class IngestedFile(View):
    """One file. Its rows are `accepted + repeated + refused`."""

    path: str
    outcome: Literal["taken", "some refused", "not taken"]
    accepted: int
    """New facts, landed."""
    repeated: int
    """Rows that said nothing new."""
    refused: int
    rejects_path: str | None
    """Where the refused rows stand, one JSON object a line: `line`, `reason`, `row`."""
    problem: Untrusted | None
    """Why the file could not be taken; then nothing of it was."""


class IngestView(View):
    """Every file of one run, in the order given."""

    table: Literal["predictions", "labels", "metrics", "records", "events"]
    environment: str
    at: Moment
    files: tuple[IngestedFile, ...]
    accepted: int
    repeated: int
    refused: int
