"""Workspaces in trouble, and every verb that is asked in them."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, Made, days_of_predictions, made

from console.cli.main import main
from console.cli.verbs import VERBS
from console.clock import SimulatedClock, SystemClock
from console.simulation import write_clock

NOW = START + 40 * DAY

LOOKING = (
    "fleet", "model delay", "health delay", "drift delay", "drift delay -f temp", "quality delay", "labels delay",
    "versions delay", "versions delay@1", "card delay", "maturity", "maturity delay", "badges delay", "held delay", "reviews",
    "lineage delay", "changes delay", "alerts", "incidents", "incident INC-1", "approvals", "switches", "traffic delay", "breakers",
    "retention", "actions", "action A-0000", "audit log", "audit verify", "sources", "explain", "explain psi", "doctor", "workspaces",
    "can-i kill delay", "contract check delay", "config validate", "config path", "config schema", "config policies", "playbook list",
    "playbook show quality-collapse",
    "playbook check", "completion bash",
)  # fmt: skip

ACTING = (
    "kill delay --dry-run", "kill delay --confirm delay", "restore delay --confirm delay --reason r", "rollback delay --confirm delay",
    "promote delay@1 --confirm delay --reason r", "approve APR-1 --confirm delay", "reject APR-1 --confirm delay --reason r", "ack INC-1",
    "review REV-000001 --justified --reason r",
    "note delay words", "close INC-1 --reason over", "playbook run quality-collapse --incident INC-1", "watch --once",
    "hold delay --confirm delay", "release-hold delay --confirm delay --reason r",
    "retrain delay --confirm delay --reason r",
    "breaker notify open --reason r", "elevate 15m --reason r", "traffic delay abort --confirm delay --reason r",
)  # fmt: skip

NOT_ASKED = {"demo", "init", "ingest", "backup", "compare", "leakage", "parity", "serve", "secret"}
"""They have tests of their own."""

assert {words.split()[0] for words in (*LOOKING, *ACTING)} | NOT_ASKED == set(VERBS)

CODES = {0, 1, 2, 3, 4, 5}


@dataclass(frozen=True)
class Answer:
    """What one command line left behind."""

    words: str
    code: int
    out: str
    err: str

    @property
    def problem(self) -> str | None:
        """What no answer may ever be like, or None."""
        if self.code not in CODES:
            return f"exit code {self.code}: {self.err}"
        if "Traceback" in self.out + self.err:
            return "a traceback"
        if self.code >= 2 and not self.err.strip() and not self.out.strip():
            return f"exit code {self.code} without a word"
        if self.code >= 2 and len(self.err.strip().splitlines()) > 4:
            return f"a failure of {len(self.err.strip().splitlines())} lines"
        if "nan" in (self.out + self.err).lower().split():
            return "a number that is none"
        return None


def ask(root: Path, words: str, *more: str) -> Answer:
    """Run one command line in a workspace."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["-w", str(root), *words.split(), *more])
    return Answer(" ".join((words, *more)), int(code), out.getvalue(), err.getvalue())


def every_answer(root: Path) -> dict[str, Answer]:
    """Every verb asked once; those that look also for JSON, which must be JSON even then."""
    found = {}
    for words in (*LOOKING, *ACTING):
        found[words] = ask(root, words)
        if words in LOOKING and words not in {"config path", "config schema", "completion bash"}:
            answer = ask(root, words, "--json")
            found[answer.words] = answer
            if answer.out:
                json.loads(answer.out, parse_constant=_no_such_number)
    return found


def _no_such_number(text: str) -> Any:
    raise AssertionError(f"{text} is not a number that JSON has")


def whole(root: Path, **more: Any) -> Made:
    """A workspace that is well: 40 days of predictions with their labels, evaluated."""
    place = made(root, NOW, **more)
    days_of_predictions(place, 40, 40, temp=lambda _day, row: float(row % 20))
    return place


def evaluated(place: Made) -> Made:
    answer = ask(place.root, "watch --once")
    assert answer.code in {0, 1}, answer.err
    return place


def stand_at(place: Made, moment: datetime) -> None:
    """Set the simulated clock."""
    write_clock(place.workspace.paths, SimulatedClock(moment, SystemClock().real_now(), 0.0))


Change = Callable[[Made], None]
HOUR = timedelta(hours=1)
ZERO = datetime(2024, 1, 1, tzinfo=UTC)


def lived_in(place: Made) -> Made:
    """The same with an incident, a switch that was set, and therefore a journal."""
    for words in ("incident open delay --title late", "kill delay --confirm delay --reason late"):
        answer = ask(place.root, *words.split())
        assert answer.code == 0, answer.err
    return place
