"""The part of a lineage behind the version: deployments, readers, predictions, labels, business outcomes."""

from __future__ import annotations

from datetime import timedelta

from backends.records import Deployment, State
from backends.store import queries
from backends.store.reader import Reader
from console.control.actions import version_label
from console.render import figures
from console.views.health.deleted_words import deleted_of, take_some, words
from console.views.lineage.node import Node, node, short_digest
from console.views.lineage.provenance import Provenance
from console.views.lineage.reach import Reach, Reaches
from console.views.sight import Sight
from console.views.versions.serving import served, serving_at

LABEL_DAYS = 7
"""Coverage of the labels is that of the predictions of so many days."""


def results_of(sight: Sight, reader: Reader, known: Provenance, version: str | None, reaches: Reaches) -> list[Node]:
    """Nodes from the deployments on; a thing that is not there has a node that says so."""
    mine, whole = reaches.of_version(version), reaches.of_model()
    history = sight.alias_history(known.name)
    serving = serving_at(history, sight.at)
    nodes: list[Node] = []
    if version is not None and serving.version == version:
        since = f"since {figures.moment(serving.since, sight.zone)}"
        for each in known.deployments():
            detail = f"{each.mode}, {_share(each.traffic.get(version))}, {since}"
            nodes.append(node("deployment", each.name, detail, 5, whole, _skew(known, version, each), State.CRITICAL))
        if not nodes:
            nodes.append(
                node("deployment", "alias production", since, 5, whole, "no deployment is recorded: only the alias says it serves")
            )
        readers = known.model.readers if known.model else ()
        nodes += [node("reader", each.name, each.how.raw, 6, whole) for each in readers]
        if not readers:
            nodes.append(node("reader", "no reader", "", 6, whole, "no reader is declared: nobody knows who acts on the scores"))
    else:
        last = [each for each in served(history, sight.at) if each.version == version]
        ended = f"it served until {figures.moment(last[-1].end, sight.zone)}" if last else "it never served"
        nodes.append(node("deployment", "no deployment", ended, 5, mine, ended))
    return [*nodes, *_outcomes(sight, reader, known, version, mine)]


def _skew(known: Provenance, version: str, deployment: Deployment) -> str:
    """Why the features that are computed where a version serves are not those that it was trained on; empty where nobody says so."""
    run = known.run_of(version)
    trained = known.features_of(run) if run is not None else None
    if trained is None or deployment.features_digest in {None, trained.definition_digest}:
        return ""
    here, there = short_digest(deployment.features_digest), short_digest(trained.definition_digest)
    trained_on = f"{version_label(version)} was trained on {there}"
    return f"it computes its features by definition {here}, {trained_on}: hold them together with qd parity"


def _outcomes(sight: Sight, reader: Reader, known: Provenance, version: str | None, reach: Reach) -> list[Node]:
    until = sight.at + timedelta(microseconds=1)
    own = [each for each in queries.volumes(reader, sight.environment, known.name, None, until) if each.version == version]
    rows, live = sum(each.n for each in own), sum(each.n for each in own if each.role == "live")
    nodes = []
    gone = deleted_of(reader, sight.environment, known.name, "predictions")
    if not rows and gone:
        # Of what is gone nobody can say which version had scored it.
        nodes.append(node("predictions", "no predictions", "", 5, reach, f"none is left of this version: {words(gone)}"))
        nodes.append(node("labels", "no labels", "", 6, reach, "of what was deleted no outcome counts"))
    elif not rows:
        nodes.append(node("predictions", "no predictions", "", 5, reach, "no score of this version was ever landed"))
        nodes.append(node("labels", "no labels", "", 6, reach, "without predictions there is nothing to label"))
    else:
        first = min(each.first_hour for each in own)
        shadow = f", {rows - live:,} in shadow" if rows > live else ""
        nodes.append(node("predictions", "predictions", f"{live:,} live{shadow}, since {first.day} {first.strftime('%b')}", 5, reach))
        nodes.append(_labels(sight, reader, known, version, reach))
    business = queries.latest_metrics(reader, sight.environment, model=known.name, layer="business")
    if business:
        simulated = " (simulated)" if any(each.simulated for each in business) else ""
        names = ", ".join(dict.fromkeys(each.name for each in business))
        nodes.append(
            node("business", "business", f"{names}{simulated}, {figures.since(max(e.event_at for e in business), sight.at)} old", 5, reach)
        )
    else:
        nodes.append(node("business", "business", "", 5, reach, "unknown: no outcome or cost is linked to this model"))
    return nodes


def _labels(sight: Sight, reader: Reader, known: Provenance, version: str | None, reach: Reach) -> Node:
    start, end = sight.at - timedelta(days=LABEL_DAYS), sight.at + timedelta(microseconds=1)
    gone = deleted_of(reader, sight.environment, known.name, "predictions", "labels")
    if take_some(gone, start, end):
        return node("labels", "labels", "", 6, reach, words(gone))
    found = queries.label_coverage(reader, sight.environment, known.name, start, end, versions=[version] if version else None)
    if not found.predictions:
        return node("labels", "labels", f"it scored nothing in the last {LABEL_DAYS} days", 6, reach)
    if found.median_delay is None:
        return node("labels", "labels", "", 6, reach, f"0 of {found.predictions:,} scores of the last {LABEL_DAYS} days have a label")
    share = figures.percent(found.labelled / found.predictions)
    detail = f"{share} of {found.predictions:,} in {LABEL_DAYS} days, median delay {figures.age(found.median_delay)}"
    return node("labels", "labels", detail, 6, reach)


def _share(traffic: float | None) -> str:
    return f"{traffic * 100:.0f} %" if traffic is not None else "traffic not recorded"
