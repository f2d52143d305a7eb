"""Drift, quality and explain on the screen: the tabs open them, Enter goes into a row, e explains it, and the verb is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from textual.pilot import Pilot

from backends.store.summary import write_summary
from console.app import ConsoleApp
from console.config import open_workspace
from console.locate import Located
from console.lookout import Lookout
from console.screens.base import DeckScreen
from console.session import Session
from console.views.drift.view import Asked

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, Made, days_of_predictions, made


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = made(tmp_path_factory.mktemp("screens") / "w", START + 60 * DAY, slices=("carrier",))
    days_of_predictions(place, 60, 150, temp=lambda day, row: float(row % 50) + (60 if day > 54 else 0))
    return place.root


def console(root: Path, *start: Any) -> ConsoleApp:
    return ConsoleApp(Session(Located(root, "the test")), start=start or ("drift", "delay"))


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError("the screen never came to that state")


def shown(app: ConsoleApp) -> DeckScreen:
    screen = app.screen
    assert isinstance(screen, DeckScreen)
    return screen


def lines(app: ConsoleApp) -> list[str]:
    return [row.line.text for row in shown(app).content.rows]


def ready(app: ConsoleApp, scope: str, holds: str = "") -> Callable[[], bool]:
    return lambda: (
        isinstance(app.screen, DeckScreen) and app.screen.scope == scope and app.screen.view is not None and holds in "\n".join(lines(app))
    )


async def test_drift_ranks_columns_and_enter_opens_the_one_under_the_cursor(root: Path) -> None:
    app = console(root)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "drift", "COLUMN"))
        assert "[2 Drift]" in lines(app)[0]
        assert shown(app).content.cursor_key == "temp"
        await pilot.press("enter")
        await until(pilot, ready(app, "drift", " VERDICT  far beyond all"))
        await pilot.press("q")
        await until(pilot, ready(app, "drift", "COLUMN"))


async def test_s_goes_on_to_what_is_compared_with_and_the_page_and_its_verb_say_so(root: Path) -> None:
    app = console(root)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "drift", "COLUMN"))
        line = shown(app).keys.composed(200).text
        assert "s against" in line
        said = ["against weekdays of 1-21 Jan", "against the days before, ", "against a year before, ", "against 1-21 Jan"]
        verbs = ["--against weekday", "--against previous", "--against season", "drift delay"]
        for words, verb in zip(said, verbs, strict=True):
            await pilot.press("s")
            await until(pilot, ready(app, "drift", words))
            assert verb in shown(app).verb
            expected = Lookout(open_workspace(root), "production").drift("delay", Asked(against=shown(app).view.against))
            assert shown(app).view.columns == expected.columns
        await pilot.press("s", "s")
        await until(pilot, ready(app, "drift", "the days before, "))
        shown(app).content.put_cursor_on("temp")
        await pilot.press("enter")
        await until(pilot, ready(app, "drift", " AGAINST  the days before, "))
        await pilot.press("s")
        await until(pilot, ready(app, "drift", " AGAINST  a year before, "))


async def test_the_digits_go_from_tab_to_tab(root: Path) -> None:
    app = console(root)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "drift", "COLUMN"))
        await pilot.press("3")
        await until(pilot, ready(app, "quality", "AUC"))
        assert "[3 Quality]" in lines(app)[0]
        await pilot.press("2")
        await until(pilot, ready(app, "drift", "COLUMN"))


async def test_what_has_been_read_is_not_read_again_until_something_changes(root: Path, tmp_path: Path) -> None:
    copytree(root, own := tmp_path / "w")
    app = console(own)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "drift", "COLUMN"))
        for scope, key, holds in (("quality", "3", "AUC"), ("drift", "2", "COLUMN")):
            await pilot.press(key)
            await until(pilot, ready(app, scope, holds))
            await until(pilot, lambda: not shown(app)._pending)
            view = shown(app).view
            assert not shown(app).reload_when_changed()
            await until(pilot, lambda: not shown(app)._pending)
            assert shown(app).view is view
        days_of_predictions(Made(open_workspace(own)), 1, 3, temp=lambda _day, row: float(row), first=59, compacted=False)
        # How soon it may read again depends on how long reading took: it is asked until it does.
        await until(pilot, lambda: shown(app).reload_when_changed() or shown(app).view is not view)
        await until(pilot, lambda: shown(app).view is not view)


async def test_where_there_is_room_health_draws_the_signal_under_the_cursor(root: Path) -> None:
    app = console(root, "model", "delay")
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, ready(app, "model", "windows of"))
        for signal, title, limit in (
            ("model.auc", " AUC, windows of ", "crit .600 (=)"),
            ("data.nulls", " nulls: temp, %, windows", "crit 5.0 % (=)"),
        ):
            assert shown(app).content.put_cursor_on(signal)
            await until(pilot, ready(app, "model", title))
            drawn = next(place for place, text in enumerate(lines(app)) if text.startswith(title))
            assert limit in lines(app)[drawn]
            assert any("*" in text for text in lines(app)[drawn + 1 :]) and any("====" in text for text in lines(app)[drawn + 1 :])
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: len(lines(app)) < 40)
        assert "windows of" not in "\n".join(lines(app))


async def test_where_there_is_room_quality_draws_outcomes_beside_scores_and_the_calibration(root: Path) -> None:
    app = console(root, "quality", "delay")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, ready(app, "quality", "observed share (*)"))
        place = next(place for place, text in enumerate(lines(app)) if "observed share (*)" in text)
        curve = "".join(lines(app)[place + 1 : place + 13])
        assert "*" in curve and "." in curve and lines(app)[place + 13].startswith(" DAY")
        assert "what a calibrated model would have (.)" in "\n".join(lines(app))


async def test_where_there_is_room_quality_draws_precision_over_recall_and_marks_the_threshold_in_force(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 30 * DAY, threshold=0.5)
    days_of_predictions(place, 30, 150, temp=lambda _day, _row: 1.0, label=lambda day, row: float((row * 7 + day) % 10 < row % 10))
    app = console(place.root, "quality", "delay")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, ready(app, "quality", "precision (*) over recall"))
        place_of = next(place for place, text in enumerate(lines(app)) if "precision (*) over recall" in text)
        assert "in force" in "\n".join(lines(app)[place_of - 8 : place_of])
        curve = lines(app)[place_of + 1 : place_of + 12]
        assert any("*" in text for text in curve) and any("...." in text for text in curve)
        assert "^ from .5" in lines(app)[place_of + 12]


async def test_the_eighth_tab_judges_the_rows_and_a_signal_of_the_data_layer_opens_it(root: Path) -> None:
    app = console(root, "model", "delay")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "model", "SIGNAL"))
        await pilot.press("8")
        await until(pilot, ready(app, "data", "signature of version 1"))
        assert "[8 Data]" in lines(app)[0]
        assert shown(app).verb == "contract check delay"
        assert shown(app).content.put_cursor_on("nulls temp")
        await pilot.press("e")
        await until(pilot, ready(app, "explain", "nobody promised"))
        await pilot.press("q", "1")
        await until(pilot, ready(app, "model", "SIGNAL"))
        assert shown(app).content.put_cursor_on("layer:data") or shown(app).content.put_cursor_on("data.schema")
        await pilot.press("enter")
        await until(pilot, ready(app, "data", "never; qd contract check delay FILE"))


async def test_e_explains_the_number_under_the_cursor_and_q_comes_back(root: Path) -> None:
    app = console(root, "quality", "delay")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "quality", "AUC"))
        assert shown(app).content.cursor_key == "auc"
        await pilot.press("e")
        await until(pilot, ready(app, "explain", "DeLong"))
        await pilot.press("q")
        await until(pilot, ready(app, "quality", "AUC"))


async def test_e_on_a_signal_of_the_model_shows_its_rule(root: Path) -> None:
    app = console(root, "model", "delay")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "model", "SIGNAL"))
        shown(app).content.put_cursor_on("data.drift")
        await pilot.press("e")
        await until(pilot, ready(app, "explain", "data.drift"))


async def test_explain_in_the_command_bar_takes_a_name(root: Path) -> None:
    app = console(root)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(app, "drift", "COLUMN"))
        await pilot.press("colon", *"explain ece", "enter")
        await until(pilot, ready(app, "explain", "10 equal-width bins"))


async def test_wide_terminals_keep_every_row_inside(root: Path) -> None:
    app = console(root)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, ready(app, "drift", "COLUMN"))
        assert max(row.line.width for row in shown(app).content.rows) <= 120


async def test_a_summary_of_another_version_of_the_program_is_read_anew(root: Path, tmp_path: Path) -> None:
    copied = Path(copytree(root, tmp_path / "w"))
    workspace = open_workspace(copied)
    kept = Lookout(workspace, "production").fleet().model_dump(mode="json")
    kept["rows"] = [{"model": row["model"], "state": row["state"]} for row in kept["rows"]]
    write_summary(workspace.paths, kept)
    app = console(copied, "fleet", None)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app).view is not None and any("delay" in row.line.text for row in shown(app).content.rows))
