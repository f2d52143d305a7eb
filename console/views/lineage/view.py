"""Lineage of a version: what it came from, where it serves, who reads it, what came of it; and who decided each step."""

from __future__ import annotations

from backends.protocol import AliasMove
from backends.records import Moment, State
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import version_label
from console.views.health.model import View
from console.views.lineage.decisions import Decision, decisions_of
from console.views.lineage.node import Node, node, short_digest
from console.views.lineage.origins import origins_of
from console.views.lineage.provenance import Provenance, provenance_of
from console.views.lineage.reach import Reaches
from console.views.lineage.results import results_of
from console.views.lineage.windows import WindowDifference, window_differences
from console.views.sight import Sight
from console.views.versions.artifacts import checked
from console.views.versions.card import NoSuchVersion
from console.views.versions.serving import served, serving_at


class Requirement(View):
    """One of the things that it takes to make a version again."""

    name: str
    there: bool
    why: Untrusted
    """What is there, or what is missing."""


class LineageView(View):
    """From the sources to the outcome."""

    environment: str
    model: str
    version: str | None
    """None: nothing serves and no version was named."""
    serves: bool
    at: Moment
    zone: str
    past: bool
    nodes: tuple[Node, ...]
    windows: tuple[WindowDifference, ...]
    """Features whose window of time training and serving define differently."""
    siblings: tuple[Untrusted, ...]
    requirements: tuple[Requirement, ...]
    decisions: tuple[Decision, ...]
    """The control flow: who decided what, oldest first."""

    @property
    def complete(self) -> int:
        """How many of the requirements are met."""
        return sum(each.there for each in self.requirements)


def lineage_view(sight: Sight, reader: Reader, model: str, version: str | None = None) -> LineageView:
    """Lineage of a version; of the serving one if None, else of the newest. Raises NoSuchModel, NoSuchVersion or StoreError."""
    known = provenance_of(sight, reader, model)
    versions, history = known.versions(), sight.alias_history(model)
    serving = serving_at(history, sight.at).version
    if version is not None and version not in versions and all(each.version != version for each in served(history, sight.at)):
        raise NoSuchVersion(f"{model} has no version {version!r}; there are: {', '.join(versions) or 'none yet'}")
    newest = max(versions, key=lambda each: versions[each][0].event_at, default=None)
    shown = version or serving or newest
    reaches = Reaches(sight, reader, known)
    origins = origins_of(known, shown, reaches, sight.zone)
    nodes = [*origins, *_version(sight, known, shown, reaches), *results_of(sight, reader, known, shown, reaches)]
    return LineageView(
        environment=sight.environment,
        model=model,
        version=shown,
        serves=shown is not None and shown == serving,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        nodes=tuple(nodes),
        windows=window_differences(sight, reader, known, shown),
        siblings=tuple(_sibling(known, each, serving, history, sight) for each in versions if each != shown),
        requirements=tuple(requirements_of(sight, known, shown)) if shown is not None else (),
        decisions=decisions_of(sight, model, shown, known.run_of(shown) if shown is not None else None),
    )


def _version(sight: Sight, known: Provenance, version: str | None, reaches: Reaches) -> list[Node]:
    if version is None:
        return [node("version", "no version", "", 4, reaches.of_version(None), "no version is recorded and no alias points anywhere")]
    record = known.version(version)
    artifact = checked(sight.workspace.paths.root, record)
    broken = artifact.found in {"different", "missing"}
    missing = "" if artifact.found == "matches" else artifact.sentence if record else "the registry has no record of this version"
    detail = f"artifact {short_digest(record.artifact_digest)}" if record and record.artifact_digest else ""
    return [
        node("version", version, detail, 4, reaches.of_version(version), missing, State.CRITICAL if broken else State.UNKNOWN)
    ]  # fmt: skip


def _sibling(known: Provenance, version: str, serving: str | None, history: list[AliasMove], sight: Sight) -> Untrusted:
    record, run = known.version(version), known.run_of(version)
    stretches = [each for each in served(history, sight.at) if each.version == version]
    words = ["serves"] if version == serving else ["served"] if stretches else []
    words += [record.stage.value] if record is not None else []
    words += [f"trained on {', '.join(run.inputs)}"] if run is not None and run.inputs else []
    return Untrusted(f"{version_label(version)} ({', '.join(words)})")


def requirements_of(sight: Sight, known: Provenance, version: str) -> list[Requirement]:
    """The seven things that it takes to make a version again and to judge it, each there or not."""
    record, run = known.version(version), known.run_of(version)
    names = list(run.inputs) if run is not None else []
    datasets = [name for name in names if known.dataset(name) is not None]
    features = known.features_of(run) if run is not None else None
    artifact = checked(sight.workspace.paths.root, record)
    reports = known.evaluations_of(version)
    commit = record.code_commit if record else None
    lock = record.environment_digest if record else None
    found = [
        ("dataset snapshot", bool(names) and len(datasets) == len(names), ", ".join(names), "no record of the dataset it was trained on"),
        ("feature definition", features is not None, features.name if features else "", "no record of its feature definition"),
        ("training run", run is not None, run.name if run else "", "no record of the run that trained it"),
        ("code commit", commit is not None, commit or "", "the version names no code commit"),
        ("environment", lock is not None, short_digest(lock) if lock else "", "the version names no environment digest"),
        ("artifact", artifact.found == "matches", artifact.sentence, artifact.sentence),
        ("evaluation report", bool(reports), reports[0].name if reports else "", "no report on it is recorded"),
    ]
    return [Requirement(name=name, there=there, why=Untrusted(what if there else missing)) for name, there, what, missing in found]
