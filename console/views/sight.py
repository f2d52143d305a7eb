"""What a view is computed from: one workspace, one environment, one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.local.reading import LocalAliases, LocalSwitches
from backends.protocol import AliasMove, BackendError, SwitchSetting
from backends.records import SwitchState
from console.clock import Clock
from console.config import Workspace

if TYPE_CHECKING:
    from backends.store.reader import Reader
    from console.control.state import ControlState
    from console.policies.load import Policies


@dataclass(frozen=True)
class Sight:
    """Where a view looks from. Make a new one for every look: what is cached in it belongs to its moment."""

    workspace: Workspace
    environment: str
    clock: Clock

    @cached_property
    def at(self) -> datetime:
        """The moment that is judged."""
        return self.clock.now()

    @property
    def past(self) -> bool:
        """True for time travel: then nothing that happened after `at` may be shown."""
        return self.clock.kind == "past"

    @property
    def zone(self) -> ZoneInfo:
        """The display zone."""
        return self.workspace.zone

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """The store as it was known at `at`."""
        from backends.store.reader import open_reader  # noqa: PLC0415 - what stands in control is read without the store

        with open_reader(self.workspace.paths, at=self.at) as reader:
            yield reader

    @cached_property
    def policies(self) -> Policies:
        """The policies in force."""
        from console.policies.load import load_policies  # noqa: PLC0415

        return load_policies(self.workspace.paths.policies)

    @cached_property
    def control(self) -> ControlState:
        """What control knows: actions, approvals, incidents, alerts. For the past, what it knew then."""
        from console.control.ledger import read_state  # noqa: PLC0415

        return read_state(self.workspace.paths, until=self.at if self.past else None)

    def alias_history(self, model: str) -> list[AliasMove]:
        """Every move of the model's aliases up to now, oldest first; empty when the registry cannot be read."""
        try:
            return LocalAliases(self.workspace.paths.registry).alias_history(self.environment, model)
        except BackendError:
            return []

    def switch(self, model: str) -> SwitchState:
        """State of the model's kill switch: `normal` when never set, `unknown` when unreadable; in the past as the journal has it."""
        if self.past:
            return self._switch_then(model)
        setting = self.switch_setting(model)
        if isinstance(setting, SwitchSetting):
            return setting.state
        return SwitchState.NORMAL if setting is None else SwitchState.UNKNOWN

    def _switch_then(self, model: str) -> SwitchState:
        from console.control.actions import SWITCH_STATES, ActionState  # noqa: PLC0415

        if self.control.problem is not None:
            return SwitchState.UNKNOWN
        mine = [each for each in self.control.actions.values() if (each.environment, each.model) == (self.environment, model)]
        moved = [each for each in mine if each.kind in SWITCH_STATES and each.state is ActionState.EFFECTIVE]
        return SWITCH_STATES[moved[-1].kind] if moved else SwitchState.NORMAL

    def switch_setting(self, model: str) -> SwitchSetting | BackendError | None:
        """What `switches.json` says, the error when it cannot be read, None when it was never set."""
        try:
            found = LocalSwitches(self.workspace.paths.switches).switch(self.environment, model)
        except BackendError as error:
            return error
        return None if found is not None and self.past and found.set_at > self.at else found
