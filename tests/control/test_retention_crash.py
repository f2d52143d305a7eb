"""Killed at any point at which something reaches the disk, a deletion was done, was not done, or is in doubt: never twice, never half."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from control_workspace import MODEL, NOW, Workspace, confirmed
from test_crash import every_point, settled, whole

from backends.local.reading import LocalAliases
from backends.store.acting import StoreRows
from backends.store.compactor import compact
from backends.store.deleted import NOTHING
from backends.store.landing import land
from backends.store.reader import open_reader
from console.control.actions import ActionKind, ActionOutcome, ActionRequest, ActionState, PlanFacts
from console.control.holding_back import held_back
from console.control.retention_terms import RetentionCut, RetentionTerms

LIMIT = (NOW - timedelta(days=59)).date().isoformat()
"""What is older goes; it is before the reference of the version that serves."""
OLD, KEPT = 2, 1
"""Days with rows before the limit, and after it."""


def scored(workspace: Workspace) -> None:
    """Rows on some days, compacted; the file of one day is shared with another environment, whose rows stay."""
    for back in (*range(60, 60 + OLD), *range(1, 1 + KEPT)):
        at, model = NOW - timedelta(days=back), [MODEL] * 2
        rows = {"event_at": [at] * 2, "model": model, "version": ["1"] * 2, "key": [f"{back}-a", f"{back}-b"], "score": [0.5, 0.6]}
        land(workspace.paths, "predictions", rows, now=NOW)
        if back == 61:
            land(workspace.paths, "predictions", rows | {"environment": ["staging"] * 2}, now=NOW)
    compact(workspace.paths, NOW)


def rows(workspace: Workspace) -> tuple[int, int, int]:
    """Old rows of production, the others of production, and those of staging."""
    with open_reader(workspace.paths) as reader:
        [found] = reader.sql(
            f"SELECT count(*) FILTER (old AND here), count(*) FILTER (NOT old AND here), count(*) FILTER (NOT here) FROM "
            f"(SELECT event_at < TIMESTAMP '{LIMIT}' AS old, environment = 'production' AS here FROM predictions)"
        )
    return found


BEFORE, AFTER = (OLD * 2, KEPT * 2, 2), (0, KEPT * 2, 2)


def terms(workspace: Workspace) -> PlanFacts:
    moves = LocalAliases(workspace.paths.registry).alias_history("production", MODEL)
    held = held_back(workspace.state, moves, "production", MODEL, NOW)
    cut = RetentionCut(
        table="predictions", before=LIMIT, held=held, rule="policies/retention.yaml:3 keep 59d", rows=4, days=OLD, oldest=None, kept_rows=0
    )
    return PlanFacts(retention=RetentionTerms(cuts=(cut,)))


def apply(workspace: Workspace, key: str) -> ActionOutcome:
    desk = workspace.desk("ada", elevated=True)
    plan = desk.plan(ActionRequest(kind=ActionKind.RETAIN, model=MODEL), terms(workspace))
    return desk.execute(plan, confirmed("as agreed", key=key), current_world=terms(workspace))


def test_a_deletion_killed_anywhere_is_settled_by_looking_and_deletes_once(workspace: Workspace, tmp_path: Path) -> None:
    scored(workspace)
    workspace.close()
    assert rows(workspace) == BEFORE

    def scenario(copy: Workspace) -> None:
        assert apply(copy, "crash").state is ActionState.EFFECTIVE

    def check(copy: Workspace, point: int) -> str:
        now, standing = rows(copy), StoreRows(copy.paths).standing("production", MODEL)
        assert now in (BEFORE, AFTER), f"point {point}: half of it is gone"
        gone = now == AFTER
        assert (standing != NOTHING) is gone, f"point {point}: {standing}"
        found = settled(copy, "crash", gone, point)
        assert rows(copy) == now, f"point {point}: looking deleted something"
        again = apply(copy, "crash")
        assert rows(copy) == now or found == "not done", f"point {point}: {again.message}"
        later = apply(copy, "second")
        assert rows(copy) == AFTER, f"point {point}: {later.message}"
        did = [key for key in ("crash", "second") if StoreRows(copy.paths).done(key) is not None]
        claimed = [
            each.key for each in copy.state.actions.values() if each.kind is ActionKind.RETAIN and each.state is ActionState.EFFECTIVE
        ]
        assert did == claimed and len(did) == 1, f"point {point}: deleted by {did}, claimed by {claimed}"
        compact(copy.paths, NOW)
        assert rows(copy) == AFTER, f"point {point}: the next compaction brings rows back"
        whole(copy, point)
        return found

    found = every_point(workspace.paths.root, tmp_path, scenario, check)
    assert found[0] == "not done" and found[-1] == "done" and set(found) == {"not done", "in doubt", "done"}
