"""Health that was evaluated is shown again without judging anew, as long as the rules are still those it was judged by."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from console.acting import open_desk
from console.views.kept import kept_health
from console.watch.evaluation import evaluate_workspace

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))
from views_workspace import DAY, START, days_of_predictions, made

RULE = """format: 1
rules:
  - id: mine.volume
    signal: scored
    window: 24h
    warn: 1
    crit: 2
"""


def test_a_changed_policy_file_makes_what_was_judged_before_it_count_no_more(tmp_path: Path) -> None:
    place = made(tmp_path / "w", START + 10 * DAY)
    days_of_predictions(place, 10, 40, temp=lambda _day, row: float(row))
    workspace, sight = place.workspace, place.lookout().sight()
    evaluate_workspace(sight, lambda _: open_desk(workspace, "production"))

    def kept() -> bool:
        return kept_health(workspace.paths, "production", "delay") is not None

    assert kept()
    own = workspace.paths.policies / "mine.yaml"
    own.write_text(RULE)
    assert not kept()
    own.unlink()
    assert kept()
    workspace.paths.contracts.mkdir(exist_ok=True)
    (workspace.paths.contracts / "delay.yaml").write_text("format: 1\n")
    assert not kept()
    (workspace.paths.contracts / "delay.yaml").unlink()
    shipped = next(workspace.paths.policies.glob("*.yaml"), None)
    if shipped is not None:
        os.utime(shipped, (1, 1))
        assert not kept()
