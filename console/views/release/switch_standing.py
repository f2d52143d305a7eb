"""How a kill switch stands: what is published, held against what control did. What nobody confirmed is unknown, never normal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from backends.protocol import BackendError, SwitchSetting
from backends.records import SwitchState
from console.control.actions import SWITCH_STATES, ActionState

if TYPE_CHECKING:
    from console.control.records import ActionRecord
    from console.control.state import ControlState


class SwitchFacts(Protocol):
    """What is asked of whoever looks at a switch."""

    @property
    def at(self) -> datetime:
        """The moment that is judged."""
        ...

    @property
    def past(self) -> bool:
        """Whether that is a moment of the past."""
        ...

    @property
    def control(self) -> ControlState:
        """What control knows."""
        ...

    def switch_actions(self, model: str) -> list[ActionRecord]:
        """What control did or tried with the switch, oldest first."""
        ...

    def switch_setting(self, model: str) -> SwitchSetting | BackendError | None:
        """What is published, the error when it cannot be read, None when it was never set."""
        ...

    def published_now(self, model: str) -> SwitchSetting | BackendError | None:
        """What is published now, whatever moment is judged."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """One switch at the moment of a sight."""

    switch: SwitchState
    """`unknown` when the published file cannot be read, or what it says is not confirmed."""
    published: SwitchSetting | None
    """What the file says; None when it cannot be read, or the switch was never set. For the past: what control did then."""
    why: str = ""
    """Why it is unknown; empty otherwise."""

    def overdue(self, at: datetime) -> bool:
        """Whether its owner should have been asked by `at`."""
        setting = self.published
        return (
            setting is not None and setting.state is not SwitchState.NORMAL and setting.until is not None and setting.until <= at
        )  # fmt: skip


def standing_of(sight: SwitchFacts, model: str) -> Standing:
    """How the switch of `model` stands. Never raises."""
    if sight.past:
        return _then(sight, model)
    found = sight.switch_setting(model)
    if isinstance(found, BackendError):
        return Standing(SwitchState.UNKNOWN, None, str(found))
    said = SwitchState.NORMAL if found is None else found.state
    why = _unconfirmed(sight.switch_actions(model), found, said)
    return Standing(said, found) if why is None else Standing(SwitchState.UNKNOWN, found, why)


def _unconfirmed(actions: list[ActionRecord], found: SwitchSetting | None, said: SwitchState) -> str | None:
    doubtful = next((each for each in reversed(actions) if each.state is ActionState.IN_DOUBT), None)
    if doubtful is not None:
        return (
            f"{doubtful.id} ({doubtful.kind.value} by {doubtful.actor.who}) is in doubt: recheck it; "
            f"the file says {said.value}, which nobody has confirmed"
        )
    done = [each for each in actions if each.state is ActionState.EFFECTIVE]
    if not done or _state_of(done[-1]) is said:
        return None
    last = done[-1]
    own = next((each for each in done if found is not None and each.key == found.key), None)
    # Something that was set later by other means than control stands as the file has it; what lies before control's last step does not.
    later = found is not None and own is None and found.set_at >= (last.finished_at or last.intended_at)
    if later:
        return None
    return (
        f"control set it to {_state_of(last).value} ({last.id} by {last.actor.who}), but the file says {said.value}: "
        "it was changed by somebody else, and nobody knows what serving obeys; set it again"
    )


def _then(sight: SwitchFacts, model: str) -> Standing:
    """The state at a past moment: by the last action that took effect until then, else by the file where it is older than that."""
    if sight.control.problem is not None:
        return Standing(SwitchState.UNKNOWN, None, sight.control.problem)
    done = [each for each in sight.switch_actions(model) if each.state is ActionState.EFFECTIVE]
    if done:
        return Standing(_state_of(done[-1]), _as_set(done))
    found = sight.published_now(model)
    if isinstance(found, BackendError):
        return Standing(SwitchState.UNKNOWN, None, str(found))
    if found is None:
        return Standing(SwitchState.NORMAL, None)
    if found.begun_at <= sight.at:
        return Standing(found.state, found)
    return Standing(
        SwitchState.UNKNOWN, None, "the file was changed after this moment, and control has no earlier change of this switch on record"
    )


def _as_set(done: list[ActionRecord]) -> SwitchSetting:
    last = done[-1]
    first = last
    for each in reversed(done[:-1]):
        if _state_of(each) is not _state_of(last):
            break
        first = each
    return SwitchSetting(
        last.environment,
        last.model,
        _state_of(last),
        last.finished_at or last.intended_at,
        last.actor.who,
        last.key,
        last.reason,
        last.until,
        last.owner,
        first.finished_at or first.intended_at,
    )


def _state_of(action: ActionRecord) -> SwitchState:
    return SWITCH_STATES[action.kind]
