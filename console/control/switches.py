"""Kill switches: normal, degraded, fallback, killed. Downwards is safer and needs one operator; upwards what the policy says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from backends.protocol import RemembersKeys, SwitchSetting
from backends.records import SwitchState
from console.control.actions import SWITCH_STATES, ActionKind, ActionPlan, Change, Moved, is_safer
from console.control.drawing import approval_for, sealed, title_of, voided_by
from console.control.reach import MovesSwitches, Seen, forbid, published_version, seen_by_key
from console.control.situation import Situation
from console.control.terms import people


def switch_plan(situation: Situation) -> ActionPlan:
    """The plan of a kill switch. Raises BackendError when the published state cannot be read."""
    request, policy = situation.request, situation.policy
    setting = situation.reach.switches.switch(request.environment, request.model)
    found = SwitchState.NORMAL if setting is None else setting.state
    wanted = SWITCH_STATES[request.kind]
    safer = is_safer(found, wanted) and wanted is not SwitchState.NORMAL
    until = request.until
    if wanted is not SwitchState.NORMAL and until is None:
        until = situation.now + timedelta(hours=policy.override_hours)
    refusals: list[str] = []
    if wanted is SwitchState.NORMAL and found is SwitchState.NORMAL:
        refusals.append(f"the switch of {request.model} is normal already")
    if wanted is SwitchState.NORMAL and until is not None:
        refusals.append("normal has no end: leave the time out")
    elif until is not None and until <= situation.now:
        refusals.append("the time to ask again has passed already: give a later one")
    judged = request.kind if safer else ActionKind.RESTORE
    approval, step = approval_for(situation, judged, wanted.value)
    refusals += voided_by(approval, situation, found.value) if step == "act" else []
    published = published_version(situation.reach.switches)
    note = "replaced in one step" if published is None else f"version {published} -> {published + 1}, replaced in one step"
    renewed = found is wanted and wanted is not SwitchState.NORMAL
    movement = f"{found.value} goes on" if renewed else f"{found.value} -> {wanted.value}"
    changes = [Change(what=situation.reach.switches_name, movement=movement, note=note)]
    way_back = policy.approvals_needed(ActionKind.RESTORE, request.environment, request.model)
    undo = (
        _way_back(SwitchState.NORMAL if renewed else found, way_back, solo=policy.solo)
        if safer
        else f"{_kind_towards(found)} again, 1 operator"
    )
    return sealed(
        situation,
        danger="safer" if safer else "dangerous",
        judged_as=judged,
        approved_as=judged,
        title=f"KILL SWITCH {request.model}  {found.value}, renewed" if renewed else title_of(request, found.value, wanted.value),
        from_=found.value,
        to=wanted.value,
        changes=tuple(changes),
        unchanged=("version in force stays in the registry", "predictions and labels go on being recorded"),
        undo=undo,
        calls=(
            f"set_switch {request.model} {wanted.value} if {found.value}",
            f"get_switch {request.model} until {wanted.value}, at most {policy.read_back_seconds:g} s, else in doubt",
        ),
        until=until,
        owner=request.owner if wanted is not SwitchState.NORMAL else None,
        approval=approval.id if approval else None,
        step=step,
        refusals=refusals,
    )


def _way_back(found: SwitchState, needed: int, *, solo: bool) -> str:
    back = "restore to normal" if found is SwitchState.NORMAL else f"{_kind_towards(found)} again"
    return f"{back}, needs {people(needed, solo=solo)}" if needed else f"{back}, by somebody who is elevated"


def _kind_towards(state: SwitchState) -> str:
    return next((kind.value for kind, reached in SWITCH_STATES.items() if reached is state), "restore")


def overdue(settings: Iterable[SwitchSetting], now: datetime) -> list[SwitchSetting]:
    """Settings whose owner is to be asked again: their time has passed, and they go on until somebody decides."""
    return [
        setting for setting in settings if setting.state is not SwitchState.NORMAL and setting.until is not None and setting.until <= now
    ]


@dataclass(frozen=True, slots=True)
class SwitchMovement:
    """One setting of a kill switch, as the executor drives it."""

    backend: MovesSwitches
    environment: str
    model: str
    expected: SwitchState
    to: str
    key: str
    who: str
    reason: str
    until: datetime | None
    owner: str | None = None
    since: int | None = None
    """Which version of the published file the call was made upon, where that is on record."""

    @property
    def topic(self) -> Literal["switch"]:
        return "switch"

    def call(self) -> str:
        return f"set_switch {self.model} {self.to} if {self.expected.value}"

    def read_call(self) -> str:
        return f"get_switch {self.model}"

    def send(self, now: datetime) -> None:
        """Publish the setting. Raises BackendConflict, BackendUnavailable or BackendError."""
        wanted = SwitchState(self.to)
        setting = SwitchSetting(self.environment, self.model, wanted, now, self.who, self.key, self.reason, self.until, self.owner)
        self.backend.set_switch(setting, expected=self.expected)

    def read(self) -> Seen:
        """What is published, and whether this call is what made it so. Raises BackendError."""
        setting = self.backend.switch(self.environment, self.model)
        value = SwitchState.NORMAL.value if setting is None else setting.state.value
        moved = None if setting is None else Moved.by(setting.set_by, setting.set_at, setting.key)
        if setting is not None and setting.key == self.key:
            return Seen(value, ours=True, in_force=True, moved=moved, certain=True)
        if isinstance(self.backend, RemembersKeys):
            return seen_by_key(self.backend, self.key, value=value, moved=moved, since=self.since)
        return Seen(value, ours=value == self.to, in_force=value == self.to, moved=moved)

    def forbid(self) -> bool | None:
        return forbid(self.backend, self.key, self.since)

    def published(self) -> int | None:
        return published_version(self.backend)

    def tidy(self, now: datetime) -> tuple[str, str] | None:
        del now
        return None
