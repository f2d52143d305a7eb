"""While a confirmation is open the journal is open too: the key that confirms does not wait for it to be opened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from acting_workspace import MODEL, Place
from pilots import console

from console.control.ledger import read_state
from console.screens.plan import PlanScreen


class Heard:
    """What this process opened and replaced, in order. An audit hook stays for good, so there is one, which is mostly deaf."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.on = False
        sys.addaudithook(self.hear)

    def hear(self, event: str, args: tuple[object, ...]) -> None:
        if self.on and event == "sqlite3.connect":
            self.events.append("opens the journal" if "control.sqlite" in str(args[0]) else "opens another")
        elif self.on and event == "os.rename":
            self.events.append(f"replaces {Path(str(args[1])).name}")


HEARD = Heard()


@contextmanager
def listening() -> Iterator[list[str]]:
    HEARD.events, HEARD.on = [], True
    try:
        yield HEARD.events
    finally:
        HEARD.on = False


def journal_is_open(place: Place) -> bool:
    """SQLite keeps its log beside a database for as long as anybody has that open."""
    log = Path(f"{place.paths.control}-wal")
    return log.exists() and log.stat().st_size > 0


def journal_is_held(place: Place) -> bool:
    """Its log may outlive everybody who had it open: the last one to leave, if it only read, must not take it away."""
    return any(each.path.startswith(str(place.paths.control)) for each in psutil.Process().open_files())


@pytest.mark.parametrize(("key", "state", "file"), [("K", "switch = fallback", "switches.json"), ("R", "production = v1", "registry.json")])
async def test_nothing_is_opened_between_the_key_and_the_file_that_it_changes(place: Place, key: str, state: str, file: str) -> None:
    async with console(place) as screen:
        await screen.opens(key)
        await screen.until(lambda: journal_is_open(place), "the journal stands by")
        await screen.press(*MODEL, "tab")
        with listening() as heard:
            await screen.press("space")
            await screen.shows(f"{state}, read back")
        assert "opens the journal" not in heard[: heard.index(f"replaces {file}")]
    assert [action.state for action in read_state(place.paths).actions.values()] == ["effective"]


async def test_a_confirmation_that_is_left_closes_the_journal(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("K")
        await screen.until(lambda: journal_is_open(place), "the journal stands by")
        assert journal_is_held(place)
        await screen.press("escape")
        await screen.until(lambda: not isinstance(screen.app.screen, PlanScreen), "back on Fleet")
        await screen.until(lambda: not journal_is_held(place), "nobody has the journal open")


async def test_a_journal_that_was_put_in_its_place_while_a_confirmation_was_open_is_the_one_that_is_written(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("K")
        await screen.until(lambda: journal_is_open(place), "the journal stands by")
        kept = place.paths.control.read_bytes()
        beside = place.paths.control.with_name("restored")
        beside.write_bytes(kept)
        beside.replace(place.paths.control)
        for each in ("-wal", "-shm"):
            Path(f"{place.paths.control}{each}").unlink()
        await screen.signs()
        await screen.shows("switch = fallback, read back")
    assert len(read_state(place.paths).actions) == 1
