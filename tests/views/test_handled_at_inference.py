"""Requests that a service rejected or repaired are counted over the period that is asked for, by reason and field, and judged in Health."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from published_schemas import assert_fits
from views_workspace import DAY, HOUR, START, Made, days_of_predictions, made

from backends.store.landing import land
from console.cli.exits import Exit
from console.cli.main import main
from console.render.contract import contract_page
from console.views.health.model import Signal

NOW = START + 10 * DAY


def counted(place: Made, kind: str, *rows: tuple[datetime, int, int, dict[str, str]], version: str = "1") -> None:
    """Land counts: when their period ended, how many of how many requests, why and where."""
    many = len(rows)
    land(
        place.workspace.paths, "metrics",
        {"event_at": [at for at, *_ in rows], "model": ["delay"] * many, "version": [version] * many, "layer": ["data"] * many,
         "name": [f"inference_{kind}s"] * many, "value": [float(value) for _, value, *_ in rows], "n": [n for _, _, n, _ in rows],
         "labels": [json.dumps(labels) for *_, labels in rows]},
        now=NOW,
    )  # fmt: skip


UNKNOWN, RANGE = {"reason": "unknown category", "field": "carrier"}, {"reason": "clipped", "field": "temp"}


@pytest.fixture
def place(tmp_path: Path) -> Made:
    found = made(tmp_path / "w", NOW)
    days_of_predictions(found, 10, 40, temp=lambda _day, row: float(row))
    return found


@pytest.fixture
def busy(place: Made) -> Made:
    """Of version 1 1,000 requests every 12 hours for nine days: 3 carriers unknown, 2 clipped; then version 2, in the last hour."""
    ends = [NOW - 12 * HOUR * back for back in range(18)]
    counted(place, "repair", *((end, 3, 1000, UNKNOWN) for end in ends), *((end, 2, 1000, RANGE) for end in ends))
    counted(place, "repair", (NOW - HOUR, 45, 500, UNKNOWN), version="2")
    counted(place, "reject", *((end, 0, 1000, {}) for end in ends))
    return place


def signal(place: Made, rule: str, at: datetime | None = None) -> Signal | None:
    health = place.lookout(at).model("delay")
    return next((each for layer in health.layers for each in layer.signals if each.id == rule), None)


def test_rejects_and_repairs_are_summed_over_the_day_and_the_week_by_reason_and_field(busy: Made) -> None:
    found = {(each.kind, each.field.raw if each.field else ""): each for each in busy.lookout().contract("delay").handled}
    carrier, temp, rejects = found["repair", "carrier"], found["repair", "temp"], found["reject", ""]
    assert (carrier.day, carrier.day_requests, carrier.week, carrier.week_requests) == (2 * 3 + 45, 2500, 14 * 3 + 45, 14_500)
    assert (temp.day, temp.week, temp.reason.raw if temp.reason else "") == (4, 28, "clipped")
    assert (rejects.day, rejects.day_requests, rejects.reason) == (0, 2000, None)
    # As it was known before version 2 answered anything.
    earlier = busy.lookout(NOW - 2 * HOUR).contract("delay").handled
    assert {each.field.raw: each.day for each in earlier if each.field} == {"carrier": 6, "temp": 4}


def test_health_judges_the_share_of_the_window_and_names_what_was_repaired_most(busy: Made) -> None:
    repairs, rejects = signal(busy, "data.repairs"), signal(busy, "data.rejects")
    assert repairs is not None and rejects is not None
    assert (repairs.value, repairs.n, repairs.state.value) == (pytest.approx((6 + 4 + 45) / 2500), 2500, "warning")
    assert repairs.of is not None and repairs.of.raw == "carrier: unknown category"
    assert (rejects.value, rejects.state.value) == (0.0, "ok")
    assert repairs.history[-2] == pytest.approx(10 / 2000)


def test_a_model_for_which_nobody_counts_has_no_row_in_health_and_says_so_on_the_data_page(place: Made) -> None:
    assert signal(place, "data.repairs") is None
    view = place.lookout().contract("delay")
    page = contract_page(view, width=80, tabbed=True).plain()
    assert view.handled == () and "rejects     not counted; land the metric inference_rejects" in page


def test_the_page_and_the_verb_have_every_count(busy: Made, capsys: pytest.CaptureFixture[str]) -> None:
    lines = contract_page(busy.lookout().contract("delay"), width=80, tabbed=True).plain().splitlines()
    [carrier] = [line for line in lines if "unknown category" in line]
    assert carrier.split() == ["repairs", "unknown", "category", "carrier", "51", "2.04", "%", "87"]
    assert any(line.split()[:4] == ["rejects", "none", "of", "14,000"] for line in lines) and max(map(len, lines)) <= 80
    assert main(["-w", str(busy.root), "contract", "check", "delay", "--json"]) == Exit.OK
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert_fits(answer, "contract-check")
    assert [(each["kind"], each["field"], each["day"]) for each in answer["handled"]] == [
        ("reject", None, 0), ("repair", "carrier", 51), ("repair", "temp", 4),
    ]  # fmt: skip


def test_requests_without_a_number_have_no_share(place: Made) -> None:
    counted(place, "reject", (NOW - HOUR, 3, 0, {"reason": "no carrier"}))
    assert signal(place, "data.rejects") is None
