"""An identifier that begins to repeat, and what repeated and is an identifier now: no distance sees it, and it is a fault of the data."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from views_workspace import DAY, START, Made, made

from backends.profile.profile import Profile
from backends.profile.sketch import HASHES, SIZE, Sketch
from backends.records import Column, ModelVersion, Signature, State
from backends.store.compactor import compact
from backends.store.landing import land, land_records
from console.analysis.identifiers import shares_of_different
from console.render.drift import drift_page
from console.views.drift.view import DriftView
from console.views.health.model import Signal

DAYS, ROWS = 41, 300
LAST = 5


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """`note` is another text in each row until the last days; `code` one of ten until then; `remark` another in each row all along."""
    place = made(tmp_path_factory.mktemp("identifiers") / "w", START + DAYS * DAY)
    inputs = (Column(name="note", kind="text"), Column(name="code", kind="categorical"), Column(name="remark", kind="text"))
    version = ModelVersion(model="delay", version="1", signature=Signature(inputs=inputs), event_at=START, known_at=START + DAY)
    land_records(place.workspace.paths, [version], now=START)
    rows = np.arange(DAYS * ROWS)
    late, few, own = rows // ROWS >= DAYS - LAST, (rows % 10).astype(str).astype(object), rows.astype(str).astype(object)
    columns = {
        "event_at": np.datetime64(START.replace(tzinfo=None), "us") + (rows * (86_400_000_000 // ROWS)).astype("timedelta64[us]"),
        "model": np.full(rows.size, "delay", dtype=object), "version": np.full(rows.size, "1", dtype=object), "key": own,
        "score": np.random.default_rng(1).random(rows.size), "note": np.where(late, few, own), "code": np.where(late, own, few),
        "remark": own,
    }  # fmt: skip
    land(place.workspace.paths, "predictions", columns, now=START)
    compact(place.workspace.paths, START + DAYS * DAY)
    return place


def drift(place: Made, until: int = DAYS) -> tuple[DriftView, Signal]:
    lookout = place.lookout(None if until == DAYS else START + until * DAY)
    signals = [signal for layer in lookout.model("delay").layers for signal in layer.signals]
    return lookout.drift("delay"), next(signal for signal in signals if signal.id == "data.drift")


def test_an_identifier_that_repeats_and_what_became_one_are_faults_of_the_data(place: Made) -> None:
    view, signal = drift(place)
    shifts = {each.column.raw: each for each in view.columns}
    assert shifts["note"].state is shifts["code"].state is State.CRITICAL
    assert shifts["note"].verdict.startswith("an identifier or free text repeats now: at least ")
    # How many are different is estimated, by each engine in its own way.
    told = re.fullmatch(r".* different and at most (\S+)% are, in equally many rows; look at the pipeline first", shifts["note"].verdict)
    assert told is not None and 1.5 <= float(told[1]) <= 2.0
    assert shifts["code"].verdict.startswith("what repeated is an identifier or free text now: at most ")
    assert shifts["remark"].state is State.UNKNOWN
    assert shifts["remark"].verdict.endswith("Its missing values, and how many of its values are different, are watched")
    schema = next(each for each in view.bug.checks if each.name == "schema")
    assert view.bug.state is schema.state is State.CRITICAL
    assert "note: an identifier or free text repeats now" in schema.why and "code: what repeated is" in schema.why
    assert "remark" not in schema.why
    assert view.closing.startswith("Look at the data before a retrain: schema, ")
    assert "note: an identifier or free text repeats now" in " ".join(drift_page(view, tabbed=False).plain().split())
    assert signal.state is State.CRITICAL


def test_texts_that_are_as_different_as_ever_are_no_drift_of_the_inputs(place: Made) -> None:
    view, signal = drift(place, DAYS - LAST)
    assert {each.column.raw: each.state for each in view.columns if each.kind == "text"} == dict.fromkeys(("note", "remark"), State.UNKNOWN)
    assert next(each for each in view.bug.checks if each.name == "schema").state is not State.CRITICAL
    assert signal.state is State.OK


def test_the_rule_that_watches_inputs_says_what_its_number_is_where_it_is_no_psi(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + DAYS * DAY)
    version = ModelVersion(
        model="delay", version="1", signature=Signature(inputs=(Column(name="note", kind="text"),)), event_at=START, known_at=START + DAY
    )
    land_records(place.workspace.paths, [version], now=START)
    rows = np.arange(DAYS * ROWS)
    land(
        place.workspace.paths, "predictions",
        {
            "event_at": np.datetime64(START.replace(tzinfo=None), "us") + (rows * (86_400_000_000 // ROWS)).astype("timedelta64[us]"),
            "model": ["delay"] * rows.size, "version": ["1"] * rows.size, "key": rows.astype(str).tolist(), "score": [0.5] * rows.size,
            "note": [f"{row % 3 if row // ROWS >= DAYS - LAST else row}" for row in rows.tolist()],
        },
        now=START,
    )  # fmt: skip
    compact(place.workspace.paths, START + DAYS * DAY)
    _, signal = drift(place)
    assert signal.state is State.CRITICAL
    assert signal.is_a == "the share of different values changed by at least"
    assert signal.why.startswith("data.drift note: the share of different values changed by at least ")
    assert signal.since is not None and signal.since >= START + (DAYS - LAST) * DAY


def text(n: int, different: int) -> Profile:
    bits = sum(1 << (number * 37 % SIZE) for number in range(different))
    return Profile("x", "text", n, 0, sketch=Sketch("engine", HASHES, bits))


@pytest.mark.parametrize(
    ("reference", "current", "turned"),
    [
        ((1_000, 1_000), (1_000, 10), True), ((1_000, 10), (1_000, 1_000), True), ((1_000, 1_000), (1_000, 900), False),
        # A thousand texts, each seen once in a short reference and a hundred times in a long period, are the same texts.
        ((500, 500), (50_000, 1_000), False), ((50_000, 1_000), (500, 500), False),
        ((100, 100), (100, 3), False),
    ],
)  # fmt: skip
def test_only_as_many_rows_of_both_sides_say_that_an_identifier_repeats(
    reference: tuple[int, int], current: tuple[int, int], turned: bool
) -> None:
    found = shares_of_different(text(*reference), text(*current))
    assert (found is not None and found.turned is not None) == turned
    assert found is None or (found.change > 0.25) == turned
