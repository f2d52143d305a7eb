"""What is printed or copied as a command is pasted into a real bash: it acts on the very name, whatever that name is made of."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from backends.local.acting import LocalAliasSetter
from backends.records import Model, ModelVersion
from backends.shell_words import command_line
from backends.store.compactor import compact
from backends.store.landing import land, land_records
from backends.store.paths import WorkspacePaths
from backends.text import displayable
from console.app import ConsoleApp
from console.cli import parser
from console.cli.main import main
from console.clock import SystemClock
from console.config import init_workspace
from console.locate import Located
from console.session import Session

NAMES = [
    "-delay",
    "--read-only",
    'it\'s "so"',
    "x; touch pwned #",
    "$(touch pwned)`touch pwned`",
    "back\\slash\\n",
    "line\nand touch pwned\x1b]52;c;cm0=\x07",
    "-\u202eright\u2066",
    "*",
    "~",
]
HARDEST = "-x '; touch pwned #\"$(touch pwned)\n\x1b\u202e"
PLAIN = "arrival delay"
NAMES += [HARDEST, PLAIN]
VERSIONS = ("1", "-2 b", "3")
NOW = SystemClock().now().replace(microsecond=0)
START = NOW - timedelta(days=2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A personal workspace with a model of each name, of which three versions served."""
    root = tmp_path_factory.mktemp("pasted") / "w"
    init_workspace(root, name="pasted")
    paths = WorkspacePaths(root)
    facts = {"event_at": START, "known_at": START}
    versions = [ModelVersion(model=name, version=version, **facts) for name in NAMES for version in VERSIONS]
    land_records(paths, [*(Model(name=name, task="binary", owner="mara", **facts) for name in NAMES), *versions], now=START)
    registry = LocalAliasSetter(paths.registry)
    for number, name in enumerate(NAMES):
        for before, version in zip((None, *VERSIONS), VERSIONS, strict=False):
            key = f"{number}/{version}"
            registry.set_alias("production", name, "production", version, expected=before, key=key, actor="ines", now=START)
    moments = [START + timedelta(hours=hour) for hour in range(40)]
    rows = {"event_at": moments, "key": [str(hour) for hour in range(40)], "score": [0.5] * 40}
    for name in (HARDEST, PLAIN):
        land(paths, "predictions", {**rows, "model": [name] * 40, "version": ["3"] * 40, "-x": list(range(40))}, now=START)
    compact(paths, NOW)
    return root


def pasted(command: str, folder: Path) -> list[str]:
    """The words that bash hands to `qd` when `qd COMMAND` is typed there."""
    script = f'qd() {{ {sys.executable} -c "import json, sys; print(json.dumps(sys.argv[1:]))" "$@"; }}\nqd {command}\n'
    shell = ["bash", "--norc"]
    done = subprocess.run(
        shell, check=False, input=script, cwd=folder, capture_output=True, text=True, env={"LC_ALL": "C.UTF-8"}, timeout=60
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert len(done.stdout.splitlines()) == 1, "one command, and no other"
    assert not list(folder.iterdir()), "nothing else ran"
    words = json.loads(done.stdout)
    assert isinstance(words, list)
    return words


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    empty = tmp_path / "empty"
    empty.mkdir()
    yield empty


@pytest.mark.parametrize("name", NAMES)
def test_the_verb_of_a_plan_draws_the_same_plan_when_it_is_pasted(
    place: Path, folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb, *options in (["rollback"], ["rollback", "--to", "1"], ["kill", "--until", "2h", "--owner=-mara x"], ["promote"]):
        about = f"{name}@{VERSIONS[1]}" if verb == "promote" else name
        main(["-w", str(place), verb, *options, "--dry-run", "--json", "--", about])
        plan = json.loads(capsys.readouterr().out)
        assert plan["model"] == name and displayable(plan["verb"]) == plan["verb"]
        words = pasted(plan["verb"], folder)
        main(["-w", str(place), words[0], "--dry-run", "--json", *words[1:]])
        again = json.loads(capsys.readouterr().out)
        told = ("kind", "model", "from_", "to", "owner", "verb", "calls")
        assert {each: again[each] for each in told} == {each: plan[each] for each in told}


@pytest.mark.parametrize("name", [HARDEST, PLAIN])
async def test_the_command_that_each_screen_of_a_model_names_is_about_that_model(place: Path, folder: Path, name: str) -> None:
    app = ConsoleApp(Session(Located(place, "the test")))
    scopes = ("model", "data", "drift", "quality", "labels", "versions", "lineage", "changes", "release")
    async with app.run_test(size=(120, 40)) as pilot:
        for scope in scopes:
            app.go(scope, name)
            for _ in range(1200):
                if getattr(app.screen, "scope", "") == scope and app.screen.verb and not app.screen._pending:
                    break
                await pilot.pause(0.02)
            words = pasted(app.screen.verb, folder)
            options = parser.parse(words, parser.verb_of(words))
            found = {str(each) for each in vars(options).values() if each is not None}
            assert any(each == name or each.startswith(f"{name}@") for each in found), f"{scope}: {app.screen.verb}"


def test_without_a_terminal_the_name_that_is_to_be_typed_is_written_as_bash_reads_it(
    place: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        assert main(["-w", str(place), "kill", "--", name]) == 2
        said = capsys.readouterr().err
        asked = said[said.index("--confirm") :].rpartition("; nothing was sent")[0]
        words = pasted(f"kill {asked} -- x", folder)
        assert parser.parse(words, "kill").confirm == name


def test_names_without_anything_special_stay_as_they_are() -> None:
    assert command_line("rollback", "arrival-delay", options={"--to": "3"}) == "rollback arrival-delay --to 3"
    assert command_line("rollback", "-delay", options={"--to": "-3", "--elevate": None}) == "rollback --to=-3 --elevate -- -delay"
