"""While the policy files are broken, every acting verb and the console say so, and the rules that were good last are gone by."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from acting_workspace import MODEL, Place
from pilots import console
from test_verbs_that_act import Verb, qd  # noqa: F401 - a fixture is found by its name

GOOD = """format: 1
people: {mara: operator, ines: releaser, ilse: approver, otto: approver}
guardrails:
  - {id: frozen, title: Frozen until Monday, actions: [degrade], deny: true}
"""
BROKEN = GOOD.replace("deny", "denny")


@pytest.fixture
def rules(place: Place) -> Path:
    file = place.paths.policies / "rules.yaml"
    file.write_text(GOOD)
    return file


ACTING = (
    ("kill", MODEL, "--dry-run"), ("kill", MODEL, "--confirm", MODEL), ("restore", MODEL, "--reason", "r", "--confirm", MODEL),
    ("rollback", MODEL, "--dry-run"), ("promote", f"{MODEL}@3", "--reason", "r", "--confirm", MODEL), ("ack", MODEL),
    ("note", MODEL, "words"), ("traffic", MODEL, "abort", "--confirm", MODEL), ("approve", "APR-1", "--confirm", MODEL),
    ("reject", "APR-1", "--reason", "r"), ("review", "REV-000000", "--justified", "--reason", "r"), ("close", "INC-1", "--reason", "r"),
    ("elevate", "--off"), ("can-i", "kill", MODEL),
)  # fmt: skip


def test_every_acting_verb_says_it_and_goes_by_what_was_good_last(qd: Verb, place: Place, rules: Path) -> None:  # noqa: F811
    assert qd("note", MODEL, "while all is well") == 0 and "broken" not in qd.err
    rules.write_text(BROKEN)
    for words in ACTING:
        qd(*words, who="mara")
        said = " ".join((qd.out + qd.err).split())
        assert "the policy files are broken" in said and f"{rules.name}:4" in said, words
    assert qd("kill", MODEL, "--state", "degraded", "--confirm", MODEL) == 3 and "denied by guardrail frozen" in qd.err
    assert qd("kill", MODEL, "--state", "killed", "--dry-run", "--json") == 0
    [said] = [each for each in qd.data["warnings"] if "policy files" in each]
    assert "what was adopted last is in force" in said


def test_where_nothing_good_is_known_only_steps_towards_safety_are_done(qd: Verb, place: Place, rules: Path) -> None:  # noqa: F811
    rules.write_text(BROKEN)
    shutil.rmtree(rules.parent / ".in-force")
    assert qd("promote", f"{MODEL}@3", "--reason", "r", "--confirm", MODEL, "--elevate") == 3
    assert "only steps towards safety are done while the policy files are broken" in qd.err and place.version == "2"
    assert qd("kill", MODEL, "--confirm", MODEL) == 0 and place.switch == "fallback"
    assert qd("restore", MODEL, "--reason", "r", "--confirm", MODEL, "--elevate") == 3 and place.switch == "fallback"
    rules.write_text(GOOD)
    assert qd("restore", MODEL, "--reason", "r", "--confirm", MODEL, "--dry-run") == 0
    assert not (rules.parent / ".in-force").exists(), "a dry run keeps nothing"


async def test_the_banner_says_it_until_the_file_is_mended_and_the_plan_says_where(
    place: Place, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "mara@desk")
    async with console(place, size=(80, 24)) as screen:
        await screen.until(lambda: MODEL in screen.text and not screen.app.screen._pending, "rows")
        assert "POLICIES" not in screen.rows[0]
        rules.write_text(BROKEN)
        await screen.until(lambda: "POLICIES BROKEN" in screen.rows[0], "the banner")
        await screen.opens("K")
        await screen.shows("the policy files are broken")
        await screen.until(lambda: "rules.yaml:4" in screen.text.replace("\n", "").replace(" ", ""), "file and line")
        await screen.press("escape")
        rules.write_text(GOOD)
        await screen.until(lambda: "POLICIES" not in screen.rows[0], "the banner is quiet")
