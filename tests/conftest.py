"""What every test may rely on: no workspace of the developer's, no network, one time zone."""

from __future__ import annotations

import os
import socket
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long one example takes says how busy the machine is: what has a budget is measured by tests.benchmarks.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

os.environ["TZ"] = "UTC"
os.environ["LC_ALL"] = "C.UTF-8"
for name in ("QUARTERDECK_WORKSPACE", "QUARTERDECK_ACTOR", "NO_COLOR", "COLORTERM"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, so that nothing of the developer's is read or written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / ".local" / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.delenv("QUARTERDECK_SECRETS_FILE", raising=False)
    return home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest module that looks at the demo builds it and starts first, the others come last: no process waits for the build."""
    looking = Counter(item.path for item in items if _looks_at_the_demo(item))
    builder = max(looking, key=looking.__getitem__, default=None)
    items.sort(key=lambda item: 1 if not _looks_at_the_demo(item) else 0 if item.path == builder else 2)


def _looks_at_the_demo(item: pytest.Item) -> bool:
    return "built_demo" in getattr(item, "fixturenames", ())


@pytest.fixture(autouse=True)
def nothing_is_learnt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch leaves the estimate step out, but where it is what is tested: it would start a process that loads scikit-learn."""
    if request.node.get_closest_marker("learns") is None:
        monkeypatch.setattr("console.watch.rounds.estimate_environment", lambda _sight: (0, []))


_connect = socket.socket.connect


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but this machine fails the test."""

    def connect(self: socket.socket, address: object) -> None:
        if (
            self.family in {socket.AF_INET, socket.AF_INET6}
            and isinstance(address, tuple)
            and address[0] not in {"127.0.0.1", "::1", "localhost"}
        ):
            raise AssertionError(f"a test tried to reach {address!r}")
        _connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)
