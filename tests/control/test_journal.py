"""The journal keeps what it was given, once, in order, and shows when somebody touched it."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.journal.entries import Draft, JournalConflict, JournalMoved, JournalUnavailable
from backends.journal.head import read_head
from backends.journal.journal import Journal
from backends.journal.verification import verify_journal

AT = datetime(2013, 4, 26, 22, 0, tzinfo=UTC)


def draft(key: str, *, name: str = "mara", seconds: float = 0, **body: object) -> Draft:
    at = AT + timedelta(seconds=seconds)
    return Draft(key, "noted", "INC-1", at, at, {"name": name, "host": "bastion"}, body)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "control.sqlite", tmp_path / "audit-head"


def written(files: tuple[Path, Path], count: int) -> None:
    journal = Journal(*files)
    for number in range(count):
        journal.append([draft(f"k{number}", seconds=number, text=f"note {number}")])
    journal.close()


def test_entries_come_back_as_they_were_given_and_in_order(files: tuple[Path, Path]) -> None:
    journal = Journal(*files)
    journal.append([draft("a", text="\x1b[31mred ☃"), draft("b", numbers=[1, 2.5, None, True])])
    first, second = journal.entries()
    assert (first.seq, second.seq) == (1, 2)
    assert first.body == {"text": "\x1b[31mred ☃"}
    assert second.body == {"numbers": [1, 2.5, None, True]}
    assert first.at == AT and first.at.tzinfo is not None
    assert second.prev_hash == first.hash
    assert journal.entries(after=1) == [second]


def test_the_same_key_twice_is_one_entry(files: tuple[Path, Path]) -> None:
    journal = Journal(*files)
    first = journal.append([draft("a", text="x")])
    again = journal.append([draft("a", text="x", seconds=60)])
    assert again == first
    assert len(journal.entries()) == 1


@pytest.mark.parametrize("other", [draft("a", text="y"), draft("a", text="x", name="ines")])
def test_the_same_key_with_other_content_is_refused_and_nothing_of_its_batch_is_kept(files: tuple[Path, Path], other: Draft) -> None:
    journal = Journal(*files)
    journal.append([draft("a", text="x")])
    with pytest.raises(JournalConflict, match="key a"):
        journal.append([draft("b"), other])
    assert [entry.key for entry in journal.entries()] == ["a"]


def test_a_decision_on_an_old_state_is_refused(files: tuple[Path, Path]) -> None:
    journal, other = Journal(*files), Journal(*files)
    journal.append([draft("a")])
    other.append([draft("b")], expected_last=1)
    with pytest.raises(JournalMoved):
        journal.append([draft("c")], expected_last=1)
    assert [entry.key for entry in journal.entries()] == ["a", "b"]


def test_only_its_owner_can_read_it(files: tuple[Path, Path]) -> None:
    before = os.umask(0)
    try:
        journal = Journal(*files)
        journal.append([draft("a")])
        for path in files[0].parent.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    finally:
        os.umask(before)


def test_in_a_group_workspace_the_group_can_write_it(files: tuple[Path, Path]) -> None:
    files[0].parent.chmod(0o2770)
    journal = Journal(*files)
    journal.append([draft("a")])
    for path in files[0].parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o660, path


def test_entries_can_be_neither_changed_nor_removed(files: tuple[Path, Path]) -> None:
    written(files, 2)
    database = sqlite3.connect(files[0])
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute("UPDATE events SET body = '{}'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute("DELETE FROM events")
    database.close()


def test_a_newer_format_is_refused_with_what_to_do(files: tuple[Path, Path]) -> None:
    written(files, 1)
    database = sqlite3.connect(files[0])
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(JournalUnavailable, match=r"format 99.*newer.*use the newer program"):
        Journal(*files)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_file_that_is_no_database_is_one_clear_line(files: tuple[Path, Path], content: bytes) -> None:
    files[0].write_bytes(content)
    with pytest.raises(JournalUnavailable, match=r"control\.sqlite") as refused:
        Journal(*files)
    assert "\n" not in str(refused.value)
    assert files[0].read_bytes() == content


def test_a_database_of_something_else_is_refused(files: tuple[Path, Path]) -> None:
    database = sqlite3.connect(files[0])
    database.execute("CREATE TABLE mine (x)")
    database.commit()
    database.close()
    with pytest.raises(JournalUnavailable, match="not a control journal"):
        Journal(*files)


def test_a_locked_journal_is_reported_after_its_patience(files: tuple[Path, Path]) -> None:
    written(files, 1)
    holder = sqlite3.connect(files[0], isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    journal = Journal(*files, busy_seconds=0.05)
    with pytest.raises(JournalUnavailable, match="locked by another process"):
        journal.append([draft("x")])
    holder.execute("ROLLBACK")
    journal.append([draft("x")])


def test_a_full_disk_is_said_and_leaves_the_chain_whole(files: tuple[Path, Path]) -> None:
    journal = Journal(*files)
    journal.append([draft("a")])
    journal._connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(JournalUnavailable, match="disk is full"):
        journal.append([draft("b", text="x" * 100_000)])
    assert [entry.key for entry in journal.entries()] == ["a"]
    assert verify_journal(*files).whole


def test_a_lease_is_held_by_one_until_it_ends_or_is_given_back(files: tuple[Path, Path]) -> None:
    journal, other = Journal(*files), Journal(*files)
    minute = timedelta(minutes=1)
    assert journal.lease("watch", "one", minute, AT)
    assert not other.lease("watch", "two", minute, AT)
    assert journal.lease("watch", "one", minute, AT + timedelta(seconds=50))
    assert not other.lease("watch", "two", minute, AT + timedelta(seconds=70))
    assert other.lease("watch", "two", minute, AT + timedelta(seconds=110))
    other.release("watch", "one")
    assert not journal.lease("watch", "one", minute, AT + timedelta(seconds=111))
    other.release("watch", "two")
    assert journal.lease("watch", "one", minute, AT + timedelta(seconds=111))


# -- verification -----------------------------------------------------------------------------------------------------


def test_an_untouched_chain_is_whole_and_an_empty_one_too(files: tuple[Path, Path]) -> None:
    assert verify_journal(*files).whole
    written(files, 30)
    found = verify_journal(*files)
    assert found.whole and not found.warnings and found.entries == 30
    assert found.head is not None and found.head.seq == 30


Tampering = Callable[[sqlite3.Connection], object]


def edit_body(database: sqlite3.Connection) -> object:
    return database.execute('UPDATE events SET body = \'{"text":"other"}\' WHERE seq = 5')


def edit_person(database: sqlite3.Connection) -> object:
    return database.execute('UPDATE events SET actor = \'{"host":"bastion","name":"ines"}\' WHERE seq = 5')


def edit_time(database: sqlite3.Connection) -> object:
    return database.execute("UPDATE events SET at = '2013-04-26T23:00:00.000000Z' WHERE seq = 5")


def edit_blank(database: sqlite3.Connection) -> object:
    return database.execute("UPDATE events SET body = ' ' || body WHERE seq = 5")


def remove_one(database: sqlite3.Connection) -> object:
    return database.execute("DELETE FROM events WHERE seq = 5")


def remove_and_renumber(database: sqlite3.Connection) -> object:
    database.execute("DELETE FROM events WHERE seq = 5")
    for seq in range(6, 11):
        database.execute("UPDATE events SET seq = ? WHERE seq = ?", (seq - 1, seq))
    return None


def insert_copy(database: sqlite3.Connection) -> object:
    for seq in range(10, 4, -1):
        database.execute("UPDATE events SET seq = ? WHERE seq = ?", (seq + 1, seq))
    return database.execute(
        "INSERT INTO events SELECT 5, 'forged', kind, subject, at, real_at, actor, body, prev_hash, hash FROM events WHERE seq = 4"
    )


def append_unchained(database: sqlite3.Connection) -> object:
    return database.execute(
        "INSERT INTO events SELECT 11, 'forged', kind, subject, at, real_at, actor, body, prev_hash, 'f' || hash FROM events WHERE seq = 10"
    )


def swap_two(database: sqlite3.Connection) -> object:
    database.execute("UPDATE events SET seq = 99 WHERE seq = 5")
    database.execute("UPDATE events SET seq = 5 WHERE seq = 6")
    return database.execute("UPDATE events SET seq = 6 WHERE seq = 99")


def cut_tail(database: sqlite3.Connection) -> object:
    return database.execute("DELETE FROM events WHERE seq > 8")


def cut_all(database: sqlite3.Connection) -> object:
    return database.execute("DELETE FROM events")


def remove_first(database: sqlite3.Connection) -> object:
    return database.execute("DELETE FROM events WHERE seq = 1")


def swap_types(database: sqlite3.Connection) -> object:
    return database.execute("UPDATE events SET body = x'00ff' WHERE seq = 5")


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        (edit_body, "edited"),
        (edit_person, "edited"),
        (edit_time, "edited"),
        (edit_blank, "edited"),
        (remove_one, "removed"),
        (remove_and_renumber, "edited"),
        (insert_copy, "edited"),
        (append_unchained, "edited"),
        (swap_two, "edited"),
        (cut_tail, "truncated"),
        (cut_all, "truncated"),
        (remove_first, "removed"),
        (swap_types, "edited"),
    ],
)
def test_verification_finds_tampering(files: tuple[Path, Path], tampering: Tampering, named: str) -> None:
    written(files, 10)
    tampered(files[0], tampering)
    found = verify_journal(*files)
    assert not found.whole
    assert named in {finding.kind for finding in found.findings}


def tampered(path: Path, tampering: Tampering) -> None:
    database = sqlite3.connect(path)
    database.execute("DROP TRIGGER events_are_never_changed")
    database.execute("DROP TRIGGER events_are_never_removed")
    tampering(database)
    database.commit()
    database.close()


def recomputed_from(database: sqlite3.Connection, start: int) -> None:
    """What somebody does who knows the format: change one entry and chain everything after it anew."""
    from backends.journal.entries import chained_hash

    previous = database.execute("SELECT prev_hash FROM events WHERE seq = ?", (start,)).fetchone()[0]
    for row in database.execute("SELECT seq, key, kind, subject, at, real_at, actor, body FROM events WHERE seq >= ?", (start,)).fetchall():
        own = chained_hash(row, previous)
        database.execute("UPDATE events SET prev_hash = ?, hash = ? WHERE seq = ?", (previous, own, row[0]))
        previous = own


@pytest.mark.parametrize("start", [1, 5, 10])
def test_a_chain_recomputed_by_somebody_who_knows_the_format_is_found_through_the_mirrored_head(
    files: tuple[Path, Path], start: int
) -> None:
    written(files, 10)

    def rewrite(database: sqlite3.Connection) -> None:
        database.execute('UPDATE events SET body = \'{"text":"nothing happened"}\' WHERE seq = ?', (start,))
        recomputed_from(database, start)

    tampered(files[0], rewrite)
    found = verify_journal(*files)
    assert "forked" in {finding.kind for finding in found.findings}


def test_a_cut_tail_stays_visible_after_more_was_recorded(files: tuple[Path, Path]) -> None:
    written(files, 10)
    tampered(files[0], cut_tail)
    journal = Journal(*files)
    for number in range(20):
        journal.append([draft(f"later{number}", seconds=100 + number)])
    journal.close()
    found = verify_journal(*files)
    assert [finding.kind for finding in found.findings] == ["break"]
    broken = next(entry for entry in Journal(*files).entries() if entry.kind == "audit.break")
    assert broken.body["mirrored_seq"] == 10 and broken.body["chain_ended_at"] == 8


def test_a_removed_head_is_found_and_stays_on_record(files: tuple[Path, Path]) -> None:
    written(files, 3)
    files[1].unlink()
    assert "unmirrored" in {finding.kind for finding in verify_journal(*files).findings}
    written_again = Journal(*files)
    written_again.append([draft("later", seconds=99)])
    assert [finding.kind for finding in verify_journal(*files).findings] == ["break"]


def test_a_replaced_journal_is_found(files: tuple[Path, Path], tmp_path: Path) -> None:
    written(files, 5)
    other = tmp_path / "other"
    other.mkdir()
    written((other / "control.sqlite", other / "audit-head"), 9)
    for leftover in tmp_path.glob("control.sqlite*"):
        leftover.unlink()
    database = sqlite3.connect(other / "control.sqlite")
    database.execute("VACUUM INTO ?", (str(files[0]),))
    database.close()
    assert verify_journal(other / "control.sqlite", other / "audit-head").whole
    copied = verify_journal(*files)
    # The two chains hold the same first entries, so only their content can tell them apart.
    assert copied.last_seq == 9 and copied.warnings


def test_random_damage_never_passes_as_whole(files: tuple[Path, Path], tmp_path: Path) -> None:
    written(files, 40)
    dice = random.Random(20130426)
    columns = ["key", "kind", "subject", "at", "real_at", "actor", "body", "prev_hash", "hash"]
    for number in range(60):
        seq, column = dice.randint(1, 40), dice.choice(columns)
        copy = tmp_path / f"copy{number}.sqlite"
        source = sqlite3.connect(files[0])
        source.execute("VACUUM INTO ?", (str(copy),))
        source.close()

        def damage(database: sqlite3.Connection, seq: int = seq, column: str = column) -> None:
            value = database.execute(f"SELECT {column} FROM events WHERE seq = ?", (seq,)).fetchone()[0]
            place = dice.randrange(len(value))
            swapped = value[:place] + ("x" if value[place] != "x" else "y") + value[place + 1 :]
            database.execute(f"UPDATE events SET {column} = ? WHERE seq = ?", (swapped, seq))

        tampered(copy, damage)
        assert not verify_journal(copy, files[1]).whole, (seq, column)


def test_a_head_that_lags_after_a_crash_is_a_warning_and_is_caught_up(files: tuple[Path, Path]) -> None:
    written(files, 5)
    before = files[1].read_bytes()
    written_more = Journal(*files)
    written_more.append([draft("later", seconds=60)])
    files[1].write_bytes(before)
    found = verify_journal(*files)
    assert found.whole and any("lags" in warning for warning in found.warnings)
    written_more.append([draft("last", seconds=61)])
    head = read_head(files[1])
    assert head is not None and head.seq == 7
    assert verify_journal(*files).whole


def test_a_wall_clock_that_went_back_is_a_warning(files: tuple[Path, Path]) -> None:
    journal = Journal(*files)
    journal.append([draft("a", seconds=60)])
    journal.append([draft("b", seconds=0)])
    found = verify_journal(*files)
    assert found.whole and any("went back" in warning for warning in found.warnings)


def test_missing_guards_are_a_warning(files: tuple[Path, Path]) -> None:
    written(files, 2)
    tampered(files[0], lambda _: None)
    found = verify_journal(*files)
    assert found.whole and any("triggers" in warning for warning in found.warnings)


ALTERED = {
    "the trigger 'swallow'": "CREATE TRIGGER swallow BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END",
    "a trigger events_are_never_removed": "DROP TRIGGER events_are_never_removed;"
    "CREATE TRIGGER events_are_never_removed AFTER INSERT ON events BEGIN DELETE FROM events WHERE seq = NEW.seq; END",
    "the view 'events'": "ALTER TABLE events RENAME TO kept; CREATE VIEW events AS SELECT * FROM kept WHERE seq <> 2;"
    "CREATE TRIGGER through INSTEAD OF INSERT ON events BEGIN SELECT 1; END",
    "a table events": "ALTER TABLE events ADD COLUMN loud TEXT GENERATED ALWAYS AS (upper(body)) VIRTUAL",
    "no table leases": "DROP TABLE leases",
}


@pytest.mark.parametrize("opened", ["before", "after"])
@pytest.mark.parametrize("what", ALTERED)
def test_what_somebody_put_into_the_database_swallows_no_entry_and_hides_none(files: tuple[Path, Path], what: str, opened: str) -> None:
    written(files, 3)
    standing = Journal(*files) if opened == "before" else None
    database = sqlite3.connect(files[0])
    database.executescript(ALTERED[what])
    database.close()
    with pytest.raises(JournalUnavailable, match=r"restore a backup") as caught:
        (standing or Journal(*files)).append([draft("later")])
    assert str(files[0]) in str(caught.value)
    if standing is not None:
        standing.close()
    with pytest.raises(JournalUnavailable):
        Journal(*files, read_only=True)
    found = verify_journal(*files)
    assert not found.whole
    assert any(what in finding.message for finding in found.findings if finding.kind == "altered")


def test_what_sqlite_keeps_for_its_plans_alters_no_journal(files: tuple[Path, Path]) -> None:
    written(files, 3)
    database = sqlite3.connect(files[0])
    database.executescript("ANALYZE; VACUUM")
    database.close()
    written(files, 4)
    found = verify_journal(*files)
    assert found.whole and found.entries == 4


def test_a_head_that_cannot_be_written_does_not_undo_what_is_recorded(files: tuple[Path, Path]) -> None:
    journal = Journal(*files)
    files[1].unlink()
    files[1].mkdir()
    journal.append([draft("a")])
    assert journal.mirror_problem is not None and "audit-head" in journal.mirror_problem
    assert [entry.key for entry in journal.entries()][-1] == "a"


# -- several processes ------------------------------------------------------------------------------------------------


def test_four_processes_append_at_once_and_nothing_is_lost(files: tuple[Path, Path]) -> None:
    processes, each = 4, 60
    children = []
    for worker in range(processes):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                journal = Journal(*files, busy_seconds=30)
                for number in range(each):
                    journal.append([draft(f"{worker}/{number}", name=f"worker{worker}", n=number)])
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * processes
    found = verify_journal(*files)
    assert found.whole and found.entries == processes * each
    assert found.head is not None and found.head.seq == processes * each
    by_worker: dict[str, list[int]] = {}
    for entry in Journal(*files).entries():
        by_worker.setdefault(entry.actor["name"], []).append(entry.body["n"])
    assert all(numbers == list(range(each)) for numbers in by_worker.values())
    assert len(by_worker) == processes


def test_the_mirrored_head_is_plain_json(files: tuple[Path, Path]) -> None:
    written(files, 3)
    head = json.loads(files[1].read_text())
    assert head["format"] == "quarterdeck/audit-head/1"
    assert head["seq"] == 3 and len(head["hash"]) == 64


def test_a_journal_that_cannot_be_read_is_not_whole(files: tuple[Path, Path]) -> None:
    written(files, 3)
    files[0].write_bytes(b"garbage" * 1000)
    for leftover in files[0].parent.glob("control.sqlite-*"):
        leftover.unlink()
    found = verify_journal(*files)
    assert not found.whole and found.findings[-1].kind == "unreadable"


def test_a_verification_during_appends_neither_fails_nor_warns(files: tuple[Path, Path]) -> None:
    written(files, 3)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            journal = Journal(*files)
            for number in range(200):
                journal.append([draft(f"child{number}", seconds=100 + number)])
            status = 0
        finally:
            os._exit(status)
    try:
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            assert verify_journal(*files).whole
    except ChildProcessError:
        pass
    found = verify_journal(*files)
    assert found.whole and found.entries == 203 and not found.warnings


def test_a_draft_that_waited_for_its_place_is_no_clock_that_went_back(files: tuple[Path, Path]) -> None:
    wall = iter(AT + timedelta(minutes=1, seconds=each) for each in range(9))
    journal = Journal(*files, wall=lambda: next(wall))
    waited = draft("waited", seconds=0)
    journal.append([draft("faster", seconds=5)])
    journal.append([waited])
    first, second = journal.entries()
    assert (first.real_at, second.real_at) == (AT + timedelta(minutes=1), AT + timedelta(minutes=1, seconds=1))
    assert second.at == AT, "when it happened by the workspace's time is what the draft says"
    assert verify_journal(*files).warnings == ()


def test_a_clock_that_went_back_by_a_second_between_two_entries_is_told(files: tuple[Path, Path]) -> None:
    wall = iter([AT + timedelta(seconds=1), AT])
    journal = Journal(*files, wall=lambda: next(wall))
    journal.append([draft("before")])
    journal.append([draft("after", seconds=9)])
    [warning] = verify_journal(*files).warnings
    assert "wall clock went back between #1 and #2" in warning
