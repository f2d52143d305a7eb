"""What the tests of the watch share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def nothing_is_learnt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds leave the estimate step out, but where it is what is tested: each would start a process that loads scikit-learn."""
    if request.node.get_closest_marker("learns") is None:
        monkeypatch.setattr("console.watch.rounds.estimate_environment", lambda _sight: (0, []))
