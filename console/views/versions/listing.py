"""Versions of a model: where aliases point, when each served, what it was trained on, whether its artifact is what was recorded."""

from __future__ import annotations

from pydantic import Field

from backends.protocol import AliasMove
from backends.records import ModelVersion, Moment, Run, Stage
from backends.store.reader import Reader
from backends.text import Untrusted
from console.views.health.model import View
from console.views.lineage.provenance import Provenance, provenance_of
from console.views.sight import Sight
from console.views.versions.artifacts import Artifact, Found, checked
from console.views.versions.serving import SERVING_ALIAS, aliases_at, served

MAIN_METRICS = ("auc", "mae", "brier", "rmse", "accuracy", "f1")
"""Metrics that a list has room for, the first one found; `test_auc` and `holdout_auc` count as `auc`."""


class Stretch(View):
    """One stretch of service; without an end it goes on."""

    since: Moment
    until: Moment | None


class TrainedOn(View):
    """A dataset that the run of a version read."""

    name: str
    recorded: bool
    """False: the run names it, and nothing else is known of it."""
    snapshot: str | None = None
    rows: int | None = None
    covers_from: str | None = None
    """Days as `2013-01-01`."""
    covers_to: str | None = None
    columns: int | None = None
    sources: tuple[str, ...] = ()


class ArtifactSeen(View):
    """What stands where the artifact should be, now."""

    found: Found
    digest: str | None
    """As recorded."""
    path: Untrusted | None
    sentence: Untrusted


class SignatureSummary(View):
    """Inputs by kind, and outputs."""

    inputs: int
    kinds: dict[str, int]
    outputs: tuple[str, ...]


class ReportSeen(View):
    """An evaluation report."""

    name: str
    covers_from: Moment
    covers_to: Moment
    rows: int
    labelled: int
    metrics: dict[str, float | None]
    primary: str | None = None
    """The metric that decides, as the model's record says."""
    stands_for: Untrusted | None = None
    """What of the business it stands for."""
    costs: dict[str, float] = Field(default_factory=dict)
    """What answering or training took, by name with the unit in it."""


class VersionRow(View):
    """One version."""

    version: str
    aliases: tuple[str, ...]
    stage: Stage | None
    """None: there is no record of it, only an alias."""
    serving: tuple[Stretch, ...]
    serves: bool
    run: str | None
    run_status: str | None
    trained_on: tuple[TrainedOn, ...]
    metrics: dict[str, float | None]
    """Of its run, as the run reported them."""
    artifact: ArtifactSeen
    signature: SignatureSummary | None
    runtime: dict[str, str]
    importance: dict[str, float]
    """Largest first."""
    registered_at: Moment | None
    source: str | None
    description: Untrusted
    reports: tuple[ReportSeen, ...] = ()
    """Evaluation reports on it, the newest first."""
    contradictions: tuple[Untrusted, ...] = ()
    """What another source says otherwise."""
    missing: tuple[Untrusted, ...] = ()
    """What should be recorded and is not, one line each."""


class VersionsView(View):
    """Every version of a model, the newest first."""

    environment: str
    model: str
    owner: str | None
    at: Moment
    zone: str
    past: bool
    serving: str | None
    aliases: dict[str, str]
    incidents: tuple[str, ...]
    rows: tuple[VersionRow, ...]


def versions_view(sight: Sight, reader: Reader, model: str) -> VersionsView:
    """Every version that a record or an alias names. Raises NoSuchModel or StoreError."""
    known = provenance_of(sight, reader, model)
    history = sight.alias_history(model)
    rows = [version_row(sight, known, history, version) for version in _names(known, history, sight)]
    incidents = sight.control.open_incidents(sight.environment, model)
    stretches = served(history, sight.at)
    return VersionsView(
        environment=sight.environment,
        model=model,
        owner=known.model.owner if known.model else None,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        serving=stretches[-1].version if stretches and stretches[-1].end is None else None,
        aliases=aliases_at(history, sight.at),
        incidents=tuple(incident.id for incident in reversed(incidents)),
        rows=tuple(rows),
    )


def _names(known: Provenance, history: list[AliasMove], sight: Sight) -> list[str]:
    """Versions of records and aliases, the newest registered first; those without a record last."""
    records = known.versions()
    named = {move.version for move in history if move.version is not None and move.moved_at <= sight.at}
    recorded = sorted(records, key=lambda version: (records[version][0].event_at, _natural(version)), reverse=True)
    return recorded + sorted(named - set(records), key=_natural, reverse=True)


def _natural(version: str) -> tuple[int, str]:
    return (int(version), "") if version.isascii() and version.isdigit() and len(version) < 18 else (-1, version)


def version_row(sight: Sight, known: Provenance, history: list[AliasMove], version: str) -> VersionRow:
    """One version, with everything that a list and a card show."""
    records = known.versions().get(version, [])
    record = records[0] if records else None
    run = known.run_of(version)
    stretches = [Stretch(since=each.start, until=each.end) for each in served(history, sight.at, SERVING_ALIAS) if each.version == version]
    artifact = checked(sight.workspace.paths.root, record)
    return VersionRow(
        version=version,
        aliases=tuple(sorted(alias for alias, target in aliases_at(history, sight.at).items() if target == version)),
        stage=record.stage if record else None,
        serving=tuple(stretches),
        serves=bool(stretches) and stretches[-1].until is None,
        run=run.name if run else (record.run if record else None),
        run_status=run.status if run else None,
        trained_on=tuple(trained_on(known, run, name) for name in run.inputs) if run else (),
        metrics=dict(run.metrics) if run else {},
        artifact=_seen(record, artifact),
        signature=_signature(record),
        runtime=dict(record.runtime) if record else {},
        importance=dict(sorted(record.importance.items(), key=lambda each: -each[1])) if record else {},
        registered_at=record.event_at if record else None,
        source=record.source if record else None,
        description=record.description if record else Untrusted(""),
        reports=tuple(
            ReportSeen(
                name=each.name,
                covers_from=each.covers_from,
                covers_to=each.covers_to,
                rows=each.rows,
                labelled=each.labelled,
                metrics=dict(each.metrics),
                primary=known.model.primary_metric if known.model else None,
                stands_for=known.model.stands_for if known.model else None,
                costs=dict(each.costs),
            )
            for each in known.evaluations_of(version)
        ),
        contradictions=tuple(contradictions(records)),
        missing=tuple(Untrusted(each) for each in missing_of(known, version, artifact)),
    )


def trained_on(known: Provenance, run: Run, name: str) -> TrainedOn:
    """A dataset as its record had it when the run read it."""
    found = known.dataset_of(run, name)
    if found is None:
        return TrainedOn(name=name, recorded=False)
    return TrainedOn(
        name=name,
        recorded=True,
        snapshot=found.snapshot,
        rows=found.rows,
        covers_from=found.covers_from.isoformat() if found.covers_from else None,
        covers_to=found.covers_to.isoformat() if found.covers_to else None,
        columns=len(found.columns) if found.columns else None,
        sources=found.sources,
    )


def missing_of(known: Provenance, version: str, artifact: Artifact) -> list[str]:
    """What a version needs to be reproduced and judged, and does not have; one line each."""
    record, run = known.version(version), known.run_of(version)
    if record is None:
        return ["no record: an alias names it, the registry says nothing of it"]
    found = []
    if run is None:
        found.append(f"run {record.run} is named but not recorded" if record.run else "no training run is recorded")
    else:
        if not run.inputs:
            found.append(f"run {run.name} names no dataset")
        found += [f"dataset {name} is named by the run but not recorded" for name in run.inputs if known.dataset(name) is None]
        if run.features is None:
            found.append(f"run {run.name} names no feature definition")
        elif known.features(run.features) is None:
            found.append(f"features {run.features} are named by the run but not recorded")
    if artifact.found != "matches":
        found.append(artifact.sentence)
    if record.code_commit is None:
        found.append("no code commit is recorded")
    if record.environment_digest is None:
        found.append("no environment digest is recorded")
    if record.signature is None:
        found.append("no signature is recorded")
    if not known.evaluations_of(version):
        found.append("no evaluation report is recorded")
    return found


def _seen(record: ModelVersion | None, artifact: Artifact) -> ArtifactSeen:
    path = record.artifact_path if record else None
    return ArtifactSeen(
        found=artifact.found,
        digest=record.artifact_digest if record else None,
        path=Untrusted(path) if path is not None else None,
        sentence=Untrusted(artifact.sentence),
    )


def _signature(record: ModelVersion | None) -> SignatureSummary | None:
    if record is None or record.signature is None:
        return None
    kinds: dict[str, int] = {}
    for column in record.signature.inputs:
        kinds[column.kind] = kinds.get(column.kind, 0) + 1
    outputs = tuple(column.name for column in record.signature.outputs)
    return SignatureSummary(inputs=len(record.signature.inputs), kinds=kinds, outputs=outputs)


def contradictions(records: list[ModelVersion]) -> list[Untrusted]:
    found = []
    for other in records[1:]:
        for field in ("stage", "run", "artifact_digest", "code_commit", "environment_digest"):
            mine, theirs = getattr(records[0], field), getattr(other, field)
            if mine != theirs:
                what = field.replace("_", " ")
                found.append(Untrusted(f"{what}: {records[0].source} says {mine or 'nothing'}, {other.source} says {theirs or 'nothing'}"))
    return found


def main_metric(metrics: dict[str, float | None]) -> tuple[str, float | None] | None:
    """The metric that a list shows: of the held-out part where the run reports one, else the first known name."""
    for wanted in MAIN_METRICS:
        named = [name for name in metrics if name == wanted or name.endswith(f"_{wanted}")]
        named.sort(key=lambda name: (name.startswith("train"), len(name), name))
        if named:
            return named[0], metrics[named[0]]
    return next(iter(metrics.items()), None)
