"""What a serving endpoint is once it listens."""

from __future__ import annotations

from console.views.health.model import View


class EndpointView(View):
    """Where flags are served, and who may ask."""

    url: str
    """What an OFREP provider takes as its base address."""
    health: str
    environment: str | None
    """The only environment that is served; None: every one."""
    authenticated: bool
    token_from: str | None
    """`keyring`, `environment` or `file`; None without a token."""
    version: int | None
    """Of `switches.json`; None when it cannot be read yet."""
