"""How the program ends: everything that was said is out, what is to be done at the end is done, and it leaves at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

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
    if "slow" in how:
        threading.Thread(target=lambda: (sys.stdin.readline(), sys.stderr.write("landed "))).start()
    return code

join = threading.Thread.join

def told(thread, *timeout):
    os.write(2, b"waits\\n")
    join(thread, *timeout)

if "slow" in how:
    threading.Thread.join = told
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


def interrupted(times: int) -> tuple[int, str]:
    """Exit code and what was said by a program that has something to finish and is interrupted so often while it does."""
    command = [sys.executable, "-c", ENDS, "slow", "explain", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=DEVNULL, stderr=PIPE, text=True) as program:
        assert program.stdin is not None and program.stderr is not None
        said = ""
        while not said.endswith("waits\n"):
            line = program.stderr.readline()
            assert line, f"ended: {said}"
            said += line
        for _ in range(times):
            program.send_signal(signal.SIGINT)
            said += program.stderr.readline()
        if times == 1:
            program.stdin.write("\n")
            program.stdin.flush()
        said += program.stderr.read()
        return program.wait(60), said


def test_an_interruption_while_something_is_being_finished_says_so_and_waits() -> None:
    code, said = interrupted(1)
    assert code == 0 and said.index("being finished; ctrl+c again") < said.index("landed")


def test_a_second_one_leaves_without_a_traceback() -> None:
    code, said = interrupted(2)
    assert code == 130 and "landed" not in said and "Traceback" not in said
