"""What a shift of traffic asks for, and what it would publish; shapes only."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.protocol import NO_ROLLOUT, Strategy, TrafficSetting
from backends.records import Moment, Name

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

DEFAULT_STEPS: Final = (0.05, 0.25, 0.5)
"""The candidate's share in the steps of a canary that names none; after the last one comes the promotion."""

DEFAULT_HOURS: Final = 24.0
"""How long an experiment runs at least, when nothing else is said."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RolloutMove(StrEnum):
    """What is done to the traffic of a model. The first four begin a rollout."""

    CANARY = "canary"
    SHADOW = "shadow"
    BLUE_GREEN = "blue-green"
    AB = "ab"
    STEP = "step"
    """The next share of a canary."""
    SHARE = "share"
    """Exactly this share."""
    PAUSE = "pause"
    RESUME = "resume"


BEGINNINGS: Final[dict[RolloutMove, Strategy]] = {
    RolloutMove.CANARY: "canary",
    RolloutMove.SHADOW: "shadow",
    RolloutMove.BLUE_GREEN: "blue-green",
    RolloutMove.AB: "ab",
}


class RolloutWish(_Frozen):
    """How traffic is to be shifted."""

    move: RolloutMove
    steps: tuple[Share, ...] = Field(default=(), max_length=50)
    """Rising shares of a canary; default: DEFAULT_STEPS."""
    share: Share | None = None
    """The candidate's share: of an experiment (default one half), or what `share` asks for."""
    hours: float | None = Field(default=None, gt=0, le=24 * 366, allow_inf_nan=False)
    """A/B: how long it runs at least; blue-green: how long the other colour is kept after the swap."""
    unjudged: bool = False
    """Go forward although the step could not be judged; kept in the record."""


class RolloutTerms(_Frozen):
    """What a plan would publish: a TrafficSetting without who, when and why."""

    state: Literal["running", "ended"]
    strategy: Strategy
    stable: Name
    stable_key: Name
    candidate: Name
    weights: dict[Name, Share]
    shadow: tuple[Name, ...] = ()
    steps: tuple[Share, ...] = ()
    step: int = 0
    paused: bool = False
    salt: Name | None = None
    """None: the key of the action, which begins the rollout."""
    started_at: Moment | None = None
    """None: when it is sent; so is `step_at`."""
    step_at: Moment | None = None
    hours: float | None = None
    until: Moment | None = None

    def setting(self, environment: str, model: str, *, now: datetime, who: str, key: str, reason: str) -> TrafficSetting:
        """The setting that is published at `now`."""
        return TrafficSetting(
            environment=environment,
            model=model,
            state=self.state,
            strategy=self.strategy,
            stable=self.stable,
            stable_key=self.stable_key,
            candidate=self.candidate,
            weights=dict(self.weights),
            salt=self.salt or key,
            started_at=self.started_at or now,
            step_at=self.step_at or now,
            set_at=now,
            set_by=who,
            key=key,
            reason=reason,
            shadow=self.shadow,
            steps=self.steps,
            step=self.step,
            paused=self.paused,
            hours=self.hours,
            until=now + timedelta(hours=self.hours) if self.strategy == "ab" and self.until is None and self.hours else self.until,
        )


def terms_of(setting: TrafficSetting, **changes: object) -> RolloutTerms:
    """The terms of a published rollout, with some of them changed."""
    fields: dict[str, object] = {
        "state": setting.state,
        "strategy": setting.strategy,
        "stable": setting.stable,
        "stable_key": setting.stable_key,
        "candidate": setting.candidate,
        "weights": dict(setting.weights),
        "shadow": setting.shadow,
        "steps": setting.steps,
        "step": setting.step,
        "paused": setting.paused,
        "salt": setting.salt,
        "hours": setting.hours,
        "started_at": setting.started_at,
        "step_at": setting.step_at,
        "until": setting.until,
    }
    return RolloutTerms.model_validate({**fields, **changes})


def ended_terms(setting: TrafficSetting) -> RolloutTerms:
    """The rollout given up: the version that served answers everything."""
    return terms_of(setting, state="ended", weights={setting.stable: 1.0}, shadow=(), paused=False, step_at=None)


def value_of(setting: TrafficSetting | None) -> str:
    """What the published traffic of a model says: the value that is compared before it is replaced."""
    return NO_ROLLOUT if setting is None else setting.value
