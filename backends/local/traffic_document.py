"""`traffic.json`: which version answers which share of the requests while a rollout is under way, for serving processes to obey.

    {"format": "quarterdeck/traffic/1", "version": 4,
     "traffic": {"production": {"arrival-delay": {"state": "running", "strategy": "canary", "stable": "2", "stable_key": "0197...",
       "candidate": "3", "weights": {"2": 0.95, "3": 0.05}, "shadow": [], "steps": [0.05, 0.25, 0.5], "step": 1, "paused": false,
       "salt": "0198...", "hours": null, "started_at": "2013-04-26T22:03:14Z", "step_at": "2013-04-26T22:03:14Z", "until": null,
       "set_at": "2013-04-26T22:03:14Z", "set_by": "ines@build", "reason": "April", "key": "0198..."}}},
     "applied": {"0198...": 4}, "forbidden": []}

An entry counts only while its `state` is `running` and the last move of the serving alias in the registry has the key `stable_key`
(that move put `stable` in force); else, and without an entry, the alias answers everything. `backends.local.routing` divides the
requests. `version` grows by one at each change. The JSON Schema is `docs/traffic.schema.json`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, model_validator

from backends.local.documents import Part
from backends.protocol import Strategy, TrafficSetting
from backends.records import Moment, Name

CLOSE = 1e-9
"""Weights are decimal fractions: their sum may miss 1 by this much."""


class Rollout(Part):
    """One rollout of one model in one environment."""

    state: Literal["running", "ended"] = Field(description="An ended one divides nothing: the alias answers everything.")
    strategy: Strategy = Field(description="How the candidate is let in.")
    stable: Name = Field(description="The version that the serving alias named when these weights were set.")
    stable_key: Name = Field(description="Key of the move of the alias that had put it in force; beside another move nothing here counts.")
    candidate: Name = Field(description="The version that is let in; under blue-green the colour that does not answer.")
    weights: dict[Name, float] = Field(description="Share of the answers by version, 0 to 1, together 1.")
    shadow: tuple[Name, ...] = Field(default=(), description="Versions that score every request and answer none.")
    steps: tuple[float, ...] = Field(default=(), description="The candidate's share in each step of a canary.")
    step: int = Field(default=0, ge=0, description="Which of the steps is in force, counted from 1; 0: none of them.")
    paused: bool = Field(default=False, description="No step forward until it is resumed; the weights hold meanwhile.")
    salt: Name = Field(
        description="What requests are divided by: place = first 8 bytes of SHA-256(salt + newline + key), big-endian, / 2^64."
    )
    hours: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="A/B: runs at least so long; blue-green: keeps the other colour so long."
    )
    started_at: Moment = Field(description="When the first of its weights was set.")
    step_at: Moment = Field(description="Since when these weights hold.")
    until: Moment | None = Field(default=None, description="What the hours make of the moment at which they began to count.")
    set_at: Moment = Field(description="When this entry was written.")
    set_by: Name = Field(description="Who wrote it: `ines@build`.")
    reason: str = Field(max_length=4000, description="Why, in the words of whoever set it.")
    key: Name = Field(description="Key of the call that set it.")

    @model_validator(mode="after")
    def _divides_everything_once(self) -> Rollout:
        if self.stable == self.candidate:
            raise ValueError(f"{self.stable} cannot be released beside itself")
        if not set(self.weights) <= {self.stable, self.candidate}:
            raise ValueError(f"weights name {', '.join(sorted(set(self.weights) - {self.stable, self.candidate}))}, which takes no part")
        if any(not (math.isfinite(weight) and 0 <= weight <= 1) for weight in self.weights.values()):
            raise ValueError("a weight is a share from 0 to 1")
        if abs(math.fsum(self.weights.values()) - 1) > CLOSE:
            raise ValueError(f"the weights add up to {math.fsum(self.weights.values()):.6g}, not to 1")
        rising = all(low < high for low, high in pairwise(self.steps))
        if not rising or any(not 0 < share <= 1 for share in self.steps):
            raise ValueError("steps are rising shares above 0 and up to 1")
        if self.step > len(self.steps):
            raise ValueError(f"step {self.step} of {len(self.steps)}")
        return self

    @classmethod
    def of(cls, setting: TrafficSetting) -> Rollout:
        """The entry that publishes a setting. Raises ValidationError when it divides nothing or too much."""
        return cls(**_fields(setting))

    def public(self, environment: str, model: str) -> TrafficSetting:
        return TrafficSetting(environment=environment, model=model, **_fields(self))


def _fields(divided: Rollout | TrafficSetting) -> dict[str, Any]:
    """What both of them say, under the names that both of them use; weights as a dict of its own."""
    return {name: getattr(divided, name) for name in Rollout.model_fields} | {"weights": dict(divided.weights)}


class TrafficDocument(Part):
    """`traffic.json`: how requests are divided while a version is let in. No file, or no entry, means that the alias answers everything."""

    format: Literal["quarterdeck/traffic/1"] = Field(
        default="quarterdeck/traffic/1", description="Another number after the last stroke is another format: refuse it."
    )
    version: int = Field(default=0, ge=0, description="Grows by one at each change.")
    traffic: dict[Name, dict[Name, Rollout]] = Field(default_factory=dict, description="By environment, then by model.")
    applied: dict[Name, int] = Field(
        default_factory=dict, description="Key of each recent call and the version that it made; for the console alone."
    )
    forbidden: tuple[Name, ...] = Field(default=(), description="Keys of calls that may no longer take effect; for the console alone.")
