"""How the program ends: everything that was said is out, what is to be done at the end is done, and it leaves at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ENDS = """
import atexit, os, sys, threading, time
from console.cli import main

def leave(code, at_once=os._exit):
    os.write(2, b"at once")
    at_once(code)

os._exit = leave
atexit.register(lambda: sys.stderr.write("done "))
verb, how = main.main, sys.argv.pop(1)

def lands():
    # Work that outlasts the answer; the test itself waits for the end of the process.
    time.sleep(0.2)
    sys.stderr.write("landed ")

def runs(words, **how_it_runs):
    code = verb(words, **how_it_runs)
    if "busy" in how:
        threading.Thread(target=lands).start()
    if "reads" in how:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    return code

main.main = runs
main.entry()
"""


def ended(how: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", ENDS, how, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("how", "told"), [("alone", "done at once"), ("busy", "landed done "), ("reads", "at once"), ("busy, reads", "landed at once")]
)
def test_what_must_be_finished_is_and_nothing_else_is_waited_for(how: str, told: str) -> None:
    done = ended(how, "explain", "--json")
    assert json.loads(done.stdout)["schema"] == "quarterdeck/explain-list/1"
    assert (done.returncode, done.stderr) == (0, told)


def test_the_exit_code_is_that_of_the_verb(tmp_path: Path) -> None:
    assert ended("alone", "-w", str(tmp_path / "none"), "fleet").returncode == 5
    assert ended("alone", "nonsense").returncode == 2
