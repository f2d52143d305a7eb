"""Views as frames: the numbers of the view in named columns of one type, whatever is missing and however hostile a name is."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from pydantic import Field

from backends.records import State
from backends.text import Untrusted
from console.api import DriftAsked, NoSuchTable, QualityAsked, open_workspace, tables
from console.cli.schemas import SCHEMAS
from console.lookout import Lookout
from console.views.frames import columns_of
from console.views.health.model import View

sys.path.insert(0, str(Path(__file__).parents[1] / "acting"))
from acting_workspace import MODEL, built


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Lookout:
    return open_workspace(built(tmp_path_factory.mktemp("frames") / "w").paths.root)


class Part(View):
    name: str
    value: float | None
    reason: str = ""


class Inner(View):
    low: float | None
    seen: datetime | None = None


class Row(View):
    name: Untrusted
    state: State
    n: int | None
    sure: bool | None
    inner: Inner | None
    parts: tuple[Part, ...] = ()
    words: tuple[Untrusted, ...] = ()
    reasons: dict[str, str] = Field(default_factory=dict)


class Page(View):
    rows: tuple[Row, ...]


NOON = datetime(2013, 4, 26, 12, tzinfo=UTC)
HOSTILE = "\x1b]52;c;x\x07a\u202eb"
PAGE = Page(
    rows=(
        Row(
            name=Untrusted(HOSTILE), state=State.OK, n=2**53 + 1, sure=True, inner=Inner(low=0.5, seen=NOON),
            parts=(Part(name="auc", value=0.7), Part(name="brier", value=None, reason="one class")),
            words=(Untrusted("\x1b[2J"),), reasons={"psi": "too \x1b few"},
        ),
        Row(name=Untrusted("b"), state=State.UNKNOWN, n=None, sure=None, inner=None),
    )
)  # fmt: skip


def test_drift_and_quality_of_a_model_are_frames_with_the_numbers_of_the_view(workspace: Lookout) -> None:
    drift = workspace.drift(MODEL)
    for frame in (drift.to_pandas(), pd.DataFrame(drift.to_polars().to_dict(as_series=False))):
        assert frame["column"].tolist() == [each.column.raw for each in drift.columns]
        psi = [each.psi for each in drift.columns]
        assert [None if math.isnan(value) else value for value in frame["psi"].astype(float)] == psi
        assert any(value is not None and value > 0 for value in psi)
    quality = workspace.quality(MODEL)
    periods = quality.to_pandas().set_index("name")
    for period in quality.periods:
        for measure in period.measures:
            told = periods.loc[period.name, measure.name]
            assert (measure.value is None and math.isnan(told)) or told == measure.value
    course = quality.to_polars("course")
    assert course["scored"].to_list() == [period.scored for period in quality.course] and len(course) > 10
    assert course.schema["since"] == pl.Datetime("us", "UTC")


def test_signals_of_all_layers_are_one_table(workspace: Lookout) -> None:
    health = workspace.model(MODEL)
    frame = health.to_polars("layers.signals")
    assert frame["id"].to_list() == [signal.id for layer in health.layers for signal in layer.signals]
    assert set(frame["layer"]) == {"system", "data", "model", "business"}


def test_the_past_is_asked_for_with_a_zone(workspace: Lookout) -> None:
    root = workspace.workspace.paths.root
    assert open_workspace(root, as_of=datetime(2013, 4, 20, tzinfo=UTC)).fleet().at == datetime(2013, 4, 20, tzinfo=UTC)
    with pytest.raises(ValueError, match="no zone"):
        open_workspace(root, as_of=datetime(2013, 4, 20))  # noqa: DTZ001 - the mistake that is meant


def test_what_is_missing_stays_missing_and_keeps_its_type() -> None:
    frame = PAGE.to_polars()
    assert frame.schema == {
        "name": pl.String, "state": pl.String, "n": pl.Int64, "sure": pl.Boolean, "inner_low": pl.Float64,
        "inner_seen": pl.Datetime("us", "UTC"), "words": pl.List(pl.String), "reasons": pl.String,
        "auc": pl.Float64, "auc_reason": pl.String, "brier": pl.Float64, "brier_reason": pl.String,
    }  # fmt: skip
    assert frame.row(1)[:6] == ("b", "unknown", None, None, None, None)
    assert frame["brier"].to_list() == [None, None] and frame["brier_reason"][0] == "one class"
    pandas = PAGE.to_pandas()
    assert pandas["n"].tolist()[0] == 2**53 + 1 and pandas["n"].dtype == "Int64"
    assert str(pandas["inner_seen"].dtype) == "datetime64[us, UTC]" and pandas["inner_seen"][0] == NOON


def test_a_frame_that_is_printed_cannot_steer_a_terminal_and_exact_text_is_one_word_away() -> None:
    for printed in (str(PAGE.to_polars()), str(PAGE.to_pandas()), *PAGE.to_pandas()["words"][0], PAGE.to_pandas()["reasons"][0]):
        assert not {"\x1b", "\x07", "\u202e"} & set(printed)
    assert PAGE.to_polars(exact=True)["name"][0] == HOSTILE
    assert PAGE.to_pandas(exact=True)["words"][0] == ["\x1b[2J"]


def test_a_table_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(NoSuchTable, match="Page has no table 'row'; there are: rows"):
        PAGE.to_pandas("row")
    empty = Page(rows=()).to_pandas()
    assert empty.empty and "inner_low" in empty.columns


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_view_has_its_tables_or_is_one_row(name: str) -> None:
    module, _, kind = SCHEMAS[name].partition(":")
    view = getattr(import_module(module), kind)
    assert all(path.split(".")[0] in view.model_fields for path in tables(view))


def test_views_of_a_real_workspace_are_frames_in_both_libraries(workspace: Lookout) -> None:
    views = [
        workspace.fleet(), workspace.versions(MODEL), workspace.lineage(MODEL), workspace.changes(MODEL), workspace.alerts(),
        workspace.incidents(), workspace.actions(), workspace.approvals(), workspace.switches(), workspace.sources(), workspace.audit(),
    ]  # fmt: skip
    for view in views:
        for table in tables(type(view)) or [None]:
            asked = columns_of(view, table, exact=False)
            one, other = view.to_pandas(table), view.to_polars(table)
            assert list(one.columns) == other.columns == list(asked)
            assert len(one) == len(other)
    assert workspace.fleet().to_pandas()["model"].tolist() == [MODEL]


def test_a_notebook_asks_for_other_periods_and_slices_with_what_the_module_gives(workspace: Lookout) -> None:
    assert workspace.drift(MODEL, DriftAsked(against="previous")).against == "previous"
    assert workspace.quality(MODEL, QualityAsked(by="week")).to_pandas("course").shape[0] <= 10
    assert workspace.quality(MODEL, QualityAsked(slice="origin")).to_polars("slices")["column"].unique().to_list() == ["origin"]
