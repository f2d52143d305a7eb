"""The card of a model version: what is documented of it and what is missing, with what was counted while it served."""

from __future__ import annotations

from typing import Final, Literal

from backends.records import Moment, Stage
from backends.store.reader import Reader
from backends.text import Untrusted
from console.views.cards.documented import documented, held_to, trained_on
from console.views.cards.fields import CardField, StandardSeen, missing_of
from console.views.health.estimation import Measure
from console.views.health.model import View
from console.views.lineage.provenance import Provenance
from console.views.quality.view import GroupedBy, Period, QualityView, SliceRow
from console.views.sight import Sight
from console.views.versions.answers import Moved
from console.views.versions.card import LetIn, VersionView, version_of
from console.views.versions.listing import Stretch
from console.views.versions.serving import serving_at

DAYS: Final = 3
"""Days of service that stand for a period where none lies wholly in it."""


class NoVersion(LookupError):
    """A model of which no version is recorded: there is nothing to make a card of."""


class ReportOfCard(View):
    """An evaluation report, with the slices that it counts apart."""

    name: str
    covers_from: Moment
    covers_to: Moment
    rows: int
    labelled: int
    metrics: dict[str, float | None]
    by_slice: dict[str, dict[str, float | None]]
    on_training_rows: bool | None
    """None: the records do not tell."""


class InService(View):
    """Quality of what was answered over one period that lies wholly in a version's present stretch of service."""

    name: str
    since: Moment
    until: Moment
    scored: int
    labelled: int
    measures: tuple[Measure, ...]


class CardView(View):
    """The card of one version of a model, as it is known at one moment."""

    environment: str
    model: Untrusted
    version: str
    at: Moment
    zone: str
    past: bool
    task: Literal["binary", "regression"] | None
    """None: there is no record of the model."""
    description: Untrusted
    threshold: float | None
    primary_metric: str | None
    stands_for: Untrusted | None
    stage: Stage | None
    serves: bool
    fields: tuple[CardField, ...]
    required: int
    missing: tuple[str, ...]
    """Ids of the fields that are required and not documented."""
    standards: tuple[StandardSeen, ...]
    datasets: tuple[str, ...]
    """What its run read; each has a data sheet where it is recorded."""
    artifact_digest: str | None
    reports: tuple[ReportOfCard, ...]
    in_service: tuple[InService, ...]
    not_counted: str
    """Why no number of its service stands here; empty where some do."""
    slices: tuple[SliceRow, ...]
    """Of its service, over the first period of `in_service`."""
    fairness: tuple[GroupedBy, ...]
    """Likewise, one for each column that a gate groups by."""
    approvals: tuple[LetIn, ...]
    """Every request to let it in, with its gates and who signed."""
    serving: tuple[Stretch, ...]
    moves: tuple[Moved, ...]


def version_of_card(sight: Sight, known: Provenance, asked: str | None) -> str:
    """The version that a card is about: the one asked for, else what serves, else the newest. Raises NoVersion."""
    if asked is not None:
        return asked
    serving = serving_at(sight.alias_history(known.name), sight.at).version
    if serving is not None:
        return serving
    versions = known.versions()
    if not versions:
        raise NoVersion(f"no version of {known.name} is recorded, so there is nothing to make a card of; bring it in: qd ingest records")
    return max(versions, key=lambda name: (versions[name][0].event_at, name))


def card_view(sight: Sight, reader: Reader, known: Provenance, version: str, quality: QualityView | None) -> CardView:
    """The card of a version; `quality` is the look at its model where the version serves. Raises NoSuchVersion or StoreError."""
    seen = version_of(sight, reader, known, version)
    fields, held, model = documented(sight, known, version), held_to(sight, known), known.model
    counted, why_not = _in_service(seen, quality)
    first = counted and quality is not None and counted[0].name == quality.calibration_of
    run = known.run_of(version)
    record = known.version(version)
    return CardView(
        environment=sight.environment,
        model=Untrusted(known.name),
        version=version,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        task=model.task if model else None,
        description=model.description if model else Untrusted(""),
        threshold=model.threshold if model else None,
        primary_metric=model.primary_metric if model else None,
        stands_for=model.stands_for if model else None,
        stage=seen.row.stage,
        serves=seen.row.serves,
        fields=fields,
        required=len(held.required),
        missing=missing_of(fields),
        standards=held.seen(sight.policies),
        datasets=run.inputs if run is not None else (),
        artifact_digest=record.artifact_digest if record is not None else None,
        reports=tuple(
            ReportOfCard(
                name=each.name,
                covers_from=each.covers_from,
                covers_to=each.covers_to,
                rows=each.rows,
                labelled=each.labelled,
                metrics=dict(each.metrics),
                by_slice={name: dict(numbers) for name, numbers in each.by_slice.items()},
                on_training_rows=trained_on(known, each),
            )
            for each in known.evaluations_of(version)
        ),
        in_service=counted,
        not_counted=why_not,
        slices=quality.slices if first and quality is not None else (),
        fairness=quality.fairness if first and quality is not None else (),
        approvals=seen.approvals,
        serving=seen.row.serving,
        moves=seen.moves,
    )


def _in_service(seen: VersionView, quality: QualityView | None) -> tuple[tuple[InService, ...], str]:
    """Periods of the quality look that no other version had a part in."""
    if not seen.row.serves or quality is None:
        return (), "it does not serve now: nothing is counted of it here"
    since = seen.row.serving[-1].since
    own = [period for period in quality.periods if period.since >= since and period.labelled]
    # What has served for less than a week may have no such period: then days count by themselves.
    own = own or [day for day in quality.course if day.since >= since and day.labelled][-DAYS:]
    if not own:
        return (), "no answer with a known outcome lies in a period that it served alone"
    return tuple(_counted(each) for each in own), ""


def _counted(period: Period) -> InService:
    return InService(
        name=period.name,
        since=period.since,
        until=period.until,
        scored=period.scored,
        labelled=period.labelled,
        measures=tuple(each for each in period.measures if each.value is not None),
    )
