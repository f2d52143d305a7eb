"""Breakers as people see and hold them: in Sources, in the list of breakers, by the verb, in the audit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from backends.breaker import BreakerRule, BreakerState, Forced
from backends.breaker_file import BreakerFile, BreakerOpen
from backends.protocol import BackendError, BackendUnavailable
from backends.store.paths import WorkspacePaths
from console.cli.main import main
from console.config import init_workspace
from console.guards import FILE_RULE
from console.overrides import held_breakers
from console.render.sources import source_page, sources_page
from console.views.sources.listing import SourcesView


class Place:
    """A workspace with a database file of its user's own and a command that tells of alerts."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.paths, self.capsys = root, WorkspacePaths(root), capsys
        init_workspace(root, name="small")
        settings = root / "workspace.toml"
        settings.write_text(settings.read_text() + '\n[duckdb.flights]\npath = "flights.duckdb"\n\n[watch]\nnotify = ["/bin/true"]\n')
        self.file = root / "flights.duckdb"
        with duckdb.connect(str(self.file)) as own:
            own.execute("CREATE TABLE flights (n INTEGER); CREATE VIEW late AS SELECT * FROM flights")

    def qd(self, *words: str) -> int:
        code = int(main(["--workspace", str(self.root), *words]))
        self.out, self.err = self.capsys.readouterr()
        return code

    def data(self, *words: str) -> dict[str, Any]:
        self.qd(*words, "--json")
        found: dict[str, Any] = json.loads(self.out)
        return found

    def source(self, identifier: str) -> dict[str, Any]:
        return next(each for each in self.data("sources")["sources"] if each["id"] == identifier)

    def breaker(self, name: str) -> dict[str, Any]:
        return next(each for each in self.data("breakers")["rows"] if each["name"] == name)


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path / "w", capsys)


@pytest.fixture
def locked(place: Place) -> Iterator[subprocess.Popen[str]]:
    """Another program has the file open for writing."""
    code = f"import duckdb, sys; own = duckdb.connect({str(place.file)!r}); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdin is not None
    assert holder.stdout.readline() == "open\n"
    yield holder
    holder.stdin.close()
    holder.wait(30)
    holder.stdout.close()


def test_a_file_of_ones_own_is_a_source(place: Place) -> None:
    found = place.source("file:flights")
    assert (found["state"], found["why"]) == ("ok", "readable: 1 tables, 1 views; read-only, and confined to itself")
    assert (found["breaker"]["breaker"], found["breaker"]["calls"], found["breaker"]["failures"]) == ("closed", 1, 0)


def test_a_file_that_somebody_keeps_locked_is_left_alone_after_three_looks_and_the_page_says_until_when(
    place: Place, locked: subprocess.Popen[str]
) -> None:
    for _ in range(3):
        assert f"process {locked.pid}" in place.source("file:flights")["why"]
    view = SourcesView.model_validate({name: value for name, value in place.data("sources").items() if name != "schema"})
    found = next(each for each in view.sources if each.id == "file:flights")
    assert found.breaker is not None and found.breaker.breaker is BreakerState.OPEN and found.breaker.next_try_at is not None
    assert (found.breaker.calls, found.breaker.failures) == (3, 3)
    when = found.breaker.next_try_at.strftime("%H:%M:%S")
    text = " ".join(sources_page(view).plain().split())
    assert f"breaker open, next try {when}" in text and "3 of 3 calls failed" in text
    assert "quarterdeck breaker duckdb:flights open" in " ".join(source_page(view, "file:flights").plain().split())
    assert place.breaker("duckdb:flights")["failures"] == 3


def test_one_that_is_no_database_is_a_mistake_and_no_outage(place: Place) -> None:
    place.file.write_text("no database")
    for _ in range(5):
        assert "not a DuckDB database" in place.source("file:flights")["why"]
    assert place.breaker("duckdb:flights")["breaker"] == "closed"


def test_nothing_is_known_of_a_command_that_was_never_called(place: Place) -> None:
    found = place.source("hook")
    assert found["state"] == "unknown" and "nobody knows whether it works" in found["why"]
    assert place.breaker("notify")["state"] == "unknown"


def test_a_person_holds_it_open_with_owner_end_and_reason_and_lets_it_go(place: Place) -> None:
    assert place.qd("breaker", "duckdb:flights", "open", "--until", "2h", "--owner", "ilse", "--reason", "it is being moved") == 0
    held = place.breaker("duckdb:flights")
    assert (held["breaker"], held["owner"], held["reason"], held["overdue"]) == ("forced-open", "ilse", "it is being moved", False)
    found = place.source("file:flights")
    until = datetime.fromisoformat(held["until"])
    assert (found["state"], found["why"]) == (
        "critical",
        f"not read; breaker held open by ilse until {until.day} {until:%b %H:%M}: it is being moved",
    )
    assert found["breaker"]["calls"] == 0
    assert place.qd("breakers", "--check") == 1
    assert place.qd("breaker", "duckdb:flights", "automatic", "--reason", "moved") == 0
    assert place.source("file:flights")["state"] == "ok"
    assert place.qd("breakers", "--check") == 0
    said = [(each["what"], each["detail"]) for each in place.data("audit", "log")["rows"]]
    assert said == [("breaker duckdb:flights automatic again", "moved"), ("breaker duckdb:flights held open", "it is being moved")]
    assert place.qd("audit", "verify") == 0


def test_held_closed_it_is_asked_however_often_it_fails(place: Place, locked: subprocess.Popen[str]) -> None:
    place.qd("breaker", "duckdb:flights", "closed", "--reason", "I want to see when it comes back")
    for _ in range(6):
        place.source("file:flights")
    found = place.breaker("duckdb:flights")
    assert (found["breaker"], found["calls"], found["failures"]) == ("forced-closed", 6, 6)


def test_at_its_end_the_owner_is_asked_and_it_stays_as_it_is(place: Place) -> None:
    past = datetime.now(UTC) - timedelta(minutes=20)  # noqa: TID251 - the end of a hold is of the clock on the wall
    file = BreakerFile(place.paths.breakers, lambda: past)
    file.hold("notify", Forced(True, "mara", "it pages for nothing", past - timedelta(hours=1), past))
    found = place.breaker("notify")
    assert (found["breaker"], found["overdue"], found["state"]) == ("forced-open", True, "critical")
    assert "overdue 20m: mara decides" in found["why"]
    assert place.qd("watch", "--once") == 1
    assert "breaker notify: breaker held open, overdue 20m: mara decides (it pages for nothing)" in place.out + place.err
    assert place.breaker("notify")["breaker"] == "forced-open"


def test_whoever_opens_the_console_or_asks_the_doctor_reads_what_is_held(place: Place) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - the end of a hold is of the clock on the wall

    def doctor() -> dict[str, str]:
        return {each["id"]: each["state"] for each in place.data("doctor")["findings"] if each["id"].startswith("control.breaker")}

    assert (held_breakers(place.paths, now), doctor()) == ((), {"control.breakers": "ok"})
    until = (now + timedelta(hours=2)).isoformat()
    place.qd("breaker", "notify", "open", "--until", until, "--reason", "the pager is being moved")
    place.qd("breaker", "duckdb:flights", "closed", "--until", until, "--reason", "I want to see when it comes back")
    assert held_breakers(place.paths, now) == ("OVERRIDE duckdb:flights held closed 2h00", "OVERRIDE notify held open 2h00")
    assert doctor() == {"control.breaker.notify": "warning", "control.breaker.duckdb:flights": "warning"}
    assert held_breakers(place.paths, now + timedelta(hours=3)) == ("OVERRIDE notify held open overdue 60m",)
    place.paths.breakers.write_text("{")
    assert (held_breakers(place.paths, now), doctor()) == ((), {"control.breakers": "warning"})


def test_the_same_key_holds_once(place: Place) -> None:
    words = ["breaker", "notify", "open", "--reason", "r", "--key", "page-17"]
    assert place.qd(*words) == 0
    assert place.qd("breaker", "notify", "automatic", "--reason", "r") == 0
    assert place.qd(*words) == 0
    assert place.breaker("notify")["breaker"] == "closed"


def test_what_a_crash_left_between_record_and_file_the_same_key_does(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["breaker", "notify", "open", "--reason", "r", "--key", "page-17"]
    with monkeypatch.context() as cut:
        cut.setattr(BreakerFile, "hold", lambda *_: (_ for _ in ()).throw(BackendError("the disk is full")))
        assert place.qd(*words) == 4
    assert place.breaker("notify")["breaker"] == "closed"
    assert place.qd(*words) == 0
    assert place.breaker("notify")["breaker"] == "forced-open"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["breaker", "mlflow", "open", "--reason", "r"], 5, "there are: duckdb:flights, notify"),
        (["breaker", "notify", "open", "--reason", " "], 3, "say why"),
        (["breaker", "notify", "open", "--reason", "r", "--until", "2020-01-01T00:00Z"], 3, "has passed already"),
        (["breaker", "notify", "automatic", "--reason", "r", "--until", "2h"], 2, "no end"),
        (["--read-only", "breaker", "notify", "open", "--reason", "r"], 3, "read-only"),
        (["--as-of", "2020-01-01T00:00Z", "breaker", "notify", "open", "--reason", "r"], 3, "past"),
    ],
)
def test_what_is_refused_changes_nothing_and_says_why(place: Place, words: list[str], code: int, said: str) -> None:
    assert place.qd(*words) == code
    assert said in place.err
    assert not place.paths.breakers.exists()


def test_it_is_not_held_when_that_cannot_be_recorded(place: Place) -> None:
    place.paths.control.mkdir()
    assert place.qd("breaker", "notify", "open", "--reason", "r") == 4
    assert not place.paths.breakers.exists()


def test_in_the_past_nothing_outside_is_called(place: Place) -> None:
    place.file.unlink()
    kinds = {each["kind"] for each in place.data("--as-of", "2020-01-01T00:00Z", "sources")["sources"]}
    assert not kinds & {"file", "hook"}
    assert not place.paths.breakers.exists()


# -- the file that processes share


RULE = BreakerRule(minimum_calls=3, failure_share=0.5, window=timedelta(minutes=1), cool_down=timedelta(minutes=1))
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def down() -> None:
    raise BackendUnavailable("connection refused")


def test_what_one_process_found_out_keeps_the_others_from_trying(tmp_path: Path) -> None:
    one, other = (BreakerFile(tmp_path / "breakers.json", lambda: NOW) for _ in range(2))
    for _ in range(3):
        with pytest.raises(BackendUnavailable, match="connection refused"):
            one.call("x", RULE, down)
    made: list[int] = []
    with pytest.raises(BreakerOpen, match="connection refused"):
        other.call("x", RULE, lambda: made.append(1))
    other.call("y", RULE, lambda: made.append(2))
    assert made == [2]
    assert (tmp_path / "breakers.json").stat().st_mode & 0o777 == 0o600


def test_no_answer_is_lost_when_many_are_given_at_once(tmp_path: Path) -> None:
    file = tmp_path / "breakers.json"

    def ask() -> None:
        mine = BreakerFile(file, lambda: NOW)
        for _ in range(20):
            mine.call("x", RULE, lambda: None)
            assert mine.problem is None

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert BreakerFile(file, lambda: NOW).told("x", RULE).calls == 80


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff", b'{"format": "quarterdeck/breakers/2"}', b'{"breakers": {"x": {"opened_at": 5}}}']
)
def test_a_file_that_is_none_stands_in_nobodys_way_and_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "breakers.json"
    path.write_bytes(content)
    file = BreakerFile(path, lambda: NOW)
    assert file.call("x", RULE, lambda: 7) == 7
    assert file.problem is not None and "breakers.json is broken" in file.problem
    assert path.read_bytes() == content


def test_neither_a_named_pipe_nor_a_folder_in_its_place_holds_anybody_up(tmp_path: Path) -> None:
    for name, make in (("pipe", os.mkfifo), ("folder", os.mkdir)):
        make(tmp_path / name)
        assert BreakerFile(tmp_path / name, lambda: NOW).call("x", RULE, lambda: 7) == 7


def test_held_open_on_a_disk_that_takes_no_more_it_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = BreakerFile(tmp_path / "breakers.json", lambda: NOW)
    file.hold("x", Forced(True, "mara", "r", NOW, NOW + timedelta(hours=1)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backends.breaker_file.replace_file", full)
    with pytest.raises(BreakerOpen):
        file.call("x", RULE, lambda: None)
    assert file.call("y", RULE, lambda: 7) == 7
    with pytest.raises(BackendError, match="No space left"):
        file.let_go("x")


def test_the_rule_of_files_is_the_one_the_page_shows(place: Place) -> None:
    found = place.breaker("duckdb:flights")
    assert (found["minimum_calls"], found["window_seconds"]) == (FILE_RULE.minimum_calls, FILE_RULE.window.total_seconds())
