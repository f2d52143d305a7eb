"""The console in a pseudo-terminal: its start, its keys, its silence and its memory."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from tests.benchmarks.measures import Measure, compared, interleaved, p95
from tests.benchmarks.workspaces import PROGRAM, ROOT, with_old_summary, with_wrong_switches
from tests.terminal.pty_program import PtyProgram

ONE_STATIC = """
from textual.app import App
from textual.widgets import Static

class OneStatic(App):
    def compose(self):
        yield Static("one static")

OneStatic().run()
"""

SETTLED = 0.08
"""Seconds without a byte after which a key has had its effect."""


def start(root: Path, repeats: int) -> list[Measure]:
    """Milliseconds from the start of the process to bytes in the terminal, 80x24."""
    wrong, old = with_wrong_switches(root), with_old_summary(root)
    cases: dict[str, Callable[[], float]] = {
        "static": lambda: written_after([sys.executable, "-c", ONE_STATIC], b"one static"),
        "skeleton": lambda: written_after([PROGRAM, "-w", str(root)], b"reading ..."),
        "fleet": lambda: written_after([PROGRAM, "-w", str(root)], b"arrival-delay"),
        "live": lambda: written_after([PROGRAM, "-w", str(wrong)], b"normal"),
        "computed": lambda: written_after([PROGRAM, "-w", str(old)], b"normal"),
    }
    found = interleaved(cases, repeats)
    static, against = found["static"], "Textual app with one Static"
    return [
        Measure("start: skeleton", statistics.median(found["skeleton"]), "ms", 50),
        compared("start: Fleet with data", found["fleet"], static, unit="ms", limit=1.4, against=against),
        compared("start: live rows, evaluated lately", found["live"], static, unit="ms", limit=3, against=against),
        compared("start: live rows, computed from the store", found["computed"], static, unit="ms", limit=None, against=against),
    ]


def written_after(command: Sequence[str], wanted: bytes) -> float:
    """Milliseconds until `wanted` is written."""
    with PtyProgram(command) as program:
        return 1000 * program.until_bytes(wanted)


def keys(root: Path, presses: int) -> list[Measure]:
    """Milliseconds and bytes from a key to the end of its effect: on tables of ten and of 100,000 rows, and on Fleet."""
    gallery = str(ROOT / "tests" / "widgets" / "gallery.py")
    found: dict[str, list[tuple[float, int]]] = {}
    with (
        PtyProgram([sys.executable, gallery, "short-table"]) as short,
        PtyProgram([sys.executable, gallery, "table"]) as long,
        PtyProgram([PROGRAM, "-w", str(root)]) as fleet,
    ):
        for program, text in ((short, "row-9"), (long, "row-9"), (fleet, "qd fleet")):
            program.shows(text)
            program.quiet(0.5)
        for number in range(presses):
            for name, program in (("ten", short), ("many", long), ("fleet", fleet)):
                found.setdefault(name, []).append(pressed(program, "j" if name == "many" or number % 4 < 2 else "k"))
        found["page"] = [pressed(long, "\x1b[6~" if number % 8 < 6 else "\x1b[5~") for number in range(presses)]
        long.press("/")
        long.quiet()
        found["filter"] = [pressed(long, key) for _ in range(presses // 4) for key in ("7", "7", "\x7f", "\x7f")]
    times = {name: [milliseconds for milliseconds, size in seen if size] for name, seen in found.items()}
    sizes = {name: p95([size for _, size in seen if size]) for name, seen in found.items()}
    ten = statistics.median(times["ten"])
    return [
        Measure("cursor key, 100,000 rows, median", statistics.median(times["many"]), "ms", 1.5, ten, "10 rows"),
        Measure("cursor key, 100,000 rows, p95", p95(times["many"]), "ms", 10),
        Measure("cursor key, 100,000 rows, p95", sizes["many"], "B", 1000),
        Measure("cursor key on Fleet, p95", p95(times["fleet"]), "ms", 10),
        Measure("cursor key on Fleet, p95", sizes["fleet"], "B", 1000),
        Measure("page key, 100,000 rows, p95", p95(times["page"]), "ms", 15),
        Measure("page key, 100,000 rows, p95", sizes["page"], "B", 8000),
        Measure("filter key, 100,000 rows, p95", p95(times["filter"]), "ms", 70),
    ]


def pressed(program: PtyProgram, key: str) -> tuple[float, int]:
    """Milliseconds from a key to its last byte, and the bytes."""
    seen = len(program.chunks)
    moment = program.press(key)
    program.quiet(SETTLED)
    answered = program.chunks[seen:]
    last = answered[-1].at if answered else moment
    return 1000 * (last - moment), sum(len(chunk.data) for chunk in answered)


def idle_and_memory(root: Path, seconds: float = 10.0) -> list[Measure]:
    """Bytes and processor time of an unchanged Fleet, and the memory after a walk through the screens of a model."""
    with PtyProgram([PROGRAM, "-w", str(root)]) as program:
        program.shows("qd fleet")
        program.quiet(1.5)
        process = psutil.Process(program.pid)
        before, begun = spent(process), time.perf_counter()
        written = len(program.during(seconds))
        share = (spent(process) - before) / (time.perf_counter() - begun)
        for key, verb in (("\r", "qd model"), ("2", "qd drift"), ("3", "qd quality"), ("5", "qd versions"), ("q", "qd quality")):
            program.press(key)
            program.shows(verb)
            program.quiet(0.5)
        memory = process.memory_info().rss / 2**20
    return [
        Measure(f"idle Fleet, {seconds:g} s: bytes", written, "B", 0),
        Measure(f"idle Fleet, {seconds:g} s: share of a core", 100 * share, "%", 1),
        Measure("memory after Fleet, model, drift, quality, versions", memory, "MiB", 150),
    ]


def spent(process: psutil.Process) -> float:
    """Processor seconds of a process."""
    times = process.cpu_times()
    return float(times.user + times.system)
