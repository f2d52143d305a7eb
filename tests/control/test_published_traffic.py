"""What is published of rollouts fits the schema that is committed for serving processes, at every stage of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from control_workspace import MODEL, Workspace, promotion
from rollouts import abort, begun, done, shift

from backends.local.reading import LocalTraffic
from backends.protocol import BackendError
from console.cli.schemas import published_path, published_text
from console.control.rollout import RolloutMove

COMMITTED = published_path(Path(__file__).parents[2] / "docs" / "schemas", "traffic")
SCHEMA: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def fits(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    VALIDATOR.validate(content)
    return content


def test_the_committed_schema_is_the_one_of_the_file_that_is_written() -> None:
    assert json.loads(published_text("traffic")) == SCHEMA, "make schemas"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_stage_of_every_strategy_fits(workspace: Workspace) -> None:
    path = workspace.paths.traffic
    begun(workspace, shift(RolloutMove.CANARY, "3", steps=(0.1, 0.5)))
    assert fits(path)["traffic"]["production"][MODEL]["weights"] == {"2": 0.9, "3": 0.1}
    for move in (RolloutMove.STEP, RolloutMove.PAUSE, RolloutMove.RESUME):
        done(workspace, shift(move))
        fits(path)
    done(workspace, abort())
    assert fits(path)["version"] == 5
    done(workspace, shift(RolloutMove.SHADOW, "3"))
    fits(path)
    done(workspace, abort())
    done(workspace, shift(RolloutMove.BLUE_GREEN, "3", hours=2))
    fits(path)
    done(workspace, abort())
    begun(workspace, shift(RolloutMove.AB, "3", share=0.3, hours=5))
    assert fits(path)["traffic"]["production"][MODEL]["until"] is not None
    done(workspace, promotion("3"))
    assert fits(path)["traffic"]["production"][MODEL]["state"] == "ended"


@pytest.mark.parametrize(
    ("where", "value"),
    [("weights", {"2": 0.9, "3": "most"}), ("state", "running away"), ("steps", "5,10"), ("key", ""), ("extra", 1)],
)
def test_the_schema_refuses_what_the_console_refuses(workspace: Workspace, where: str, value: object) -> None:
    path = workspace.paths.traffic
    begun(workspace, shift(RolloutMove.CANARY, "3"))
    content = json.loads(path.read_text())
    content["traffic"]["production"][MODEL][where] = value
    assert not VALIDATOR.is_valid(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BackendError):
        LocalTraffic(path).traffic("production", MODEL)
