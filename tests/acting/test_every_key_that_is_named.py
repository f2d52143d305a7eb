"""Every key that a screen names, in line 24 or in its help, is pressed there and does what it says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from acting_workspace import MODEL, Place
from pilots import Console, console
from test_out_of_doubt import killed_while_setting_the_fallback

from console import commands
from console.cli.main import main
from console.commands import CATALOGUE, EVERYWHERE, Command
from console.control.ledger import read_state
from console.screens import SCREENS
from console.screens.plan import PlanScreen
from console.screens.sign import SignScreen

REQUEST, INCIDENT = "APR-1", "INC-1"
ACTION = "the action in doubt"
TARGETS: dict[str, str | None] = {
    **dict.fromkeys(
        (
            "maturity",
            "fleet",
            "alerts",
            "incidents",
            "approvals",
            "audit",
            "playbooks",
            "sources",
            "switches",
            "retention",
            "reviews",
            "own",
            "actions",
        )
    ),
    **dict.fromkeys(
        ("model", "data", "drift", "quality", "labels", "versions", "lineage", "changes", "release", "system", "badges"), MODEL
    ),
    **dict.fromkeys(("version", "card"), f"{MODEL}@2"),
    "sheet": "train-2",
    "asset": f"{MODEL} version:2",
    "incident": INCIDENT,
    "approval": REQUEST,
    "entry": "1",
    "action": ACTION,
    "playbook": "quality-collapse",
    "source": "registry",
    "explain": None,
    "help": "fleet",
}
"""Every screen but that of the first run, which has tests of its own, and what it is about."""

SETTLED_IN = ("actions", "action")
"""Screens whose keys settle the action that the other one needs in doubt."""

APART = [[scope for scope in TARGETS if scope not in SETTLED_IN], *([scope] for scope in SETTLED_IN)]
"""Screens that one workspace and one console serve. What they share, `d` say, is pressed on the first that names it."""

CONTENT = slice(1, -2)
"""Lines 2 to 22."""


@dataclass
class Before:
    """A screen before a key was pressed."""

    depth: int
    text: list[str]
    cursor: str | None


@dataclass
class After:
    """The same console after it."""

    console: Console
    before: Before

    @property
    def app(self) -> Any:
        return self.console.app

    @property
    def screen(self) -> Any:
        return self.app.screen

    @property
    def said(self) -> str:
        return str(self.screen.why.composed(200).text) if hasattr(self.screen, "why") else ""

    @property
    def deeper(self) -> bool:
        return len(self.app.screen_stack) > self.before.depth

    @property
    def changed(self) -> bool:
        return self.console.rows[CONTENT] != self.before.text[CONTENT]

    def asks(self, sign: str) -> bool:
        return bool(self.screen.prompt.is_open and sign in self.screen.prompt._sign)

    def says(self, pattern: str) -> bool:
        return re.search(pattern, self.said) is not None


def goes(scope: str) -> Callable[[After], bool]:
    return lambda after: after.screen.scope == scope


def asks(sign: str) -> Callable[[After], bool]:
    return lambda after: after.asks(sign)


def says(pattern: str) -> Callable[[After], bool]:
    return lambda after: after.says(pattern)


def plans(after: After) -> bool:
    return isinstance(after.screen, PlanScreen)


def signs(after: After) -> bool:
    return isinstance(after.screen, SignScreen)


EFFECTS: dict[str, Callable[[After], bool]] = {
    **{command.id: goes(command.id.removeprefix("go.")) for command in CATALOGUE if command.id.startswith("go.")},
    **{
        name: goes(name)
        for name in (
            "model",
            "data",
            "drift",
            "quality",
            "labels",
            "release",
            "versions",
            "card",
            "badges",
            "lineage",
            "changes",
            "explain",
            "help",
        )
    },
    # In an incident Enter may take the step under the cursor, in a release the move, and either asks for what it needs.
    "open": lambda after: (
        after.deeper
        or (after.screen.scope in ("incident", "release") and after.screen.prompt.is_open)
        or (after.screen.scope == "incident" and after.changed)
    ),
    "back": lambda after: (
        not after.app.is_running or len(after.app.screen_stack) < after.before.depth or after.says("q leaves the console")
    ),
    "go.fleet": lambda after: after.screen.scope == "fleet" and len(after.app.screen_stack) == 2,
    "go.last": lambda after: after.deeper or after.says("no screen was left yet"),
    "incident": lambda after: after.screen.scope == "incident",
    "playbook": lambda after: after.screen.scope == "incident",
    "time.earlier": lambda after: after.changed,
    "time.later": lambda after: after.changed or after.says("this is the newest window"),
    "lineage.flow": lambda after: after.changed,
    "lineage.blast": lambda after: after.changed,
    "drift.against": lambda after: after.changed,
    "changes.order": lambda after: after.changed,
    "actions.open": lambda after: after.changed,
    "touched": lambda after: after.deeper,
    "next.problem": lambda after: after.screen.content.cursor_key != after.before.cursor or after.says("no other row here is not ok"),
    "previous.problem": lambda after: after.screen.content.cursor_key != after.before.cursor or after.says("no other row here is not ok"),
    "travel": asks("t"),
    "now": says("this is now"),
    "copy": says("sent [0-9]+ bytes to the terminal's clipboard: qd "),
    "mouse": says("the mouse moves the cursor here|the terminal has the mouse"),
    "command": asks(":"),
    "palette": asks(":"),
    "filter": asks("/"),
    "mark": says("marked"),
    "rollback": plans,
    "kill": plans,
    "hold": plans,
    "retrain": plans,
    "retain": plans,
    "promote": plans,
    "glass": lambda after: plans(after) or after.screen.prompt.is_open,
    "shift": lambda after: plans(after) or after.screen.prompt.is_open,
    "suspend": says("there is no shell to go to"),
    "abort": lambda after: plans(after) or after.says("no rollout is under way"),
    "retry": plans,
    "close": plans,
    "undo": lambda after: plans(after) or after.says("nothing was done here that could be taken back"),
    "approve": signs,
    "reject": signs,
    "take": says("taken by|you drive it now"),
    # The list is read again at once, which may take the message away: what was settled is in the list.
    "recheck": lambda after: after.says("effective") or (after.changed and "effective" in after.console.text),
    "resolve": lambda after: after.screen.prompt.is_open,
    "breaker": lambda after: after.screen.prompt.is_open or after.says("breaker"),
    "elevate": lambda after: after.screen.prompt.is_open,
    "verify": says("chain|nothing edited"),
    # Enter does another thing there, and line 24 says which.
    "pane": lambda after: after.console.rows[-1] != after.before.text[-1],
    "handover": asks("hand over to"),
    "skip": asks("because"),
    "note": asks("+"),
}
"""What is seen after the key of a command; a command that has none here has no key that is named."""

UNSEEN = {"refresh", "redraw", "leave"}
"""What shows nothing by itself, and is tried below."""


@pytest.fixture(scope="module")
def troubled(original: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A workspace with an incident, a request that waits, an override, and an action that nobody knows the end of."""
    root = tmp_path_factory.mktemp("troubled") / "workspace"
    shutil.copytree(original, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUARTERDECK_ACTOR", "ines@desk")
        assert main(["-w", str(root), "promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better"]) == 0
        assert main(["-w", str(root), "playbook", "run", "quality-collapse", "--incident", INCIDENT]) == 0
        action = killed_while_setting_the_fallback(Place(root), applied=True)
    paths = Place(root).paths
    assert read_state(paths).approvals.keys() == {REQUEST} and paths.switches.exists()
    return root, {ACTION: action}


@pytest.fixture
def busy(troubled: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy of it, seen by somebody who did not ask."""
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    root = tmp_path / "busy"
    shutil.copytree(troubled[0], root)
    return Place(root)


def by_words(scope: str, words: str) -> tuple[Command, str]:
    """The command and the key that line 24 means by `words`."""
    for command in commands.on_screen(scope):
        for key in command.keys:
            if commands.key_words(key) == words and commands.by_key(scope, key) is command:
                return command, key
    raise AssertionError(f"line 24 of {scope} names {words}, which is no key there")


def named_in_line_24(screen: Any) -> list[str]:
    return [span.text for span in screen.keys.composed(400).spans if span.role == "key"]


async def arrive(found: Console, scope: str, target: str | None) -> None:
    """Fleet, and from there the screen; or back to it, when it lies below what a key opened."""
    app: Any = found.app
    depth = 2 if scope == "fleet" else 3
    while len(app.screen_stack) > depth or (len(app.screen_stack) > 2 and app.screen.scope != scope):
        app.pop_screen()
    if app.screen.scope != scope:
        await found.until(lambda: app.screen.scope == "fleet" and not app.screen._pending and app.screen.view is not None, "Fleet")
        app.go(scope, target)
    await found.until(lambda: app.screen.scope == scope and not app.screen._pending and app.screen.view is not None, scope)
    await found.pilot.pause()


async def press_and_see(found: Console, command: Command, key: str) -> None:
    app: Any = found.app
    app.screen.why.hush()
    after = After(found, Before(len(app.screen_stack), found.rows, app.screen.content.cursor_key))
    await found.press(*key.split(" "))
    effect = EFFECTS[command.id]
    await found.until(lambda: effect(after), f"{command.id} by {key}; said: {after.said}")
    if getattr(app.screen, "prompt", None) is not None and app.screen.prompt.is_open:
        await found.press("escape")
        await found.until(lambda: not app.screen.prompt.is_open, "the prompt is left")
    await found.pilot.pause()


def handled_by(screen: Any, command: Command) -> Any:
    """What runs for a command on a screen: screens that share it share what it does."""
    return getattr(type(screen), f"do_{command.id.replace('.', '_')}", None)


def named_here(screen: Any, scope: str) -> list[tuple[Command, str]]:
    """What line 24 names, then what only the help names; on Fleet that is also what works everywhere."""
    listed = [by_words(scope, words) for words in named_in_line_24(screen)]
    assert {command.id for command, _ in listed} >= {"help", "back"}
    own = [
        (command, key)
        for command in commands.on_screen(scope)
        if command.id not in UNSEEN and (scope == "fleet" or command.scope != EVERYWHERE)
        for key in command.keys
    ]
    found = [*listed, *(each for each in own if each not in listed and commands.by_key(scope, each[1]) is each[0])]
    # What settles the action in doubt, moves the step or turns the page comes after what needs it as it was.
    return sorted(found, key=lambda each: (each[0].danger == "recorded", each[0].id in ("recheck", "lineage.flow")))


@pytest.mark.exhaustive
@pytest.mark.parametrize("scopes", APART, ids=lambda scopes: scopes[0])
async def test_every_key_that_a_screen_names_does_what_it_says(
    busy: Place, troubled: tuple[Path, dict[str, str]], scopes: list[str]
) -> None:
    pressed = set()
    async with console(busy) as found:
        for scope in scopes:
            target = TARGETS[scope]
            target = troubled[1].get(target, target) if target else None
            await arrive(found, scope, target)
            for command, key in named_here(found.app.screen, scope):
                # `q` on Fleet leaves the console, and what is under the cursor is another thing on every screen. Letters take one
                # way to their command; keys with a name, `left` say, may be held up by a widget.
                letter = "a letter" if len(key) == 1 else key
                once = (letter, command.id, scope if command.id == "open" else handled_by(found.app.screen, command))
                if once not in pressed and (scope, command.id) != ("fleet", "back"):
                    pressed.add(once)
                    await arrive(found, scope, target)
                    await press_and_see(found, command, key)


async def test_an_incident_without_a_playbook_names_and_does_what_needs_none(place: Place) -> None:
    async with console(place) as found:
        await arrive(found, "incident", INCIDENT)
        assert not {"Enter", "S", "H"} & set(named_in_line_24(found.app.screen))
        for words in named_in_line_24(found.app.screen):
            await arrive(found, "incident", INCIDENT)
            await press_and_see(found, *by_words("incident", words))
    assert read_state(place.paths).incidents[INCIDENT].driver is not None


async def test_line_24_names_no_key_for_which_there_is_nothing(place: Place) -> None:
    async with console(place) as found:
        for scope, unnamed in {"actions": "VSA", "approvals": "AX", "help": "+/", "sources": "+"}.items():
            await arrive(found, scope, TARGETS[scope])
            assert not set(named_in_line_24(found.app.screen)) & set(unnamed), scope
        await arrive(found, "lineage", MODEL)
        await press_and_see(found, *by_words("lineage", "f"))
        assert "b" not in named_in_line_24(found.app.screen)
        await found.press("b")
        await found.shows("blast radius: of a node of the data flow, which f shows")
        await arrive(found, "fleet", None)
        assert {"Enter", "/", "+", "K"} <= set(named_in_line_24(found.app.screen))
        await found.press("slash", *"nothing", "enter")
        await found.shows("no row matches nothing")
        assert not {"Enter", "+", "K", "R"} & set(named_in_line_24(found.app.screen))


def test_no_screen_and_no_command_is_left_out() -> None:
    assert set(TARGETS) == set(SCREENS) - {"first-run"}
    assert {command.id for command in CATALOGUE if command.keys} <= set(EFFECTS) | UNSEEN


async def test_r_reads_again_and_ctrl_l_draws_again_and_ctrl_c_leaves(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(place) as found:
        app: Any = found.app
        await found.until(lambda: app.screen.view is not None and not app.screen._pending, "Fleet")
        before = app.screen.view
        await found.press("r")
        await found.until(lambda: app.screen.view is not before, "a view that was read again")
        drawn: list[dict[str, Any]] = []
        refresh = app.refresh
        monkeypatch.setattr(app, "refresh", lambda **how: (drawn.append(how), refresh(**how))[1])
        await found.press("ctrl+l")
        assert {"repaint": True, "layout": True} in drawn
        await found.press("ctrl+c")
        await found.until(lambda: not app.is_running, "the console is left")
