"""Acting from the command line: what it prints, what it changes on disk, and its exit code."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from acting_workspace import MODEL, NOW, Place

from backends.local.acting import LocalAliasSetter
from backends.local.reading import LocalSwitches
from console.cli.main import main


class Verb:
    """Runs one command line and keeps what it said."""

    def __init__(self, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.place, self.capsys, self.monkeypatch = place, capsys, monkeypatch
        self.out = self.err = ""

    def __call__(self, *words: str, who: str | None = None) -> int:
        if who is None:
            self.monkeypatch.delenv("QUARTERDECK_ACTOR", raising=False)
        else:
            self.monkeypatch.setenv("QUARTERDECK_ACTOR", f"{who}@desk")
        code = main(["--workspace", str(self.place.root), *words])
        self.out, self.err = self.capsys.readouterr()
        return int(code)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


def test_kill_sets_the_fallback_and_says_what_was_read_back(qd: Verb, place: Place) -> None:
    assert qd("kill", MODEL, "--confirm", MODEL) == 0
    assert place.switch == "fallback"
    assert "effective after" in qd.out
    assert "switch = fallback, read back" in qd.out


@pytest.mark.parametrize("state", ["degraded", "fallback", "killed"])
def test_kill_reaches_every_state(qd: Verb, place: Place, state: str) -> None:
    assert qd("kill", MODEL, "--state", state, "--confirm", MODEL) == 0
    assert place.switch == state


def test_a_dry_run_changes_nothing_and_says_whether_it_would_help(qd: Verb, place: Place) -> None:
    before = place.paths.registry.read_bytes()
    assert qd("rollback", MODEL, "--dry-run") == 0
    assert "nothing was sent" in qd.out
    assert "no gain expected" in qd.out
    assert "Fallback has Brier" in qd.out
    assert "set_alias delay production=1 if 2" in qd.out
    assert place.paths.registry.read_bytes() == before
    assert not any("action/" in entry for entry in journal_kinds(place))


def journal_kinds(place: Place) -> list[str]:
    from console.control.ledger import read_state

    return [f"action/{action.kind}" for action in read_state(place.paths).actions.values()]


def test_the_plan_fits_80_columns(qd: Verb) -> None:
    for words in (["kill", MODEL], ["rollback", MODEL], ["promote", f"{MODEL}@3"]):
        qd(*words, "--dry-run")
        assert max(len(each) for each in qd.out.splitlines()) <= 80


def test_without_a_terminal_the_name_is_needed_and_must_be_the_name(qd: Verb, place: Place) -> None:
    assert qd("kill", MODEL) == 2
    assert f"--confirm {MODEL}" in qd.err
    assert qd("kill", MODEL, "--confirm", "delays") == 2
    assert "not the model's name" in qd.err
    assert place.switch == "normal"


def test_the_environments_name_is_asked_for_where_a_guardrail_says_so(qd: Verb, place: Place) -> None:
    rail = "{id: e, title: Twice is safer, actions: [kill-switch], confirm: environment}"
    (place.paths.policies / "own.yaml").write_text(f"format: 1\nguardrails:\n  - {rail}\n")
    assert qd("kill", MODEL, "--confirm", MODEL) == 2
    assert "not the environment's name, production" in qd.err and place.switch == "normal"
    assert qd("kill", MODEL, "--confirm", "production") == 0
    assert place.switch == "fallback"


def test_another_value_in_force_than_expected_stops_it(qd: Verb, place: Place) -> None:
    assert qd("rollback", MODEL, "--confirm", MODEL, "--expect", "3") == 3
    assert "v2 is in force, 3 was expected" in qd.err
    assert place.version == "2"
    assert qd("rollback", MODEL, "--confirm", MODEL, "--expect", "v2") == 0
    assert place.version == "1"


def test_the_same_key_acts_once(qd: Verb, place: Place) -> None:
    words = ["rollback", MODEL, "--confirm", MODEL, "--key", "pager-17", "--expect", "2"]
    assert qd(*words) == 0
    assert qd(*words) == 0
    assert "the first time" in qd.out
    moves = json.loads(place.paths.registry.read_text())["moves"]
    assert [move["version"] for move in moves if move["alias"] == "production"] == ["1", "2", "1"]


def test_read_only_and_the_past_refuse_and_say_why(qd: Verb, place: Place) -> None:
    assert qd("--read-only", "kill", MODEL, "--confirm", MODEL) == 3
    assert "read-only" in qd.err
    assert qd("--as-of", "2013-04-20T00:00Z", "kill", MODEL, "--confirm", MODEL) == 3
    assert "past" in qd.err
    assert place.switch == "normal"


def test_an_unknown_model_is_not_found(qd: Verb, place: Place) -> None:
    assert qd("kill", "dealy", "--confirm", "dealy") == 5
    assert "no model 'dealy'" in qd.err
    assert not place.paths.switches.exists()


def test_kill_works_without_the_store_and_says_what_it_could_not_read(qd: Verb, place: Place) -> None:
    place.without_store()
    assert qd("kill", MODEL, "--confirm", MODEL) == 0
    assert place.switch == "fallback"
    assert "facts could not be read" in qd.err
    assert "the action works without them" in qd.err


def test_rollback_works_without_the_store_and_a_promotion_does_not(qd: Verb, place: Place) -> None:
    place.without_store()
    assert qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better") == 3
    assert "gates cannot be judged" in qd.err
    assert qd("rollback", MODEL, "--confirm", MODEL) == 0
    assert place.version == "1"


def test_the_way_back_from_the_fallback_asks_first(qd: Verb, place: Place) -> None:
    qd("kill", MODEL, "--confirm", MODEL)
    assert qd("restore", MODEL, "--confirm", MODEL, "--reason", "labels look right again", who="ines") == 0
    assert "APR-1 waits: 0 of 1" in qd.out
    assert place.switch == "fallback"
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0
    assert f"not executed yet: qd restore {MODEL}\n" in qd.out
    assert "changes    switches.json fallback -> normal" in qd.err
    assert qd("promote", "APR-1", "--confirm", MODEL, "--elevate", who="ines") == 2
    assert f"APR-1 is no promotion, it asks for restore; nothing was sent; use: qd restore {MODEL}" in qd.err and place.switch == "fallback"
    assert qd("restore", MODEL, "--confirm", MODEL, "--reason", "as asked", "--elevate", who="ines") == 0
    assert place.switch == "normal"


def test_a_promotion_needs_another_person_and_is_executed_once(qd: Verb, place: Place) -> None:
    assert qd("promote", f"{MODEL}@v3", "--confirm", MODEL, "--reason", "better on April", who="ines") == 0
    assert "qd approve APR-1" in qd.out
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ines") == 3
    assert "another person must approve it" in qd.err
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0
    assert "signed, 1 of 1; not executed yet" in qd.out
    assert place.version == "2"
    assert qd("promote", "APR-1", "--confirm", MODEL, who="ines") == 3
    assert "elevate" in qd.err
    assert qd("promote", "APR-1", "--confirm", MODEL, "--elevate", who="ines") == 0
    assert place.version == "3"
    assert qd("approvals", "--json") == 0
    assert [row["state"] for row in qd.data["rows"]] == ["executed"]


def test_a_promotion_takes_the_version_apart_and_says_what_is_missing(qd: Verb) -> None:
    assert qd("promote", MODEL, "3", "--dry-run", "--json", who="ines") == 0
    apart = qd.data
    assert qd("promote", f"{MODEL}@3", "--dry-run", "--json", who="ines") == 0
    assert (apart["kind"], apart["to"]) == (qd.data["kind"], qd.data["to"]) == ("promote", "3")
    assert qd("promote", MODEL, who="ines") == 2
    assert f"write {MODEL}@VERSION; versions: qd versions {MODEL}" in qd.err
    assert qd("promote", "APR-9", who="ines") == 5
    assert "no request 'APR-9'; see: qd approvals" in qd.err


def test_gates_stand_beside_the_rows_that_they_were_judged_on(qd: Verb, place: Place) -> None:
    qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="ines")
    assert qd("approvals", "APR-1", "--json", who="ilse") == 0
    asked = {name: qd.data[name] for name in ("gates", "gates_since", "gates_until", "gates_rows", "gates_scored")}
    assert asked["gates_rows"] > 0
    place.without_store()
    assert qd("approvals", "APR-1", "--json", who="ilse") == 0
    assert {name: qd.data[name] for name in asked} == asked, "as it was asked, whatever could be judged now"


def test_a_rollback_with_nowhere_to_go_draws_no_move(qd: Verb, place: Place) -> None:
    assert qd("rollback", MODEL, "--confirm", MODEL) == 0
    qd("rollback", MODEL, "--dry-run")
    assert f"{MODEL} has no earlier version to go back to" in qd.out and "alias production" not in qd.out
    qd("rollback", MODEL, "--dry-run", "--json")
    assert (qd.data["will_change"], qd.data["calls"], qd.data["to"]) == ([], [], None)
    assert qd("rollback", MODEL, "--confirm", MODEL) == 3 and place.version == "1"


def test_approving_needs_the_name_and_shows_what_is_signed(qd: Verb) -> None:
    qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="ines")
    assert qd("approve", "APR-1", who="ilse") == 2
    assert qd("approve", "APR-1", "--dry-run", who="ilse") == 0
    assert "by ines; payload" in qd.out
    assert "X FAIL SLO budget left" in qd.out
    assert "(waiver INC-1)" in qd.out.replace("\n             ", " ")
    assert qd("approvals", "--json") == 0
    assert qd.data["rows"][0]["granted"] == 0


def test_what_changed_since_the_request_voids_it(qd: Verb, place: Place) -> None:
    qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="ines")
    qd("rollback", MODEL, "--confirm", MODEL)
    assert qd("approvals", "APR-1", "--json", who="ilse") == 0
    assert "version in force: was v2, is v1" in qd.data["changed_since"][0]
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 3
    assert "version in force: was v2, is v1" in qd.err
    assert place.version == "1"


def test_a_veto_needs_a_reason_and_is_final(qd: Verb) -> None:
    qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="ines")
    assert qd("reject", "APR-1", who="ilse") == 2
    assert qd("reject", "APR-1", "--reason", "wait for the weekend", who="ilse") == 0
    assert qd("approve", "APR-1", "--confirm", MODEL, who="otto") == 3
    assert qd("reject", "APR-9", "--reason", "x", who="ilse") == 5
    assert qd("promote", "APR-1", "--confirm", MODEL, "--elevate", who="ines") == 3
    assert "APR-1 is vetoed by ilse: wait for the weekend: nothing was sent" in qd.err


def test_a_model_stands_for_its_open_incident(qd: Verb) -> None:
    assert qd("ack", MODEL) == 0
    assert qd.out.startswith("INC-1 taken by")
    assert qd("note", "INC-1", "gate", "board", "told") == 0
    assert qd("close", "INC-1") == 2
    assert qd("close", "INC-1", "--reason", "labels are back") == 0
    assert qd("close", "INC-1", "--reason", "again") == 3
    assert qd("ack", MODEL) == 0
    assert qd("ack", "INC-7") == 5
    assert qd("note", "nobody", "x") == 5


def test_json_carries_plan_and_outcome_under_their_schemas(qd: Verb) -> None:
    assert qd("kill", MODEL, "--dry-run", "--json") == 0
    assert qd.data["schema"] == "quarterdeck/plan/1"
    assert (qd.data["from_"], qd.data["to"], qd.data["typed_name"]) == ("normal", "fallback", MODEL)
    assert qd.data["would_help"]["state"] == "ok"
    assert qd("kill", MODEL, "--confirm", MODEL, "--json") == 0
    assert qd.data["schema"] == "quarterdeck/outcome/1"
    assert (qd.data["state"], qd.data["after"]) == ("effective", "fallback")


def test_the_time_to_ask_again_is_taken_as_given(qd: Verb, place: Place) -> None:
    assert qd("kill", MODEL, "--confirm", MODEL, "--until", "90m") == 0
    setting = json.loads(place.paths.switches.read_text())["switches"]["production"][MODEL]
    assert setting["until"] == "2013-04-26T23:30:00Z"
    assert qd("kill", MODEL, "--state", "killed", "--confirm", MODEL, "--until", "soon") == 2


def test_of_one_person_alone_nobody_else_is_said_to_agree(qd: Verb) -> None:
    qd("promote", f"{MODEL}@3", "--dry-run", "--json")
    assert qd.data["agreement"][0] == "1 approval: your own counts, and is recorded as solo"
    qd("promote", f"{MODEL}@3", "--dry-run", "--json", who="ines")
    assert qd.data["agreement"][0].startswith("1 approval by another person: ")


@pytest.mark.parametrize(
    "words",
    [
        ("promote", f"{MODEL}@3"),
        ("rollback", MODEL),
        ("kill", MODEL, "--state", "fallback"),
        ("traffic", MODEL, "shift", "--to", "3", "--strategy", "canary"),
    ],
)
def test_no_line_of_a_plan_speaks_of_others_to_one_person_alone(qd: Verb, words: tuple[str, ...]) -> None:
    qd(*words, "--dry-run")
    assert "your own" in qd.out
    assert "another person" not in qd.out and "other people" not in qd.out
    qd(*words, "--dry-run", who="ines")
    assert "another person" in qd.out


RAIL = """format: 1
guardrails:
  - {id: frozen, title: Nothing goes, where: {models: [delay]}, actions: [kill, fallback, rollback], deny: true}
"""


class _Typing(io.StringIO):
    """A person at a terminal; somebody writes a rule while they read."""

    def __init__(self, place: Place, typed: str) -> None:
        super().__init__()
        self.place, self.typed = place, typed

    def isatty(self) -> bool:
        return True

    def readline(self, *_: Any) -> str:
        self.place.paths.policies.mkdir(exist_ok=True)
        (self.place.paths.policies / "rails.yaml").write_text(RAIL)
        return f"{self.typed}\n"


@pytest.mark.parametrize("models", [(MODEL,), (MODEL, "delay-two")])
def test_a_rule_that_is_written_while_the_name_is_typed_counts(qd: Verb, place: Place, models: tuple[str, ...]) -> None:
    typed = MODEL if len(models) == 1 else "2 models"
    LocalAliasSetter(place.paths.registry).set_alias(
        "production", "delay-two", "production", "1", expected=None, key="two", actor="ines", now=NOW
    )  # fmt: skip
    qd.monkeypatch.setattr("sys.stdin", _Typing(place, typed))
    qd.monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert qd("kill", *models, "--reason", "the feed is broken") == 3
    assert "denied by guardrail frozen" in qd.out + qd.err
    assert not LocalSwitches(place.paths.switches).switches(), "where one is refused none moves"
