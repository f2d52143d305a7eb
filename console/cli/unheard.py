"""Standard output whose reader may go away: what a verb does, and how it says it ended, must not depend on who listens."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LISTENED_TO: Final = frozenset({"watch", "serve", "demo"})
"""Verbs that go on until somebody ends them: they end with whoever reads them."""


class Unheard(io.RawIOBase):
    """Writes to a descriptor; once nobody reads there any more, to nowhere."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.gone = False
        """Whether the reader went away."""
        self.failed: OSError | None = None
        """Why no more could be written where something should have been kept: a full disk, for one."""

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, content: ReadableBuffer) -> int:
        try:
            return os.write(self._descriptor, content)
        except BrokenPipeError:
            self.gone = True
        except BlockingIOError:
            raise
        except OSError as error:
            self.failed = error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._descriptor)
        os.close(nowhere)
        return os.write(self._descriptor, content)


def outlive_the_reader() -> None:
    """From now on a reader that goes away (`qd audit verify | head -1`) ends nothing half-way and changes no exit code."""
    given = sys.stdout
    if given is not sys.__stdout__ or not isinstance(given, io.TextIOWrapper) or given.isatty():
        return
    given.flush()
    raw = Unheard(given.fileno())
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding=given.encoding, errors=given.errors, newline="\n")


def nobody_listens() -> bool:
    """Whether the reader of standard output is known to be gone: for what only writes, and whose end says nothing more."""
    raw = _raw()
    return raw is not None and (raw.gone or raw.failed is not None)


def what_cut_it_off() -> OSError | None:
    """Why not everything that was said stands where standard output goes; None where it does, or where nobody wanted the rest."""
    raw = _raw()
    return raw.failed if raw is not None else None


def _raw() -> Unheard | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, Unheard) else None
