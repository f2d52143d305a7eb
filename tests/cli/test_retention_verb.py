"""Retention as people see it: days left, what is due and what stays, and the deletion of what is due."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.local.acting import LocalAliasSetter
from backends.records import Column, Dataset, Model, ModelVersion, Run, Signature
from backends.store.compactor import compact
from backends.store.landing import land, land_records
from backends.store.reader import open_reader
from backends.text import Untrusted
from console.acting import open_desk
from console.cli import acting
from console.cli.context import Context
from console.cli.main import main
from console.clock import Clock
from console.config import ClockSettings, init_workspace, open_workspace
from console.control.actions import ActionKind, ActionPlan, ActionRequest, ActionState, Confirmation
from console.control.desk import Desk
from console.control.holding_back import REFERENCE
from console.control.ledger import read_state
from console.views.governance.due import retention_facts
from console.views.health.windows import REFERENCE_DAYS
from console.views.sight import Sight
from console.watch.rounds import watch_once

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 120
END = START + timedelta(days=DAYS)
PROMOTED = START + timedelta(days=100)
A_DAY = 40
"""Predictions a day, each with its outcome a minute later."""
RULES = """format: 1
retention:
  - {table: predictions, model: m, keep: 30d, class: personal}
  - {table: labels, model: m, keep: 30d, class: personal}
"""
DUE = 78
"""Days from START that are older than 30 days and before the reference of what serves."""


class Place:
    """A workspace with one model, 120 days of its scores and outcomes, and a version that serves since the hundredth."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys
        self.workspace = init_workspace(root, name="small", clock=ClockSettings(start=END))
        self.paths = self.workspace.paths
        n = DAYS * A_DAY
        step = 86_400_000_000 // A_DAY
        at = np.datetime64(START.replace(tzinfo=None), "us") + (np.arange(n) * step).astype("timedelta64[us]")
        keys, score = [f"r{row}" for row in range(n)], np.random.default_rng(3).uniform(0, 1, n)
        self.scored = {"event_at": at, "model": ["m"] * n, "version": ["1"] * n, "key": keys, "score": score, "age": score * 50}
        land(self.paths, "predictions", self.scored, now=END)
        known = at + np.timedelta64(1, "m")
        land(
            self.paths, "labels", {"event_at": known, "known_at": known, "model": ["m"] * n, "key": keys, "label": score > 0.5}, now=END
        )  # fmt: skip
        common = {"event_at": START, "known_at": START}
        inputs = (Column(name="age", kind="numeric"),)
        land_records(
            self.paths,
            [
                Model(name="m", task="binary", **common),
                ModelVersion(model="m", version="1", signature=Signature(inputs=inputs), **common),
                Dataset(
                    name="train", snapshot=f"sha256:{'0' * 64}", rows=7, covers_from=date(2023, 12, 1), data_class="sensitive", **common
                ),
                Dataset(name="old", snapshot=f"sha256:{'1' * 64}", rows=9, covers_from=date(2023, 12, 1), **common),
                Run(name="run-1", model="m", status="succeeded", inputs=("train",), outputs=("m@1",), started_at=START, **common),
            ],
            now=END,
        )
        LocalAliasSetter(self.paths.registry).set_alias(
            "production", "m", "production", "1", expected=None, key="a", actor="ines", now=PROMOTED
        )
        compact(self.paths, END)

    def rules(self, text: str = RULES) -> None:
        self.paths.policies.mkdir(exist_ok=True)
        (self.paths.policies / "retention.yaml").write_text(text)

    def qd(self, *words: str) -> int:
        code = int(main(["--workspace", str(self.root), *words]))
        self.out, self.err = self.capsys.readouterr()
        return code

    def data(self, *words: str) -> dict[str, Any]:
        self.qd(*words, "--json")
        found: dict[str, Any] = json.loads(self.out)
        return found

    def log(self, table: str) -> dict[str, Any]:
        return next(each for each in self.data("retention")["logs"] if (each["table"], each["model"]) == (table, "m"))

    def apply(self, *more: str) -> int:
        return self.qd("retention", "apply", "m", "--confirm", "m", "--reason", "30 days are agreed", "--elevate", *more)

    def days(self, table: str = "predictions") -> list[int]:
        """Days from START that have rows."""
        with open_reader(self.paths) as reader:
            rows = reader.sql(f"SELECT DISTINCT date_diff('day', TIMESTAMP '2024-01-01', event_at) FROM {table} ORDER BY 1")
        return [int(row[0]) for row in rows]


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path / "w", capsys)


def test_every_log_says_its_class_rule_oldest_row_days_left_and_what_is_due_and_kept_back(place: Place) -> None:
    place.rules()
    found = place.log("predictions")
    assert (found["data_class"], found["keep_days"], found["rule"]) == ("personal", 30.0, "policies/retention.yaml:3")
    assert (found["rows"], found["oldest"], found["days_left"]) == (DAYS * A_DAY, "2024-01-01", 0)
    assert (found["due_rows"], found["due_days"], found["state"]) == (DUE * A_DAY, DUE, "warning")
    [kept] = found["kept"]
    assert (kept["first"], kept["last"], kept["rows"]) == ("2024-03-19", "2024-03-30", 12 * A_DAY)
    assert kept["reason"] == "reference of v1, which serves"
    place.rules("format: 1\nretention:\n  - {table: predictions, keep: 150d, class: internal}\n")
    found = place.log("predictions")
    # The first day is over after one day, and is then kept for 150 more, of which 120 have passed.
    assert (found["data_class"], found["days_left"], found["due_rows"], found["state"]) == ("internal", 31, 0, "ok")
    place.qd("retention", "m")
    assert "predictions m" in place.out and "31d" in place.out and max(map(len, place.out.splitlines())) <= 80


def test_datasets_are_counted_down_by_their_class_and_one_that_trained_what_serves_stays(place: Place) -> None:
    place.rules("format: 1\nretention:\n  - {dataset: train, keep: 30d}\n  - {dataset: old, keep: 160d, class: public}\n")
    train, old = place.data("retention")["datasets"][::-1]
    assert (train["data_class"], train["days_left"], train["state"]) == ("sensitive", 0, "ok")
    assert train["kept"] == "m v1, which an alias names, was trained on it"
    assert (old["data_class"], old["days_left"], old["rule"], old["kept"]) == ("public", 10, "policies/retention.yaml:4", None)


def test_what_ships_deletes_nothing_however_old_rows_are(place: Place) -> None:
    clock = place.root / "clock.json"
    clock.write_text(json.dumps({"start": "2026-01-01T00:00:00+00:00", "anchored_at": "2026-01-01T00:00:00+00:00", "speed": 0}))
    found = place.log("predictions")
    assert (found["deletes"], found["rule"]) == ("never", "shipped/retention.yaml:4") and found["due_rows"] > 0
    assert place.apply() == 0 and "nothing of m is due by a rule of this workspace" in place.err
    watch_once(place.workspace, place.workspace.clock(), learn=False)
    assert len(place.days()) == DAYS


def test_applied_it_is_planned_confirmed_read_back_and_on_record_with_counts_and_policy(place: Place) -> None:
    place.rules()
    assert place.qd("retention", "apply", "m", "--dry-run", "--elevate") == 0
    assert f"{DUE * A_DAY:,} rows of {DUE} days deleted" in " ".join(place.out.split())
    assert place.qd("retention", "apply", "m", "--confirm", "n", "--reason", "x", "--elevate") == 2
    assert len(place.days()) == DAYS, "a plan and a mistyped name delete nothing"
    assert place.apply("--key", "mine") == 0
    assert place.days() == place.days("labels") == list(range(DUE, DAYS))
    [action] = [each for each in read_state(place.paths).actions.values() if each.kind is ActionKind.RETAIN]
    assert (action.state, action.from_) == (ActionState.EFFECTIVE, "nothing deleted")
    assert action.after is not None and action.after.startswith(f"{DUE * A_DAY:,} rows of predictions")
    assert action.plan is not None and action.plan["policy_digest"] == place.data("config", "policies")["digest"]
    assert action.plan["retention"]["cuts"][0]["before"] == "2024-03-31"
    assert place.log("predictions")["deleted_before"] == "2024-03-31"
    assert place.data("retention")["jobs"][0]["state"] == "effective"
    entries = len(place.data("audit", "log")["rows"])
    assert place.apply() == 0 and "nothing of m is due" in place.err
    assert place.apply("--key", "mine") == 0 and "done the first time with this key" in place.out
    assert len(place.data("audit", "log")["rows"]) == entries, "twice is once"


def test_a_legal_hold_keeps_everything_whatever_a_rule_that_goes_before_it_says(place: Place) -> None:
    place.rules(RULES + "  - {table: predictions, keep: 1d, legal_hold: true, delete: never}\n")
    found = place.log("predictions")
    assert (found["legal_hold"], found["due_rows"], found["days_left"]) == ("policies/retention.yaml:5", 0, None)
    assert place.apply() == 0
    assert len(place.days()) == DAYS and len(place.days("labels")) == DAYS, "outcomes stay with the rows that they are of"


def opens_an_incident(place: Place, clock: Clock) -> str:
    with open_desk(place.workspace, "production") as desk:
        desk.declare_incident("production", "m", Untrusted("late"), key="i")
    del clock
    return "INC-1 is open"


def asks_for_an_approval(place: Place, clock: Clock) -> str:
    del clock
    words = ("promote", "m@2", "--reason", "better", "--confirm", "m")
    with open_desk(place.workspace, "production", elevated=True) as desk:
        plan = desk.plan(ActionRequest(kind=ActionKind.PROMOTE, model="m", to="2"))
        assert desk.execute(plan, Confirmation(typed_name="m", reason=words[3])).state is ActionState.WAITING, plan.refusal
    return "APR-1 waits"


@pytest.mark.parametrize("happens", [opens_an_incident, asks_for_an_approval])
def test_what_an_open_incident_or_a_waiting_request_rests_on_stays_also_when_it_came_after_the_plan(
    place: Place, happens: Callable[[Place, Clock], str]
) -> None:
    place.rules("format: 1\nretention:\n  - {table: predictions, model: m, keep: 10d}\n")
    LocalAliasSetter(place.paths.registry).set_alias(
        "production", "m", "production", None, expected="1", key="b", actor="ines", now=PROMOTED
    )  # fmt: skip
    clock = place.workspace.clock()
    facts = retention_facts(Sight(place.workspace, "production", clock), "m")
    with open_desk(place.workspace, "production", elevated=True) as desk:
        plan = desk.plan(ActionRequest(kind=ActionKind.RETAIN, model="m", reason="r"), facts)
        assert plan.allowed
        reason = happens(place, clock)
        outcome = desk.execute(plan, Confirmation(typed_name="m", reason="r"))
    assert outcome.state is ActionState.REFUSED and f"it would take rows that stay ({reason})" in outcome.message
    assert len(place.days()) == DAYS
    [kept] = place.log("predictions")["kept"]
    assert (kept["reason"], kept["first"]) == (reason, (END - timedelta(days=30)).date().isoformat())


HOLD = "  - {table: predictions, keep: 1d, legal_hold: true, delete: never}\n"


def between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """`happens` once the plan of a verb is drawn and before it is carried out."""
    asked = acting.reason_of

    def later(context: Context, plan: ActionPlan) -> str:
        happens()
        return asked(context, plan)

    monkeypatch.setattr(acting, "reason_of", later)


def test_a_legal_hold_that_comes_between_plan_and_execution_keeps_every_row_and_the_difference_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.rules()
    between(monkeypatch, lambda: place.rules(RULES + HOLD))
    assert place.apply("--json") == 3
    [outcome] = [json.loads(place.out)]
    assert "predictions: was due before 2024-03-31, is not due by now" in outcome["difference"] and len(place.days()) == DAYS
    [refused] = [each for each in place.data("audit", "log")["rows"] if each["kind"] == "action.refused"]
    assert "is not due by now" in json.dumps(refused)


def test_days_that_a_rule_keeps_longer_by_now_and_a_reference_that_moved_are_named_one_by_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.rules()
    between(monkeypatch, lambda: place.rules(RULES.replace("keep: 30d", "keep: 60d", 1)))
    assert place.apply("--json") == 3 and len(place.days()) == DAYS
    assert json.loads(place.out)["difference"] == ["predictions: was due before 2024-03-31, is due before 2024-03-01"]

    def serves_since_the_fiftieth_day() -> None:
        aliases = LocalAliasSetter(place.paths.registry)
        when = START + timedelta(days=50)
        aliases.set_alias("production", "m", "production", "2", expected="1", key="c", actor="ines", now=when)

    between(monkeypatch, serves_since_the_fiftieth_day)
    assert place.apply("--json") == 3 and len(place.days()) == DAYS
    said = json.loads(place.out)["message"]
    assert "rows that stay (reference of v2, which serves)" in said or "reference of v2, which serves) stays by now" in said


def test_no_caller_deletes_upon_what_was_read_for_the_plan(place: Place) -> None:
    place.rules()
    facts = retention_facts(Sight(place.workspace, "production", place.workspace.clock()), "m")
    with open_desk(place.workspace, "production", elevated=True) as desk:
        plan = desk.plan(ActionRequest(kind=ActionKind.RETAIN, model="m", reason="r"), facts)
        assert plan.allowed
        outcome = desk.execute(plan, Confirmation(typed_name="m", reason="r"))
        assert outcome.state is ActionState.REFUSED and "was not read again" in outcome.message and len(place.days()) == DAYS
        assert desk.execute(plan, Confirmation(typed_name="m", reason="r"), current_world=facts).state is ActionState.EFFECTIVE


def test_the_watch_looks_once_more_before_it_deletes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.rules(RULES.replace("class: personal}", "delete: by the watch}"))
    plan = Desk.plan

    def overtaken(self: Desk, *given: Any) -> ActionPlan:
        found = plan(self, *given)
        place.rules(RULES + HOLD)
        return found

    monkeypatch.setattr(Desk, "plan", overtaken)
    done = watch_once(place.workspace, place.workspace.clock(), learn=False)
    assert any("it changed since the plan was drawn: predictions: was due" in line for line in done.problems), done
    assert len(place.days()) == DAYS


def test_the_reference_of_what_serves_lies_within_the_days_that_stay() -> None:
    assert timedelta(days=REFERENCE_DAYS + 1) <= REFERENCE


def test_nothing_is_deleted_while_the_policy_files_are_broken(place: Place) -> None:
    place.rules()
    watch_once(place.workspace, place.workspace.clock(), learn=False)
    (place.paths.policies / "more.yaml").write_text("format: 1\nretention: {\n")
    assert place.data("retention")["trouble"] is not None
    assert place.apply() == 0 and len(place.days()) == DAYS
    assert place.log("predictions")["deletes"] == "never"


def test_a_look_at_what_was_deleted_says_so_and_counts_no_zero(place: Place) -> None:
    place.rules()
    place.apply()
    past = ("--as-of", (START + timedelta(days=50)).isoformat())
    told = "predictions and labels before 2024-03-31 were deleted by retention, but for days that were kept back"
    health = place.data(*past, "model", "m")
    assert told in health["deleted"]
    volume = next(each for layer in health["layers"] for each in layer["signals"] if each["id"] == "system.volume")
    assert (volume["state"], volume["value"]) == ("unknown", None) and "were deleted by retention" in volume["why"]
    quality = place.data(*past, "quality", "m")
    assert all(each["deleted"] and each["measures"][0]["value"] is None for each in quality["periods"])
    place.qd(*past, "quality", "m")
    assert "rows deleted" in place.out and "were deleted by retention" in place.out
    place.qd(*past, "labels", "m")
    assert told in " ".join(place.out.split()) and "0 without an outcome" not in place.out
    place.qd(*past, "drift", "m")
    assert "predictions before 2024-03-31 were deleted by retention" in " ".join(place.out.split())
    assert place.data("model", "m")["deleted"] == "", "now nothing is missing"


def test_the_contract_and_the_lineage_call_deleted_rows_deleted_and_never_none(place: Place) -> None:
    place.rules()
    place.apply()
    past = ("--as-of", (START + timedelta(days=50)).isoformat())
    check = place.data(*past, "contract", "check", "m")
    assert "predictions before 2024-03-31 were deleted by retention" in check["deleted"]
    assert {each["state"] for each in check["rules"]} == {"unknown"}
    assert all("were deleted by retention" in each["why"] for each in check["rules"]), check["rules"]
    place.qd(*past, "contract", "check", "m")
    assert "0 scored in 24 h" not in place.out and "nothing was scored" not in place.out
    assert "were deleted by retention" in " ".join(place.out.split())
    lineage = {each["kind"]: each["why"] for each in place.data(*past, "lineage", "m")["nodes"]}
    assert "were deleted by retention" in lineage["predictions"] and "was ever landed" not in lineage["predictions"]
    # Half of these seven days was deleted: a share of what is left would be wrong.
    later = ("--as-of", (START + timedelta(days=DUE + 3)).isoformat())
    labels = {each["kind"]: each["why"] for each in place.data(*later, "lineage", "m")["nodes"]}["labels"]
    assert "were deleted by retention" in labels
    assert place.data("contract", "check", "m")["deleted"] == "", "now nothing is missing"
    assert all("were deleted" not in each["why"] for each in place.data("contract", "check", "m")["rules"])


def test_a_window_that_lost_a_part_of_its_rows_has_no_number(place: Place) -> None:
    place.rules("format: 1\nretention:\n  - {table: predictions, model: m, keep: 30d}\n")
    place.apply()
    # The last day before those that were kept back is gone; twelve hours later half of a day's window is.
    found = place.data("--as-of", (START + timedelta(days=DUE, hours=12)).isoformat(), "model", "m")
    auc = next(each for layer in found["layers"] for each in layer["signals"] if each["id"] == "model.auc")
    assert auc["value"] is None and "predictions before 2024-03-31 were deleted by retention" in auc["why"]
    later = place.data("--as-of", (START + timedelta(days=DUE + 8)).isoformat(), "model", "m")
    auc = next(each for layer in later["layers"] for each in layer["signals"] if each["id"] == "model.auc")
    assert auc["value"] is not None, "rows that were kept back still count"


def test_profiles_of_deleted_days_go_on_counting(place: Place) -> None:
    place.rules()
    watch_once(place.workspace, place.workspace.clock(), learn=False)
    wanted = ("drift", "m", "-f", "age", "--from", "2024-03-01", "--to", "2024-03-07")
    before = place.data(*wanted)["shift"]
    assert place.apply() == 0 and 60 not in place.days()
    after = place.data(*wanted)["shift"]
    assert (after["psi"], after["n_current"]) == (before["psi"], before["n_current"]) and before["psi"] is not None


def test_the_watch_deletes_what_a_rule_leaves_to_it_once_and_nothing_else(place: Place) -> None:
    place.rules(RULES.replace("keep: 30d, class: personal}", "keep: 30d, delete: by the watch}", 1))
    clock = place.workspace.clock()
    done = watch_once(place.workspace, clock, learn=False)
    assert any(line.startswith("retain production: m: effective") for line in done.lines), done
    assert place.days() == list(range(DUE, DAYS)) and len(place.days("labels")) == DAYS
    [action] = [each for each in read_state(place.paths).actions.values() if each.kind is ActionKind.RETAIN]
    assert (action.actor.name, action.actor.program) == ("retention", True)
    assert action.reason == "policies/retention.yaml:3 keep 30d, by the watch"
    again = watch_once(place.workspace, clock, learn=False)
    assert not any(line.startswith("retain") for line in (*again.lines, *again.problems))


def test_a_guardrail_stops_the_watch_as_it_stops_a_person(place: Place) -> None:
    place.rules(RULES.replace("class: personal}", "delete: by the watch}"))
    (place.paths.policies / "rails.yaml").write_text(
        "format: 1\nguardrails:\n  - {id: frozen, title: Nothing goes, actions: [apply-retention], deny: true}\n"
    )
    done = watch_once(place.workspace, place.workspace.clock(), learn=False)
    assert any("denied by guardrail frozen" in line for line in done.problems)
    assert place.apply() == 3 and len(place.days()) == DAYS


def test_a_backup_of_before_a_deletion_says_which_rows_it_brings_back_there_and_on_record(place: Place, tmp_path: Path) -> None:
    place.rules()
    before, after = tmp_path / "before.tar.gz", tmp_path / "after.tar.gz"
    assert place.qd("note", "m", "a beginning") == 0 and place.qd("backup", "create", str(before)) == 0
    assert place.apply() == 0 and place.qd("backup", "create", str(after)) == 0
    assert place.qd("backup", "restore", str(after), str(tmp_path / "same"), "--json") == 0
    assert json.loads(place.out)["brings_back"] == [] and "brings back" not in place.err
    assert place.qd("backup", "restore", str(before), str(tmp_path / "older"), "--json") == 0
    back = {each["table"]: each for each in json.loads(place.out)["brings_back"]}
    assert (back["predictions"]["before"], back["predictions"]["rows"], back["predictions"]["model"]) == ("2024-03-31", DUE * A_DAY, "m")
    assert f"it brings back what retention deleted: {DUE * A_DAY:,} rows of predictions of m in production before 2024-03-31" in place.err
    older = ("--workspace", str(tmp_path / "older"))
    assert main([*older, "audit", "log", "--json"]) == 0
    [noted] = [each for each in json.loads(place.capsys.readouterr().out)["rows"] if "brings back" in json.dumps(each)]
    assert f"{DUE * A_DAY:,} rows of labels" in json.dumps(noted)
    assert main([*older, "audit", "verify"]) == 0
    assert len(place.days()) == DAYS - DUE, "and here nothing came back"


def test_nobody_but_who_may_and_is_elevated_deletes(place: Place) -> None:
    place.rules(RULES + "people: {mara: operator}\n")
    words = ("retention", "apply", "m", "--confirm", "m", "--reason", "r")
    assert place.qd(*words) == 3 and "elevate first" in place.err
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUARTERDECK_ACTOR", "mara@bastion")
        assert place.qd(*words, "--elevate") == 3 and "apply-retention in production needs one of admin" in place.err
    assert len(place.days()) == DAYS
    assert open_workspace(place.root).settings.personal
