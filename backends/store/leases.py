"""Leases in the catalogue: readers of a generation, and steps that one process does at a time.

They are an agreement between processes of this machine, so they follow the file's own clock (`unixepoch()`), never the workspace's
simulated one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from backends.host import host_name
from backends.store.catalogue_file import CatalogueFile
from backends.store.errors import StoreBusy

READER_LEASE_S: Final = 3600
"""Seconds after which a reader is taken for lost, even if its process seems alive; readers live for one refresh."""


class Leases(CatalogueFile):
    """Taking, extending and giving back."""

    def oldest_needed(self) -> int:
        """The oldest generation that a living reader may be reading; the newest when there is none. Forgets dead readers."""
        with self._transaction() as connection:
            now = connection.execute("SELECT unixepoch()").fetchone()[0]
            for number, host, pid, started, expires in connection.execute("SELECT id, host, pid, started, expires FROM readers").fetchall():
                if expires <= now or (host == _host() and not _alive(pid, started)):
                    connection.execute("DELETE FROM readers WHERE id = ?", (number,))
            oldest = connection.execute("SELECT min(generation) FROM readers").fetchone()[0]
            newest = connection.execute("SELECT max(id) FROM generations").fetchone()[0] or 0
        return int(newest if oldest is None else min(oldest, newest))

    # readers

    def take_reader_lease(self) -> tuple[int, int]:
        """Lease the newest generation: (lease, generation)."""
        with self._transaction() as connection:
            generation = connection.execute("SELECT max(id) FROM generations").fetchone()[0] or 0
            pid = os.getpid()
            lease = connection.execute(
                "INSERT INTO readers (generation, host, pid, started, expires) VALUES (?, ?, ?, ?, unixepoch() + ?)",
                (generation, _host(), pid, process_start(pid), READER_LEASE_S),
            ).lastrowid
        return int(lease or 0), int(generation)

    def release_reader_lease(self, lease: int) -> None:
        """Give a lease back."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM readers WHERE id = ?", (lease,))

    def readers(self) -> list[tuple[int, int]]:
        """(pid, generation) of every lease on record, for `doctor`."""
        return [(int(pid), int(generation)) for pid, generation in self._read("SELECT pid, generation FROM readers")]

    # named leases

    def take_lease(self, name: str, holder: str, ttl: timedelta, now: datetime) -> None:
        """Hold `name` until `now + ttl`. Raises StoreBusy when another living holder has it; one's own is extended."""
        pid = os.getpid()
        with self._transaction() as connection:
            row = connection.execute("SELECT holder, host, pid, started, expires_at FROM named_leases WHERE name = ?", (name,)).fetchone()
            if row is not None:
                found, host, held_by, started, expires_at = row
                own = found == holder and host == _host() and held_by == pid
                over = datetime.fromisoformat(expires_at) <= now or (host == _host() and not _alive(held_by, started))
                if not own and not over:
                    raise StoreBusy(f"{name} is under way: {found} (process {held_by} on {host}) holds it until {expires_at}")
            connection.execute(
                "INSERT OR REPLACE INTO named_leases VALUES (?, ?, ?, ?, ?, ?)",
                (name, holder, _host(), pid, process_start(pid), (now + ttl).isoformat()),
            )

    def release_lease(self, name: str, holder: str) -> None:
        """Let `name` go, if `holder` in this process still has it."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM named_leases WHERE name = ? AND holder = ? AND pid = ?", (name, holder, os.getpid()))

    @contextlib.contextmanager
    def lease(self, name: str, holder: str, ttl: timedelta, now: datetime) -> Iterator[None]:
        """Hold a named lease for the length of a block. Raises StoreBusy at once when somebody else has it."""
        self.take_lease(name, holder, ttl, now)
        try:
            yield
        finally:
            self.release_lease(name, holder)


def _host() -> str:
    return host_name()


def process_start(pid: int) -> str:
    """When a process started, in the kernel's ticks, so that a reused pid is told apart; empty when the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _alive(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not started or process_start(pid) in {started, ""}
