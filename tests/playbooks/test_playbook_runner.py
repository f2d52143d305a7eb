"""A run goes forward only by what is written, stops where a person is needed, and never does a thing twice."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from fake_host import CrashedError, FakeHost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.records import State
from backends.text import Untrusted
from playbooks.fold import fold
from playbooks.format import Playbook
from playbooks.host import HostError, PlanSummary, RunMovedError
from playbooks.run import Run, RunError, StepStatus
from playbooks.runner import Runner, RunRefusedError, start_run

HEAD = """
format: 1
id: test
version: 1
title: A test
owner: mara
verified_at: 2013-04-02
verified_by: ines
expires_at: 2013-07-01
applies_to: {rules: [model.late_gap], layer: model}
severity: critical
params: {model: {required: true}}
"""

FULL = (
    HEAD
    + """
phases:
  investigate:
    - {id: bug, kind: check, title: Data bug, check: data_bug, args: {model: "{model}"}}
    - {id: labels, kind: check, title: Labels, check: labels_sound, args: {model: "{model}"}}
  mitigate:
    - id: choose
      kind: decision
      title: Which
      suggest: {check: would_help, args: {model: "{model}"}}
      choices:
        - {id: fallback, title: Fallback, action: {kind: kill, args: {model: "{model}", state: fallback}},
           undo: {kind: restore, args: {model: "{model}"}}}
        - {id: rollback, title: Roll back, action: {kind: rollback, args: {model: "{model}"}},
           when: {check: previous_version, args: {model: "{model}"}}}
        - {id: wait, title: Wait}
    - {id: act, kind: action, title: Do it, from_decision: choose, evidence: [{check: switch}]}
    - id: helped
      kind: wait
      title: Did it help
      until: {check: signal, args: {model: "{model}"}}
      hold: 2h
      deadline: 6h
  learn:
    - {id: ask, kind: approval, title: Challenger, action: {kind: promote, args: {model: "{model}"}}}
    - {id: follow, kind: note, title: Follow-ups, text: Write them down, follow_up: true}
"""
)


def playbook(text: str) -> Playbook:
    from backends.yaml_text import validate_yaml

    return validate_yaml(text, Playbook, "test.yaml")


def steps(yaml_steps: str) -> Playbook:
    return playbook(HEAD + "phases:\n  mitigate:\n" + yaml_steps)


def begin(host: FakeHost, book: Playbook, driver: str | None = "mara", run: str = "RUN-1") -> Runner:
    start_run(host, run, book, actor="rule", params={"model": "arrival-delay"}, library={}, driver=driver)
    return Runner(host, run, "mara")


def would_help(host: FakeHost, best: str) -> None:
    host.answers["would_help"] = host.result(State.OK, "same rows", best=best, n=4304)


def go_through(host: FakeHost, runner: Runner) -> Run:
    """The whole incident, as a person does it."""
    would_help(host, "fallback")
    runner.answer_checks()
    runner.decide("fallback")
    runner.act(runner.plan(), confirmation="arrival-delay")
    for _ in range(9):
        host.step(1800)
        runner.poll()
    runner.ask_approval("v3 is better")
    host.answer_approval("approved")
    runner.poll()
    return runner.complete("retrain weekly")


def test_opening_a_run_answers_its_checks_and_stops_where_a_person_is_needed() -> None:
    host = FakeHost()
    would_help(host, "fallback")
    runner = begin(host, playbook(FULL), driver=None)
    run = runner.answer_checks()
    assert [state.status for state in run.steps.values()][:4] == ["done", "done", "waiting for a person", "pending"]
    assert run.cursor == "choose"
    assert run.steps["choose"].suggestion is not None
    assert run.steps["choose"].suggestion.choice == "fallback"
    assert host.asked[0].args == {"model": "arrival-delay"}
    assert host.effects == {}


def test_a_whole_run_succeeds_and_keeps_what_was_seen() -> None:
    host = FakeHost()
    run = go_through(host, begin(host, playbook(FULL)))
    assert run.outcome == "succeeded"
    assert next(iter(host.effects.values())).args == {"model": "arrival-delay", "state": "fallback"}
    assert "1 switch" in run.steps["act"].evidence
    assert run.steps["helped"].status is StepStatus.DONE


def test_the_wait_needs_the_signal_to_hold_and_starts_over_when_it_does_not() -> None:
    host = FakeHost()
    would_help(host, "fallback")
    runner = begin(host, playbook(FULL))
    runner.answer_checks()
    runner.decide("fallback")
    runner.act(runner.plan())
    runner.poll()
    host.step(3600)
    host.answers["signal"] = State.WARNING
    runner.poll()
    host.answers["signal"] = State.OK
    host.step(3600)
    runner.poll()
    host.step(3600)
    assert runner.poll().cursor == "helped"
    host.step(3600)
    assert runner.poll().cursor == "ask"


def test_what_a_wait_says_of_its_signal_is_at_most_an_hour_old() -> None:
    host = FakeHost()
    would_help(host, "fallback")
    runner = begin(host, playbook(FULL))
    runner.answer_checks()
    runner.decide("fallback")
    runner.act(runner.plan())
    host.answers["signal"] = State.UNKNOWN
    first = runner.poll()
    for _ in range(3):
        host.step(1000)
        assert len(runner.poll().events) == len(first.events), "an answer that stays the same is not written again at once"
    host.step(600)
    looked = runner.poll().steps["helped"].answer
    assert looked is not None and looked.at == host.now()


def test_a_wait_that_ends_by_its_deadline_is_a_failure_with_the_last_value() -> None:
    host = FakeHost()
    would_help(host, "fallback")
    host.answers["signal"] = host.result(State.CRITICAL, "gap +.338")
    runner = begin(host, playbook(FULL))
    runner.answer_checks()
    runner.decide("fallback")
    runner.act(runner.plan())
    runner.poll()
    host.step(6 * 3600)
    run = runner.poll()
    assert run.steps["helped"].status is StepStatus.FAILED
    assert "gap +.338" in run.steps["helped"].reason
    assert run.outcome is None
    host.answers["signal"] = State.OK
    runner.retry("the labels came late")
    for _ in range(6):
        host.step(1800)
        run = runner.poll()
    assert run.cursor == "ask"
    runner.ask_approval("v3")
    host.answer_approval("executed")
    runner.poll()
    assert runner.complete("done").outcome == "recovered"


def test_unknown_is_not_ok_for_a_wait_or_a_precondition() -> None:
    host = FakeHost()
    book = steps("    - {id: do, kind: action, title: Do, action: {kind: rollback}, requires: [{check: previous_version}]}\n")
    runner = begin(host, book)
    runner.answer_checks()
    host.answers["previous_version"] = HostError("registry down")
    with pytest.raises(RunRefusedError, match="registry down"):
        runner.act(runner.plan())
    assert host.effects == {}
    host.answers["previous_version"] = State.OK
    assert runner.act(runner.plan()).outcome == "succeeded"


def test_a_decision_keeps_suggested_beside_chosen_and_a_choice_that_does_not_apply_needs_a_reason() -> None:
    host = FakeHost()
    would_help(host, "rollback")
    host.answers["previous_version"] = host.result(State.CRITICAL, "v1 is gone")
    runner = begin(host, playbook(FULL))
    run = runner.answer_checks()
    assert run.steps["choose"].suggestion is not None
    assert run.steps["choose"].suggestion.choice is None
    with pytest.raises(RunRefusedError, match="v1 is gone"):
        runner.decide("rollback")
    runner.decide("rollback", "I rebuilt it")
    decided = next(event for event in host.log if event.kind == "decided")
    assert (decided.body["suggested"], decided.body["chosen"], decided.actor) == (None, "rollback", "mara")


def test_choosing_to_wait_does_nothing_and_says_so() -> None:
    host = FakeHost()
    would_help(host, "wait")
    runner = begin(host, playbook(FULL))
    runner.answer_checks()
    run = runner.decide("wait")
    assert run.steps["act"].status is StepStatus.SKIPPED
    assert "nothing to do" in run.steps["act"].reason
    assert host.submissions == {}


def test_only_the_driver_moves_a_run_and_taking_over_is_an_event() -> None:
    host = FakeHost()
    would_help(host, "fallback")
    begin(host, playbook(FULL)).answer_checks()
    ilse = Runner(host, "RUN-1", "ilse")
    with pytest.raises(RunRefusedError, match="mara drives run RUN-1; take it first"):
        ilse.decide("fallback")
    ilse.take()
    ilse.decide("fallback")
    taken = next(event for event in host.log if event.kind == "taken")
    assert (taken.actor, taken.body["previous"]) == ("ilse", "mara")


def test_a_run_that_nobody_took_refuses_steps_of_persons() -> None:
    host = FakeHost()
    runner = begin(host, playbook(FULL), driver=None)
    with pytest.raises(RunRefusedError, match="nobody drives"):
        runner.skip("why not")


def test_skipping_needs_a_reason_and_a_run_with_skips_is_partial() -> None:
    host = FakeHost()
    runner = begin(host, steps("    - {id: look, kind: manual, title: Look, text: Look at it}\n"))
    with pytest.raises(RunRefusedError, match="reason to skip"):
        runner.skip("  ")
    assert runner.skip("known already").outcome == "partial"


@pytest.mark.parametrize(
    ("on_fail", "cursor"),
    [("stop", "look"), ("{goto: last}", "last"), ("recovered", "middle")],
)
def test_a_failed_step_is_followed_by_what_it_declares_and_the_run_never_succeeds(on_fail: str, cursor: str) -> None:
    host = FakeHost()
    runner = begin(
        host,
        steps(
            f"    - {{id: look, kind: manual, title: Look, text: Look, on_fail: {on_fail}}}\n"
            "    - {id: middle, kind: manual, title: Middle, text: Do}\n"
            "    - {id: last, kind: manual, title: Last, text: Do}\n"
        ),
    )
    run = runner.fail("could not")
    assert run.cursor == cursor
    while runner.run.outcome is None:
        if runner.run.current is not None and runner.run.current.status is StepStatus.FAILED:
            runner.skip("done by hand")
        else:
            runner.complete()
    assert runner.run.outcome == "recovered"


def test_a_run_closed_at_a_failed_step_has_failed() -> None:
    host = FakeHost()
    runner = begin(host, steps("    - {id: look, kind: manual, title: Look, text: Look}\n"))
    runner.fail("could not")
    assert runner.close("handed to the vendor").outcome == "failed"
    with pytest.raises(RunRefusedError, match="is over: failed"):
        runner.skip("too late")


def test_a_check_is_tried_again_after_its_delay_and_then_fails() -> None:
    host = FakeHost()
    host.answers["signal"] = State.CRITICAL
    book = steps("    - {id: see, kind: check, title: See, check: signal, passes: [ok], retries: {count: 2, delay: 1m, backoff: 2}}\n")
    runner = begin(host, book)
    runner.answer_checks()
    assert len(host.asked) == 1
    runner.poll()
    assert len(host.asked) == 1
    host.step(60)
    runner.poll()
    host.step(60)
    runner.poll()
    assert len(host.asked) == 2
    host.step(60)
    run = runner.poll()
    assert len(host.asked) == 3
    assert run.steps["see"].status is StepStatus.FAILED


def test_a_step_that_does_not_apply_is_passed_over_but_one_that_cannot_be_judged_is_not() -> None:
    book = steps("    - {id: look, kind: manual, title: Look, text: Look, only_if: {check: challenger}}\n")
    host = FakeHost()
    host.answers["challenger"] = State.CRITICAL
    run = begin(host, book).answer_checks()
    assert run.outcome == "succeeded"
    assert run.steps["look"].automatic
    host = FakeHost()
    host.answers["challenger"] = State.UNKNOWN
    assert begin(host, book).answer_checks().cursor == "look"


def test_a_step_nobody_takes_in_time_fails() -> None:
    host = FakeHost()
    runner = begin(host, steps("    - {id: look, kind: manual, title: Look, text: Look, timeout: 30m}\n"))
    runner.answer_checks()
    host.step(1801)
    run = runner.poll()
    assert run.steps["look"].reason == "nobody took this step in time"


def test_a_lost_answer_is_in_doubt_and_a_recheck_finds_the_effect() -> None:
    host = FakeHost()
    host.behaviour["rollback"] = "lost"
    runner = begin(host, steps("    - {id: do, kind: action, title: Do, action: {kind: rollback}}\n"))
    run = runner.act(runner.plan())
    assert run.steps["do"].status is StepStatus.IN_DOUBT
    for forbidden in (lambda: runner.skip("go on"), lambda: runner.act(runner.plan()), lambda: runner.close("enough")):
        with pytest.raises(RunRefusedError, match="in doubt"):
            forbidden()
    assert runner.recheck().outcome == "succeeded"
    assert sum(host.submissions.values()) == 1


def test_in_doubt_can_be_sent_again_with_the_same_key_only() -> None:
    host = FakeHost()
    host.behaviour["rollback"] = "lost"
    runner = begin(host, steps("    - {id: do, kind: action, title: Do, action: {kind: rollback}}\n"))
    runner.act(runner.plan())
    host.behaviour.clear()
    assert runner.send_again().outcome == "succeeded"
    assert host.submissions == {"RUN-1:do:1": 2}
    assert len(host.effects) == 1


def test_in_doubt_can_be_settled_by_a_persons_word_with_a_reason() -> None:
    host = FakeHost()
    host.behaviour["rollback"] = "unsent"
    runner = begin(host, steps("    - {id: do, kind: action, title: Do, action: {kind: rollback}}\n"))
    runner.act(runner.plan())
    with pytest.raises(RunRefusedError, match="how you know"):
        runner.resolve(True, "")
    run = runner.resolve(False, "the registry was off")
    assert run.steps["do"].status is StepStatus.FAILED
    host.behaviour.clear()
    runner.retry("it is back")
    run = runner.act(runner.plan())
    assert run.outcome == "recovered"
    assert sorted(host.submissions) == ["RUN-1:do:1", "RUN-1:do:3"]


def test_an_action_is_taken_back_and_the_decision_taken_again() -> None:
    host = FakeHost()
    would_help(host, "fallback")
    runner = begin(host, playbook(FULL))
    runner.answer_checks()
    runner.decide("fallback")
    runner.act(runner.plan())
    run = runner.undo("act", runner.plan_undo("act"))
    assert [call.kind for call in host.effects.values()] == ["kill", "restore"]
    with pytest.raises(RunRefusedError, match="nothing to take back"):
        runner.undo("act", PlanSummary(sentence=Untrusted("again")))
    run = runner.reopen("choose", "it did not help")
    assert run.cursor == "choose"
    runner.decide("rollback", "next best")
    runner.act(runner.plan())
    assert [call.kind for call in host.effects.values()] == ["kill", "restore", "rollback"]
    assert len(host.effects) == len(set(host.effects))
    assert runner.run.final_outcome == "recovered"


def test_a_plan_that_is_refused_is_not_carried_out() -> None:
    host = FakeHost()
    runner = begin(host, steps("    - {id: do, kind: action, title: Do, action: {kind: rollback}}\n"))
    with pytest.raises(RunRefusedError, match="you are a viewer"):
        runner.act(PlanSummary(sentence=Untrusted("x"), refusal=Untrusted("you are a viewer")))
    assert host.submissions == {}


def test_a_rejected_approval_fails_its_step() -> None:
    host = FakeHost()
    runner = begin(host, steps("    - {id: ask, kind: approval, title: Ask, action: {kind: promote}}\n"))
    runner.ask_approval("better")
    with pytest.raises(RunRefusedError, match="APR-1 is filed already"):
        runner.ask_approval("better")
    host.answer_approval("rejected")
    run = runner.poll()
    assert run.steps["ask"].reason == "rejected: rejected by ilse"


def test_a_run_keeps_the_playbook_it_started_with() -> None:
    host = FakeHost()
    runner = begin(host, steps("    - {id: look, kind: manual, title: Look, text: Look}\n"))
    started = host.log[0]
    assert started.body["digest"] == runner.run.playbook.digest
    changed = started.model_copy(update={"body": {**started.body, "playbook": {**started.body["playbook"], "title": "B"}}})
    with pytest.raises(RunError, match="another content"):
        fold([changed])


def test_two_consoles_cannot_both_press_the_button() -> None:
    host = FakeHost()
    first = begin(host, steps("    - {id: do, kind: action, title: Do, action: {kind: rollback}}\n"))
    first.answer_checks()
    second = Runner(host, "RUN-1", "mara")
    plan = second.plan()
    first.act(plan)
    with pytest.raises(RunRefusedError, match="is over"):
        second.act(plan)
    assert sum(host.submissions.values()) == 1
    with pytest.raises(RunMovedError):
        start_run(host, "RUN-1", first.run.playbook, actor="x", params={"model": "m"}, library={})


def test_an_outcome_is_not_lost_when_a_reader_writes_a_note_meanwhile() -> None:
    class NotedHost(FakeHost):
        def submit(self, *args: Any, **kwargs: Any) -> Any:
            outcome = super().submit(*args, **kwargs)
            Runner(self, "RUN-1", "ilse").note("looks good from here")
            return outcome

    host = NotedHost()
    runner = begin(host, steps("    - {id: do, kind: action, title: Do, action: {kind: rollback}}\n"))
    assert runner.act(runner.plan()).outcome == "succeeded"


def test_a_called_playbook_runs_in_place_with_its_own_values() -> None:
    called = playbook(
        HEAD.replace("id: test", "id: look-at-data")
        + "phases:\n  investigate:\n"
        + "    - {id: a, kind: check, title: A, check: data_bug, args: {model: '{model}'}, passes: [ok], on_fail: {goto: end}}\n"
        + "    - {id: b, kind: manual, title: B, text: 'Look at {model}'}\n"
    )
    caller = steps(
        "    - {id: data, kind: playbook, title: Data, playbook: look-at-data, params: {model: 'the {model}'}}\n"
        "    - {id: last, kind: manual, title: Last, text: Done}\n"
    )
    host = FakeHost()
    host.answers["data_bug"] = State.CRITICAL
    start_run(host, "R", caller, actor="mara", params={"model": "m"}, library={"look-at-data": called}, driver="mara")
    run = Runner(host, "R", "mara").answer_checks()
    assert list(run.steps) == ["data.a", "data.b", "last"]
    assert host.asked[0].args == {"model": "the m"}
    assert run.steps["data.b"].step.text == "Look at the m"
    assert run.cursor == "last"


CHOICES = ("fallback", "rollback", "wait")


def _press(runner: Runner, host: FakeHost, draw: Any) -> None:
    """One thing that a person, or time, may do; refusals are part of life."""
    what = draw(
        st.sampled_from(
            ["poll", "poll", "open", "decide", "act", "act", "skip", "ask", "approve", "complete", "retry", "undo", "reopen",
             "recheck", "resolve", "again", "take"]
        )
    )  # fmt: skip
    host.step(draw(st.sampled_from([0, 60, 3600, 30_000])))
    host.behaviour = dict.fromkeys(("kill", "rollback", "restore"), draw(st.sampled_from(["effective", "failed", "lost", "unsent"])))
    host.answers["signal"] = draw(st.sampled_from([State.OK, State.CRITICAL, State.UNKNOWN]))
    steps_by_name = {
        "poll": runner.poll,
        "open": runner.answer_checks,
        "take": runner.take,
        "decide": lambda: runner.decide(draw(st.sampled_from(CHOICES)), "because"),
        "act": lambda: runner.act(runner.plan()),
        "skip": lambda: runner.skip("because"),
        "ask": lambda: runner.ask_approval("because"),
        "approve": lambda: host.answer_approval(draw(st.sampled_from(["approved", "rejected", "expired"]))),
        "complete": lambda: runner.complete("text"),
        "retry": runner.retry,
        "undo": lambda: runner.undo("act", runner.plan_undo("act")),
        "reopen": lambda: runner.reopen("choose", "because"),
        "recheck": runner.recheck,
        "resolve": lambda: runner.resolve(draw(st.booleans()), "I looked"),
        "again": runner.send_again,
    }
    with contextlib.suppress(RunRefusedError):
        steps_by_name[what]()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_happens_and_wherever_it_crashes_a_run_is_whole_and_nothing_is_done_twice(data: st.DataObject) -> None:
    host = FakeHost()
    would_help(host, data.draw(st.sampled_from(CHOICES)))
    runner = begin(host, playbook(FULL))
    said_done = set()
    for _ in range(data.draw(st.integers(1, 25))):
        host.calls_until_crash = data.draw(st.none() | st.integers(0, 6))
        host.crash_after_effect = data.draw(st.booleans())
        with contextlib.suppress(CrashedError):
            _press(runner, host, data.draw)
        host.calls_until_crash = None
        runner = Runner(host, "RUN-1", "mara")  # another process, from the events alone
        run = runner.run

        # Every announced action is done, not done, or in doubt; what is called done was really done, once.
        keys = [event.body["key"] for event in host.log if event.kind == "intended"]
        assert set(host.effects) <= set(keys), "an effect without an intent before it"
        for state in run.steps.values():
            for intent in state.intents:
                if intent.outcome and intent.outcome.state == "effective" and not intent.approval and not intent.resolved_by:
                    assert intent.key in host.effects
                if intent.key in host.effects and intent.outcome and intent.outcome.state == "failed":
                    assert intent.resolved_by, "an effect reported as not done by nobody's word"
        # Sent again only with the same key: a new key only once the last intent of the step is over.
        for state in run.steps.values():
            assert sum(1 for intent in state.intents if intent.in_doubt) <= 1
        if run.in_doubt and run.outcome is None:
            before = dict(host.submissions)
            runner.poll()
            assert host.submissions == before, "something in doubt was sent without anybody asking"
        if run.outcome == "succeeded":
            assert not any(event.kind == "failed" for event in host.log)
            assert not any(state.status is StepStatus.FAILED for state in run.steps.values())
        said_done |= {event.seq for event in host.log if event.kind == "ended"}
    assert len(said_done) <= 1
    assert fold(host.log).cursor == runner.reload().cursor


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.booleans())
def test_a_crash_at_any_point_of_a_whole_run_is_resumed_to_its_end(point: int, after_effect: bool) -> None:
    """One crash anywhere; the next person looks, rechecks and goes on: the action took effect exactly once."""
    host = FakeHost()
    would_help(host, "fallback")
    begin(host, playbook(FULL))
    host.calls_until_crash, host.crash_after_effect = point, after_effect
    for _ in range(60):
        try:
            runner = Runner(host, "RUN-1", "mara")
            run = runner.poll()
            if run.outcome:
                break
            if run.in_doubt:
                runner.recheck()
            elif run.current and run.current.status is StepStatus.FAILED:
                runner.retry()
            elif run.cursor == "choose":
                runner.decide("fallback")
            elif run.cursor == "act":
                runner.act(runner.plan())
            elif run.cursor == "ask" and run.steps["ask"].approval is None:
                runner.ask_approval("better")
            elif run.cursor == "follow":
                runner.complete("retrain")
            host.answer_approval("approved")
            host.step(3600)
        except CrashedError:
            host.calls_until_crash = None
    run = fold(host.log)
    assert run.outcome in {"succeeded", "recovered"}
    assert [call.kind for call in host.effects.values()] == ["kill"]
    assert len(host.requests) == 1


def test_time_does_not_settle_what_is_in_doubt() -> None:
    host = FakeHost()
    host.behaviour["rollback"] = "lost"
    runner = begin(host, steps("    - {id: do, kind: action, title: Do, action: {kind: rollback}, timeout: 30m}\n"))
    runner.act(runner.plan())
    host.step(7200)
    assert runner.poll().steps["do"].status is StepStatus.IN_DOUBT
