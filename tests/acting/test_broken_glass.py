"""Breaking the glass at the command line and on the screen: done at once, on the banner, and reviewed by somebody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from acting_workspace import MODEL, Place
from pilots import console
from published_schemas import assert_fits

from console.cli.main import main
from console.control.identity import Actor
from console.control.ledger import read_state

POLICY = """format: 1
people: {mara: operator, ines: releaser, ilse: approver, otto: approver, ada: admin}
approvals:
  - {action: promote, environments: [production], quorum: 1}
  - {action: restore, environments: [production], quorum: 1}
  - {action: kill, environments: [production], quorum: 1}
  - {action: fallback, environments: [production], quorum: 1}
  - {action: rollback, environments: [production], quorum: 1}
  - {action: abort, environments: [production], quorum: 1}
"""


@pytest.fixture
def qd(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    (place.paths.policies / "approvals.yaml").write_text(POLICY)

    def run(*words: str, who: str = "mara") -> tuple[int, str, str]:
        monkeypatch.setenv("QUARTERDECK_ACTOR", f"{who}@desk")
        code = int(main(["--workspace", str(place.root), *words]))
        return code, *capsys.readouterr()

    return run


def may_approve() -> str:
    """Those whose role lets them, and whoever owns the workspace."""
    names = sorted({"ada", "ilse", "otto", Actor.from_os().name})
    return f"{', '.join(names[:-1])} or {names[-1]} may"


def broken(qd: Any, place: Place, *words: str) -> str:
    """The fallback set by breaking the glass; the id of its review."""
    code, out, err = qd("kill", MODEL, "--confirm", MODEL, "--reason", "nobody answers", "--break-glass", *words)
    assert code == 0, out + err
    assert place.switch == "fallback"
    [review] = read_state(place.paths).reviews.values()
    return str(review.id)


def test_it_waits_without_and_is_done_at_once_with_it(qd: Any, place: Place) -> None:
    code, out, _ = qd("kill", MODEL, "--confirm", MODEL, "--reason", "late gap")
    assert code == 0 and "APR-1 waits" in out and place.switch == "normal"
    code, out, _ = qd("kill", MODEL, "--dry-run", "--json")
    agreed = json.loads(out)["agreement"]
    assert agreed == [f"1 approval by another person: {may_approve()}", "APR-1, asked for by mara: approved by nobody yet, 0 of 1"]
    told = " ".join(qd("kill", MODEL, "--state", "killed", "--dry-run")[1].split())
    assert f"agree 1 approval by another person: {may_approve()} approved within 24 h of asking, executed within 48 h" in told
    code, out, _ = qd("kill", MODEL, "--break-glass", "--dry-run")
    assert code == 0 and "breaking the glass, without 1 approval by another person" in " ".join(out.split())
    assert place.switch == "normal"
    broken(qd, place)


def test_the_reason_is_given_by_the_person_and_not_by_the_incident(qd: Any, place: Place) -> None:
    code, _, err = qd("kill", MODEL, "--confirm", MODEL, "--break-glass")
    assert code == 2 and "say why the glass is broken" in err and place.switch == "normal"


def test_a_promotion_is_refused_until_the_policy_opens_it(qd: Any, place: Place) -> None:
    words = ("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "the only fix", "--break-glass")
    code, out, err = qd(*words, who="ines")
    assert code == 3 and "only towards safety" in " ".join((out + err).split()) and place.version == "2"
    (place.paths.policies / "glass.yaml").write_text("format: 1\nbreak_glass: {beyond_safer: [promote], review_within: 2h}\n")
    code, out, err = qd(*words, who="ines")
    assert code == 0, out + err
    assert place.version == "3"


def test_to_a_person_alone_the_list_says_that_their_own_review_counts(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.paths.policies / "approvals.yaml").write_text(
        "format: 1\napprovals: [{action: fallback, environments: [production], quorum: 1}]\n"
    )
    monkeypatch.delenv("QUARTERDECK_ACTOR", raising=False)
    words = ("kill", MODEL, "--confirm", MODEL, "--reason", "nobody answers", "--break-glass")
    assert main(["--workspace", str(place.root), *words]) == 0
    capsys.readouterr()
    assert main(["--workspace", str(place.root), "approvals"]) == 0
    told = capsys.readouterr().out
    assert "1 waits for a review, your own counts (solo)" in told and "somebody else" not in told


def test_a_review_is_listed_shown_and_closed_by_somebody_else(qd: Any, place: Place) -> None:
    review = broken(qd, place)
    code, out, _ = qd("approvals", "--json")
    listed = json.loads(out)
    assert_fits(listed, "approvals")
    [row] = listed["reviews"]
    assert (code, row["id"], row["state"], row["outcome"], row["by"]) == (0, review, "open", "effective", "mara@desk")
    assert (row["kind"], row["from_"], row["to"], row["reason"]) == ("fallback", "normal", "fallback", "nobody answers")
    assert "1 waits for somebody else to look at it" in qd("approvals")[1]
    assert not listed["alone"]
    code, out, _ = qd("review", review, who="ilse")
    told = " ".join(out.split())
    assert code == 0 and "Glass broken by mara@desk" in told and "Done without: 1 approval by another person" in told
    assert "You are ilse: say whether it was justified" in told
    code, _, err = qd("review", review, "--justified", "--reason", "I was right")
    assert code == 3 and "needs one of" in err
    code, _, err = qd("review", review, "--justified", who="ilse")
    assert code == 2 and "--reason" in err
    code, out, _ = qd("review", review, "--not-justified", "--reason", "otto was on call", "--json", who="ilse")
    view = json.loads(out)
    assert_fits(view, "review")
    assert code == 0 and (view["review"]["state"], view["review"]["reviewed_by"]) == ("not justified", "ilse@desk")
    assert view["review"]["found"] == "otto was on call"
    code, _, err = qd("review", review, "--justified", "--reason", "no", who="ada")
    assert code == 3 and "reviewed already: not justified, by ilse@desk" in err
    assert qd("review", "REV-000000")[0] == 5
    assert qd("audit", "verify")[0] == 0
    log = qd("audit", "log", "--json")[1]
    assert "BREAK-GLASS" in log and "not justified: otto was on call" in log


def test_a_review_that_nobody_made_in_time_is_overdue(qd: Any, place: Place) -> None:
    (place.paths.policies / "glass.yaml").write_text("format: 1\nbreak_glass: {review_within: 1s}\n")
    review = broken(qd, place)
    clock = json.loads(place.paths.clock_json.read_text())
    clock["start"] = clock["start"].replace("22:00", "23:00")
    place.paths.clock_json.write_text(json.dumps(clock))
    [row] = json.loads(qd("approvals", "--json")[1])["reviews"]
    assert (row["id"], row["state"]) == (review, "overdue")


async def test_on_the_screen_b_breaks_the_glass_and_the_banner_says_so_until_a_review(
    qd: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "mara@desk")
    async with console(place, size=(120, 40)) as screen:
        await screen.opens("K")
        await screen.shows("-- Who must agree --")
        await screen.shows(f"1 approval by another person: {may_approve()}")
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen.scope == "fleet" and not screen.app.screen._pending, "back")
        await screen.opens("B")
        await screen.shows("breaking the glass, without 1 approval by another person")
        assert "INC-1" not in next(row for row in screen.rows if "Reason" in row), "the reason is not filled in"
        await screen.press(*MODEL, "tab")
        await screen.shows("reason first")
        await gives_a_reason(screen, "nobody answers")
        await screen.shows("switch = fallback, read back")
        review = next(iter(read_state(place.paths).reviews))
        await screen.press("q")
        await screen.shows(f"BREAK-GLASS {review} unreviewed")
    assert place.switch == "fallback"

    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    async with console(place, size=(80, 24)) as screen:
        await screen.shows(f"BREAK-GLASS {review} unreviewed")
        await screen.press("g", "a")
        await screen.shows("Done by breaking the glass: 1 waits")
        await screen.press("enter")
        await screen.until(lambda: screen.app.screen.scope == "action", "the action behind it")
        await screen.press("q")
        await screen.until(lambda: screen.app.screen.scope == "approvals" and not screen.app.screen._pending, "the list")
        await screen.opens("A")
        await screen.shows("Glass broken by mara@desk")
        await gives_a_reason(screen, "the right thing to do")
        await screen.shows(f"{review} is reviewed: justified")
        await screen.press("q")
        await screen.until(lambda: "BREAK-GLASS" not in screen.text, "the banner is quiet")
    assert not read_state(place.paths).open_reviews()


async def test_b_in_a_plan_that_waits_draws_it_again_without_the_approval(qd: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "mara@desk")
    async with console(place, size=(80, 24)) as screen:
        await screen.opens("K")
        await screen.shows("this waits for an approval")
        await screen.press("shift+tab", "B", "enter")
        assert "breaking the glass" not in screen.text, "in the reason it is a letter"
        await screen.press("d", "B")
        await screen.shows("breaking the glass, without 1 approval by another person")
        await screen.all_came_in()
        assert "INC-1" not in next(row for row in screen.rows if "Reason" in row), "the reason is not filled in"
        await screen.press(*MODEL, "tab")
        await screen.shows("reason first")
        assert place.switch == "normal"
        await gives_a_reason(screen, "nobody answers")
        await screen.shows("switch = fallback, read back")
    [review] = read_state(place.paths).open_reviews()
    assert review.reason == "nobody-answers" and place.switch == "fallback"


async def test_on_the_screen_of_a_rollout_b_ends_it_without_waiting_for_anybody(
    qd: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = ("traffic", MODEL, "shift", "--to", "3", "--percent", "10", "--reason", "April", "--confirm", MODEL)
    assert qd(*canary, who="ines")[0] == 0
    assert qd("approve", "APR-1", "--confirm", MODEL, who="ilse")[0] == 0
    assert qd(*canary, "--elevate", who="ines")[0] == 0
    monkeypatch.setenv("QUARTERDECK_ACTOR", "mara@desk")
    async with console(place, size=(120, 40)) as screen:
        await screen.press("W")
        await screen.until(lambda: screen.app.screen.scope == "release" and not screen.app.screen._pending, "Release")
        await screen.opens("D")
        await screen.shows("( Ask to end")
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen.scope == "release" and not screen.app.screen._pending, "back")
        await screen.opens("B")
        await screen.shows("breaking the glass, without 1 approval by another person")
        await screen.press(*MODEL, "tab")
        await gives_a_reason(screen, "it answers nonsense")
        await screen.shows("traffic = none, read back")
    [review] = read_state(place.paths).open_reviews()
    assert review.reason == "it-answers-nonsense"


async def test_whoever_broke_it_cannot_press_the_button_of_its_review(qd: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(qd, place)
    async with console(place, size=(80, 24)) as screen:
        await screen.press("g", "a")
        await screen.shows("Done by breaking the glass")
        await screen.opens("X")
        await screen.shows("you may not")
        await screen.shows("needs one of")


async def gives_a_reason(screen: Any, words: str) -> None:
    """Type it, go on, and press the button."""
    await screen.press("shift+tab", *words.replace(" ", "-"), "enter", "tab", "space")
