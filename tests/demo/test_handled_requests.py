"""The demo counts what its models really met: a category that a version was not trained on, and nothing else, is repaired."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from backends.store import queries
from backends.store.reader import Reader, open_reader
from console.config import Workspace
from console.demo.flights import CATEGORIES
from console.demo.replay import Replay
from console.demo.served_versions import load_versions
from console.demo.story import ENVIRONMENT, MODELS
from console.lookout import Lookout

MODEL = "arrival-delay"


def unknown_categories(reader: Reader, workspace: Workspace, model: str, start: datetime, end: datetime) -> tuple[dict[str, int], int]:
    """Of the live answers in [start, end): those with a category that the version does not know, by field; and how many there are."""
    versions = load_versions(workspace.paths.root, reader, MODELS).versions[model]
    listed = ", ".join(CATEGORIES)
    rows = reader.rows("predictions", model=model, start=start, end=end, inputs=list(CATEGORIES))
    found: list[Any] = reader.fetch(f"SELECT version, {listed} FROM {rows} WHERE role = 'live' AND served_by = 'model'")
    known = {
        number: dict(zip(CATEGORIES, each.pipeline.steps[0][1].named_transformers_["ordinalencoder"].categories_, strict=True))
        for number, each in versions.items()
    }
    counts = {name: sum(row[1 + place] not in known[row[0]][name].tolist() for row in found) for place, name in enumerate(CATEGORIES)}
    return {name: count for name, count in counts.items() if count}, len(found)


def test_repairs_are_the_categories_that_the_version_that_answered_does_not_know(demo: Workspace) -> None:
    at = demo.clock().now()
    handled = Lookout(demo, ENVIRONMENT).contract(MODEL).handled
    with open_reader(demo.paths, at=at) as reader:
        expected, requests = unknown_categories(reader, demo, MODEL, at - timedelta(days=7), at)
    repairs = {each.field.raw: each.week for each in handled if each.kind == "repair" and each.field is not None}
    assert repairs == expected and sum(expected.values()) > 0
    assert {each.week_requests for each in handled} == {requests}
    assert [(each.kind, each.week, each.reason) for each in handled if each.kind == "reject"] == [("reject", 0, None)]


@pytest.mark.parametrize("model", [MODEL, "air-time"])
def test_the_score_server_goes_on_counting(own_demo: Workspace, model: str) -> None:
    replay = Replay(own_demo)
    start = replay.reached()
    end = start + timedelta(hours=16)
    replay.catch_up(end)
    with open_reader(own_demo.paths) as reader:
        expected, requests = unknown_categories(reader, own_demo, model, start, end)
        moment = timedelta(microseconds=1)
        found = queries.handled_requests(reader, ENVIRONMENT, model, "repair", start + moment, end + moment)
        rejects = queries.handled_requests(reader, ENVIRONMENT, model, "reject", start + moment, end + moment)
    counts = {field: sum(found.value[[each == field for each in found.fields]]) for field in dict.fromkeys(found.fields) if field}
    assert counts == expected
    assert (found.requests.sum(), rejects.requests.sum(), rejects.value.sum()) == (requests, requests, 0)
