"""Reads the local registry: where aliases point, how kill switches stand, what is rolled out, which jobs are held. Needs no lock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backends.local.documents import RegistryDocument, SwitchesDocument, reaches_back, read_document
from backends.local.pipelines_document import PipelinesDocument
from backends.local.traffic_document import TrafficDocument
from backends.pipeline_protocol import EVERY_PIPELINE, HoldSetting, RunRequest
from backends.protocol import AliasMove, SwitchSetting, TrafficSetting


class LocalAliases:
    """Aliases as `registry.json` has them. Every method raises BackendError when the file is broken."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def alias(self, environment: str, model: str, alias: str) -> AliasMove | None:
        """The move in force, or None when the alias was never set."""
        move = read_document(self.path, RegistryDocument).in_force(environment, model, alias)
        return None if move is None else move.public()

    def alias_history(self, environment: str, model: str) -> list[AliasMove]:
        """Every move of every alias of the model, oldest first."""
        moves = read_document(self.path, RegistryDocument).moves
        return [move.public() for move in moves if (move.environment, move.model) == (environment, model)]

    def applied(self, key: str) -> bool:
        """Whether a call with `key` took effect."""
        return any(move.key == key for move in read_document(self.path, RegistryDocument).moves)

    def published_version(self) -> int:
        """How often the file was changed; 0 when there is none."""
        return read_document(self.path, RegistryDocument).version

    def reaches_back_to(self, version: int | None) -> bool:
        """Every move is kept; only an older file in its place does not know the ones after it."""
        return version is None or self.published_version() >= version

    def aliases(self) -> list[AliasMove]:
        """The move in force of every alias there is."""
        moves = read_document(self.path, RegistryDocument).moves
        return [move.public() for move in {(move.environment, move.model, move.alias): move for move in moves}.values()]


@dataclass(frozen=True, slots=True)
class Published:
    """What `switches.json` said at one moment; `version` 0 when there is no file."""

    version: int
    settings: dict[tuple[str, str], SwitchSetting]
    """By environment and model."""


class LocalSwitches:
    """Kill switches as `switches.json` has them. Every method raises BackendError when the file is broken."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def switch(self, environment: str, model: str) -> SwitchSetting | None:
        """The setting in force; None: never set, which means normal."""
        setting = read_document(self.path, SwitchesDocument).switches.get(environment, {}).get(model)
        return None if setting is None else setting.public(environment, model)

    def switches(self) -> list[SwitchSetting]:
        """Every setting in force."""
        found = read_document(self.path, SwitchesDocument).switches
        return [setting.public(environment, model) for environment, models in found.items() for model, setting in models.items()]

    def published(self) -> Published:
        """Version and settings as of one reading."""
        document = read_document(self.path, SwitchesDocument)
        found = {
            (environment, model): setting.public(environment, model)
            for environment, models in document.switches.items()
            for model, setting in models.items()
        }
        return Published(document.version, found)

    def applied(self, key: str) -> bool:
        """Whether a call with `key` took effect, as far back as the file remembers."""
        return key in read_document(self.path, SwitchesDocument).applied

    def published_version(self) -> int:
        """How often the file was changed; 0 when there is none."""
        return read_document(self.path, SwitchesDocument).version

    def reaches_back_to(self, version: int | None) -> bool:
        """Whether no call that took effect after `version` is forgotten; None: since the beginning."""
        document = read_document(self.path, SwitchesDocument)
        return reaches_back(document.applied, document.version, version)


class LocalTraffic:
    """Rollouts as `traffic.json` has them. Every method raises BackendError when the file is broken."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def traffic(self, environment: str, model: str) -> TrafficSetting | None:
        """The rollout under way or the last one that ended; None: there never was one."""
        found = read_document(self.path, TrafficDocument).traffic.get(environment, {}).get(model)
        return None if found is None else found.public(environment, model)

    def rollouts(self) -> list[TrafficSetting]:
        """The last rollout of every model that ever had one."""
        found = read_document(self.path, TrafficDocument).traffic
        return [rollout.public(environment, model) for environment, models in found.items() for model, rollout in models.items()]

    def applied(self, key: str) -> bool:
        """Whether a call with `key` took effect, as far back as the file remembers."""
        return key in read_document(self.path, TrafficDocument).applied

    def published_version(self) -> int:
        """How often the file was changed; 0 when there is none."""
        return read_document(self.path, TrafficDocument).version

    def reaches_back_to(self, version: int | None) -> bool:
        """Whether no call that took effect after `version` is forgotten; None: since the beginning."""
        document = read_document(self.path, TrafficDocument)
        return reaches_back(document.applied, document.version, version)


class LocalPipelines:
    """What is asked of pipelines, as `pipelines.json` has it. Every method raises BackendError when the file is broken."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def hold(self, environment: str, model: str, pipeline: str) -> HoldSetting | None:
        """The setting for exactly this pipeline, or for `*`; None: never held."""
        found = read_document(self.path, PipelinesDocument).holds.get(environment, {}).get(model, {}).get(pipeline)
        return None if found is None else found.public(environment, model, pipeline)

    def holds(self, environment: str, model: str | None = None) -> list[HoldSetting]:
        """Every setting there, of every model or of one."""
        found = read_document(self.path, PipelinesDocument).holds.get(environment, {})
        return [
            each.public(environment, name, pipeline)
            for name, pipelines in found.items()
            if model in {None, name}
            for pipeline, each in pipelines.items()
        ]

    def request(self, environment: str, model: str) -> RunRequest | None:
        """The newest request of a model; None: there never was one."""
        found = read_document(self.path, PipelinesDocument).requests.get(environment, {}).get(model)
        return None if found is None else found.public(environment, model)

    def every_hold(self) -> list[HoldSetting]:
        """Every setting of every environment."""
        return [each for environment in read_document(self.path, PipelinesDocument).holds for each in self.holds(environment)]

    def holding(self, environment: str, model: str, pipeline: str | None = None) -> list[HoldSetting]:
        """What holds a job: of one pipeline the entry of its name and that of every one; of none in particular any."""
        wanted = {pipeline, EVERY_PIPELINE}
        return [each for each in self.holds(environment, model) if each.held and (pipeline is None or each.pipeline in wanted)]

    def applied(self, key: str) -> bool:
        """Whether a call with `key` took effect, as far back as the file remembers."""
        return key in read_document(self.path, PipelinesDocument).applied

    def published_version(self) -> int:
        """How often the file was changed; 0 when there is none."""
        return read_document(self.path, PipelinesDocument).version

    def reaches_back_to(self, version: int | None) -> bool:
        """Whether no call that took effect after `version` is forgotten; None: since the beginning."""
        document = read_document(self.path, PipelinesDocument)
        return reaches_back(document.applied, document.version, version)
