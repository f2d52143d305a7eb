"""Judging how well a classifier tells two periods apart: by how well it told earlier windows apart, never by a fixed limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backends.records import State
from console.analysis.bands import Verdict

MINIMUM_WINDOWS: Final = 4
"""Earlier windows below which there is nothing to judge by."""

SMALL_AUC: Final = 0.59
"""AUC below which periods can hardly be told apart, however unusual: what a normal column has whose shift has a PSI of .1."""


def judged_apart(auc: float | None, low: float | None, earlier: Sequence[float], window: str = "week") -> Verdict:
    """State of the AUC with which inputs of a window are told from the reference; `low` is the lower end of its 95 % interval.

    `warning` when even `low` lies above every earlier window and above `SMALL_AUC`. Never critical: inputs that are unlike the
    reference are a reason to look, and only outcomes say that the model is worse. Fewer than four earlier windows: unknown.
    """
    if auc is None or low is None:
        return Verdict(State.UNKNOWN, "not computable: no number for this window")
    if len(earlier) < MINIMUM_WINDOWS:
        many = f"{len(earlier)} earlier {window}{'' if len(earlier) == 1 else 's'}"
        return Verdict(State.UNKNOWN, f"only {many} to judge by; {MINIMUM_WINDOWS} are needed", auc)
    most = max(earlier)
    over = max(most, SMALL_AUC)
    if low > over:
        beyond = f"easier to tell from the reference than any of {len(earlier)} earlier {window}s (most {_short(most)})"
        return Verdict(State.WARNING, beyond, auc, warning_over=over)
    if auc <= SMALL_AUC:
        return Verdict(State.OK, "can hardly be told from the reference: chance is .5", auc, warning_over=over)
    as_easy = sum(each >= auc for each in earlier)
    said = f"{as_easy} of {len(earlier)} earlier {window}s were as easy to tell from the reference"
    if not as_easy:
        said = f"within chance of the furthest of {len(earlier)} earlier {window}s (most {_short(most)})"
    return Verdict(State.OK, f"unlike the reference, but usual: {said}", auc, warning_over=over)


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
