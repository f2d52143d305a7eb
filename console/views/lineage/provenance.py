"""What a model's versions come from: registry records joined from the source to the deployment, and what is not there said so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

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
from backends.store.reader import Reader
from console.views.sight import Sight
from console.views.versions.registry import no_such_model


@dataclass(frozen=True)
class Provenance:
    """The registry's records of one environment, as they were known at one moment, about one model."""

    model: Model | None
    """None for a model that only predictions, labels or aliases speak of."""
    name: str
    records: tuple[Record, ...]
    inputs: tuple[Dataset | FeatureSet, ...] = ()
    """Every version of every dataset and feature definition, also those that were corrected since."""

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

    def dataset(self, name: str, by: datetime | None = None) -> Dataset | None:
        """A dataset by name, the newest known; with `by` as it was known then, None when nothing was."""
        found = (each for each in self.inputs if isinstance(each, Dataset) and each.name == name)
        return max((each for each in found if by is None or _known_by(each, by)), key=lambda each: each.known_at, default=None)

    def features(self, name: str, by: datetime | None = None) -> FeatureSet | None:
        """A set of features by name, the newest known; with `by` as it was known then."""
        found = (each for each in self.inputs if isinstance(each, FeatureSet) and each.name == name)
        return max((each for each in found if by is None or _known_by(each, by)), key=lambda each: each.known_at, default=None)

    def dataset_of(self, run: Run, name: str) -> Dataset | None:
        """A dataset as it was recorded when a run read it; one that was recorded only later as it is known now."""
        return self.dataset(name, ended(run)) or self.dataset(name)

    def features_of(self, run: Run) -> FeatureSet | None:
        """The features of a run as they were defined then; those that were recorded only later as they are known now."""
        return None if run.features is None else self.features(run.features, ended(run)) or self.features(run.features)

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
            raise no_such_model(model, {**models, **known})
    history = queries.record_history(reader, "dataset", "features", environment=sight.environment)
    return Provenance(found, model, records, tuple(each for each in history if isinstance(each, Dataset | FeatureSet)))


def every_provenance(sight: Sight, reader: Reader) -> list[Provenance]:
    """The same about every model of the environment, the registry read once."""
    records = tuple(queries.records_of(reader, environment=sight.environment))
    history = queries.record_history(reader, "dataset", "features", environment=sight.environment)
    inputs = tuple(each for each in history if isinstance(each, Dataset | FeatureSet))
    models = {each.name: each for each in reversed(records) if isinstance(each, Model)}
    versions = [each.model for each in records if isinstance(each, ModelVersion)]
    names = sorted({*models, *versions, *queries.models(reader, sight.environment)})
    return [Provenance(models.get(name), name, records, inputs) for name in names]


def ended(run: Run) -> datetime:
    """The moment at which a run had read its inputs at the latest."""
    return run.ended_at or run.started_at


def _known_by(record: Dataset | FeatureSet, moment: datetime) -> bool:
    return record.known_at <= moment and record.event_at <= moment


def named_version(text: str, known_models: Iterable[str]) -> tuple[str, str | None]:
    """`M` or `M@V` as model and version; a model whose own name holds an `@` is taken as a whole first."""
    if text in set(known_models) or "@" not in text:
        return text, None
    model, _, version = text.rpartition("@")
    return model, version or None
