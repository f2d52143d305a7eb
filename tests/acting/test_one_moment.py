"""Where a simulated clock stands, everything is done in one moment: its order is still the one in which it was done."""

from __future__ import annotations

from acting_workspace import MODEL, Place
from test_verbs_that_act import Verb, qd  # noqa: F401 - a fixture is found by its name

from console.config import open_workspace
from console.views.health.latest_action import latest_effective
from console.views.sight import Sight

STATES = ("degraded", "fallback", "killed")


def test_what_was_done_last_stands_first_and_is_what_is_watched(qd: Verb, place: Place) -> None:  # noqa: F811 - the fixture that is imported
    for state in STATES:
        assert qd("kill", MODEL, "--state", state, "--confirm", MODEL) == 0
    qd("actions", "--json")
    rows = [row for row in qd.data["rows"] if row["movement"].endswith(STATES)]
    assert len({row["at"] for row in rows}) == 1, "the clock stood"
    assert [row["movement"].split()[-1] for row in rows] == ["killed", "fallback", "degraded"]
    qd("switches", "--json")
    assert [row["to"] for row in qd.data["changes"]] == ["killed", "fallback", "degraded"]
    qd("changes", MODEL, "--json")
    said = [row["message"] for row in qd.data["items"] if row["topic"] == "switch" and row["source"] == "control"]
    assert [next(state for state in STATES if f"-> {state}" in each) for each in said] == ["killed", "fallback", "degraded"]
    workspace = open_workspace(place.root)
    watched = latest_effective(Sight(workspace, "production", workspace.clock()), MODEL)
    assert watched is not None and watched.to == "killed"
