"""Every screen as it is drawn, text and style of each cell, at 80x24 and 120x40, and lists with a second pane at 200x60, beside the
picture of it that was looked at and kept.

`make pictures` keeps the pictures of this run; read their differences before they are committed.
"""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from acting_workspace import MODEL, Place
from pilots import Console, console
from rich.style import Style
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from console.acting import open_desk
from console.app import ConsoleApp
from console.cli.main import main
from console.clock import SystemClock
from console.config import open_workspace
from console.control.records import Holder
from console.locate import Located
from console.runbook.attending import attend
from console.screens.own import OwnScreen
from console.session import Session
from console.views.own.machine import PACKAGES
from console.views.own.view import OwnView

PEOPLE_AT = datetime(2013, 4, 27, 9, 0, tzinfo=UTC)
"""The clock on the wall, while the simulated one stands at the workspace's NOW."""

PICTURED: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
    "fleet": ("fleet", None, ()),
    "fleet, nothing found": ("fleet", None, ("slash", *"nothing", "enter")),
    "command bar": ("fleet", None, ("colon", "d")),
    "health": ("model", MODEL, ()),
    "data": ("data", MODEL, ()),
    "drift": ("drift", MODEL, ()),
    "drift of a column": ("drift", MODEL, ("enter",)),
    "quality": ("quality", MODEL, ()),
    "labels": ("labels", MODEL, ()),
    "versions": ("versions", MODEL, ()),
    "version": ("version", f"{MODEL}@2", ()),
    "card": ("card", f"{MODEL}@2", ()),
    "data sheet": ("sheet", "train-2", ()),
    "maturity": ("maturity", None, ()),
    "system": ("system", MODEL, ()),
    "badges": ("badges", MODEL, ()),
    "asset": ("asset", f"{MODEL} version:2", ()),
    "lineage": ("lineage", MODEL, ()),
    "changes": ("changes", MODEL, ()),
    "release": ("release", MODEL, ()),
    "alerts": ("alerts", None, ()),
    "incidents": ("incidents", None, ()),
    "playbook under way": ("incident", "INC-1", ("k", "j")),
    "approvals": ("approvals", None, ()),
    "approval": ("approval", "APR-1", ()),
    "switches": ("switches", None, ()),
    "audit": ("audit", None, ()),
    "playbooks": ("playbooks", None, ()),
    "playbook": ("playbook", "quality-collapse", ()),
    "sources": ("sources", None, ()),
    "source": ("source", None, ()),
    "actions": ("actions", None, ()),
    "action": ("action", None, ()),
    "entry": ("entry", "5", ()),
    "retention": ("retention", None, ()),
    "reviews": ("reviews", None, ()),
    "own health": ("own", None, ()),
    "explain": ("explain", "psi", ()),
    "help": ("help", "fleet", ()),
}
"""Name of the picture: screen, what it is about, and keys pressed there."""

FIRST_OF = {"source": "sources", "action": "actions"}
HOLDER = Holder(host="bastion", pid=4242, started="boot 1")
VERSIONS = dict.fromkeys((*PACKAGES, "python", "sqlite"), "1.2.3") | {"python": "3.11.7", "duckdb": "2.0.0", "sqlite": "3.40.1"}
HOME = "/home/mara/workspace"


WITH_A_PANE = ("fleet", "drift", "versions", "changes", "incidents", "approvals", "audit")


class Picture(SingleFileSnapshotExtension):
    """A text file a picture."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def pictures(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Picture)


@pytest.fixture
def told(told_once: Path, tmp_path: Path) -> Path:
    """A copy for each test: looking at an incident moves its playbook on."""
    return Path(shutil.copytree(told_once, tmp_path / "workspace"))


@pytest.fixture(scope="module")
def told_once(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a request that waits, a playbook under way and a fallback that is set, by people with names of their own."""
    root = tmp_path_factory.mktemp("told") / "workspace"
    shutil.copytree(original, root)
    # Fleet is drawn as it is judged on the spot.
    (root / "store" / "summary.json").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemClock, "real_now", lambda _: PEOPLE_AT)
        # What took a while took no time at all.
        patch.setattr(SystemClock, "monotonic", lambda _: 0.0)
        patch.setattr("console.control.ledger.this_holder", lambda: HOLDER)
        act = ["-w", str(root)]
        patch.setenv("QUARTERDECK_ACTOR", "ines@build")
        assert main([*act, "promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", "--key", "first"]) == 0
        patch.setenv("QUARTERDECK_ACTOR", "mara@bastion")
        assert main([*act, "playbook", "run", "quality-collapse", "--incident", "INC-1"]) == 0
        assert main([*act, "kill", MODEL, "--state", "fallback", "--confirm", MODEL, "--reason", "half are late", "--key", "second"]) == 0
        # As far as opening the incident takes its run: a picture of it, drawn first or last, then changes none of the others.
        workspace = open_workspace(root)
        with open_desk(workspace, "production") as desk:
            attend(workspace, "production", desk, "INC-1")
    return root


def drawn(found: Console) -> str:
    """Lines of text, then the styles of their cells as letters, then what the letters mean."""
    letters: dict[Style, str] = {Style(): "."}
    texts, styles = [], []
    for strip in found.app.screen._compositor.render_strips():
        texts.append("".join(segment.text for segment in strip).rstrip())
        styles.append("".join(_letter(letters, segment.style or Style()) * len(segment.text) for segment in strip).rstrip("."))
    legend = [f"{letter} {style}" for style, letter in letters.items() if letter != "."]
    return "\n".join([*(_steady(each) for each in texts), "== styles", *styles, "== letters", *legend, ""])


def as_at_home(view: OwnView, root: Path) -> OwnView:
    """What the console says of itself, on the machine that the pictures are of."""
    told = view.model_dump_json().replace(str(root), HOME)
    told = re.sub(r"[0-9.]+ GiB free of [0-9.]+", "40.0 GiB free of 250.0", told)
    told = re.sub(r" on [a-z0-9]+, a local file", " on ext4, a local file", told)
    told = re.sub(r"from 20[^ ]+Z to", "from 2026-11-24T10:00:00.000000Z to", told)
    return OwnView.model_validate_json(told)


def _steady(text: str) -> str:
    """Digests over keys and nonces, which are drawn by chance, and numbers that are the engine's own, as so many `#`."""
    text = re.sub(r"(?<=Different   ).*(?=, estimated)", lambda found: re.sub("[0-9]", "#", found[0]), text)
    text = re.sub(r"(?<=counted by duckdb )[0-9.]+", lambda found: "#" * len(found[0]), text)
    return re.sub(r"\b[0-9a-f]{4} [0-9a-f]{4}\b|(?<=\bA-)[0-9a-f]+", lambda found: re.sub("[^ ]", "#", found[0]), text)


def _letter(letters: dict[Style, str], style: Style) -> str:
    plain = Style(color=style.color, bgcolor=style.bgcolor, bold=style.bold or None, dim=style.dim or None, reverse=style.reverse or None)
    return letters.setdefault(plain, chr(ord("a") + len(letters) - 1))


async def settled(found: Console, scope: str) -> None:
    app: Any = found.app
    await found.until(lambda: app.screen.scope == scope and app.screen.view is not None and not app.screen._pending, scope)
    await found.until(lambda: not app.screen.glance.display or app.screen.glanced == app.screen.content.cursor_key, "the second pane")
    await found.pilot.pause()


async def looked_at(found: Console, name: str) -> str:
    scope, target, keys = PICTURED[name]
    if target is None and scope in FIRST_OF:
        # Its id is not known before: that of the first row of the list.
        listed = FIRST_OF[scope]
        found.app.go(listed)
        await settled(found, listed)
        target = found.app.screen.content.cursor_key
    if scope != "fleet":
        found.app.go(scope, target)
    await settled(found, scope)
    if keys:
        await found.press(*keys)
        await settled(found, scope)
    text = drawn(found)
    if keys and scope == "fleet":
        await found.press("escape")
    return text


SIZES = [(80, 24), *(pytest.param(size, marks=pytest.mark.exhaustive) for size in ((120, 40), (200, 60)))]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_screens_look_as_they_were_seen_to_look(
    told: Path, size: tuple[int, int], pictures: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "mara@bastion")
    monkeypatch.setattr(SystemClock, "real_now", lambda _: PEOPLE_AT)
    monkeypatch.setattr("console.views.own.machine.installed", lambda: VERSIONS)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    read = OwnScreen.read
    monkeypatch.setattr(OwnScreen, "read", lambda screen: as_at_home(read(screen), told))
    seen: dict[str, str] = {}
    async with console(Place(told), size=size) as found:
        for name in PICTURED if size != (200, 60) else WITH_A_PANE:
            seen[name] = await looked_at(found, name)
        while len(found.app.screen_stack) > 2:
            found.app.pop_screen()
        await settled(found, "fleet")
        await found.opens("R")
        seen["plan"] = drawn(found)
    different = [name for name, picture in seen.items() if pictures(name=name.replace(",", "").replace(" ", "-")) != picture]
    assert not different, "\n".join(f"{name} looks otherwise now:\n{seen[name]}" for name in different)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_first_screen_of_all_looks_as_it_was_seen_to_look(
    size: tuple[int, int], pictures: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "mara@bastion")
    monkeypatch.setattr("console.screens.application.who_am_i", lambda _clock: "mara@bastion")
    monkeypatch.setattr(SystemClock, "real_now", lambda _: PEOPLE_AT)
    monkeypatch.setattr(SystemClock, "now", lambda _: PEOPLE_AT)
    monkeypatch.setattr("console.screens.first_run.data_home", lambda: Path("/home/mara/.local/share/quarterdeck"))
    app = ConsoleApp(Session(Located(Path(HOME), "nothing else was named")))
    async with app.run_test(size=size) as pilot:
        found = Console(app, pilot)
        await found.until(lambda: getattr(app.screen, "scope", "") == "first-run", "the first screen")
        await pilot.pause()
        assert pictures(name="first-run") == drawn(found)


def test_every_screen_has_a_picture() -> None:
    from console.screens import SCREENS

    assert {scope for scope, _, _ in PICTURED.values()} | {"first-run"} == set(SCREENS)
