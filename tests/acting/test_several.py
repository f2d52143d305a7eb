"""Several models at once: all of them or, where one is refused, none; and how many that may be is the guardrails' to say."""

from __future__ import annotations

import json

import pytest
from acting_workspace import MODEL, NOW, Place
from test_verbs_that_act import Verb, qd  # noqa: F401 - a fixture is found by its name

from backends.local.acting import LocalAliasSetter
from backends.local.reading import LocalSwitches
from console.control.ledger import read_state

OTHERS = ("fares", "delay-two")
ALL = (MODEL, *OTHERS)


@pytest.fixture(autouse=True)
def more_models(place: Place) -> None:
    aliases = LocalAliasSetter(place.paths.registry)
    for name in OTHERS:
        aliases.set_alias("production", name, "production", "1", expected=None, key=f"{name}1", actor="ines", now=NOW)


def switches(place: Place) -> dict[str, str]:
    return {each.model: each.state.value for each in LocalSwitches(place.paths.switches).switches()}


def published(place: Place) -> int:
    return int(json.loads(place.paths.switches.read_text())["version"])


def test_all_of_them_are_planned_one_count_is_typed_and_each_is_on_record(qd: Verb, place: Place) -> None:  # noqa: F811
    assert qd("kill", *ALL, "--dry-run", "--json") == 0
    assert [(plan["model"], plan["bulk"], plan["typed_name"]) for plan in qd.data["plans"]] == [(name, 3, "3 models") for name in ALL]
    assert switches(place) == {}
    assert qd("kill", *ALL, "--confirm", MODEL) == 2 and "is not the number of models, 3 models" in qd.err
    assert qd("kill", *ALL, MODEL, "--confirm", "3 models", "--reason", "the feed is broken", "--key", "K", "--json") == 0
    assert [(each["model"], each["state"]) for each in qd.data["outcomes"]] == [(name, "effective") for name in ALL]
    assert switches(place) == dict.fromkeys(ALL, "fallback") and published(place) == 3
    assert sorted(each.model for each in read_state(place.paths).actions.values()) == sorted(ALL)
    assert qd("kill", *ALL, "--confirm", "3 models", "--reason", "the feed is broken", "--key", "K") == 0
    assert published(place) == 3, "the same key again does nothing twice"
    assert qd("kill", "fares", "--state", "killed", "--confirm", "fares") == 0


def test_more_than_a_guardrail_allows_are_refused_before_the_first_moves(qd: Verb, place: Place) -> None:  # noqa: F811
    rail = '{id: few, title: "Two at most", actions: [kill-switch], max_bulk: 2}'
    (place.paths.policies / "few.yaml").write_text(f"format: 1\nguardrails: [{rail}]\n")
    assert qd("kill", *ALL, "--confirm", "3 models") == 3
    assert "3 models at once are more than the 2 of guardrail few: Two at most" in qd.err and "nothing was sent to any" in qd.err
    assert switches(place) == {}
    assert qd("kill", *ALL[:2], "--confirm", "2 models") == 0 and len(switches(place)) == 2


def test_what_ships_lets_three_be_restored_at_once_in_production_and_four_not(qd: Verb, place: Place) -> None:  # noqa: F811
    four = (*ALL, "fourth")
    LocalAliasSetter(place.paths.registry).set_alias("production", "fourth", "production", "1", expected=None, key="f", actor="i", now=NOW)
    assert qd("kill", *four, "--confirm", "4 models") == 0
    assert qd("restore", *four, "--reason", "mended", "--elevate", "--dry-run") == 3
    assert "4 models at once are more than the 3 of guardrail few-at-a-time" in " ".join(qd.out.split())
    assert qd("restore", *four[:3], "--reason", "mended", "--elevate", "--dry-run") == 0


def test_where_one_is_refused_none_moves_and_the_refusal_is_on_record(qd: Verb, place: Place) -> None:  # noqa: F811
    rail = '{id: frozen, title: "Fares are frozen", where: {models: [fares]}, actions: [kill-switch], deny: true}'
    (place.paths.policies / "frozen.yaml").write_text(f"format: 1\nguardrails: [{rail}]\n")
    assert qd("kill", *ALL, "--confirm", "3 models") == 3
    assert "fares: " in qd.err and "Fares are frozen" in qd.err and "1 of 3 are refused" in qd.err
    assert switches(place) == {}
    assert qd("audit", "log", "--json") == 0
    assert [row["result"] for row in qd.data["rows"] if row["model"] == "fares"] == ["refused"]
    assert qd("kill", MODEL, "nobody", "--confirm", "2 models") == 5 and switches(place) == {}


def test_the_strictest_rule_says_what_is_typed_for_all(qd: Verb, place: Place) -> None:  # noqa: F811
    rail = '{id: sure, title: "Sure?", where: {models: [fares]}, actions: [kill-switch], confirm: environment}'
    (place.paths.policies / "sure.yaml").write_text(f"format: 1\nguardrails: [{rail}]\n")
    assert qd("kill", *ALL, "--confirm", "3 models") == 2 and "the environment's name, production" in qd.err
    assert qd("kill", *ALL, "--confirm", "production") == 0 and len(switches(place)) == 3
