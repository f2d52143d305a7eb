"""How often a screen reads again: at once for what somebody did, for a fifth of the time at most for facts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from console.session import Stamp

READING_SHARE: Final = 0.2
"""Of the time, at most, that a screen reads again for facts alone: they may land all the time. What somebody does is read at once."""


class Pace:
    """What a screen read last, and until when it rests. `monotonic` tells seconds that only grow."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._read: Stamp | None = None
        self._rests_until = 0.0

    def due(self, stamp: Stamp) -> bool:
        """Whether what is on disk by now is a reason to read again."""
        if stamp == self._read:
            return False
        return self._read is None or stamp.done != self._read.done or self._monotonic() >= self._rests_until

    def reads(self, stamp: Stamp) -> None:
        """What is read from here on has seen `stamp`, which is taken before reading: what changes meanwhile is read again."""
        self._read = stamp

    @contextmanager
    def timed(self) -> Iterator[None]:
        """A look that takes long is followed by a long rest."""
        begun = self._monotonic()
        try:
            yield
        finally:
            ended = self._monotonic()
            self._rests_until = ended + (ended - begun) * (1 / READING_SHARE - 1)
