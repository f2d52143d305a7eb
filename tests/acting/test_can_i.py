"""`can-i` answers as the executor would act, and names the rule, its file and its line."""

from __future__ import annotations

import pytest
from acting_workspace import MODEL, Place
from pilots import console
from test_verbs_that_act import Verb, qd  # noqa: F401 - a fixture is found by its name

from console.control.identity import Actor

TEAM = """format: 1
people:
  mara: operator
  ines: {production: releaser}
  ilse: [approver, auditor]
  tara: [operator, trainee]
roles:
  - {id: trainee, may: [], may_not: [kill]}
guardrails:
  - id: frozen
    title: Frozen until Monday
    where: {models: ["pinned-*"]}
    actions: [kill-switch]
    deny: true
"""


@pytest.fixture
def team(place: Place) -> Place:
    (place.paths.policies / "team.yaml").write_text(TEAM)
    return place


def rules(verb: Verb, says: str) -> list[tuple[str, str | None, str | None]]:
    return [(rule["topic"], rule["rule"], rule["place"]) for rule in verb.data["rules"] if rule["says"] == says]


def test_an_operator_may_and_the_role_and_its_line_are_named(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "kill", MODEL, "--as", "mara", "--json") == 0
    assert qd.data["allowed"] and qd.data["roles"] == ["operator", "viewer"]
    assert qd.data["roles_place"] == "policies/team.yaml:3"
    [(topic, rule, place)] = rules(qd, "yes")
    assert (topic, rule) == ("role", "operator") and (place or "").startswith("shipped/roles.yaml:")
    assert qd("can-i", "kill", MODEL, "--as", "mara") == 0
    assert f"yes: mara may kill {MODEL} in production" in qd.out
    assert max(len(each) for each in qd.out.splitlines()) <= 80


def test_somebody_whom_nobody_names_is_a_viewer_and_may_not(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "kill", MODEL, "--as", "mallory", who="mara") == 0, "played people whom nobody names are admin in a demo"
    (team.paths.policies / "team.yaml").write_text(TEAM.replace("  mara:", "  mallory: viewer\n  mara:"))
    assert qd("can-i", "kill", MODEL, "--as", "mallory") == 1
    assert "mallory is viewer" in qd.out and "NO" in qd.out


def test_what_one_role_denies_wins_and_its_line_is_named(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "kill", MODEL, "--as", "tara", "--json") == 1
    assert ("role", "trainee", "policies/team.yaml:8") in rules(qd, "no")
    assert qd("can-i", "degrade", MODEL, "--as", "tara") == 0


def test_a_guardrail_that_denies_is_named_with_its_line_even_to_an_admin(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "kill", "pinned-one", "--json") == 1
    assert rules(qd, "no") == [("guardrail", "frozen", "policies/team.yaml:10")]
    assert qd("can-i", "rollback", "pinned-one") == 0


def test_a_promotion_is_allowed_once_elevation_and_another_person_are_there(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "promote", f"{MODEL}@3", "--as", "ines", "--json") == 0
    assert {topic for topic, _, _ in rules(qd, "asks")} == {"guardrail", "environment", "approval"}
    assert qd("can-i", "promote", f"{MODEL}@3", "--as", "mara") == 1


def test_what_waits_for_another_person_even_towards_safety_is_said_and_how_it_goes_on_at_once(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "kill", MODEL, "--as", "mara", "--json") == 0 and rules(qd, "asks")[-1][0] == "guardrail"
    asked = TEAM.replace("    deny: true\n", "    deny: true\n  - {id: two, title: Two, actions: [kill], second_person: true}\n")
    (team.paths.policies / "team.yaml").write_text(asked)
    assert qd("can-i", "kill", MODEL, "--as", "mara", "--json") == 0
    [said] = [rule["text"] for rule in qd.data["rules"] if rule["topic"] == "approval"]
    assert said.endswith("; at once by breaking the glass, reviewed afterwards")
    assert qd("can-i", "shift", MODEL, "--as", "ines", "--json") == 0
    [said] = [rule["text"] for rule in qd.data["rules"] if rule["topic"] == "approval"]
    assert said == "approval by another person, who did not ask for it"


def test_a_fallback_of_what_is_killed_is_judged_as_a_restore(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "fallback", MODEL, "--as", "mara", "--json") == 0
    assert qd.data["amounts_to"] == ["fallback"] and not [each for each in rules(qd, "asks") if each[0] == "environment"]
    assert qd("kill", MODEL, "--state", "killed", "--confirm", MODEL) == 0
    assert qd("can-i", "fallback", MODEL, "--as", "mara", "--json") == 0
    assert qd.data["amounts_to"] == ["fallback", "restore"]
    assert [each for each in rules(qd, "asks") if each[0] == "environment"]


def test_who_asked_for_a_request_may_not_approve_it_and_another_person_may(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--elevate", "--reason", "better", who="ines") == 0, qd.err
    (team.paths.policies / "more.yaml").write_text("format: 1\nroles:\n  - {id: releaser, may: [promote, ask, elevate, approve]}\n")
    assert qd("can-i", "approve", "APR-1", "--as", "ines") == 1
    assert qd("can-i", "approve", "APR-1", "--as", "ilse") == 0


def test_in_a_session_that_is_read_only_or_in_the_past_nobody_may(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("--read-only", "can-i", "kill", MODEL) == 1
    assert "read-only" in qd.out
    assert qd("--as-of", "2013-04-20T00:00Z", "can-i", "kill", MODEL) == 1


def test_it_says_plainly_that_the_rules_are_advice_to_who_may_write_them(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "kill", MODEL, "--json") == 0
    assert qd.data["advisory"] and qd.data["enforcement"].startswith("advisory: you may write")


def test_an_action_that_does_not_exist_is_bad_input(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "kil", MODEL) == 2
    assert "did you mean kill" in qd.err
    assert qd("can-i", "kill", MODEL, "--environment", "nowhere") == 5


@pytest.mark.parametrize("person", ["mara", "ines", "ilse", "tara"])
@pytest.mark.parametrize("action", ["kill", "degrade", "rollback", "restore", "promote"])
def test_it_says_no_exactly_where_a_rule_stops_the_plan(qd: Verb, team: Place, person: str, action: str) -> None:  # noqa: F811 - the fixture that is imported
    words = {"kill": ["kill", MODEL, "--state", "killed"], "degrade": ["kill", MODEL, "--state", "degraded"]}.get(action, [action, MODEL])
    words = [f"{MODEL}@3" if action == "promote" and word == MODEL else word for word in words]
    qd(*words, "--dry-run", "--elevate", "--json", who=person)
    refusal = qd.data["refusal"] or ""
    stopped = any(sign in refusal for sign in ("needs one of", "denied"))
    asked = qd.data["step"] == "ask" and qd.data["allowed"]
    code = qd("can-i", action, MODEL, "--as", person, "--json")
    assert code == (1 if stopped else 0) or (asked and code == 1), refusal
    assert qd.data["may_ask"] == (asked and code == 1)


def test_what_may_not_be_done_but_asked_for_is_said_with_who_approves_and_who_carries_it_out(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    assert qd("can-i", "promote", f"{MODEL}@3", "--as", "mara", "--json") == 1
    assert not qd.data["allowed"] and qd.data["may_ask"]
    assert qd.data["request_goes_to"] == owned("ilse") and qd.data["carried_out_by"] == owned("ines")
    assert qd("can-i", "promote", f"{MODEL}@3", "--as", "mara") == 1
    assert f"no, but mara may ask for it: the request goes to whoever approves ({owned('ilse')})" in " ".join(qd.out.split())
    assert qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="mara") == 0, qd.err
    assert "APR-1 waits" in qd.out and f"--elevate --reason TEXT  (not you: {owned('ines')})" in qd.out
    assert qd("can-i", "promote", f"{MODEL}@3", "--as", "ilse") == 1 and "may ask" not in qd.out
    assert qd("can-i", "promote", "--as", "mara", "--json") == 1 and qd.data["may_ask"], "any model"


def owner() -> str:
    """Who runs these tests is admin of the workspace."""
    return Actor.from_os().name


def owned(name: str) -> str:
    return " or ".join(sorted([name, owner()])) + " may"


def test_who_may_do_it_but_not_ask_for_it_may_not_as_long_as_it_has_to_be_asked_for(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    pusher = TEAM.replace("{id: trainee", "{id: pusher, may: [promote, elevate]}\n  - {id: trainee").replace(
        "  tara:", "  paul: pusher\n  tara:"
    )
    (team.paths.policies / "team.yaml").write_text(pusher)
    words = ["promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", "--elevate"]
    assert qd("can-i", "promote", f"{MODEL}@3", "--as", "paul", "--json") == 1 and not qd.data["may_ask"]
    assert qd(*words, who="paul") == 3 and "ask in production needs one of" in qd.err
    assert qd(*words, who="ines") == 0 and qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0
    assert qd("can-i", "promote", f"{MODEL}@3", "--as", "paul", "--json") == 0
    assert qd(*words, who="paul") == 0, qd.err


def test_who_may_restore_is_told_the_words_that_work_once_it_is_approved(qd: Verb, team: Place) -> None:  # noqa: F811 - the fixture that is imported
    asked = TEAM.replace("    deny: true\n", "    deny: true\n  - {id: two, title: Two, actions: [restore], second_person: true}\n")
    (team.paths.policies / "team.yaml").write_text(asked.replace("actions: [kill-switch]", "actions: [note]"))
    assert qd("kill", MODEL, "--confirm", MODEL, who="mara") == 0
    assert qd("restore", MODEL, "--confirm", MODEL, "--reason", "mended", who="ines") == 0, qd.err
    words = next(each for each in qd.out.splitlines() if each.startswith("Then:")).removeprefix("Then:").split()
    assert words == ["qd", "restore", MODEL, "--elevate", "--reason", "TEXT"]
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0, qd.err
    assert qd(*words[1:], "--confirm", MODEL, who="ines") == 0, qd.err
    assert team.switch == "normal"


async def test_the_console_answers_in_one_line(team: Place) -> None:
    async with console(team) as seen:
        assert seen.app.run_words("can-i promote", seen.app.screen) is None  # type: ignore[arg-type]
        await seen.until(lambda: f"may promote {MODEL} in production" in seen.text, "the answer")
        assert seen.app.run_words("can-i kill pinned-one", seen.app.screen) is None  # type: ignore[arg-type]
        await seen.until(lambda: "may not kill pinned-one" in seen.text, "the denial")
