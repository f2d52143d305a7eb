"""A workspace whose switches are set by the verb, and the endpoint as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from endpoints import TOKEN, Endpoint, Switched

from console.config import init_workspace


@pytest.fixture(autouse=True)
def nothing_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests to this machine go to this machine, whatever the developer's environment says of proxies and secrets."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "QUARTERDECK_SECRETS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("QUARTERDECK_SECRET_OFREP_TOKEN", TOKEN)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def switched(tmp_path: Path) -> Switched:
    """Two models that the registry names; no switch was ever set."""
    init_workspace(tmp_path / "workspace", name="small", environments=("production", "staging"))
    found = Switched(tmp_path / "workspace")
    found.serves("delay", "1")
    found.serves("air-time", "3")
    return found


@pytest.fixture
def endpoint(switched: Switched) -> Iterator[Endpoint]:
    """`quarterdeck serve` over that workspace."""
    with Endpoint(switched.root) as found:
        yield found
