"""Serving the kill switches over HTTP: which address, which token, and an orderly end."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final

from backends.ofrep.published import Watched
from backends.secrets import FoundSecret, find_secret

if TYPE_CHECKING:
    from pydantic import SecretStr

SECRET: Final = "ofrep-token"
SHORTEST_TOKEN: Final = 16

SECONDS_TO_END: Final = 5
"""How long requests that are under way may take once the end was asked for."""


class NotServed(Exception):
    """It cannot be served like this: one line, and what to do.

    `usage` when the words of the command are what is wrong, `missing` when something has to be installed.
    """

    def __init__(self, message: str, *, usage: bool = False, missing: bool = False) -> None:
        super().__init__(message)
        self.usage, self.missing = usage, missing


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that was bound, and what its address is called."""

    socket: socket.socket
    url: str


def require_extra() -> None:
    """Raises NotServed when the packages that serving needs are not installed."""
    try:
        for package in ("starlette", "uvicorn"):
            import_module(package)
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        raise NotServed(f"serving needs {name}, which is not installed: install quarterdeck[serve]", missing=True) from None


def token_for(host: str, *, none: bool) -> FoundSecret | None:
    """The token that callers must show; None when that was asked for, which only this machine's own addresses allow.

    Raises NotServed or SecretUnavailable.
    """
    if none:
        if not loopback(host):
            raise NotServed(f"{host} can be reached from other machines: without a token only 127.0.0.1, ::1 and localhost are served")
        return None
    found = find_secret(SECRET, os.environ)
    if len(found.value.get_secret_value()) < SHORTEST_TOKEN:
        raise NotServed(f"secret {SECRET} has fewer than {SHORTEST_TOKEN} characters, so it can be guessed: set a longer one")
    return found


def loopback(host: str) -> bool:
    """Whether every address that `host` stands for is this machine's own. A name that stands for none is not."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(str(each).partition("%")[0]).is_loopback for each in found)


def listen(host: str, port: int) -> Listening:
    """Bind and listen; port 0 takes any that is free. Raises NotServed."""
    if not 0 <= port <= 65_535:
        raise NotServed(f"{port} is no port", usage=True)
    try:
        # The older family first: `localhost` means 127.0.0.1 to most callers.
        family, _, _, _, address = min(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), key=lambda each: each[0])
        bound = socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        raise NotServed(f"{host}, port {port}: {error.strerror or error}; choose another with --port, or end what listens there") from None
    taken = bound.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    return Listening(bound, f"http://{shown}:{taken}")


def serve(
    listening: Listening,
    watched: Watched,
    now: Callable[[], datetime],
    *,
    token: SecretStr | None,
    environment: str | None,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGTERM or an interrupt; what is under way is finished first. Call `require_extra` before."""
    import uvicorn  # the extra of this verb alone

    from backends.ofrep.application import application
    from backends.ofrep.patience import PatientProtocol

    class Server(uvicorn.Server):
        """Says when it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    app = application(watched, now, token=None if token is None else token.get_secret_value(), environment=environment)
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=PatientProtocol.most + 1,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    # The server gives a signal back to whoever had it before: the end that was asked for is an ordinary one.
    signal.signal(signal.SIGTERM, lambda *_: None)
    Server(config).run(sockets=[listening.socket])
