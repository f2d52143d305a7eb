"""Rollouts are published in one step, compared before they are replaced, and divide requests the same way for every reader."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.local.acting import LocalTrafficSetter
from backends.local.reading import LocalTraffic
from backends.local.routing import answered_by, in_force, place_of
from backends.protocol import (
    NO_ROLLOUT,
    AliasMove,
    BackendConflict,
    BackendError,
    BackendUnavailable,
    ForbidsKeys,
    ReadsTraffic,
    RemembersKeys,
    SetsTraffic,
    TrafficSetting,
)

AT = datetime(2013, 4, 26, 22, 0, tzinfo=UTC)
SERVING = AliasMove("production", "m", "production", "2", AT - timedelta(days=9), "ines@build", "move-2")


@pytest.fixture
def traffic(tmp_path: Path) -> LocalTrafficSetter:
    return LocalTrafficSetter(tmp_path / "traffic.json")


def canary(key: str, share: float = 0.1, step: int = 1, **more: object) -> TrafficSetting:
    found = TrafficSetting(
        environment="production",
        model="m",
        state="running",
        strategy="canary",
        stable="2",
        stable_key="move-2",
        candidate="3",
        weights={"2": 1 - share, "3": share},
        salt="began",
        started_at=AT,
        step_at=AT,
        set_at=AT,
        set_by="ines@build",
        key=key,
        reason="April",
        steps=(0.1, 0.5),
        step=step,
    )
    return replace(found, **more)  # type: ignore[arg-type]


def test_it_has_the_capabilities_it_claims(traffic: LocalTrafficSetter) -> None:
    for capability in (ReadsTraffic, SetsTraffic, RemembersKeys, ForbidsKeys):
        assert isinstance(traffic, capability)


def test_what_was_published_is_read_back_whole(traffic: LocalTrafficSetter) -> None:
    setting = canary("a", hours=6.0, until=AT + timedelta(hours=6))
    traffic.set_traffic(setting, expected=NO_ROLLOUT)
    assert LocalTraffic(traffic.path).traffic("production", "m") == setting
    assert LocalTraffic(traffic.path).rollouts() == [setting]
    assert traffic.traffic("staging", "m") is None


def test_a_rollout_moves_only_from_where_it_was_expected(traffic: LocalTrafficSetter) -> None:
    traffic.set_traffic(canary("a"), expected=NO_ROLLOUT)
    with pytest.raises(BackendConflict) as refused:
        traffic.set_traffic(canary("b", 0.5, 2), expected=NO_ROLLOUT)
    assert refused.value.found == "canary 2 > 3 at 10 % step 1/2"
    traffic.set_traffic(canary("b", 0.5, 2), expected=refused.value.found)
    assert traffic.published_version() == 2


def test_the_same_key_shifts_once_even_after_it_was_replaced(traffic: LocalTrafficSetter) -> None:
    first = canary("a")
    traffic.set_traffic(first, expected=NO_ROLLOUT)
    traffic.set_traffic(first, expected=NO_ROLLOUT)
    assert traffic.published_version() == 1
    with pytest.raises(BackendConflict, match="key a was used"):
        traffic.set_traffic(canary("a", 0.5, 2), expected=first.value)
    traffic.set_traffic(canary("b", 0.5, 2), expected=first.value)
    with pytest.raises(BackendConflict, match="replaced since"):
        traffic.set_traffic(first, expected=NO_ROLLOUT)
    assert traffic.applied("a") and not traffic.applied("c")


def test_a_forbidden_key_has_no_effect_any_more(traffic: LocalTrafficSetter) -> None:
    assert traffic.forbid("late") is False
    with pytest.raises(BackendError, match="given up"):
        traffic.set_traffic(canary("late"), expected=NO_ROLLOUT)
    traffic.set_traffic(canary("now"), expected=NO_ROLLOUT)
    assert traffic.forbid("now") is True


ODD = {
    "weights that are too much": {"weights": {"2": 0.9, "3": 0.3}},
    "weights that are too little": {"weights": {"3": 0.1}},
    "a negative weight": {"weights": {"2": 1.1, "3": -0.1}},
    "a version that takes no part": {"weights": {"2": 0.5, "4": 0.5}},
    "a version beside itself": {"candidate": "2", "weights": {"2": 1.0}},
    "steps that fall": {"steps": (0.5, 0.1)},
    "a step beyond the last": {"step": 7},
    "no number": {"weights": {"2": float("nan"), "3": 1.0}},
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD.keys())
def test_what_divides_nothing_or_too_much_is_never_published(traffic: LocalTrafficSetter, change: dict[str, object]) -> None:
    with pytest.raises(BackendError, match="nothing was changed"):
        traffic.set_traffic(canary("a", **change), expected=NO_ROLLOUT)
    assert not traffic.path.exists()


BROKEN = (b"", b"[]", b'{"format": "quarterdeck/traffic/2", "version": 1}', b'{"format": "quarterdeck/traffic/1", "x": 1}')


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_file_is_refused_with_its_name_and_left_as_it_is(traffic: LocalTrafficSetter, content: bytes) -> None:
    traffic.path.write_bytes(content)
    for attempt in (
        lambda: LocalTraffic(traffic.path).traffic("production", "m"),
        lambda: traffic.set_traffic(canary("a"), expected=NO_ROLLOUT),
        lambda: traffic.forbid("a"),
    ):
        with pytest.raises(BackendError, match=r"traffic\.json is broken"):
            attempt()
    assert traffic.path.read_bytes() == content


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_weights(traffic: LocalTrafficSetter, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    traffic.set_traffic(canary("a"), expected=NO_ROLLOUT)
    before = traffic.path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, failing, full)
        with pytest.raises(BackendError, match="nothing was changed"):
            traffic.set_traffic(canary("b", 0.5, 2), expected=canary("a").value)
    assert traffic.path.read_bytes() == before


def test_a_write_that_the_disk_does_not_confirm_is_in_doubt(traffic: LocalTrafficSetter, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("backends.durable.sync_folder", broken)
    with pytest.raises(BackendUnavailable, match="read it back"):
        traffic.set_traffic(canary("a"), expected=NO_ROLLOUT)
    assert traffic.applied("a")


def test_four_processes_take_turns_and_lose_no_shift(traffic: LocalTrafficSetter) -> None:
    each, children = 12, []
    for worker in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                done = 0
                while done < each:
                    found = traffic.traffic("production", "m")
                    share = 0.001 if found is None else round(found.share + 0.001, 6)
                    setting = canary(f"{worker}/{done}", share, 0, weights={"2": round(1 - share, 6), "3": share})
                    try:
                        traffic.set_traffic(setting, expected=NO_ROLLOUT if found is None else found.value)
                        done += 1
                    except BackendConflict:
                        continue
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    found = traffic.traffic("production", "m")
    assert found is not None and found.share == pytest.approx(4 * each / 1000)
    assert traffic.published_version() == 4 * each


# who answers


@given(st.text(max_size=20), st.text(max_size=40))
def test_a_place_is_what_the_format_says(salt: str, key: str) -> None:
    digest = hashlib.sha256(salt.encode() + b"\n" + key.encode()).hexdigest()
    assert place_of(salt, key) == int(digest[:16], 16) / 2**64
    assert 0 <= place_of(salt, key) < 1


def test_shares_come_out_as_the_weights_say_and_nobody_is_taken_back_while_they_grow() -> None:
    keys = [f"flight-{number}" for number in range(20_000)]
    lucky: set[str] = set()
    for share in (0.05, 0.25, 0.5):
        now = {key for key in keys if answered_by(canary("a", share), SERVING, key) == "3"}
        assert len(now) / len(keys) == pytest.approx(share, abs=0.012)
        assert lucky <= now
        lucky = now


def test_a_rollout_counts_only_beside_the_very_move_of_the_alias_that_it_began_with() -> None:
    setting = canary("a", 1.0, 0, weights={"3": 1.0})
    assert answered_by(setting, SERVING, "k") == "3"
    later = replace(SERVING, version="1", key="move-3")
    assert answered_by(setting, later, "k") == "1"
    # Back at version 2, by another move: what was given up does not come to life again.
    again = replace(SERVING, key="move-4")
    assert answered_by(setting, again, "k") == "2"
    assert not in_force(setting, again) and not in_force(setting, None) and not in_force(None, SERVING)
    assert answered_by(replace(setting, state="ended"), SERVING, "k") == "2"
    assert answered_by(None, SERVING, "k") == "2" and answered_by(setting, None, "k") is None


def test_what_serving_processes_read_is_as_documented(traffic: LocalTrafficSetter) -> None:
    traffic.set_traffic(canary("a"), expected=NO_ROLLOUT)
    published = json.loads(traffic.path.read_text())
    assert (published["format"], published["version"]) == ("quarterdeck/traffic/1", 1)
    entry = published["traffic"]["production"]["m"]
    assert (entry["state"], entry["stable"], entry["stable_key"], entry["salt"]) == ("running", "2", "move-2", "began")
    assert entry["weights"] == {"2": 0.9, "3": 0.1}
