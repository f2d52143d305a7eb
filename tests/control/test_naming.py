"""Naming a version: an alias that serves nobody moves at once and is on record; the serving one does not move this way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.local.reading import LocalAliases
from backends.store.paths import WorkspacePaths
from console.clock import SimulatedClock
from console.control import audit
from console.control.desk import Desk
from console.control.errors import Refused
from console.control.identity import Actor
from console.control.ledger import read_state
from console.control.roles import Grant, Policy, Role

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    policy = Policy(grants=(Grant(person="ines", roles=(Role.RELEASER,)),))
    return Desk(WorkspacePaths(tmp_path), SimulatedClock(NOW, NOW), Actor.named("ines"), policy=policy)


def test_the_challenger_is_named_and_the_journal_says_by_whom(desk: Desk) -> None:
    desk.name_version("production", "m", "challenger", "3", key="k")
    desk.name_version("production", "m", "challenger", "3", key="k")
    move = LocalAliases(desk.paths.registry).alias("production", "m", "challenger")
    assert move is not None and (move.version, move.moved_by) == ("3", "ines@local")
    assert [note.text for note in read_state(desk.paths).notes_about("m")] == ["challenger is 3"]


def test_the_serving_alias_moves_by_promotion_only(desk: Desk) -> None:
    with pytest.raises(Refused, match="promotion"):
        desk.name_version("production", "m", "production", "3", key="k")
    assert LocalAliases(desk.paths.registry).alias("production", "m", "production") is None


def test_an_alias_that_was_named_is_no_surprise_to_the_audit_and_one_that_was_moved_by_hand_is(desk: Desk) -> None:
    desk.name_version("production", "m", "challenger", "3", key="k")
    assert audit.verify(desk.paths).warnings == ()
    desk.paths.registry.write_text(desk.paths.registry.read_text().replace('"version": "3"', '"version": "4"'))
    assert audit.verify(desk.paths).warnings == ("challenger of m in production is v4, set by ines@local without an entry",)


def test_no_note_explains_the_alias_that_serves(desk: Desk) -> None:
    desk.name_version("production", "m", "challenger", "3", key="k")
    document = desk.paths.registry.read_text()
    desk.paths.registry.write_text(document.replace('"challenger"', '"production"'))
    assert [line for line in audit.verify(desk.paths).warnings if line.startswith("production of m")]
