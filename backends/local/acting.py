"""Moves aliases, sets kill switches, shifts traffic and holds jobs in the local registry: compare-and-set, idempotent by key, in one step.

All refuse a key that was forbidden: once a check has found that a call never took effect and says so, a late repetition of
that call (a process that hung, a lost answer) must not make it untrue.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from backends.durable import LockHeld, UncertainWrite, locked, private_mode, replace_file
from backends.local.documents import (
    REMEMBERED_KEYS,
    Move,
    RegistryDocument,
    Setting,
    SwitchesDocument,
    document_bytes,
    read_document,
)
from backends.local.pipelines_document import Ask, Hold, PipelinesDocument
from backends.local.reading import LocalAliases, LocalPipelines, LocalSwitches, LocalTraffic
from backends.local.routing import earlier_versions, keeps_out
from backends.local.traffic_document import Rollout, TrafficDocument
from backends.pipeline_protocol import NOTHING_ASKED, HoldSetting, HoldState, RunRequest, hold_value
from backends.protocol import NO_ROLLOUT, AliasMove, BackendConflict, BackendError, BackendUnavailable, SwitchSetting, TrafficSetting
from backends.records import SAFETY_ORDER, SwitchState
from backends.reserve import write_by_all_means


class LocalAliasSetter(LocalAliases):
    """Moves aliases in `registry.json`."""

    def set_alias(
        self, environment: str, model: str, alias: str, version: str, *, expected: str | None, key: str, actor: str, now: datetime
    ) -> AliasMove:
        """Point `alias` at `version` if it points at `expected` now; the same `key` again returns the same move.

        Raises BackendConflict or BackendError (nothing changed) or BackendUnavailable (changed, but maybe not durably).
        """
        with _changing(self.path):
            document = read_document(self.path, RegistryDocument)
            known = next((move for move in document.moves if move.key == key), None)
            wanted = (environment, model, alias, version)
            if known is not None:
                if (known.environment, known.model, known.alias, known.version) != wanted:
                    raise BackendConflict(f"key {key} was used for another move of {known.model}: use a new key", known.version)
                return known.public()
            _refuse_forbidden(document.forbidden, key, self.path)
            in_force = document.in_force(environment, model, alias)
            found = None if in_force is None else in_force.version
            if found != expected:
                raise BackendConflict(f"{alias} of {model} in {environment} is {found}, not {expected}: nothing was moved", found)
            move = Move(environment=environment, model=model, alias=alias, version=version, moved_at=now, moved_by=actor, key=key)
            history = [each.public() for each in document.moves if (each.environment, each.model) == (environment, model)]
            back = version in earlier_versions(history, alias)
            _publish(self.path, document.model_copy(update={"moves": (*document.moves, move)}), by_all_means=back)
            return move.public()

    def forbid(self, key: str) -> bool:
        """Make sure that no call with `key` takes effect from now on; True when one already had."""
        with _changing(self.path):
            document = read_document(self.path, RegistryDocument)
            if any(move.key == key for move in document.moves):
                return True
            if key not in document.forbidden:
                _publish(self.path, document.model_copy(update={"forbidden": (*document.forbidden, key)}))
            return False


class LocalSwitchSetter(LocalSwitches):
    """Publishes kill switches in `switches.json`."""

    def set_switch(self, setting: SwitchSetting, *, expected: SwitchState) -> SwitchSetting:
        """Publish `setting` if the state in force is `expected`; the same key again returns the same setting.

        Raises BackendConflict or BackendError (nothing changed) or BackendUnavailable (changed, but maybe not durably).
        """
        with _changing(self.path):
            document = read_document(self.path, SwitchesDocument)
            known = document.switches.get(setting.environment, {}).get(setting.model)
            state = SwitchState.NORMAL if known is None else SwitchState(known.state)
            if known is not None and known.key == setting.key:
                if known.state != setting.state:
                    raise BackendConflict(f"key {setting.key} was used to set {known.state}: use a new key", known.state)
                return known.public(setting.environment, setting.model)
            if setting.key in document.applied:
                raise BackendConflict(
                    f"key {setting.key} was applied already and has been replaced since: {setting.model} is {state}", state
                )
            _refuse_forbidden(document.forbidden, setting.key, self.path)
            if state != expected:
                raise BackendConflict(f"the switch of {setting.model} in {setting.environment} is {state}, not {expected}", state)
            published = Setting.model_validate(
                {
                    "state": str(setting.state),
                    "set_at": setting.set_at,
                    "set_by": setting.set_by,
                    "reason": setting.reason,
                    "until": setting.until,
                    "key": setting.key,
                    "owner": setting.owner,
                    "since": _begun(known, setting),
                }
            )
            models = {**document.switches.get(setting.environment, {}), setting.model: published}
            version = document.version + 1
            applied = dict([*document.applied.items(), (setting.key, version)][-REMEMBERED_KEYS:])
            changed = {"switches": {**document.switches, setting.environment: models}, "applied": applied}
            by_all_means = setting.state is not SwitchState.NORMAL and SAFETY_ORDER.index(setting.state) >= SAFETY_ORDER.index(state)
            _publish(self.path, document.model_copy(update=changed), by_all_means=by_all_means)
            return published.public(setting.environment, setting.model)

    def forbid(self, key: str) -> bool:
        """Make sure that no call with `key` takes effect from now on; True when one already had."""
        with _changing(self.path):
            document = read_document(self.path, SwitchesDocument)
            if key in document.applied:
                return True
            if key not in document.forbidden:
                _publish(self.path, document.model_copy(update={"forbidden": (*document.forbidden, key)}))
            return False


class LocalTrafficSetter(LocalTraffic):
    """Publishes rollouts in `traffic.json`."""

    def set_traffic(self, setting: TrafficSetting, *, expected: str) -> TrafficSetting:
        """Publish `setting` if the value in force is `expected`; the same key again returns the same setting.

        Raises BackendConflict or BackendError (nothing changed) or BackendUnavailable (changed, but maybe not durably).
        """
        try:
            rollout = Rollout.of(setting)
        except ValidationError as error:
            raise BackendError(f"{error.errors(include_url=False)[0]['msg']}: nothing was changed") from error
        with _changing(self.path):
            document = read_document(self.path, TrafficDocument)
            known = document.traffic.get(setting.environment, {}).get(setting.model)
            found = None if known is None else known.public(setting.environment, setting.model)
            value = NO_ROLLOUT if found is None else found.value
            if found is not None and found.key == setting.key:
                if found.value != setting.value:
                    raise BackendConflict(f"key {setting.key} was used for {found.value}: use a new key", found.value)
                return found
            if setting.key in document.applied:
                raise BackendConflict(
                    f"key {setting.key} was applied already and has been replaced since: the traffic of {setting.model} is {value}", value
                )
            _refuse_forbidden(document.forbidden, setting.key, self.path)
            if value != expected:
                raise BackendConflict(f"the traffic of {setting.model} in {setting.environment} is {value}, not {expected}", value)
            models = {**document.traffic.get(setting.environment, {}), setting.model: rollout}
            applied = dict([*document.applied.items(), (setting.key, document.version + 1)][-REMEMBERED_KEYS:])
            changed = {"traffic": {**document.traffic, setting.environment: models}, "applied": applied}
            _publish(self.path, document.model_copy(update=changed), by_all_means=keeps_out(found, setting))
            return rollout.public(setting.environment, setting.model)

    def forbid(self, key: str) -> bool:
        """Make sure that no call with `key` takes effect from now on; True when one already had."""
        with _changing(self.path):
            document = read_document(self.path, TrafficDocument)
            if key in document.applied:
                return True
            if key not in document.forbidden:
                _publish(self.path, document.model_copy(update={"forbidden": (*document.forbidden, key)}))
            return False


class LocalPipelineSetter(LocalPipelines):
    """Publishes in `pipelines.json` which jobs are held and which runs are asked for."""

    def set_hold(self, setting: HoldSetting, *, expected: HoldState) -> HoldSetting:
        """Publish `setting` if the state in force is `expected`; the same key again returns the same setting.

        Raises BackendConflict or BackendError (nothing changed) or BackendUnavailable (changed, but maybe not durably).
        """
        with _changing(self.path):
            document = read_document(self.path, PipelinesDocument)
            models = document.holds.get(setting.environment, {})
            known = models.get(setting.model, {}).get(setting.pipeline)
            state: HoldState = "free" if known is None else known.state
            value = hold_value(state, setting.pipeline)
            if known is not None and known.key == setting.key:
                if known.state != setting.state:
                    raise BackendConflict(f"key {setting.key} was used to set {value}: use a new key", value)
                return known.public(setting.environment, setting.model, setting.pipeline)
            if setting.key in document.applied:
                raise BackendConflict(
                    f"key {setting.key} was applied already and has been replaced since: the jobs of {setting.model} are {value}", value
                )
            _refuse_forbidden(document.forbidden, setting.key, self.path)
            if state != expected:
                wanted = hold_value(expected, setting.pipeline)
                raise BackendConflict(f"the jobs of {setting.model} in {setting.environment} are {value}, not {wanted}", value)
            published = Hold(
                state=setting.state,
                set_at=setting.set_at,
                set_by=setting.set_by,
                reason=setting.reason,
                until=setting.until,
                key=setting.key,
                owner=setting.owner,
                since=_begun(known, setting),
            )
            pipelines = {**models.get(setting.model, {}), setting.pipeline: published}
            applied = dict([*document.applied.items(), (setting.key, document.version + 1)][-REMEMBERED_KEYS:])
            holds = {**document.holds, setting.environment: {**models, setting.model: pipelines}}
            changed = document.model_copy(update={"holds": holds, "applied": applied})
            _publish(self.path, changed, by_all_means=setting.held)
            return published.public(setting.environment, setting.model, setting.pipeline)

    def ask(self, request: RunRequest, *, expected: str) -> RunRequest:
        """Publish `request` if the value in force is `expected`; the same key again returns the same request. Raises as `set_hold`."""
        with _changing(self.path):
            document = read_document(self.path, PipelinesDocument)
            models = document.requests.get(request.environment, {})
            known = models.get(request.model)
            found = None if known is None else known.public(request.environment, request.model)
            value = NOTHING_ASKED if found is None else found.value
            if found is not None and found.key == request.key:
                return found
            if request.key in document.applied:
                raise BackendConflict(f"key {request.key} was applied already and has been replaced since: {value} is in force", value)
            _refuse_forbidden(document.forbidden, request.key, self.path)
            if value != expected:
                raise BackendConflict(f"the request of {request.model} in {request.environment} is {value}, not {expected}", value)
            asked = Ask(
                pipeline=request.pipeline,
                asked_at=request.asked_at,
                asked_by=request.asked_by,
                reason=request.reason,
                first=request.first,
                last=request.last,
                key=request.key,
            )
            applied = dict([*document.applied.items(), (request.key, document.version + 1)][-REMEMBERED_KEYS:])
            requests = {**document.requests, request.environment: {**models, request.model: asked}}
            _publish(self.path, document.model_copy(update={"requests": requests, "applied": applied}))
            return asked.public(request.environment, request.model)

    def withdraw(self, key: str) -> None:
        """Make sure that nobody who reads from now on starts a run for `key`."""
        with _changing(self.path):
            document = read_document(self.path, PipelinesDocument)
            withdrawn = {
                environment: {
                    model: each.model_copy(update={"state": "withdrawn"}) if each.key == key else each for model, each in models.items()
                }
                for environment, models in document.requests.items()
            }
            forbidden = document.forbidden if key in document.forbidden else (*document.forbidden, key)
            if withdrawn != document.requests or forbidden != document.forbidden:
                _publish(self.path, document.model_copy(update={"requests": withdrawn, "forbidden": forbidden}))

    def forbid(self, key: str) -> bool:
        """Make sure that no call with `key` takes effect from now on; True when one already had."""
        with _changing(self.path):
            document = read_document(self.path, PipelinesDocument)
            if key in document.applied:
                return True
            if key not in document.forbidden:
                _publish(self.path, document.model_copy(update={"forbidden": (*document.forbidden, key)}))
            return False


def _publish(
    path: Path, document: RegistryDocument | SwitchesDocument | TrafficDocument | PipelinesDocument, *, by_all_means: bool = False
) -> None:
    content = document_bytes(document.model_copy(update={"version": document.version + 1}))
    # Only a step towards safety may use up what is kept back for a full disk.
    written = partial(write_by_all_means, path.parent) if by_all_means else None
    replace_file(path, content, private_mode(path.parent), written=written)


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[None]:
    try:
        with locked(path, private_mode(path.parent)):
            yield
    except UncertainWrite as error:
        raise BackendUnavailable(f"{error.strerror}: read it back before trusting it") from error
    except LockHeld as error:
        raise BackendError(f"{error}: nothing was changed, try again") from error
    except OSError as error:
        raise BackendError(f"{path} could not be replaced ({error.strerror}): nothing was changed") from error


def _begun(known: Setting | Hold | None, setting: SwitchSetting | HoldSetting) -> datetime | None:
    """A renewal goes on from where the state began; None for anything else."""
    if known is None or known.state != setting.state:
        return None
    return known.since or known.set_at


def _refuse_forbidden(forbidden: tuple[str, ...], key: str, path: Path) -> None:
    if key in forbidden:
        raise BackendError(f"key {key} was given up after a check of {path.name}: nothing was changed; use a new key")
