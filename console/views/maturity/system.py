"""What the workspace holds of one system, read once for everything that is judged of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from backends.records import Evaluation, ModelVersion, Pipeline, PipelineRun, Run
from backends.store import queries
from backends.store.queries import MetricValue
from backends.store.reader import Reader
from console.control.actions import ALIAS_KINDS
from console.control.approval import Approval
from console.views.cards.documented import trained_on
from console.views.data.kept_check import RecordedCheck, checks_among, kept_checks
from console.views.data.kept_search import METRICS, RecordedSearch, Search, kept_searches, search_among
from console.views.health.model import ModelHealth
from console.views.lineage.provenance import Provenance
from console.views.sight import Sight
from console.views.versions.serving import serving_at
from console.watch.evaluated import last_evaluated


@dataclass(frozen=True)
class Kept:
    """Checks and searches of a model's rows, as facts."""

    checks: Sequence[MetricValue]
    searches: Mapping[Search, Sequence[MetricValue]]


@dataclass(frozen=True)
class System:
    """A model and everything around it, at one moment."""

    sight: Sight
    known: Provenance
    health: ModelHealth
    version: str | None
    """The version that serves, else the newest recorded."""
    kept: Kept
    """What was kept of checks and searches, whichever run they were of."""
    logged: frozenset[str]
    """Inputs that its predictions carry."""
    evaluated_at: datetime | None
    """When the watch judged the environment last."""

    @cached_property
    def checks(self) -> tuple[RecordedCheck, ...]:
        """What was kept of the run behind the version, held against the contract."""
        return checks_among(self.kept.checks, self.sight.at, self.run.name) if self.run is not None else ()

    @cached_property
    def searches(self) -> tuple[RecordedSearch, ...]:
        """What was kept of searches of the rows of the run behind the version."""
        found = (self.newest(search, self.run) for search in METRICS) if self.run is not None else ()
        return tuple(each for each in found if each is not None)

    def newest(self, search: Search, run: Run | None = None) -> RecordedSearch | None:
        """The newest search of a kind that was kept of the model, of one run where it is given."""
        return search_among(self.kept.searches[search], search, self.sight.at, run.name if run is not None else None)

    @property
    def name(self) -> str:
        return self.known.name

    @property
    def run(self) -> Run | None:
        """The run that made the version."""
        return self.known.run_of(self.version) if self.version is not None else None

    @property
    def record(self) -> ModelVersion | None:
        return self.known.version(self.version) if self.version is not None else None

    @property
    def named(self) -> str:
        """`model@version`, as verbs take it."""
        return f"{self.name}@{self.version}" if self.version is not None else self.name

    def pipelines(self) -> list[Pipeline]:
        """Pipelines that are recorded as this model's own."""
        return [each for each in self.known.records if isinstance(each, Pipeline) and each.model == self.name]

    def runs_of(self, pipeline: Pipeline) -> list[PipelineRun]:
        """Runs of a pipeline, the newest first."""
        found = [each for each in self.known.records if isinstance(each, PipelineRun) and each.pipeline == pipeline.name]
        return sorted(found, key=lambda each: each.started_at, reverse=True)

    def reports(self) -> list[Evaluation]:
        """Reports on the version that hold a number."""
        found = self.known.evaluations_of(self.version) if self.version is not None else []
        return [each for each in found if any(value is not None for value in each.metrics.values())]

    def independent(self, report: Evaluation) -> bool:
        """Whether a report is known to count none of the rows that its version was trained on."""
        return trained_on(self.known, report) is False

    def approvals(self) -> list[Approval]:
        """Requests to let the version in, the newest first."""
        wanted = (self.sight.environment, self.name, self.version)
        found = [
            each
            for each in self.sight.control.approvals.values()
            if (each.payload.environment, each.payload.model, each.payload.to) == wanted and each.payload.action in ALIAS_KINDS
        ]
        return found[::-1]


def system_of(sight: Sight, reader: Reader, known: Provenance, health: ModelHealth) -> System:
    """Read what is needed of one model. Raises StoreError."""
    versions = known.versions()
    newest = max(versions, key=lambda name: (versions[name][0].event_at, name), default=None)
    version = serving_at(sight.alias_history(known.name), sight.at).version or newest
    where = (reader, sight.environment, known.name)
    return System(
        sight=sight,
        known=known,
        health=health,
        version=version,
        kept=Kept(kept_checks(*where, sight.at), {search: kept_searches(*where, search, sight.at) for search in METRICS}),
        logged=frozenset(queries.feature_columns(reader, known.name)),
        evaluated_at=None if sight.past else last_evaluated(sight.workspace.paths, sight.environment),
    )


def of_version(system: System, version: str) -> System:
    """The same about another version of the model; nothing is read again."""
    return replace(system, version=version)
