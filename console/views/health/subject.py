"""What is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backends.protocol import AliasMove
from backends.records import Model, ModelVersion, Onset, PipelineRun, SwitchState
from console.contracts.contract import ReadContract
from console.views.health.estimated import Estimates


@dataclass(frozen=True, slots=True)
class LetIn:
    """One stretch in which the candidate of a rollout was let in beside the version that serves."""

    version: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated, and what is known of it beside its rows."""

    environment: str
    model: Model
    version: ModelVersion | None
    aliases: Sequence[AliasMove]
    switch: SwitchState
    incidents: tuple[str, ...]
    runs: Sequence[PipelineRun]
    onset: datetime | None = None
    """When the oldest open incident began; None without one."""
    recorded: Onset | None = None
    """What the oldest open incident says of the beginning: what people were told stays, whatever windows and limits become."""
    contract: ReadContract | None = None
    """What its rows must look like; None: only what the signature of its version says."""
    overrides: Sequence[tuple[datetime, datetime]] = ()
    """Stretches in which a person had the switch at something else than normal: what answered then was meant to."""
    estimates: Estimates | None = None
    """What the watch learnt of its version; None also where no rule asks for it."""
    let_in: Sequence[LetIn] = ()
    """Candidates of rollouts: what they answered is shown beside what the serving version did."""
