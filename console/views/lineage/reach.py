"""The blast radius of a thing: every version made from it, where those serve, who reads them, and how much they scored in a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cache, cached_property

from backends.records import Dataset, Deployment, Model, Run
from backends.store import queries
from backends.store.reader import Reader
from console.render import figures
from console.views.health.model import View
from console.views.lineage.provenance import Provenance
from console.views.sight import Sight
from console.views.versions.serving import serving_at


class Reach(View):
    """What depends on a thing now."""

    versions: tuple[str, ...]
    """Everything made from it, as `model@version`."""
    serving: tuple[str, ...]
    """Those of them that serve."""
    deployments: tuple[str, ...]
    readers: tuple[str, ...]
    scores_last_day: int
    """Live scores by those versions in the last 24 hours."""


class Reaches:
    """Works out reaches within one environment."""

    def __init__(self, sight: Sight, reader: Reader, known: Provenance) -> None:
        self._sight, self._reader, self._known = sight, reader, known
        self._day = cache(self._scored_in_a_day)

    def of_version(self, version: str | None) -> Reach:
        """What depends on one version of the model."""
        return self._of([] if version is None else [(self._known.name, version)])

    def of_dataset(self, *names: str) -> Reach:
        """What depends on datasets: every version whose run read one of them."""
        return self._of(self._made_by(run for run in self._runs if set(names) & set(run.inputs)))

    def of_source(self, source: str) -> Reach:
        """What depends on a source: every version trained on a dataset that came from it."""
        return self.of_dataset(*(each.name for each in self._known.records if isinstance(each, Dataset) and source in each.sources))

    def of_features(self, name: str) -> Reach:
        """What depends on a set of features."""
        return self._of(self._made_by(run for run in self._runs if run.features == name))

    def of_model(self) -> Reach:
        """What depends on whatever the model says."""
        serving = serving_at(self._sight.alias_history(self._known.name), self._sight.at).version
        return self.of_version(serving)

    def last_heard(self, source: str) -> str:
        """How old the newest of a source is, as the store and its feeds say."""
        return self.heard(source) or "named by the dataset; it tells nothing of its own here"

    def heard(self, source: str) -> str | None:
        """The same; None where nothing of it was ever heard here."""
        for metric in self._feeds:
            if metric.labels.get("source") == source and metric.value is not None:
                age = timedelta(hours=metric.value) + (self._sight.at - metric.event_at)
                return f"{figures.age(age)} old, as its feed says"
        own = [each for each in self._sources if each.environment == self._sight.environment and each.source == source]
        if own:
            newest = max(each.last_event_at for each in own)
            return f"last heard {figures.since(newest, self._sight.at)} ago ({', '.join(each.table for each in own)})"
        return None

    @cached_property
    def _runs(self) -> list[Run]:
        return [each for each in self._known.records if isinstance(each, Run)]

    @cached_property
    def _sources(self) -> list[queries.SourceState]:
        return queries.sources(self._reader)

    @cached_property
    def _feeds(self) -> list[queries.MetricValue]:
        return queries.latest_metrics(self._reader, self._sight.environment, layer="data", name="age_hours")

    @staticmethod
    def _made_by(runs: Iterable[Run]) -> list[tuple[str, str]]:
        found = []
        for run in runs:
            for output in run.outputs:
                model, _, version = output.rpartition("@")
                if model:
                    found.append((model, version))
        return list(dict.fromkeys(found))

    def _of(self, versions: list[tuple[str, str]]) -> Reach:
        serving, deployments, readers, scores = [], [], [], 0
        for model, version in versions:
            scores += self._day(model).get(version, 0)
            if serving_at(self._sight.alias_history(model), self._sight.at).version != version:
                continue
            serving.append(f"{model}@{version}")
            for record in self._known.records:
                if isinstance(record, Deployment) and record.model == model:
                    deployments.append(record.name)
                elif isinstance(record, Model) and record.name == model:
                    readers += [each.name for each in record.readers]
        return Reach(
            versions=tuple(f"{model}@{version}" for model, version in versions),
            serving=tuple(serving),
            deployments=tuple(dict.fromkeys(deployments)),
            readers=tuple(dict.fromkeys(readers)),
            scores_last_day=scores,
        )

    def _scored_in_a_day(self, model: str) -> dict[str, int]:
        at = self._sight.at
        found = queries.volumes(self._reader, self._sight.environment, model, at - timedelta(days=1), at + timedelta(microseconds=1))
        return {each.version: each.n for each in found if each.role == "live"}
