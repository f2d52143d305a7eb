"""A job asks before it runs: by an exit code, by the check of its rows; and whoever looks at the model sees that it is held."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from acting_workspace import MODEL, NOW, Place
from pilots import console
from published_schemas import assert_fits
from test_overrides import lookout, passes
from test_verbs_that_act import Verb

from console.config import open_workspace
from console.control.ledger import read_state
from console.overrides import open_overrides
from console.watch.rounds import watch_once

CONTRACT = f"""format: 1
name: scores
model: {MODEL}
columns:
  - {{name: x, kind: numeric}}
"""


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    return Verb(place, capsys, monkeypatch)


def test_the_exit_code_keeps_a_job_from_running(qd: Verb) -> None:
    assert qd("held", MODEL) == 0 and "the job may run" in qd.out
    assert qd("hold", MODEL, "--confirm", MODEL, "--reason", "the feed is empty", "--for", "2h", "--owner", "ilse", who="mara") == 0
    assert "effective" in qd.out and "jobs held, read back" in qd.out
    assert qd("held", MODEL, "--pipeline", "nightly") == 1 and "the feed is empty" in qd.out
    assert qd("held", "--json") == 1
    assert_fits(qd.data, "held")
    [row] = qd.data["rows"]
    assert (row["model"], row["pipeline"], row["who"], row["owner"], row["until"]) == (
        MODEL,
        None,
        "mara@desk",
        "ilse",
        "2013-04-27T00:00:00Z",
    )
    assert qd("release-hold", MODEL, "--confirm", MODEL, "--reason", "it is back", "--elevate") == 0
    assert qd("held", MODEL) == 0


def test_one_pipeline_is_held_and_the_others_go_on(qd: Verb) -> None:
    assert qd("hold", MODEL, "--pipeline", "nightly", "--confirm", MODEL) == 0
    assert [qd("held", MODEL, "--pipeline", name) for name in ("nightly", "weekly")] == [1, 0]
    assert qd("held", MODEL) == 1, "which of its jobs asks is not said, so it does not run"


def test_a_file_that_cannot_be_read_holds_every_job(qd: Verb, place: Place) -> None:
    place.paths.pipelines.write_text("{ broken by hand")
    assert qd("held", MODEL) == 4 and "does not run" in qd.out
    assert open_overrides(place.paths, "production", NOW) == ("OVERRIDE unknown: pipelines.json cannot be read",)


def test_the_check_of_a_batch_fails_while_its_job_is_held_however_good_its_rows_are(qd: Verb, place: Place, tmp_path: Path) -> None:
    place.paths.contracts.mkdir(exist_ok=True)
    (place.paths.contracts / "scores.yaml").write_text(CONTRACT)
    rows = tmp_path / "today.csv"
    rows.write_text("x\n1\n2\n")
    check = ("contract", "check", MODEL, str(rows), "--fail-on", "critical", "--moment")
    assert qd(*check, "batch") == 0
    qd("hold", MODEL, "--confirm", MODEL, "--reason", "the feed is empty")
    assert qd(*check, "batch") == 1 and f"HELD {MODEL}: every job" in qd.out
    assert qd(*check, "training") == 0, "a hold is of jobs that score"
    assert qd(*check, "batch", "--json") == 1
    assert_fits(qd.data, "contract-check")
    assert qd.data["state"] != "critical" and qd.data["holds"][0]["reason"] == "the feed is empty"


def test_when_its_time_has_passed_it_stays_held_and_its_owner_is_asked_once(qd: Verb, place: Place) -> None:
    qd("hold", MODEL, "--confirm", MODEL, who="mara")
    assert open_overrides(place.paths, "production", NOW) == (f"OVERRIDE {MODEL} jobs held 4h00",)
    for hours in (3.9, 4.5, 5):
        passes(place, hours)
        workspace = open_workspace(place.root)
        watch_once(workspace, workspace.clock())
        asked = [each for each in read_state(place.paths).firing_alerts() if each.rule == "hold.overdue"]
        assert len(asked) == (hours > 4)
    assert "mara@desk decides" in asked[0].message.raw and f"release-hold {MODEL}" in asked[0].message.raw
    assert qd("held", MODEL) == 1 and "overdue 60m" in qd.out
    assert qd("actions", "--open", "--json") == 0
    assert [(row["kind"], row["asked"]) for row in qd.data["rows"]] == [("hold", "mara@desk")]
    qd("hold", MODEL, "--for", "2h", "--confirm", MODEL)
    workspace = open_workspace(place.root)
    watch_once(workspace, workspace.clock())
    assert not [each for each in read_state(place.paths).firing_alerts() if each.rule == "hold.overdue"]


def test_the_past_knows_what_was_held_then(qd: Verb, place: Place) -> None:
    qd("hold", MODEL, "--pipeline", "nightly", "--confirm", MODEL, "--reason", "the feed is empty")
    passes(place, 2)
    qd("release-hold", MODEL, "--pipeline", "nightly", "--confirm", MODEL, "--reason", "x", "--elevate")
    then = (NOW + timedelta(hours=1)).isoformat()
    assert qd("held", MODEL, "--as-of", then) == 1 and "nightly" in qd.out
    assert qd("held", MODEL, "--as-of", (NOW - timedelta(hours=1)).isoformat()) == 0
    assert qd("held", MODEL) == 0


def test_a_hold_stands_among_what_changed_and_no_effect_on_answers_is_claimed(qd: Verb, place: Place) -> None:
    qd("hold", MODEL, "--confirm", MODEL, "--reason", "the feed is empty")
    assert any(each.topic == "pipeline" and "free -> held" in each.message.raw for each in lookout(place).changes(MODEL).items)
    assert lookout(place).latest_effect(MODEL) is None


async def test_h_on_the_data_of_a_model_holds_its_jobs_and_again_lets_them_run(place: Place, qd: Verb) -> None:
    async with console(place) as screen:
        await screen.press("8")
        await screen.shows("H hold  ")
        await screen.opens("H")
        await screen.shows(f"HOLD {MODEL}  free -> held")
        await screen.signs()
        await screen.shows("jobs held, read back")
        await screen.press("q")
        await screen.shows(f"HELD {MODEL}: every job")
        await screen.shows(f"OVERRIDE {MODEL} jobs held 4h00")
        await screen.opens("H")
        await screen.shows(f"RELEASE HOLD OF {MODEL}  held -> free")
    assert qd("held", MODEL) == 1, "a plan lets nothing run"
