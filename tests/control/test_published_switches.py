"""What is published for serving processes fits the schema that is committed for them, whatever was done."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from control_workspace import MODEL, NOW, MovableClock, Workspace, confirmed, switch_to
from hypothesis import given
from hypothesis import strategies as st

from backends.local.acting import LocalSwitchSetter
from backends.local.documents import SwitchesDocument, document_bytes
from backends.protocol import SwitchSetting
from backends.records import SwitchState
from console.cli.schema_changes import incompatible
from console.cli.schemas import published_path, published_schema, published_text
from console.control.actions import ActionKind

COMMITTED = published_path(Path(__file__).parents[2] / "docs" / "schemas", "switches")
SCHEMA: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))

VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def fits(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    VALIDATOR.validate(content)
    return content


def test_the_committed_schema_is_the_one_of_the_file_that_is_written() -> None:
    assert incompatible(SCHEMA, published_schema("switches")) == []
    assert json.loads(published_text("switches")) == SCHEMA, "make schemas"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_change_leaves_a_file_that_fits_and_the_version_grows_by_one(workspace: Workspace, clock: MovableClock) -> None:
    mara, ada = workspace.desk(), workspace.desk("ada", elevated=True)
    versions = []
    for desk, kind, more in (
        (mara, ActionKind.DEGRADE, {}),
        (mara, ActionKind.FALLBACK, {"owner": "ilse", "until": NOW + timedelta(hours=9)}),
        (mara, ActionKind.FALLBACK, {}),
        (mara, ActionKind.KILL, {}),
        (ada, ActionKind.RESTORE, {}),
    ):
        outcome = desk.execute(desk.plan(switch_to(kind, **more)), confirmed())
        assert outcome.exit_code == 0, outcome.message
        clock.pass_by(hours=1)
        versions.append(fits(workspace.paths.switches)["version"])
    assert versions == [1, 2, 3, 4, 5]
    LocalSwitchSetter(workspace.paths.switches).forbid("a-lost-call")
    assert fits(workspace.paths.switches)["forbidden"] == ["a-lost-call"]


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
MOMENTS = st.datetimes(timezones=st.just(NOW.tzinfo))


@given(
    NAMES, NAMES, NAMES, st.text(st.characters(exclude_categories=("Cs",)), max_size=200), MOMENTS, st.none() | MOMENTS, st.none() | NAMES
)
def test_whatever_people_call_things_and_say_fits(
    environment: str, model: str, who: str, reason: str, at: Any, until: Any, owner: str | None
) -> None:
    setting = SwitchSetting(environment, model, SwitchState.KILLED, at, who, "key", reason, until, owner)
    fields = {"state": "killed", "set_at": at, "set_by": who, "reason": reason, "until": until, "key": "key", "owner": owner}
    document = SwitchesDocument.model_validate({"version": 1, "switches": {environment: {model: fields}}, "applied": {"key": 1}})
    written = json.loads(document_bytes(document))
    VALIDATOR.validate(written)
    assert document.switches[environment][model].public(environment, model) == setting


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("state", "off"),
        ("state", "unknown"),
        ("set_at", 5),
        ("reason", None),
        ("until", False),
        ("percent", 50),
    ],
)
def test_what_is_no_setting_fits_neither_the_schema_nor_the_reader(workspace: Workspace, place: str, value: object) -> None:
    mara = workspace.desk()
    mara.execute(mara.plan(switch_to(ActionKind.KILL)), confirmed())
    content = fits(workspace.paths.switches)
    content["switches"]["production"][MODEL][place] = value
    assert not VALIDATOR.is_valid(content)
    workspace.paths.switches.write_text(json.dumps(content))
    with pytest.raises(Exception, match=r"switches\.json is broken"):
        LocalSwitchSetter(workspace.paths.switches).published()


def test_the_example_in_the_documentation_fits() -> None:
    text = (COMMITTED.parent / "control.md").read_text(encoding="utf-8")
    example = json.loads(
        text.partition('```json\n{"format": "quarterdeck/switches/1"')[2]
        .partition("```")[0]
        .join(['{"format": "quarterdeck/switches/1"', ""])
    )
    VALIDATOR.validate(example)
