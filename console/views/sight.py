"""What a view is computed from: one workspace, one environment, one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.local.reading import LocalAliases, LocalSwitches, Published
from backends.protocol import AliasMove, BackendError, SwitchSetting
from backends.records import SwitchState
from console.clock import Clock
from console.config import Workspace

if TYPE_CHECKING:
    from backends.store.reader import Reader
    from console.contracts.kept import Contracts
    from console.control.records import ActionRecord
    from console.control.state import ControlState
    from console.policies.load import Policies
    from console.views.release.switch_standing import Standing


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
        from backends.store.reader import open_reader  # what stands in control is read without the store

        with open_reader(self.workspace.paths, at=self.at) as reader:
            yield reader

    @cached_property
    def policies(self) -> Policies:
        """The policies in force."""
        from console.policies.load import load_policies

        return load_policies(self.workspace.paths.policies)

    @cached_property
    def contracts(self) -> Contracts:
        """The contracts in force: like the policies, those of now, whatever moment is looked at."""
        from console.contracts.kept import load_contracts

        return load_contracts(self.workspace.paths.contracts)

    @cached_property
    def control(self) -> ControlState:
        """What control knows: actions, approvals, incidents, alerts. For the past, what it knew then."""
        from console.control.ledger import read_state

        return read_state(self.workspace.paths, until=self.at if self.past else None)

    def alias_history(self, model: str) -> list[AliasMove]:
        """Every move of the model's aliases up to now, oldest first; empty when the registry cannot be read."""
        try:
            return LocalAliases(self.workspace.paths.registry).alias_history(self.environment, model)
        except BackendError:
            return []

    def switch(self, model: str) -> SwitchState:
        """State of the model's kill switch: `normal` when never set, `unknown` when it cannot be read or is not confirmed."""
        return self.switch_standing(model).switch

    def published_switch(self, model: str) -> SwitchState:
        """What an action would find in force, confirmed or not: `unknown` only when the file cannot be read."""
        if self.past:
            return self.switch(model)
        setting = self.switch_setting(model)
        if isinstance(setting, BackendError):
            return SwitchState.UNKNOWN
        return SwitchState.NORMAL if setting is None else setting.state

    def switch_standing(self, model: str) -> Standing:
        """How the model's kill switch stands, and why that is unknown where it is."""
        from console.views.release.switch_standing import standing_of  # loads control

        return standing_of(self, model)

    def switch_actions(self, model: str) -> list[ActionRecord]:
        """What control did or tried with the model's kill switch, oldest first."""
        from console.control.actions import SWITCH_STATES  # control is loaded where it is asked for

        return [each for each in self.serving_actions(model) if each.kind in SWITCH_STATES]

    def serving_actions(self, model: str | None) -> list[ActionRecord]:
        """What control did or tried with the switch or the traffic of a model, or of every model, oldest first for each."""
        found = self._serving_actions
        return found.get(model, []) if model is not None else [each for name in sorted(found) for each in found[name]]

    def switch_setting(self, model: str) -> SwitchSetting | BackendError | None:
        """What `switches.json` says, the error when it cannot be read, None when it was never set."""
        found = self.published_now(model)
        return None if isinstance(found, SwitchSetting) and self.past and found.set_at > self.at else found

    def published_now(self, model: str) -> SwitchSetting | BackendError | None:
        """What `switches.json` says now, whatever moment is looked at."""
        found = self.published
        return found if isinstance(found, BackendError) else found.settings.get((self.environment, model))

    @cached_property
    def published(self) -> Published | BackendError:
        """`switches.json` as it is now, or the error when it cannot be read."""
        try:
            return LocalSwitches(self.workspace.paths.switches).published()
        except BackendError as error:
            return error

    @cached_property
    def _serving_actions(self) -> dict[str, list[ActionRecord]]:
        from console.control.actions import SWITCH_STATES, TRAFFIC_KINDS  # control is loaded where it is asked for

        found: dict[str, list[ActionRecord]] = {}
        for each in self.control.actions.values():
            if each.environment == self.environment and (each.kind in SWITCH_STATES or each.kind in TRAFFIC_KINDS):
                found.setdefault(each.model, []).append(each)
        return found
