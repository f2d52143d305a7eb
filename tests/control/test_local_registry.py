"""The local registry moves aliases and switches once, in one step, and never writes over a file it does not understand."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.local.acting import LocalAliasSetter, LocalSwitchSetter
from backends.local.reading import LocalAliases, LocalSwitches
from backends.protocol import (
    BackendConflict,
    BackendError,
    BackendUnavailable,
    ForbidsKeys,
    ReadsAliases,
    ReadsSwitches,
    RemembersKeys,
    SetsAlias,
    SetsSwitch,
    SwitchSetting,
)
from backends.records import SwitchState

AT = datetime(2013, 4, 26, 22, 0, tzinfo=UTC)


@pytest.fixture
def aliases(tmp_path: Path) -> LocalAliasSetter:
    return LocalAliasSetter(tmp_path / "registry.json")


@pytest.fixture
def switches(tmp_path: Path) -> LocalSwitchSetter:
    return LocalSwitchSetter(tmp_path / "switches.json")


def move(aliases: LocalAliasSetter, version: str, *, expected: str | None, key: str) -> None:
    aliases.set_alias("production", "m", "production", version, expected=expected, key=key, actor="mara@bastion", now=AT)


def setting(state: SwitchState, key: str, model: str = "m") -> SwitchSetting:
    return SwitchSetting("production", model, state, AT, "mara@bastion", key, "INC-1", None)


def test_it_has_the_capabilities_it_claims(aliases: LocalAliasSetter, switches: LocalSwitchSetter) -> None:
    for capability in (ReadsAliases, SetsAlias, RemembersKeys, ForbidsKeys):
        assert isinstance(aliases, capability)
    for capability in (ReadsSwitches, SetsSwitch, RemembersKeys, ForbidsKeys):
        assert isinstance(switches, capability)


def test_an_alias_that_was_never_set_is_none(aliases: LocalAliasSetter) -> None:
    assert aliases.alias("production", "m", "production") is None
    assert aliases.alias_history("production", "m") == []


def test_moves_are_kept_in_order_for_each_environment_and_model(aliases: LocalAliasSetter, tmp_path: Path) -> None:
    move(aliases, "1", expected=None, key="a")
    move(aliases, "2", expected="1", key="b")
    aliases.set_alias("staging", "m", "production", "9", expected=None, key="c", actor="x", now=AT)
    read = LocalAliases(tmp_path / "registry.json")
    assert [found.version for found in read.alias_history("production", "m")] == ["1", "2"]
    in_force = read.alias("production", "m", "production")
    assert in_force is not None and (in_force.version, in_force.moved_by, in_force.moved_at) == ("2", "mara@bastion", AT)
    staging = read.alias("staging", "m", "production")
    assert staging is not None and staging.version == "9"


def test_an_alias_moves_only_from_where_it_was_expected(aliases: LocalAliasSetter) -> None:
    move(aliases, "1", expected=None, key="a")
    with pytest.raises(BackendConflict) as refused:
        move(aliases, "3", expected="2", key="b")
    assert refused.value.found == "1"
    assert [found.version for found in aliases.alias_history("production", "m")] == ["1"]


def test_the_same_key_moves_once_even_after_somebody_moved_on(aliases: LocalAliasSetter) -> None:
    move(aliases, "1", expected=None, key="a")
    move(aliases, "2", expected="1", key="b")
    move(aliases, "1", expected=None, key="a")
    assert [found.version for found in aliases.alias_history("production", "m")] == ["1", "2"]
    with pytest.raises(BackendConflict, match="key a was used"):
        move(aliases, "5", expected="2", key="a")


def test_a_switch_is_set_once_for_each_key_even_after_it_was_replaced(switches: LocalSwitchSetter) -> None:
    switches.set_switch(setting(SwitchState.FALLBACK, "a"), expected=SwitchState.NORMAL)
    switches.set_switch(setting(SwitchState.FALLBACK, "a"), expected=SwitchState.NORMAL)
    assert switches.published_version() == 1
    switches.set_switch(setting(SwitchState.NORMAL, "b"), expected=SwitchState.FALLBACK)
    with pytest.raises(BackendConflict, match="replaced since"):
        switches.set_switch(setting(SwitchState.FALLBACK, "a"), expected=SwitchState.NORMAL)
    found = switches.switch("production", "m")
    assert found is not None and found.state is SwitchState.NORMAL


def test_a_switch_moves_only_from_where_it_was_expected(switches: LocalSwitchSetter) -> None:
    with pytest.raises(BackendConflict) as refused:
        switches.set_switch(setting(SwitchState.KILLED, "a"), expected=SwitchState.FALLBACK)
    assert refused.value.found == "normal"
    assert not switches.path.exists()


def test_a_forbidden_key_has_no_effect_any_more(aliases: LocalAliasSetter, switches: LocalSwitchSetter) -> None:
    assert aliases.forbid("late") is False
    with pytest.raises(BackendError, match="given up"):
        move(aliases, "1", expected=None, key="late")
    assert aliases.alias("production", "m", "production") is None
    assert switches.forbid("late") is False
    with pytest.raises(BackendError, match="given up"):
        switches.set_switch(setting(SwitchState.KILLED, "late"), expected=SwitchState.NORMAL)
    switches.set_switch(setting(SwitchState.KILLED, "now"), expected=SwitchState.NORMAL)
    assert switches.forbid("now") is True


def test_what_serving_processes_read_is_as_documented(switches: LocalSwitchSetter) -> None:
    switches.set_switch(setting(SwitchState.FALLBACK, "a"), expected=SwitchState.NORMAL)
    switches.set_switch(setting(SwitchState.KILLED, "b", "other"), expected=SwitchState.NORMAL)
    published = json.loads(switches.path.read_text())
    assert published["format"] == "quarterdeck/switches/1"
    assert published["version"] == 2
    assert published["switches"]["production"]["m"]["state"] == "fallback"
    assert published["switches"]["production"]["other"]["state"] == "killed"


BROKEN = {
    "empty": b"",
    "half a file": b'{"format": "quarterdeck/switches/1", "ver',
    "a list": b"[]",
    "another format": b'{"format": "quarterdeck/switches/2", "version": 1}',
    "an unknown field": b'{"format": "quarterdeck/switches/1", "version": 1, "extra": 1}',
    "an unknown state": (
        b'{"format": "quarterdeck/switches/1", "version": 1, "switches": {"production": {"m": '
        b'{"state": "off", "set_at": "2013-04-26T22:00:00Z", "set_by": "x", "reason": "", "key": "k"}}}}'
    ),
    "a time without a zone": (
        b'{"format": "quarterdeck/switches/1", "version": 1, "switches": {"production": {"m": '
        b'{"state": "killed", "set_at": "2013-04-26T22:00:00", "set_by": "x", "reason": "", "key": "k"}}}}'
    ),
    "the same model twice": (
        b'{"format": "quarterdeck/switches/1", "version": 1, "switches": {"production": {"m": '
        b'{"state": "killed", "set_at": "2013-04-26T22:00:00Z", "set_by": "x", "reason": "", "key": "k"}, "m": '
        b'{"state": "normal", "set_at": "2013-04-26T22:00:00Z", "set_by": "x", "reason": "", "key": "k"}}}}'
    ),
    "not text": b"\xff\xfe\x00",
    "not a number": b'{"format": "quarterdeck/switches/1", "version": NaN}',
    "too deep": b'{"switches":' * 5000,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_refused_with_its_name_and_left_as_it_is(switches: LocalSwitchSetter, content: bytes) -> None:
    switches.path.write_bytes(content)
    for attempt in (
        lambda: LocalSwitches(switches.path).switch("production", "m"),
        lambda: switches.set_switch(setting(SwitchState.KILLED, "a"), expected=SwitchState.NORMAL),
        lambda: switches.forbid("a"),
    ):
        with pytest.raises(BackendError, match=r"switches\.json is broken") as refused:
            attempt()
        assert "\n" not in str(refused.value)
    assert switches.path.read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_refused(aliases: LocalAliasSetter) -> None:
    aliases.path.mkdir()
    with pytest.raises(BackendError, match=r"registry\.json cannot be read"):
        aliases.alias("production", "m", "production")


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_content(aliases: LocalAliasSetter, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    move(aliases, "1", expected=None, key="a")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, failing, full)
        with pytest.raises(BackendError, match="nothing was changed"):
            move(aliases, "2", expected="1", key="b")
    in_force = aliases.alias("production", "m", "production")
    assert in_force is not None and in_force.version == "1"
    move(aliases, "2", expected="1", key="b")


def test_a_write_that_the_disk_does_not_confirm_is_in_doubt(aliases: LocalAliasSetter, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("backends.durable.sync_folder", broken)
    with pytest.raises(BackendUnavailable, match="read it back"):
        move(aliases, "1", expected=None, key="a")
    in_force = aliases.alias("production", "m", "production")
    assert in_force is not None and in_force.version == "1"


def test_a_lock_that_is_never_given_back_is_reported(aliases: LocalAliasSetter, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr("backends.durable.LOCK_PAUSE", 0.0)
    with (aliases.path.parent / "registry.json.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(BackendError, match="nothing was changed"):
            move(aliases, "1", expected=None, key="a")
        assert aliases.alias("production", "m", "production") is None


def test_four_processes_count_up_without_losing_a_move(aliases: LocalAliasSetter) -> None:
    each, children = 15, []
    for worker in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                done = 0
                while done < each:
                    found = aliases.alias("production", "m", "production")
                    version = None if found is None else found.version
                    try:
                        move(aliases, str(int(version or 0) + 1), expected=version, key=f"{worker}/{done}")
                        done += 1
                    except BackendConflict:
                        continue
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    assert [found.version for found in aliases.alias_history("production", "m")] == [str(n + 1) for n in range(4 * each)]
