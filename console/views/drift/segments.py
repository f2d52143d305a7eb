"""Drift of the mix of answers and of their scores, by the values of one column."""

from __future__ import annotations

from datetime import date
from typing import Final

from backends.records import Moment, State
from backends.text import Untrusted
from console.views.health.model import View
from console.views.model_line import ModelLine

MINIMUM_ROWS: Final = 200
"""Rows on either side below which a segment gets no distances."""


class SegmentRow(View):
    """The answers that share one value of the column: how many of all they are, and how their scores and inputs moved among themselves."""

    value: Untrusted | None
    """None: the answers where the column is missing."""
    rows_reference: int
    rows_current: int
    share_reference: float | None
    share_current: float | None
    mean_reference: float | None = None
    mean_current: float | None = None
    """Mean scores."""
    score_psi: float | None = None
    usual_to: float | None = None
    """Over this the score PSI of the segment warns: what its own earlier windows of the same length showed."""
    state: State
    verdict: str
    worst_input: Untrusted | None = None
    """The input whose PSI within the segment is largest."""
    worst_psi: float | None = None


class SegmentsView(View):
    """Drift by the values of one column: the worst first, then the largest."""

    line: ModelLine
    zone: str
    at: Moment
    column: Untrusted
    first: date
    last: date
    reference_first: date
    reference_last: date
    rows_reference: int
    rows_current: int
    mix_psi: float | None
    """PSI of the shares of the segments."""
    minimum: int = MINIMUM_ROWS
    segments: tuple[SegmentRow, ...]
