"""A desk whose journal is open already, for the key that is about to be pressed. Filled, taken and emptied from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.control.desk import Desk


class StandingBy:
    """Holds at most one desk, from when it is asked for until it is taken, or nobody needs it any more."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._desk: Desk | None = None
        self._over = False

    def fill(self, opened: Callable[[], Desk]) -> None:
        """Let the desk that `opened` gives stand by, unless one does or did. Nobody who takes waits for that."""
        desk = opened()
        desk.stand_by()
        with self._guard:
            if not self._over and self._desk is None:
                self._desk = desk
                return
        desk.close()

    def take(self) -> Desk | None:
        """The desk that stands by, which is its taker's from now on; None where there is none, and none is opened for it."""
        with self._guard:
            self._over = True
            desk, self._desk = self._desk, None
            return desk

    def empty(self) -> None:
        """Close the desk that nobody took."""
        desk = self.take()
        if desk is not None:
            desk.close()
