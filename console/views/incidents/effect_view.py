"""What is known of the effect of one action: did it help? Loads no store, since the page of an action has it as a part."""

from __future__ import annotations

from typing import Literal

from backends.records import Moment
from console.views.health.model import Quality, View

Verdict = Literal["watching", "helped", "no effect", "worse", "unknown"]


class EffectView(View):
    """The effect of one action as it is known by now."""

    action: str
    kind: str
    environment: str
    model: str
    acted_at: Moment
    at: Moment
    zone: str
    from_: str | None
    to: str | None
    task: str
    before: Quality | None
    """The last 24 hours before it took effect."""
    after: Quality | None
    """What was scored since, by what it put in force; None when nothing was."""
    scored_since: int
    as_wanted: int
    """How many of them came from what was put in force: the rest shows that serving has not followed."""
    same_rows: int
    """Rows since then with an outcome and a score of what served before, too."""
    loss: float | None = None
    """Brier score or MAE on them, and of what served before on the same rows."""
    loss_otherwise: float | None = None
    verdict: Verdict
    message: str
    ended_by: str | None = None
    """The action on the same model that followed: what was scored after it is no effect of this one."""
    next_labels_at: Moment | None = None
    """By when outcomes of the first scores since are due, though some come sooner; None when the model does not say how long that takes."""
