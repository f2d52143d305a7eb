"""What the registry says of the models of an environment. Judges nothing, so that a look at records loads no arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backends.records import Model, ModelVersion, PipelineRun, Record
from backends.store import queries
from backends.store.reader import Reader
from console.views.not_found import NoSuchModel


@dataclass(frozen=True, slots=True)
class Registry:
    """Registry records by what they are about."""

    models: dict[str, Model]
    versions: dict[tuple[str, str], ModelVersion]
    runs: tuple[PipelineRun, ...]
    pipelines: dict[str, str | None]
    """Model of each pipeline."""

    def runs_of(self, model: str) -> tuple[PipelineRun, ...]:
        """Runs of the pipelines of a model, and of those that belong to no single one."""
        return tuple(run for run in self.runs if self.pipelines.get(run.pipeline) in {None, model})


def registry_of(reader: Reader, environment: str, at: datetime) -> Registry:
    """Everything the registry says; a model that is only known by its predictions gets a record without an owner."""
    records: Sequence[Record] = queries.records_of(reader, environment=environment)
    models = {record.name: record for record in records if isinstance(record, Model)}
    for name in queries.models(reader, environment):
        if name not in models:
            task = _task_of(reader, environment, name)
            models[name] = Model(name=name, task=task, environment=environment, event_at=at, known_at=at)
    return Registry(
        models=models,
        versions={(record.model, record.version): record for record in records if isinstance(record, ModelVersion)},
        runs=tuple(record for record in records if isinstance(record, PipelineRun)),
        pipelines={record.name: record.model for record in records if record.kind == "pipeline"},
    )


def _task_of(reader: Reader, environment: str, model: str) -> str:
    """A model without a record is binary when its labels are all 0 or 1, else a regression."""
    found = queries.scored(reader, environment, model, None, None, role="live")
    known = found.label[found.label == found.label]
    inside = bool(len(found.score)) and bool(((found.score >= 0) & (found.score <= 1)).all())
    return "binary" if inside and set(known.tolist()) <= {0.0, 1.0} else "regression"


def no_such_model(model: str, known: Mapping[str, object]) -> NoSuchModel:
    """The error for a model that nothing is known of."""
    from console.closest import closest

    near = closest(model, known, n=3, cutoff=0.4)
    advice = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(sorted(known)[:10])}" if known else "there is none yet"
    return NoSuchModel(f"no model {model!r} in this environment; {advice}")
