"""A version in production is compared with the one before it, on the very rows that both have scored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from backends.local.acting import LocalAliasSetter
from backends.records import Layer, Model, State
from backends.store.landing import land, land_records
from console.config import ClockSettings, init_workspace
from console.lookout import Lookout
from console.views.health.model import Signal

START = datetime(2024, 3, 1, tzinfo=UTC)
END = START + timedelta(days=24)
PROMOTED = END - timedelta(days=4)


def signal(root: Path, noise: float) -> tuple[Signal, float, float]:
    """Version 2 serves since PROMOTED and adds noise of a standard deviation to what version 1 predicts.

    The ratio by hand, and how much it is at least: the paired differences of one hour count as one, 95 %.
    """
    workspace = init_workspace(root, name="small", clock=ClockSettings(start=END))
    land_records(workspace.paths, [Model(name="m", task="regression", label_delay_hours=1, event_at=START, known_at=START)], now=START)
    aliases = LocalAliasSetter(workspace.paths.registry)
    aliases.set_alias("production", "m", "production", "1", expected=None, key="a", actor="ines", now=START)
    aliases.set_alias("production", "m", "production", "2", expected="1", key="b", actor="ines", now=PROMOTED)
    chance = np.random.default_rng(5)
    n = 24 * 24 * 20
    at = np.datetime64(START.replace(tzinfo=None), "us") + (np.arange(n) * 180_000_000).astype("timedelta64[us]")
    key = [f"r{row}" for row in range(n)]
    truth = chance.normal(100, 20, n)
    first = truth + chance.normal(0, 5, n)
    second = first + chance.normal(0, noise, n)
    new = at >= np.datetime64(PROMOTED.replace(tzinfo=None))
    land(
        workspace.paths,
        "predictions",
        {
            "event_at": at,
            "model": ["m"] * n,
            "version": np.where(new, "2", "1").tolist(),
            "key": key,
            "score": np.where(new, second, first),
        },
        now=END,
    )
    shadow = int(new.sum())
    keys = [each for each, mine in zip(key, new, strict=True) if mine]
    land(
        workspace.paths,
        "predictions",
        {
            "event_at": at[new],
            "model": ["m"] * shadow,
            "version": ["1"] * shadow,
            "key": keys,
            "score": first[new],
            "role": ["shadow"] * shadow,
        },
        now=END,
    )
    known = at + np.timedelta64(1, "h")
    there = known <= np.datetime64(END.replace(tzinfo=None))
    labels = {"event_at": known[there], "known_at": known[there], "model": ["m"] * int(there.sum()), "label": truth[there]}
    land(workspace.paths, "labels", {**labels, "key": [each for each, mine in zip(key, there, strict=True) if mine]}, now=END)
    judged = there & (at >= np.datetime64((END - timedelta(days=3)).replace(tzinfo=None)))
    mine, theirs = np.abs(second - truth)[judged], np.abs(first - truth)[judged]
    ratio = mine.mean() / theirs.mean()
    hours = np.unique(at[judged].astype("datetime64[h]"), return_inverse=True)[1]
    by_hour = np.bincount(hours, weights=(mine - theirs) - (mine - theirs).mean())
    least = ratio - 1.959964 * np.sqrt((by_hour**2).sum()) / len(mine) / theirs.mean()
    layer = Lookout(workspace, "production").model("m").layer(Layer.MODEL)
    return next(each for each in layer.signals if each.id == "model.mae"), float(ratio), float(least)


def test_a_promotion_that_made_it_worse_is_critical_and_says_how_many_times(tmp_path: Path) -> None:
    found, ratio, least = signal(tmp_path / "w", noise=5)
    assert ratio > 1.3
    assert found.low is None or found.low <= ratio
    assert found.value is not None and 1.15 < found.value <= ratio + 1e-9
    assert found.value == pytest.approx(least, abs=1e-6)
    assert found.state is State.CRITICAL
    assert found.why.startswith("model.mae against v1: ")


def test_a_promotion_that_changed_nothing_to_speak_of_is_ok(tmp_path: Path) -> None:
    found, ratio, _ = signal(tmp_path / "w", noise=0.5)
    assert ratio == pytest.approx(1, abs=0.02)
    assert found.state is State.OK
