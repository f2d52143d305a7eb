"""What a model's versions come from: registry records joined from the source to the deployment, and what is not there said so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from backends.records import (
    Dataset,
    Deployment,
    Evaluation,
    FeatureSet,
    Model,
    ModelVersion,
    Record,
    Run,
)
from backends.store import queries
from backends.store.reader import Reader, open_reader
from console.views.assessment import no_such_model
from console.views.sight import Sight

Kind = TypeVar("Kind", Dataset, FeatureSet)


@dataclass(frozen=True)
class Provenance:
    """The registry's records of one environment, as they were known at one moment, about one model."""

    model: Model | None
    """None for a model that only predictions, labels or aliases speak of."""
    name: str
    records: tuple[Record, ...]

    def versions(self) -> dict[str, list[ModelVersion]]:
        """The records of each version, the newest known first; more than one when sources contradict each other."""
        found: dict[str, list[ModelVersion]] = {}
        for record in self.records:
            if isinstance(record, ModelVersion) and record.model == self.name:
                found.setdefault(record.version, []).append(record)
        return {version: sorted(each, key=lambda one: one.known_at, reverse=True) for version, each in found.items()}

    def version(self, wanted: str) -> ModelVersion | None:
        """The record of a version."""
        found = self.versions().get(wanted)
        return found[0] if found else None

    def run_of(self, version: str) -> Run | None:
        """The run that trained a version: the one it names, else one that names it as its output."""
        record = self.version(version)
        wanted = record.run if record is not None else None
        made = f"{self.name}@{version}"
        runs = [each for each in self.records if isinstance(each, Run)]
        return next((run for run in runs if run.name == wanted), None) or next((run for run in runs if made in run.outputs), None)

    def dataset(self, name: str) -> Dataset | None:
        """A dataset by name, the newest known."""
        return _newest(each for each in self.records if isinstance(each, Dataset) and each.name == name)

    def features(self, name: str) -> FeatureSet | None:
        """A set of features by name, the newest known."""
        return _newest(each for each in self.records if isinstance(each, FeatureSet) and each.name == name)

    def evaluations_of(self, version: str) -> list[Evaluation]:
        """Every report on a version, the newest first."""
        found = [each for each in self.records if isinstance(each, Evaluation) and (each.model, each.version) == (self.name, version)]
        return sorted(found, key=lambda report: (report.event_at, report.name), reverse=True)

    def deployments(self) -> list[Deployment]:
        """Where the model serves."""
        return [each for each in self.records if isinstance(each, Deployment) and each.model == self.name]


def provenance_of(sight: Sight, reader: Reader, model: str) -> Provenance:
    """Everything the registry says about a model at the sight's moment. Raises NoSuchModel."""
    records = tuple(queries.records_of(reader, environment=sight.environment))
    found = next((each for each in records if isinstance(each, Model) and each.name == model), None)
    if found is None and not any(isinstance(each, ModelVersion) and each.model == model for each in records):
        known = dict.fromkeys(queries.models(reader, sight.environment))
        if model not in known:
            models = {each.name: each for each in records if isinstance(each, Model)}
            raise no_such_model(model, {**models, **known})  # type: ignore[dict-item]
    return Provenance(found, model, records)


def provenance_then(sight: Sight, then: datetime, model: Model | None, name: str) -> Provenance:
    """What the registry said of a model at an earlier moment: the inputs of a run as they were when it ran."""
    moment = min(then, sight.at)
    with open_reader(sight.workspace.paths, at=moment) as reader:
        return Provenance(model, name, tuple(queries.records_of(reader, environment=sight.environment)))


def named_version(text: str, known_models: Iterable[str]) -> tuple[str, str | None]:
    """`M` or `M@V` as model and version; a model whose own name holds an `@` is taken as a whole first."""
    if text in set(known_models) or "@" not in text:
        return text, None
    model, _, version = text.rpartition("@")
    return model, version or None


def _newest(found: Iterable[Kind]) -> Kind | None:
    return max(found, key=lambda each: each.known_at, default=None)
