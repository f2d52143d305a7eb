"""Everything that came from outside is hostile, and every screen and every verb shows it: only our own sequences reach the terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_estate import MESSAGE, NAME, hostile_estate
from opened_console import PROGRAM, Console
from pty_program import ROOT, PtyProgram
from test_hostile_names import foreign

from console.cli.verbs import VERBS
from console.commands import CATALOGUE

M = NAME
WORDS: dict[str, list[list[str]]] = {
    "fleet": [[]],
    "model": [[M]],
    "health": [[M]],
    "drift": [[M]],
    "compare": [["{file}", "{file}"]],
    "contract": [["propose", "{file}"], ["check", "{contract}", "{file}"], ["check", M, "{file}"]],
    "leakage": [["{file}", "--label", M], ["{file}", "--label", "score", "--as-of-key", M]],
    "parity": [["{file}", "{file}", "--key", "score"], ["{file}", M, "--key", "score"], ["{file}", "{file}", "--key", M]],
    "quality": [[M], ["{file}", "--label", M, "--score", "score"]],
    "labels": [[M]],
    "versions": [[M], [f"{M}@2"]],
    "lineage": [[M], [M, "--control"], [M, "--blast", M]],
    "changes": [[M]],
    "alerts": [[]],
    "incidents": [[]],
    "incident": [["INC-1"], ["open", M, "--title", MESSAGE]],
    "approvals": [[], ["APR-3"], [M]],
    "switches": [[]],
    "breakers": [[]],
    "card": [[M], [M, "--markdown"]],
    "maturity": [[], [M]],
    "badges": [[M], [M, M], [M, "version:2"]],
    "held": [[M]],
    "hold": [[M, "--dry-run", "--reason", "r"]],
    "release-hold": [[M, "--dry-run", "--reason", "r"]],
    "retrain": [[M, "--dry-run", "--reason", "r"]],
    "reviews": [[]],
    "retention": [[], [M], ["apply", M, "--dry-run"]],
    "actions": [[], ["--open"]],
    "action": [["A"], [M]],
    "audit": [["log"], ["verify"], ["export"], ["export", "--format", "md"], ["export", "--format", "csv"], ["log", "--who", M]],
    "sources": [[]],
    "explain": [["psi"], [M]],
    "kill": [[M, "--dry-run"]],
    "restore": [[M, "--dry-run"]],
    "breaker": [[M, "open", "--reason", MESSAGE]],
    "rollback": [[M, "--dry-run"]],
    "promote": [[M, "--to", "3", "--dry-run"], [f"{M}@3", "--dry-run"]],
    "approve": [[M], ["APR-3"]],
    "review": [[M], ["REV-000001", "--justified", "--reason", MESSAGE]],
    "reject": [[M, "--reason", MESSAGE], ["APR-3", "--reason", MESSAGE]],
    "ack": [[M]],
    "note": [[M, MESSAGE]],
    "close": [[M]],
    "playbook": [["list"], ["show", M], ["show", "hostile"], ["list", M]],
    "init": [["{folder}"]],
    "workspaces": [[]],
    "config": [["validate"], ["path"], ["policies", M]],
    "ingest": [["predictions", "{file}", "--model", M], ["predictions", f"/nonexistent/{M}"]],
    "watch": [["--once"]],
    "serve": [["--port", M]],
    "doctor": [[]],
    "backup": [["create", f"/nonexistent/{M}"], ["restore", f"/nonexistent/{M}"]],
    "demo": [["--at", M]],
    "completion": [[M]],
    "can-i": [["kill", M], ["kill", M, "--as", M], [M, M]],
    "elevate": [[], ["15m", "--reason", MESSAGE], ["--off"], [M]],
    "secret": [["list"], ["remove", M], [M]],
    "traffic": [[M], [M, "shift", "--to", "3", "--percent", "10", "--dry-run"], [M, "abort", "--dry-run"], [M, "shift", "--to", M]],
}
"""What each verb is called with; a new verb needs a line here."""

ACTING = {"elevate", "reject", "note", "breaker", "ingest", "watch", "init", "incident", "ack", "close"}


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_estate(tmp_path_factory.mktemp("everywhere") / "w")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Every call of every verb, those that change something last."""
    folder = tmp_path_factory.mktemp("files")
    file = folder / "rows.csv"
    rows = "\n".join(f'"{MESSAGE}",{number % 2},{number / 100}' for number in range(100))
    file.write_text(f'"{NAME}x","{NAME}",score\n{rows}\n', newline="")
    contract = folder / "contract.yaml"
    columns = [{"name": f"{NAME}x", "kind": "text", "allowed": [NAME], "show_values": True}, {"name": "score", "kind": "numeric"}]
    contract.write_text(json.dumps({"format": 1, "name": NAME, "columns": columns}), encoding="utf-8")
    given = {"{file}": str(file), "{contract}": str(contract), "{folder}": str(folder / f"w{NAME}".replace("/", ""))}
    ordered = sorted(WORDS, key=lambda verb: verb in ACTING)
    return [[verb, *(given.get(word, word) for word in words)] for verb in ordered for words in WORDS[verb]]


def test_every_verb_is_asked() -> None:
    assert set(VERBS) == set(WORDS)


SCRIPT = """
import json, sys
from console.cli.main import main
for words in json.loads(sys.argv[2]):
    print("==", words[0], flush=True)
    try:
        code = main(["-w", sys.argv[1], *words])
    except SystemExit as stop:
        code = stop.code
    print("\\n=> code", code, flush=True)
print("that was all", flush=True)
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("more", [(), ("--json",)], ids=["plain", "json"])
def test_no_verb_lets_anything_through_to_a_terminal(estate: Path, calls: list[list[str]], more: tuple[str, ...]) -> None:
    wanted = [[*words, *more] for words in calls]
    with PtyProgram([sys.executable, "-c", SCRIPT, str(estate), json.dumps(wanted)], 120, 40) as program:
        program.until(lambda: b"that was all" in program.output or b"to sign as" in program.output, patience=240)
        program.press("no\r")
        program.until(lambda: b"that was all" in program.output, patience=240)
        output = program.output
    assert "fault of its own" not in output.decode(errors="replace")
    for part in output.split(b"== ")[1:]:
        verb = part.split()[0].decode()
        # The progress line of a verb at work goes back to the beginning of its line and clears it.
        assert foreign(part.replace(b"\r", b"")) == [], verb
    shown_as = "\\u001b]52" if more else "\u241b]52"
    assert output.decode().count(shown_as) > 50, "the names were shown, harmlessly"


def _strings(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for name, value in found.items():
            yield name
            yield from _strings(value)
    elif isinstance(found, list):
        for value in found:
            yield from _strings(value)


@pytest.mark.parametrize(
    ("words", "exact"),
    [
        (["fleet"], NAME),
        (["model", NAME], NAME),
        (["drift", NAME], NAME),
        (["quality", NAME], NAME),
        (["versions", NAME], NAME),
        (["lineage", NAME], NAME),
        (["changes", NAME], MESSAGE),
        (["alerts"], MESSAGE),
        (["incidents"], MESSAGE),
        (["incident", "INC-1"], MESSAGE),
        (["approvals"], NAME),
        (["approvals", "APR-3"], MESSAGE),
        (["switches"], MESSAGE),
        (["actions"], NAME),
        (["audit", "log"], MESSAGE),
        (["kill", NAME, "--dry-run"], NAME),
        (["rollback", NAME, "--dry-run"], NAME),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_json_says_exactly_what_came_from_outside(estate: Path, words: list[str], exact: str) -> None:
    found = subprocess.run([*PROGRAM, "-w", str(estate), *words, "--json"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert exact in set(_strings(json.loads(found.stdout)))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", found.stdout)


SCREENS = tuple(command.words[0] for command in CATALOGUE if command.id.startswith("go.") and command.words)
OF_A_MODEL = {"1": "model", "2": "drift", "3": "quality", "4": "labels", "5": "versions", "6": "lineage", "7": "changes"}


class Walk:
    """Goes through the console; what was written so far is judged at each place."""

    def __init__(self, program: PtyProgram) -> None:
        self.program = program
        self.visited: list[str] = []

    @property
    def hint(self) -> str:
        """The line that names the headless twin of the screen."""
        return self.program.lines[38]

    def arrived(self, what: str) -> None:
        """Help opens and closes over every screen: whatever was pressed before it has been drawn by then."""
        self.program.press("?")
        self.program.until(lambda: "qd --help" in self.hint)
        self.program.press("q")
        self.program.until(lambda: "qd --help" not in self.hint and not self.hint.startswith(":"))
        written = self.program.output
        # The last sequence may not have arrived whole; it is judged at the next place.
        assert foreign(written[: written.rfind(b"\x1b")]) == [], what
        self.visited.append(self.hint)

    def go(self, word: str) -> None:
        self.program.press(":")
        self.program.until(lambda: self.hint.startswith(":"))
        self.program.press(f"{word}\r")
        self.program.until(lambda: not self.hint.startswith(":"))
        self.arrived(word)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.program.press(key)
        self.arrived(f"{self.visited[-1]} {keys}")

    def tab(self, key: str) -> None:
        """A tab of the model, once its answer is there."""
        self.program.press(key)
        self.program.until(lambda: f"qd {OF_A_MODEL[key]}" in self.hint)
        self.arrived(key)
        self.visited.append(f"qd {OF_A_MODEL[key]}")

    def asked(self, key: str, question: str) -> None:
        """A plan or a question over the screen, and back."""
        self.program.press(key)
        self.program.shows(question)
        self.program.press("\x1b")
        self.program.until(lambda: question not in self.program.text)
        self.arrived(key)


@pytest.mark.exhaustive
def test_no_screen_lets_anything_through_to_a_terminal(estate: Path, console: Console) -> None:
    """Each screen, the details of its rows, each tab of the model, its plans, the definition of a number, the help."""
    program = console(root=estate, width=120, height=40)
    program.shows("qd fleet")
    walk = Walk(program)
    for word in SCREENS:
        walk.go(word)
        walk.press("j", "j", "j")
        walk.press("\r")
        walk.press("e")
    walk.go("fleet")
    walk.press("\r")
    for tab in OF_A_MODEL:
        walk.tab(tab)
        walk.press("j", "j", "j")
    walk.tab("5")
    walk.asked("P", "Esc cancels")
    walk.tab("1")
    for key, question in (("K", "Esc cancels"), ("R", "Esc cancels"), ("E", "elevate, and why")):
        walk.asked(key, question)
    shown = " ".join(walk.visited)
    wanted = (
        "fleet",
        "alerts",
        "incidents",
        "approvals",
        "audit log",
        "sources",
        "switches",
        "actions",
        "model",
        "drift",
        "quality",
        "labels",
        "lineage",
    )
    assert [word for word in wanted if f"qd {word}" not in shown] == []
    program.quiet()
    assert foreign(program.output) == []
    assert "\u241b]52" in program.output.decode() and program.modes[1049]
