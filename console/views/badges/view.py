"""The assets of one system, each with its five badges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches

from backends.records import Moment, Run
from backends.store import queries
from backends.store.reader import Reader
from console.control.actions import CHALLENGER_ALIAS
from console.views.badges.around import labels, pipeline
from console.views.badges.badge import Asset, Standing
from console.views.badges.inputs import dataset, features, run_of
from console.views.badges.made import deployment, version
from console.views.badges.subject import Subject
from console.views.health.model import ModelHealth, View
from console.views.lineage.provenance import Provenance
from console.views.lineage.reach import Reaches
from console.views.maturity.system import System, of_version, system_of
from console.views.sight import Sight
from console.views.versions.card import version_before
from console.views.versions.serving import aliases_at, serving_at


class NoSuchAsset(LookupError):
    """An asset that no record of the system names; the message lists the nearest."""


class BadgesView(View):
    """The assets of one system that its records know, from its data to its outcomes."""

    environment: str
    model: str
    version: str | None
    """The one that serves, else the newest recorded."""
    challenger: str | None
    owner: str | None
    at: Moment
    zone: str
    past: bool
    counts: dict[Standing, int]
    """How many badges of the assets below stand how."""
    rows: tuple[Asset, ...]


def badges_view(sight: Sight, reader: Reader, known: Provenance, health: ModelHealth, asset: str | None = None) -> BadgesView:
    """Every asset of a system, or the one named `kind:name`. Raises NoSuchAsset or StoreError."""
    system = system_of(sight, reader, known, health)
    challenger = aliases_at(sight.alias_history(known.name), sight.at).get(CHALLENGER_ALIAS)
    subjects = _subjects(sight, reader, system, challenger)
    # Two versions may come from one run, and two sources may know one thing under one name: what was named first stands.
    rows = tuple({each.id: each for each in reversed(list(_assets(subjects)))}.values())[::-1]
    if asset is not None:
        rows = (_named(rows, known.name, asset),)
    standings = [badge.standing for row in rows for badge in row.badges]
    every: tuple[Standing, ...] = ("borne out", "not borne out", "unknown", "does not apply")
    return BadgesView(
        environment=sight.environment,
        model=known.name,
        version=system.version,
        challenger=challenger if challenger != system.version else None,
        owner=known.model.owner if known.model is not None else None,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        counts={each: standings.count(each) for each in every},
        rows=rows,
    )


def _subjects(sight: Sight, reader: Reader, system: System, challenger: str | None) -> list[Subject]:
    """What serves, and its challenger, each with what is read of it."""
    serving = serving_at(sight.alias_history(system.name), sight.at).version
    answers = tuple(queries.volumes(reader, sight.environment, system.name, None, sight.at + timedelta(microseconds=1)))
    first = Subject(
        system=system,
        serves=serving is not None and serving == system.version,
        before=version_before(sight, system.known, system.version) if system.version is not None else None,
        reaches=Reaches(sight, reader, system.known),
        answers=answers,
    )
    if challenger in {None, system.version} or challenger is None:
        return [first]
    other = of_version(system, challenger)
    return [first, replace(first, system=other, serves=False, before=version_before(sight, system.known, challenger))]


def _assets(subjects: list[Subject]) -> Iterator[Asset]:
    """In the order in which they come about. What two versions share is judged as what serves has it."""
    first = subjects[0]
    runs = [(each, each.system.run) for each in subjects]
    made = [(subject, run) for subject, run in runs if run is not None]
    yield from _shared(made, lambda run: run.inputs, dataset)
    yield from _shared(made, lambda run: () if run.features is None else (run.features,), features)
    for subject, run in made:
        yield run_of(subject, run)
    for subject in subjects:
        if subject.system.version is not None:
            yield version(subject)
    recorded = first.system.known.deployments()
    for each in recorded:
        yield deployment(first, each)
    if not recorded and first.serves:
        yield deployment(first, None)
    for own in first.system.pipelines():
        yield pipeline(first, own)
    yield labels(first)


def _shared(
    made: list[tuple[Subject, Run]],
    names: Callable[[Run], tuple[str, ...]],
    judged: Callable[[Subject, Run, str, tuple[str, ...]], Asset],
) -> Iterator[Asset]:
    """Each input once, with every version that was made from it."""
    for name in dict.fromkeys(name for _, run in made for name in names(run)):
        using = [(subject, run) for subject, run in made if name in names(run)]
        of = tuple(subject.system.version or "" for subject, _ in using)
        yield judged(*using[0], name, of)


def _named(rows: tuple[Asset, ...], model: str, wanted: str) -> Asset:
    found = next((each for each in rows if each.id == wanted), None)
    if found is None:
        ids = [each.id for each in rows]
        near = get_close_matches(wanted, ids, n=3, cutoff=0.4) or ids
        raise NoSuchAsset(f"{model} has no asset {wanted!r}; there are: {', '.join(near)}")
    return found
