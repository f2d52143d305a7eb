"""Compaction: every fact once, whatever dies, fills up or is broken on the way."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sqlite3
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_facts import DAY, HOUR, NOON, ask, count, finish, labels, predictions, put, start

from backends.store import compactor as compactor_module
from backends.store.catalogue import open_catalogue
from backends.store.compactor import compact
from backends.store.errors import StoreBusy, StoreError
from backends.store.paths import WorkspacePaths
from backends.store.reader import open_reader


def segments(paths: WorkspacePaths) -> list[Path]:
    return sorted(paths.segments.rglob("*.parquet"))


def landed(paths: WorkspacePaths) -> list[Path]:
    return sorted(path for path in paths.landing.rglob("*") if path.is_file())


def strays(paths: WorkspacePaths) -> list[Path]:
    """Files of the store that the newest generation does not consist of."""
    with open_catalogue(paths) as catalogue:
        generation = catalogue.generation()
        known = {segment.path for segment in catalogue.segments(generation)} | {catalogue.database(generation)}
    found = [path for folder in (paths.segments, paths.generations) for path in folder.rglob("*") if path.is_file()]
    return [path for path in found if path not in known]


def test_segments_lie_by_table_model_and_day_and_landing_files_go(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    put(paths, "predictions", predictions(["b"], at=NOON + DAY))
    put(paths, "labels", labels(["a"], 1))
    done = compact(paths, NOON)
    assert (done.files, done.rows, done.segments_written, done.generation, done.published) == (3, 3, 3, 1, True)
    assert [path.parent.relative_to(paths.segments).as_posix() for path in segments(paths)] == [
        "labels/m/2013-04-26",
        "predictions/m/2013-04-26",
        "predictions/m/2013-04-27",
    ]
    assert landed(paths) == []
    assert strays(paths) == []


def test_nothing_to_absorb_publishes_nothing(paths: WorkspacePaths) -> None:
    assert compact(paths, NOON).published is False
    put(paths, "predictions", predictions(["a"]))
    assert compact(paths, NOON).generation == 1
    assert compact(paths, NOON).generation == 1


def test_a_late_fact_rewrites_only_its_own_day(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]) | {"event_at": [NOON]})
    put(paths, "predictions", predictions(["b"], at=NOON + DAY))
    compact(paths, NOON)
    before = segments(paths)
    put(paths, "predictions", predictions(["late"], at=NOON + HOUR))
    assert compact(paths, NOON).segments_written == 1
    after = segments(paths)
    assert [path.parent.name for path in before if path not in after] == ["2013-04-26"]
    assert count(paths) == 3


def test_a_segment_holds_each_fact_once_in_the_order_of_time(paths: WorkspacePaths) -> None:
    times = [NOON + timedelta(minutes=number * 37 % 60) for number in range(60)]
    put(paths, "predictions", predictions([f"k{number}" for number in range(60)]) | {"event_at": times})
    put(paths, "predictions", predictions([f"k{number}" for number in range(30)]) | {"event_at": times[:30]})
    done = compact(paths, NOON)
    assert (done.rows, done.duplicates) == (60, 30)
    [path] = segments(paths)
    rows = duckdb.connect().execute("SELECT event_at, fact_id FROM read_parquet(?)", [[str(path)]]).fetchall()
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert len({row[1] for row in rows}) == 60


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read"),
        (b"PAR1 and no more", "cannot be read"),
        ("SELECT 1 AS x", "no column event_at, model, version, key"),
        ("SELECT '2013' AS event_at, 'm' AS model, '1' AS version, 'a' AS key, 0.5 AS score", "column event_at is VARCHAR"),
        ("SELECT now()::TIMESTAMP AS event_at, 'm' AS model, '1' AS version, 'a' AS key, [1] AS score", "column score is INTEGER[]"),
        ("SELECT TIMESTAMP '2013-01-01' AS event_at, 'm' AS model, '1' AS version, NULL AS key, 0.5 AS score", "1 rows: key is missing"),
        (
            "SELECT TIMESTAMP 'infinity' AS event_at, 'm' AS model, '1' AS version, 'a' AS key, 0.5 AS score",
            "event_at is outside the years",
        ),
    ],
)
def test_a_file_that_holds_no_facts_is_moved_away_with_the_reason(paths: WorkspacePaths, content: bytes | str, reason: str) -> None:
    put(paths, "predictions", predictions(["good"]))
    bad = paths.landing / "predictions" / "bad.parquet"
    if isinstance(content, bytes):
        bad.write_bytes(content)
    else:
        quoted = str(bad).replace("'", "''")
        duckdb.connect().execute(f"COPY ({content}) TO '{quoted}' (FORMAT parquet)")
    done = compact(paths, NOON)
    [(name, told)] = done.rejected
    assert name == "predictions/bad.parquet"
    assert reason in told
    [explanation] = paths.rejects.glob("*.reason.json")
    assert json.loads(explanation.read_text())["reason"] == told
    assert len(list(paths.rejects.glob("*.parquet"))) == 1
    assert ask(paths, "SELECT key FROM predictions") == [("good",)]
    assert landed(paths) == []


def test_days_with_different_inputs_are_told_apart_from_repeats(paths: WorkspacePaths) -> None:
    days = [
        predictions(["a"], gust=1.5, carrier="UA"),
        predictions(["b"], at=NOON + DAY, carrier="AA"),
        predictions(["c"], at=NOON + 2 * DAY),
    ]
    for day in days:
        put(paths, "predictions", day)
    assert compact(paths, NOON).rows == 3
    for day in reversed(days):
        put(paths, "predictions", day)
    assert count(paths) == 3
    assert (compact(paths, NOON).rows, count(paths)) == (0, 3)


def test_a_file_without_types_for_its_nulls_is_taken(paths: WorkspacePaths) -> None:
    folder = paths.landing / "predictions"
    folder.mkdir(parents=True)
    quoted = str(folder / "x.parquet").replace("'", "''")
    duckdb.connect().execute(
        "COPY (SELECT TIMESTAMPTZ '2013-04-26 08:00:00-04' AS event_at, NULL AS known_at, 'm' AS model, 3 AS version, 7 AS \"Key\", "
        f"0.5::FLOAT AS score, NULL AS latency_ms, NULL AS served_by, 1::HUGEINT AS big) TO '{quoted}' (FORMAT parquet)"
    )
    assert compact(paths, NOON).rejected == ()
    assert ask(paths, "SELECT event_at, version, key, score, big FROM predictions") == [(NOON.replace(tzinfo=None), "3", "7", 0.5, 1.0)]


def test_the_producers_of_the_documentation_work(paths: WorkspacePaths) -> None:
    """A producer needs neither this program nor a lock: write beside, flush, rename."""
    folder = paths.landing / "labels"
    folder.mkdir(parents=True)
    temporary = folder / ".mine.tmp"
    quoted = str(temporary).replace("'", "''")
    duckdb.connect().execute(
        f"COPY (SELECT TIMESTAMP '2013-04-26 12:00' AS event_at, 'm' AS model, 'a' AS key, true AS label) TO '{quoted}' (FORMAT parquet)"
    )
    assert count(paths, "labels") == 0
    temporary.rename(folder / "mine.parquet")
    assert ask(paths, "SELECT label, known_at = event_at FROM labels") == [(1.0, True)]


def test_a_new_file_under_an_absorbed_name_is_read(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]), name="today")
    with open_reader(paths):
        compact(paths, NOON)
        assert len(landed(paths)) == 1, "a reader may still need it"
        landed(paths)[0].unlink()
        put(paths, "predictions", predictions(["b"]), name="today")
        assert count(paths) == 2
    compact(paths, NOON)
    assert count(paths) == 2
    assert landed(paths) == []


def test_a_reader_keeps_its_generation_while_others_go_on(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    put(paths, "predictions", predictions(["b"]))
    with open_reader(paths) as early:
        assert compact(paths, NOON).generation == 2
        put(paths, "predictions", predictions(["c"]))
        assert compact(paths, NOON).generation == 3
        assert early.sql("SELECT key FROM predictions ORDER BY 1") == [("a",), ("b",)]
        assert len(strays(paths)) > 0
    compact(paths, NOON)
    assert strays(paths) == []
    assert count(paths) == 3


def test_a_lease_of_a_dead_process_keeps_nothing(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    put(paths, "predictions", predictions(["b"]))
    reader = start("with open_reader(paths) as reader:\n    print('reading', flush=True)\n    sys.stdin.read()", paths.root)
    assert reader.stdout is not None
    reader.stdout.readline()
    compact(paths, NOON)
    assert landed(paths) != []
    os.kill(reader.pid, signal.SIGKILL)
    reader.communicate()
    compact(paths, NOON)
    assert landed(paths) == []
    assert strays(paths) == []


STEPS = ("write_segment", "write_database", "flush_folders", "publish", "remove_superseded", "remove", "remove_landing_file", "reject")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_compaction_killed_anywhere_leaves_a_consistent_store(paths: WorkspacePaths, step: str, when: str) -> None:
    put(paths, "predictions", predictions([f"old{number}" for number in range(50)]))
    compact(paths, NOON)
    put(paths, "predictions", predictions([f"new{number}" for number in range(50)], at=NOON + HOUR))
    put(paths, "predictions", predictions([f"next{number}" for number in range(50)], at=NOON + DAY))
    put(paths, "labels", labels([f"old{number}" for number in range(50)], 1))
    (paths.landing / "predictions" / "broken.parquet").write_bytes(b"no")
    killed = start(
        """
        import os, signal
        from backends.store import compactor
        whole = getattr(compactor.Compactor, sys.argv[2])
        def dies(self, *args, **kwargs):
            if sys.argv[3] == "after":
                whole(self, *args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        setattr(compactor.Compactor, sys.argv[2], dies)
        compactor.compact(paths, NOON)
        """,
        paths.root,
        step,
        when,
    )
    assert killed.wait(timeout=60) == -signal.SIGKILL
    killed.communicate()
    assert (count(paths), count(paths, "labels")) == (150, 50)
    compact(paths, NOON)
    assert (count(paths), count(paths, "labels")) == (150, 50)
    assert landed(paths) == []
    assert strays(paths) == []
    with open_reader(paths) as reader:
        assert reader.database()
        assert reader.fetch("SELECT sum(n) FROM generation.hourly_predictions") == [(150,)]


def test_a_reader_of_a_generation_is_exact_while_the_next_one_is_made_and_killed(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions([f"a{number}" for number in range(100)]))
    compact(paths, NOON)
    put(paths, "predictions", predictions([f"b{number}" for number in range(100)]))
    with open_reader(paths) as reader:
        killed = start(
            """
            import os, signal
            from backends.store import compactor
            compactor.Compactor.remove_superseded = lambda self: os.kill(os.getpid(), signal.SIGKILL)
            compactor.compact(paths, NOON)
            """,
            paths.root,
        )
        assert killed.wait(timeout=60) == -signal.SIGKILL
        killed.communicate()
        put(paths, "predictions", predictions(["c"]))
        compact(paths, NOON)
        assert reader.sql("SELECT count(*) FROM predictions") == [(200,)]
    assert count(paths) == 201


def test_of_many_that_open_a_new_store_at_once_none_meets_a_lock(tmp_path: Path) -> None:
    roots = [tmp_path / str(number) for number in range(40)]
    for root in roots:
        root.mkdir()
    opening = """
        import time
        from backends.store.catalogue import open_catalogue
        parent = paths.root.parent
        for number in range(40):
            (parent / f"ready-{number}-{sys.argv[2]}").touch()
            while len(list(parent.glob(f"ready-{number}-*"))) < 4:
                time.sleep(0.0002)
            with open_catalogue(WorkspacePaths(parent / str(number))) as catalogue:
                catalogue.release_reader_lease(catalogue.take_reader_lease()[0])
        """
    opened = [start(opening, roots[0], each) for each in range(4)]
    try:
        for process in opened:
            finish(process)
    finally:
        # Those that wait for one that failed.
        for process in opened:
            process.kill()
    assert not [entry for root in roots for entry in (root / "store").iterdir() if entry.name.startswith(".")]


def test_readers_producers_and_compactions_at_once_never_meet_a_lock(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["seed"]))
    csv = paths.root / "more.csv"
    csv.write_text("event_at,key,score\n" + "".join(f"2013-04-26T13:00:00Z,csv{number},0.5\n" for number in range(300)))
    reading = """
        seen = 0
        for _ in range(25):
            now = count(paths)
            assert now >= seen, (now, seen)
            seen = now
        print(seen)
    """
    work = [
        start(reading, paths.root),
        start(reading, paths.root),
        start("for number in range(20): put(paths, 'predictions', predictions([f'{number}-{i}' for i in range(10)]))", paths.root),
        start(
            """
            from backends.store.ingest import ingest
            done = ingest(paths, "predictions", paths.root / "more.csv", environment="production", model="m", version="1", now=NOON)
            assert done.accepted == 300, done
            """,
            paths.root,
        ),
        start("from backends.store.compactor import compact\nfor _ in range(8): compact(paths, NOON)", paths.root),
        start("from backends.store.compactor import compact\nfor _ in range(8): compact(paths, NOON)", paths.root),
    ]
    for process in work:
        finish(process)
    assert count(paths) == 501
    compact(paths, NOON)
    assert count(paths) == 501
    assert strays(paths) == []


def test_a_second_compaction_says_who_is_busy(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    with compactor_module.only_compactor(paths, 0), pytest.raises(StoreBusy, match="another compaction"):
        compact(paths, NOON, patience=0.1)


@pytest.mark.parametrize("fails", ["fsync", "rename"])
def test_a_disk_that_is_full_during_compaction_loses_nothing(paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    put(paths, "predictions", predictions(["a", "b"]))
    compact(paths, NOON)
    put(paths, "predictions", predictions(["c"]))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full) if fails == "fsync" else patch.setattr(Path, "rename", full)
        with pytest.raises(StoreError, match="No space left on device"):
            compact(paths, NOON)
    assert count(paths) == 3
    assert compact(paths, NOON).rows == 1
    assert count(paths) == 3
    assert strays(paths) == []


def test_a_damaged_catalogue_is_one_clear_line(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    for extra in ("-wal", "-shm"):
        paths.catalog.with_name(paths.catalog.name + extra).unlink(missing_ok=True)
    paths.catalog.write_bytes(b"not a database, " * 512)
    with pytest.raises(StoreError, match=re.escape(str(paths.catalog)) + " is damaged"):
        count(paths)


def test_a_lost_catalogue_loses_no_fact(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a", "b"], distance=1.5))
    put(paths, "labels", labels(["a"], 1))
    compact(paths, NOON)
    for path in paths.store.glob("catalog.sqlite*"):
        path.unlink()
    compact(paths, NOON)
    assert (count(paths), count(paths, "labels")) == (2, 1)
    assert ask(paths, "SELECT DISTINCT distance FROM predictions") == [(1.5,)]


def test_a_catalogue_from_an_older_backup_loses_no_fact(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    with sqlite3.connect(paths.catalog) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    backup = paths.catalog.read_bytes()
    put(paths, "predictions", predictions(["b"], at=NOON + DAY))
    compact(paths, NOON)
    for path in paths.store.glob("catalog.sqlite*"):
        path.unlink()
    paths.catalog.write_bytes(backup)
    compact(paths, NOON)
    assert count(paths) == 2
    assert strays(paths) == []


def test_a_missing_segment_is_one_clear_line(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    gone = segments(paths)[0]
    gone.unlink()
    with pytest.raises(StoreError, match=rf"{re.escape(str(gone))} cannot be read \(it is gone\)"):
        count(paths)


def test_a_catalogue_of_a_newer_program_is_left_alone(paths: WorkspacePaths) -> None:
    compact(paths, NOON)
    with sqlite3.connect(paths.catalog) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="update quarterdeck; nothing was changed"):
        count(paths)


def test_named_leases_let_one_at_a_time(paths: WorkspacePaths) -> None:
    with open_catalogue(paths) as catalogue, catalogue.lease("evaluate", "one", HOUR, NOON):
        catalogue.take_lease("evaluate", "one", HOUR, NOON)
        with pytest.raises(StoreBusy, match="evaluate is under way: one"):
            catalogue.take_lease("evaluate", "two", HOUR, NOON)
        catalogue.take_lease("evaluate", "two", HOUR, NOON + 2 * HOUR)
        catalogue.release_lease("evaluate", "two")
    dead = start(
        "from backends.store.catalogue import open_catalogue\n"
        "with open_catalogue(paths) as catalogue: catalogue.take_lease('evaluate', 'dead', HOUR, NOON)",
        paths.root,
    )
    finish(dead)
    with open_catalogue(paths) as catalogue:
        catalogue.take_lease("evaluate", "three", HOUR, NOON)


def test_permissions_of_a_group_workspace_are_kept(paths: WorkspacePaths) -> None:
    paths.root.chmod(0o2770)
    put(paths, "predictions", predictions(["a"]))
    compact(paths, NOON)
    folders = {path.stat().st_mode & 0o7777 for path in paths.root.rglob("*") if path.is_dir()}
    files = {path.name: path.stat().st_mode & 0o777 for path in paths.root.rglob("*") if path.is_file()}
    assert folders == {0o2770}
    assert set(files.values()) == {0o660}, files


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("land"), st.integers(0, 5), st.integers(0, 2), st.sampled_from(["m", "n"])),
        st.tuples(st.just("correct"), st.integers(0, 5), st.integers(1, 3), st.sampled_from(["m", "n"])),
        st.tuples(st.just("compact")),
    ),
    min_size=1,
    max_size=9,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_any_order_of_landing_correcting_repeating_and_compacting_keeps_the_facts(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple]
) -> None:  # type: ignore[type-arg]
    """The oracle is a dictionary: the latest known version of each label, as of two moments."""
    paths = WorkspacePaths(tmp_path_factory.mktemp("any"))
    facts: set[tuple[str, str, int, int]] = set()
    for action, *what in actions:
        if action == "compact":
            compact(paths, NOON)
            continue
        number, step, model = what
        # A correction moves the outcome to another day as well.
        known = 0 if action == "land" else step
        put(paths, "labels", labels([f"k{number}"], known, at=NOON + known * DAY, known=NOON + known * DAY, model=model))
        facts.add((model, f"k{number}", known, known))
    for at in (NOON, NOON + 2 * DAY, None):
        limit = 99 if at is None else (at - NOON).days
        expected: dict[tuple[str, str], int] = {}
        for model, key, known, value in sorted(facts, key=lambda fact: fact[2]):
            if known <= limit:
                expected[model, key] = value
        found = ask(paths, "SELECT model, key, label FROM labels", at)
        assert sorted(found) == sorted((model, key, float(value)) for (model, key), value in expected.items())
