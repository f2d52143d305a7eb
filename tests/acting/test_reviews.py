"""Everything that waits for a person stands in one queue, what is overdue first, with who is asked and whom it goes to."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import console
from published_schemas import assert_fits
from test_broken_glass import POLICY
from test_out_of_doubt import killed_while_setting_the_fallback
from test_overrides import lookout, passes
from test_verbs_that_act import Verb

from backends.store.landing import land
from console.policies.load import PoliciesError, read_policies
from console.render.labels import labels_page
from console.render.waiting import reviews_page

LEVELS = """format: 1
escalations:
  - {id: request-unanswered, title: Nobody has voted, wait: approval, after: 2h, to: "ilse, 4711"}
  - {id: still-unanswered, title: Nobody at all, wait: approval, after: 6h, to: "the desk of {model}"}
"""


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


def waiting(qd: Verb, *words: str) -> dict[str, dict[str, Any]]:
    """The rows by kind; one of each."""
    qd("reviews", "--json", *words)
    assert_fits(qd.data, "reviews")
    assert len({row["kind"] for row in qd.data["rows"]}) == len(qd.data["rows"])
    return {row["kind"]: row for row in qd.data["rows"]}


def sent_to_people(place: Place, waits: float, oldest: float, hours_ago: float = 0.0, **labels: str) -> None:
    many = 2
    land(
        place.paths, "metrics",
        {"event_at": [NOW - timedelta(hours=hours_ago)] * many, "model": [MODEL] * many, "version": ["2"] * many,
         "layer": ["business"] * many, "name": ["reviews_waiting", "review_oldest_hours"], "value": [waits, oldest],
         "labels": [json.dumps(labels)] * many},
        now=NOW,
    )  # fmt: skip


def test_an_incident_that_nobody_has_taken_is_overdue_after_an_hour_and_with_the_owner_of_its_model(qd: Verb, place: Place) -> None:
    row = waiting(qd)["incident"]
    assert (row["id"], row["model"], row["asked"], row["verb"]) == ("INC-1", MODEL, "whoever takes it", "ack INC-1")
    passes(place, row["waited_hours"] * -1 + 0.9)
    assert qd("reviews") == 0, "not yet an hour old"
    passes(place, 0)
    assert qd("reviews") == 1
    assert waiting(qd)["incident"]["escalated_to"] == f"delays, who owns {MODEL}"
    assert qd("ack", "INC-1", who="mara") == 0
    assert "incident" not in waiting(qd), "whoever took it goes on without being asked"
    assert qd("reviews") == 0 and "Nothing waits for a person" in qd.out


def test_a_request_goes_up_level_by_level_until_it_is_voted_on_and_then_waits_for_its_requester(qd: Verb, place: Place) -> None:
    (place.paths.policies / "approvals.yaml").write_text(POLICY)
    (place.paths.policies / "escalations.yaml").write_text(LEVELS)
    assert qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="ines") == 0
    row = waiting(qd)["approval"]
    assert (row["id"], row["asked"], row["verb"]) == ("APR-1", "1 approver or admin, not ines", "approve APR-1")
    assert (row["overdue"], row["escalated_to"], row["next_to"]) == (False, None, "ilse, 4711")
    assert row["due_at"] == row["next_at"] == "2013-04-27T00:00:00Z"
    passes(place, 3)
    row = waiting(qd)["approval"]
    assert (row["overdue"], row["escalation"], row["escalated_to"]) == (True, "request-unanswered", "ilse, 4711")
    assert row["next_to"] == f"the desk of {MODEL}" and row["waited_hours"] == 3
    passes(place, 7)
    assert waiting(qd)["approval"]["escalated_to"] == f"the desk of {MODEL}"
    passes(place, 1)
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse") == 0, qd.err
    found = waiting(qd)
    assert "approval" not in found
    assert (found["execution"]["asked"], found["execution"]["verb"].split()[0]) == ("ines", "promote")
    assert "execution" not in waiting(qd, "--as-of", NOW.isoformat()), "at that moment it was not approved"


def test_broken_glass_waits_for_anybody_else_until_it_is_reviewed(qd: Verb, place: Place) -> None:
    (place.paths.policies / "approvals.yaml").write_text(POLICY)
    qd("kill", MODEL, "--confirm", MODEL, "--reason", "nobody answers", "--break-glass", who="mara")
    row = waiting(qd)["broken glass"]
    assert row["asked"] == "anybody but mara" and row["verb"] == f"review {row['id']}"
    assert row["due_at"] == "2013-04-27T10:00:00Z", "12 hours, before the 24 of its own"
    assert qd("review", row["id"], "--justified", "--reason", "it was", who="ilse") == 0
    assert "broken glass" not in waiting(qd)


def test_an_action_in_doubt_waits_for_who_began_it(qd: Verb, place: Place) -> None:
    action = killed_while_setting_the_fallback(place, applied=True)
    row = waiting(qd)["in doubt"]
    assert (row["id"], row["verb"]) == (action, f"action recheck {action}")
    qd("action", "recheck", action)
    assert "in doubt" not in waiting(qd)


def test_an_override_waits_for_its_owner_from_the_moment_its_time_has_passed(qd: Verb, place: Place) -> None:
    qd("kill", MODEL, "--confirm", MODEL, "--until", "2h", "--owner", "ilse", who="mara")
    qd("ack", "INC-1")
    assert "override" not in waiting(qd) and qd("reviews") == 0
    passes(place, 3)
    row = waiting(qd)["override"]
    assert (row["id"], row["asked"], row["overdue"], row["waited_hours"]) == (f"switch {MODEL}", "ilse", True, 1)
    assert row["escalated_to"] is None and row["next_to"] == f"delays, who owns {MODEL}"
    passes(place, 7)
    assert waiting(qd)["override"]["escalated_to"] == f"delays, who owns {MODEL}"
    assert qd("kill", MODEL, "--state", "fallback", "--until", "8h", "--confirm", MODEL) == 0
    assert "override" not in waiting(qd)
    qd("hold", MODEL, "--confirm", MODEL, "--for", "1h", "--owner", "otto", who="mara")
    passes(place, 9)
    assert [waiting(qd)["override"][name] for name in ("id", "asked")] == [f"hold {MODEL}", "otto"]


def test_scores_that_a_service_sends_to_people_are_as_old_as_it_says(qd: Verb, place: Place) -> None:
    qd("ack", "INC-1")
    sent_to_people(place, 4, 5.5, hours_ago=0.5, queue="uncertain", asked="crew desk")
    row = waiting(qd)["scores"]
    assert (row["id"], row["count"], row["asked"], row["waited_hours"]) == ("uncertain", 4, "crew desk", 6)
    assert qd("reviews") == 0
    passes(place, 19)
    assert waiting(qd)["scores"]["escalation"] == "scores-unreviewed" and qd("reviews") == 1
    [queue] = lookout(place).labels(MODEL).queues
    assert (queue.waiting, queue.oldest_hours, queue.old) == (4, 5.5, False)
    assert "4 wait in uncertain, the oldest 5h, asked: crew desk" in labels_page(lookout(place).labels(MODEL)).plain()
    sent_to_people(place, 0, 0, queue="uncertain", asked="crew desk")
    assert "scores" not in waiting(qd), "the newer count holds"


def test_what_cannot_be_read_is_no_empty_queue(qd: Verb, place: Place) -> None:
    place.paths.switches.write_text("{ broken by hand")
    assert qd("reviews") == 4 and "More may wait than is shown" in qd.out and "INC-1" in qd.out
    place.paths.switches.unlink()
    place.without_store()
    (place.paths.store).mkdir()
    (place.paths.store / "catalog.sqlite").write_text("no database")
    assert qd("reviews") == 4 and "INC-1" in qd.out


def test_the_longest_overdue_is_first_and_what_is_not_overdue_last(qd: Verb, place: Place) -> None:
    (place.paths.policies / "approvals.yaml").write_text(POLICY)
    qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="ines")
    qd("kill", MODEL, "--confirm", MODEL, "--until", "1h", "--reason", "x", "--break-glass", who="mara")
    passes(place, 2)
    view = lookout(place).reviews()
    assert [row.kind for row in view.rows] == ["incident", "override", "approval", "broken glass"]
    assert view.overdue == 2
    assert reviews_page(view).plain().startswith("Reviews  4 wait for a person, 2 overdue")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{id: a, title: A, wait: approval, after: 0h, to: ilse}", "more than nothing"),
        ("{id: a, title: A, wait: lunch, after: 1h, to: ilse}", "wait"),
        ('{id: a, title: A, wait: approval, after: 1h, to: "{boss}"}', "only {owner} and {model}"),
        ("{id: a, title: A, wait: approval, after: soon, to: ilse}", "no"),
    ],
)
def test_an_escalation_that_says_nothing_is_refused_with_its_line(place: Place, line: str, why: str) -> None:
    (place.paths.policies / "escalations.yaml").write_text(f"format: 1\nescalations:\n  - {line}\n")
    with pytest.raises(PoliciesError) as error:
        read_policies(place.paths.policies)
    assert error.value.problems[0].line == 3 and why in str(error.value)


async def test_g_q_opens_the_queue_and_enter_what_answers(place: Place, qd: Verb) -> None:
    (place.paths.policies / "approvals.yaml").write_text(POLICY)
    qd("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="ines")
    async with console(place) as found:
        await found.press("g", "q")
        await found.shows("2 wait for a person, 1 overdue")
        await found.press("enter")
        await found.until(lambda: found.app.screen.scope == "incident", "the incident")
        await found.press("q")
        await found.until(lambda: found.app.screen.scope == "reviews", "the queue")
        await found.press("j", "enter")
        await found.until(lambda: found.app.screen.scope == "approval" and found.app.screen.target == "APR-1", "the request")


TELLING = """format: 1
id: telling
version: 1
title: Tell somebody
owner: mara
verified_at: 2013-04-01
verified_by: mara
expires_at: 2030-01-01
applies_to: {rules: [model.late_gap], layer: model}
severity: critical
phases:
  mitigate:
    - {id: tell, kind: escalate, title: Tell the desk, contact: crew desk, message: The scores are off., timeout: 30m}
    - {id: write, kind: manual, title: Write it down, text: In the book.}
"""


def test_a_step_that_tells_somebody_waits_until_it_is_written_down_and_then_the_next_one_does(qd: Verb, place: Place) -> None:
    (place.root / "playbooks").mkdir(exist_ok=True)
    (place.root / "playbooks" / "telling.yaml").write_text(TELLING)
    qd("ack", "INC-1", who="mara")
    assert qd("playbook", "run", "telling", "--incident", "INC-1", who="mara") == 0, qd.err
    row = waiting(qd)["escalate step"]
    assert (row["what"], row["asked"]) == ("tell crew desk: The scores are off.", "mara")
    assert (row["verb"], row["due_at"]) == ("incident INC-1 --step tell", "2013-04-26T22:30:00Z")
    assert qd("playbook", "step", "RUN-1", "--done", "ilse took it", who="mara") == 0, qd.err
    found = waiting(qd)
    assert "escalate step" not in found and found["incident"]["what"] == "step 2 of 2, write: Write it down"
    assert qd("playbook", "step", "RUN-1", "--done", "in the book", who="mara") == 0
    assert waiting(qd)["incident"]["verb"] == "close INC-1"
