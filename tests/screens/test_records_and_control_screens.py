"""Versions, lineage, changes, sources, switches, actions, audit, alerts and incidents on the screen, by their keys."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.commands import clashes
from console.control.actions import ActionKind
from console.locate import Located
from console.screens.base import DeckScreen
from console.session import Session

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from registry_workspace import DAY, MODEL, NOW, Place, history


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = history(tmp_path_factory.mktemp("screens") / "w")
    made.incident(made.alert("ALR-1", NOW - DAY), "late gap")
    made.switch(ActionKind.FALLBACK, "INC-1 late gap")
    return made


def console(place: Place, *start: str) -> ConsoleApp:
    return ConsoleApp(Session(Located(place.paths.root, "the test")), start=start or ("sources", None))  # type: ignore[arg-type]


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"the screen never came to that state: {shown(pilot.app).scope}")  # type: ignore[arg-type]


def shown(app: ConsoleApp) -> DeckScreen:
    screen = app.screen
    assert isinstance(screen, DeckScreen)
    return screen


def text(app: ConsoleApp) -> str:
    return "\n".join(row.line.text for row in shown(app).content.rows)


def detail(app: ConsoleApp) -> str:
    return "\n".join(row.line.text for row in shown(app).detail.rows)  # type: ignore[attr-defined]


def ready(app: ConsoleApp, scope: str, holds: str = "") -> Callable[[], bool]:
    return lambda: isinstance(app.screen, DeckScreen) and app.screen.scope == scope and app.screen.view is not None and holds in text(app)


def test_no_key_of_the_catalogue_clashes() -> None:
    assert clashes() == []


@pytest.mark.parametrize(
    ("keys", "scope", "holds"),
    [
        (("g", "s"), "sources", "What still works"),
        (("g", "w"), "switches", "fallback"),
        (("g", "u"), "audit", "RESULT"),
        (("g", "l"), "alerts", "model.late_gap"),
        (("g", "i"), "incidents", "INC-1"),
        (("at",), "actions", "effective"),
    ],
)
async def test_each_place_is_reached_by_its_keys(place: Place, keys: tuple[str, ...], scope: str, holds: str) -> None:
    app = console(place, "actions" if scope != "actions" else "sources", None)  # type: ignore[arg-type]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app).scope in {"actions", "sources"} and shown(app).view is not None)
        await pilot.press(*keys)
        await until(pilot, ready(app, scope, holds))


async def test_the_version_under_the_cursor_is_spelt_out_and_enter_opens_its_card(place: Place) -> None:
    app = console(place, "versions", MODEL)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "versions", "v3"))
        await until(pilot, lambda: "delay v3" in detail(app))
        await pilot.press("j")
        await until(pilot, lambda: "delay v2" in detail(app) and "data-2" in detail(app))
        await pilot.press("enter")
        await until(pilot, ready(app, "version", "Which dataset and schema trained it?"))
        await pilot.press("6")
        await until(pilot, ready(app, "lineage", "completeness 7 of 7"))


async def test_f_turns_to_who_decided_and_b_spells_out_the_blast_radius(place: Place) -> None:
    app = console(place, "lineage", MODEL)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "lineage", "source flights"))
        assert "blast radius of this node" in detail(app)
        await pilot.press("b")
        await until(pilot, lambda: "Blast radius of source flights" in detail(app) and "gate board" in detail(app))
        await pilot.press("f")
        await until(pilot, ready(app, "lineage", "APR-2 promote v1 -> v2"))
        assert "lineage delay@2 --control" in str(shown(app).why.composed(80).text)


async def test_s_turns_changes_between_nearness_and_time(place: Place) -> None:
    app = console(place, "changes", MODEL)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "changes", "WHEN"))
        await pilot.press("s")
        await until(pilot, lambda: "newest first (s)" in shown(app).heading.composed(80).text)
        first = next(row for row in shown(app).content.rows if row.key)
        assert "fallback" in first.line.text


async def test_enter_on_a_source_explains_it(place: Place) -> None:
    app = console(place, "sources")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "sources", "SOURCE"))
        assert shown(app).content.put_cursor_on("facts:local:labels")
        await pilot.press("enter")
        await until(pilot, ready(app, "source", "the longest declared label delay"))


async def test_enter_on_a_switch_change_opens_the_action_with_its_calls(place: Place) -> None:
    app = console(place, "switches")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "switches", "Changes"))
        await pilot.press("end", "enter")
        await until(pilot, ready(app, "action", "set_switch"))


async def test_v_verifies_the_chain_and_o_opens_what_an_entry_touched(place: Place) -> None:
    app = console(place, "audit")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "audit", "effective"))
        assert "read back" in detail(app)
        await pilot.press("V")
        await until(pilot, lambda: "nothing edited, cut or reordered" in shown(app).why.composed(80).text)
        await pilot.press("o")
        await until(pilot, ready(app, "action", "set_switch"))


@pytest.mark.parametrize("scope", ["alerts", "incidents"])
async def test_enter_opens_the_incident(place: Place, scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(place, scope)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, scope, "INC-1"))
        opened: list[tuple[str, str | None]] = []
        monkeypatch.setattr(app, "push_screen", lambda screen: opened.append((screen.scope, screen.target)))
        await pilot.press("enter")
        await until(pilot, lambda: opened == [("incident", "INC-1")])


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize(
    "start", [("versions", MODEL), ("lineage", MODEL), ("sources", None), ("audit", None), ("actions", None), ("alerts", None)]
)
async def test_no_line_is_wider_than_the_terminal(place: Place, size: tuple[int, int], start: tuple[str, str | None]) -> None:
    app = console(place, *start)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await until(pilot, ready(app, start[0]))
        screen = shown(app)
        assert max(row.line.width for row in screen.content.rows) <= screen.list_width == min(size[0], 120)
        if screen.glance.display:
            await until(pilot, lambda: screen.glanced == screen.content.cursor_key)
            assert max(row.line.width for row in screen.glance.rows) <= 80
