"""Lineage holds what a version was made of against what could have been known: as of when, how late features come, which code serves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from registry_workspace import MADE, MODEL, PROMOTED, Place, digest, history, version_records

from backends.records import Dataset, Deployment, FeatureSet, Record, State
from console.views.lineage.node import Node


def made_of(root: Path, kind: type[Record] = Dataset, **changes: Any) -> Place:
    """A workspace with version 2 and what it came from, whose record of `kind` says what `changes` are."""
    place = Place(root / "w")
    place.land(*(each.model_copy(update=changes) if isinstance(each, kind) else each for each in version_records("2")))
    return place


def seen(place: Place, kind: str) -> Node:
    return next(each for each in place.lookout().lineage(MODEL).nodes if each.kind == kind)


def test_a_dataset_says_as_of_when_it_was_built_and_by_which_column_its_features_are_cut(tmp_path: Path) -> None:
    assert seen(made_of(tmp_path / "silent"), "dataset").detail.raw.endswith("2,000 rows  as of when is not recorded")
    found = seen(made_of(tmp_path, as_of=MADE["2"], as_of_key="scored_at"), "dataset")
    assert found.detail.raw.endswith("2,000 rows  as of 1 Feb 00:00, features by scored_at") and found.state is State.OK


def test_a_dataset_with_rows_younger_than_its_own_moment_is_critical(tmp_path: Path) -> None:
    found = seen(made_of(tmp_path, as_of=MADE["2"] - timedelta(days=3)), "dataset")
    assert found.state is State.CRITICAL
    assert found.why.raw.startswith("it holds rows up to 2024-01-31, though it is as of 29 Jan 00:00")


def test_a_dataset_from_after_the_run_that_read_it_is_critical(tmp_path: Path) -> None:
    found = seen(made_of(tmp_path, as_of=MADE["2"] + timedelta(hours=1)), "dataset")
    assert found.state is State.CRITICAL and "after the run had ended" in found.why.raw


def test_features_say_which_are_known_when_the_model_is_asked_and_of_how_many_nobody_said(tmp_path: Path) -> None:
    assert seen(made_of(tmp_path / "silent"), "features").detail.raw.endswith(", availability of all not documented")
    found = seen(made_of(tmp_path, FeatureSet, available_after={"temp": 0.0}), "features")
    assert found.detail.raw.endswith(", 1 known when asked, availability of 1 not documented") and found.state is State.OK


def test_a_feature_that_comes_only_after_the_model_is_asked_is_a_warning_that_names_it(tmp_path: Path) -> None:
    found = seen(made_of(tmp_path, FeatureSet, available_after={"temp": 1.5, "carrier": 0.0}), "features")
    assert (found.state, found.why.raw) == (State.WARNING, "not known when the model is asked: temp after 1.5 h")


@pytest.mark.parametrize(("definition", "state"), [("features", State.OK), ("features, by other code", State.CRITICAL)])
def test_a_service_that_computes_its_features_by_other_code_than_training_is_critical(
    tmp_path: Path, definition: str, state: State
) -> None:
    serving = Deployment(
        event_at=PROMOTED["2"] + timedelta(days=1), known_at=PROMOTED["2"] + timedelta(days=1), name="serving", model=MODEL,
        mode="real-time", traffic={"2": 1.0}, features_digest=digest(definition),
    )  # fmt: skip
    place = history(tmp_path / "w")
    place.land(serving)
    found = seen(place, "deployment")
    assert found.state is state
    assert ("was trained on" in found.why.raw) == (state is State.CRITICAL)
