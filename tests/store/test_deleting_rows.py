"""Rows that retention deletes: they go as whole days, whatever dies on the way, and nothing brings them back."""

from __future__ import annotations

import signal
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_facts import DAY, NOON, ask, count, finish, labels, predictions, put, start

from backends.store.acting import StoreRows
from backends.store.catalogue import open_catalogue
from backends.store.compactor import Compactor, compact
from backends.store.deleted import Span
from backends.store.deleting import Deletion, NotAsExpected, delete_rows
from backends.store.due import Cut
from backends.store.errors import StoreError, StoreFull
from backends.store.ingest import ingest
from backends.store.paths import WorkspacePaths
from backends.store.reader import open_reader

NOTHING = "nothing deleted"
LIMIT = "2013-04-26"
"""The day of NOON: what is older goes."""


def cut(*held: Span, table: str = "predictions", environment: str = "production", before: str = LIMIT) -> Cut:
    return Cut(environment, table, "m", before, held, "policies/retention.yaml:3 keep 90d")


def delete(paths: WorkspacePaths, *cuts: Cut, expected: str = NOTHING, key: str = "once") -> Deletion:
    return delete_rows(paths, cuts or (cut(),), expected=expected, key=key, now=NOON)


def week(paths: WorkspacePaths, **more: object) -> None:
    """Ten predictions on each of the six days before NOON and on its own day, compacted."""
    for back in range(7):
        put(paths, "predictions", predictions([f"{back}-{number}" for number in range(10)], at=NOON - back * DAY, **more))  # type: ignore[arg-type]
    compact(paths, NOON)


def days(paths: WorkspacePaths, table: str = "predictions") -> list[str]:
    return [row[0] for row in ask(paths, f"SELECT DISTINCT strftime(event_at, '%d') FROM {table} ORDER BY 1")]


def refusals(paths: WorkspacePaths) -> str:
    return "".join(path.read_text() for path in paths.rejects.iterdir()) if paths.rejects.exists() else ""


def test_days_before_the_limit_go_with_their_files_and_sums_and_the_others_stay(paths: WorkspacePaths) -> None:
    week(paths)
    done = delete(paths)
    assert [(each.table, each.before, each.rows) for each in done.deleted] == [("predictions", LIMIT, 60)]
    assert days(paths) == ["26"]
    assert [path.parent.name for path in paths.segments.rglob("*.parquet")] == [LIMIT]
    with open_reader(paths) as reader:
        assert reader.database() and reader.fetch("SELECT sum(n), count(DISTINCT hour) FROM generation.hourly_predictions") == [(10, 1)]
        assert [each.told() for each in reader.deleted] == ["predictions before 2013-04-26"]


def test_held_days_stay_and_are_named_with_the_reason(paths: WorkspacePaths) -> None:
    week(paths)
    done = delete(paths, cut(Span("2013-04-22", "2013-04-23", "INC-1 is open")))
    assert days(paths) == ["22", "23", "26"]
    assert done.deleted[0].kept == (Span("2013-04-22", "2013-04-23", "INC-1 is open"),)


def test_outcomes_of_rows_that_stay_stay_with_them(paths: WorkspacePaths) -> None:
    week(paths)
    # The outcome of a held row came two days later.
    put(paths, "labels", labels(["4-0"], 1, at=NOON - 2 * DAY))
    put(paths, "labels", labels(["5-0"], 1, at=NOON - 3 * DAY))
    compact(paths, NOON)
    delete(paths, cut(Span("2013-04-22", "2013-04-22", "held")), cut(Span("2013-04-22", "2013-04-22", "held"), table="labels"))
    assert ask(paths, "SELECT key FROM labels") == [("4-0",)]


def test_a_correction_is_not_deleted_before_what_it_corrects(paths: WorkspacePaths) -> None:
    put(paths, "labels", labels(["a"], 0, at=NOON + DAY))
    put(paths, "labels", labels(["a"], 1, at=NOON - DAY, known=NOON + 2 * DAY))
    put(paths, "labels", labels(["b"], 1, at=NOON - 2 * DAY))
    compact(paths, NOON)
    delete(paths, cut(table="labels"))
    assert ask(paths, "SELECT key, label FROM labels") == [("a", 1.0)]


def test_rows_of_another_environment_stay_although_they_share_a_file(paths: WorkspacePaths) -> None:
    week(paths)
    week(paths, environment="staging")
    delete(paths)
    assert ask(paths, "SELECT environment, count(*) FROM predictions GROUP BY 1 ORDER BY 1") == [("production", 10), ("staging", 70)]
    with open_reader(paths) as reader:
        assert reader.database() and reader.fetch("SELECT sum(n) FROM generation.hourly_predictions") == [(80,)]


def test_what_was_refused_as_contradicting_goes_with_the_rows(paths: WorkspacePaths) -> None:
    put(paths, "predictions", predictions(["a"], at=NOON - DAY, fact_id="one", score=0.1))
    compact(paths, NOON)
    put(paths, "predictions", predictions(["a"], at=NOON - DAY, fact_id="one", score=0.987))
    compact(paths, NOON)
    delete(paths)
    with open_catalogue(paths) as catalogue:
        assert catalogue.conflicts() == []


def test_the_same_file_dropped_again_brings_nothing_back_and_leaves_no_copy(paths: WorkspacePaths) -> None:
    week(paths)
    delete(paths)
    put(paths, "predictions", predictions(["secret-key", "5-1"], at=NOON - 5 * DAY))
    put(paths, "predictions", predictions(["new"], at=NOON))
    assert count(paths) == 11, "not even before it is compacted"
    done = compact(paths, NOON)
    assert days(paths) == ["26"] and count(paths) == 11
    assert "2 rows: predictions of m before 2013-04-26 were deleted by retention" in done.rejected[0][1]
    assert "policies/retention.yaml:3" in refusals(paths) and "secret-key" not in refusals(paths)
    assert [path for path in paths.landing.rglob("*") if path.is_file()] == []


def test_a_file_that_is_ingested_is_refused_row_by_row_with_the_reason_alone(paths: WorkspacePaths) -> None:
    week(paths)
    delete(paths)
    csv = paths.root / "scores.csv"
    csv.write_text("event_at,key,score\n2013-04-20T10:00:00Z,secret-key,0.5\n2013-04-26T13:00:00Z,fine,0.5\n")
    done = ingest(paths, "predictions", csv, environment="production", model="m", version="1", now=NOON)
    assert (done.accepted, done.refused) == (1, 1)
    assert "were deleted by retention" in refusals(paths) and "secret-key" not in refusals(paths)


def test_a_lost_catalogue_brings_nothing_back(paths: WorkspacePaths) -> None:
    week(paths)
    with open_reader(paths):
        # A reader keeps the files of the days that are deleted, so they are there when the catalogue goes.
        assert delete(paths, cut(Span("2013-04-22", "2013-04-22", "held"))).still_read == 5
        for path in paths.store.glob("catalog.sqlite*"):
            path.unlink()
    compact(paths, NOON)
    assert days(paths) == ["22", "26"] and count(paths) == 20
    with open_reader(paths) as reader:
        assert [each.told() for each in reader.deleted] == ["predictions before 2013-04-26 but 1 kept"], "and what was deleted is known"


def test_a_store_that_was_removed_as_a_whole_takes_in_nothing_of_it(paths: WorkspacePaths) -> None:
    week(paths)
    delete(paths)
    for path in sorted(paths.store.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    put(paths, "predictions", predictions(["a"], at=NOON - 5 * DAY))
    compact(paths, NOON)
    assert count(paths) == 0


def test_while_nobody_can_read_what_was_deleted_nothing_is_taken_in(paths: WorkspacePaths) -> None:
    week(paths)
    delete(paths)
    paths.deleted.write_text("{")
    put(paths, "predictions", predictions(["a"]))
    with pytest.raises(StoreError, match="put it back from a backup"):
        compact(paths, NOON)
    paths.deleted.unlink()
    put(paths, "predictions", predictions(["a"], at=NOON - 5 * DAY))
    compact(paths, NOON)
    assert days(paths) == ["26"], "the catalogue knows it too"


def test_a_reader_of_the_generation_before_counts_what_it_counted(paths: WorkspacePaths) -> None:
    week(paths)
    put(paths, "predictions", predictions(["waits"], at=NOON - 5 * DAY))
    with open_reader(paths) as reader:
        done = delete(paths)
        assert done.still_read == 6
        assert reader.sql("SELECT count(*) FROM predictions") == [(71,)]
        assert count(paths) == 10
    compact(paths, NOON)
    assert len(list(paths.segments.rglob("*.parquet"))) == 1


def test_what_lands_and_is_compacted_beside_a_deletion_is_all_there_afterwards(paths: WorkspacePaths) -> None:
    week(paths)
    beside = [
        start("for number in range(12): put(paths, 'predictions', predictions([f'n{number}']))", paths.root),
        start("from backends.store.compactor import compact\nfor _ in range(4): compact(paths, NOON)", paths.root),
        start("for _ in range(8): assert count(paths) >= 10", paths.root),
    ]
    delete(paths)
    for process in beside:
        finish(process)
    compact(paths, NOON)
    assert days(paths) == ["26"] and count(paths) == 22


DYING = """
    import os, signal
    from backends.store import deleting
    from backends.store.due import Cut
    where = deleting if sys.argv[2] == "remember" else deleting._Deleting
    whole = getattr(where, sys.argv[2])
    def dies(self, *args, **kwargs):
        mine = where is deleting or isinstance(self, deleting._Deleting)
        if sys.argv[3] == "after" or not mine:
            found = whole(self, *args, **kwargs)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    setattr(where, sys.argv[2], dies)
    cut = Cut("production", "predictions", "m", "2013-04-26", (), "a rule")
    deleting.delete_rows(paths, [cut], expected="nothing deleted", key="once", now=NOON)
"""


@pytest.mark.parametrize("step", ["remember", "write_segment", "write_database", "flush_folders", "publish", "remove_superseded"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere_it_was_done_or_not_and_never_half(paths: WorkspacePaths, step: str, when: str) -> None:
    week(paths)
    put(paths, "predictions", predictions(["shared"], at=NOON - DAY, environment="staging"))
    compact(paths, NOON)
    killed = start(DYING, paths.root, step, when)
    assert killed.wait(timeout=60) == -signal.SIGKILL
    killed.communicate()
    here = "SELECT count(*) FROM predictions WHERE environment = 'production'"
    published = (step, when) in {("publish", "after"), ("remove_superseded", "before"), ("remove_superseded", "after")}
    assert ask(paths, here) == [(10 if published else 70,)]
    with open_catalogue(paths) as catalogue:
        assert bool(catalogue.applied("once")) is published
    compact(paths, NOON)
    assert ask(paths, here) == [(10 if published else 70,)], "the next compaction changes nothing of it"
    delete(paths)
    assert (ask(paths, here), count(paths)) == ([(10,)], 11)
    compact(paths, NOON)
    with open_catalogue(paths) as catalogue:
        known = {segment.path for segment in catalogue.segments(catalogue.generation())}
    assert set(paths.segments.rglob("*.parquet")) == known


def test_the_same_key_deletes_once(paths: WorkspacePaths) -> None:
    week(paths)
    first = delete(paths)
    again = delete(paths, cut(before="2013-04-27"), key="once")
    assert again.deleted == first.deleted and count(paths) == 10


def test_a_key_that_was_given_up_deletes_nothing(paths: WorkspacePaths) -> None:
    week(paths)
    with open_catalogue(paths) as catalogue:
        assert catalogue.forbid_deletion("once") is False
    with pytest.raises(StoreError, match="given up"):
        delete(paths)
    assert count(paths) == 70


def late_comer_is_taken_in(paths: WorkspacePaths) -> bool:
    before = count(paths)
    put(paths, "predictions", predictions(["late"], at=NOON - 3 * DAY))
    compact(paths, NOON)
    return count(paths) == before + 1 and not refusals(paths)


def test_what_was_about_to_be_deleted_and_never_was_may_have_late_rows_once_it_is_given_up(paths: WorkspacePaths) -> None:
    week(paths)
    killed = start(DYING, paths.root, "remember", "after")
    assert killed.wait(timeout=60) == -signal.SIGKILL
    killed.communicate()
    assert StoreRows(paths).forbid("once") is False
    assert late_comer_is_taken_in(paths)


def test_what_could_not_be_deleted_may_have_late_rows_and_what_was_before_it_stays_deleted(
    paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    week(paths)
    delete(paths, cut(before="2013-04-22"), key="before")

    def full(_self: object, _connection: object) -> None:
        raise StoreFull("no room")

    with monkeypatch.context() as patched:
        patched.setattr(Compactor, "write_database", full)
        with pytest.raises(StoreFull):
            delete(paths, expected="predictions before 2013-04-22")
    assert late_comer_is_taken_in(paths)
    put(paths, "predictions", predictions(["gone"], at=NOON - 5 * DAY))
    compact(paths, NOON)
    assert days(paths)[0] == "22" and "deleted" in refusals(paths)


def test_it_is_not_done_upon_another_deletion_than_the_one_that_was_seen(paths: WorkspacePaths) -> None:
    week(paths)
    delete(paths, cut(before="2013-04-22"), key="theirs")
    with pytest.raises(NotAsExpected, match="predictions before 2013-04-22 stands for m"):
        delete(paths)
    assert days(paths) == ["22", "23", "24", "25", "26"]


def test_an_older_store_is_opened_and_a_program_that_knows_no_deletions_refuses_a_newer_one(paths: WorkspacePaths) -> None:
    import sqlite3

    week(paths)
    with sqlite3.connect(paths.catalog) as connection:
        connection.executescript("DROP TABLE deleted; DROP TABLE deletions_forbidden; PRAGMA user_version=1")
    assert count(paths) == 70
    delete(paths)
    assert count(paths) == 10
    with sqlite3.connect(paths.catalog) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


@settings(max_examples=12, deadline=None)
@given(
    present=st.sets(st.integers(0, 9), min_size=1),
    limit=st.integers(0, 11),
    held=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=2),
    dropped=st.sets(st.integers(0, 9)),
)
def test_whatever_is_held_exactly_the_other_old_days_go_and_stay_gone(
    present: set[int], limit: int, held: list[tuple[int, int]], dropped: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths, first = WorkspacePaths(Path(folder)), datetime.fromisoformat("2013-04-10T12:00+00:00")
        day = lambda number: (first + timedelta(days=number)).strftime("%Y-%m-%d")  # noqa: E731
        for number in present:
            put(paths, "predictions", predictions([f"k{number}"], at=first + timedelta(days=number)))
        compact(paths, NOON)
        spans = [Span(day(begin), day(begin + length), "held") for begin, length in held]
        kept = {each for each in present if each >= limit or any(begin <= each <= begin + length for begin, length in held)}
        if kept == present:
            with pytest.raises(StoreError, match="nothing is due"):
                delete(paths, cut(*spans, before=day(limit)))
        else:
            delete(paths, cut(*spans, before=day(limit)))
            for number in dropped & present:
                put(paths, "predictions", predictions([f"k{number}"], at=first + timedelta(days=number)))
            compact(paths, NOON)
        assert ask(paths, "SELECT key FROM predictions ORDER BY 1") == sorted((f"k{each}",) for each in kept)
