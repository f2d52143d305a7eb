"""Leases, so that each step of the evaluator runs in one process at a time. They last by wall time: a simulated clock may stand still."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from backends.journal.journal import Journal
from backends.store.paths import WorkspacePaths
from console.clock import Clock
from console.control.holders import this_holder


@contextlib.contextmanager
def lease(paths: WorkspacePaths, name: str, ttl: timedelta, clock: Clock) -> Iterator[bool]:
    """Hold the lease `name` while inside; True when it was got, False while another process has it.

    A process that dies without giving it back loses it after `ttl`. Raises JournalUnavailable.
    """
    this = this_holder()
    holder = f"{this.host}/{this.pid}/{this.started}"
    journal = Journal(paths.control, paths.audit_head)
    try:
        held = journal.lease(name, holder, ttl, clock.real_now())
        try:
            yield held
        finally:
            if held:
                journal.release(name, holder)
    finally:
        journal.close()
