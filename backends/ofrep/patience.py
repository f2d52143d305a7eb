"""Connections that ask for nothing keep nobody out: each has so long for a question and its answer, and the idlest makes room.

Anybody who reaches the address can open connections, with no token at all. Left alone they would be counted until the server turns
everybody away, and with them whoever wants to know that a model was stopped.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


class PatientProtocol(H11Protocol):
    """HTTP/1.1 on one connection, for so long as it asks and listens."""

    most: ClassVar[int] = 512
    """Connections at once."""

    patience: ClassVar[float] = 10.0
    """Seconds from the opening, or from the last answer, to the end of the next answer."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most:
            others = [each for each in self.connections if isinstance(each, PatientProtocol) and each is not self]
            min(others, key=PatientProtocol.due).leave()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._wait()
        super().on_response_complete()

    def due(self) -> float:
        """When its patience ends, by the loop's clock."""
        return self._deadline.when() if self._deadline is not None else 0.0

    def leave(self) -> None:
        """Close it now, whatever it was about to say."""
        # At once, so that the next one is not counted against a connection that is on its way out.
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(self.patience, self.leave)
