"""Which process is carrying an action out, and whether it is still there to tell how it ended."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from backends.host import host_name
from console.control.actions import ActionState
from console.control.records import ActionRecord, Holder
from console.control.state import ControlState

_carrying: set[str] = set()
_guard = threading.Lock()


class AlreadyCarried(Exception):
    """Another thread of this process is carrying the same key out."""


@contextlib.contextmanager
def carrying(key: str) -> Iterator[None]:
    """Mark `key` as being carried out by this process. Raises AlreadyCarried."""
    with _guard:
        if key in _carrying:
            raise AlreadyCarried(key)
        _carrying.add(key)
    try:
        yield
    finally:
        with _guard:
            _carrying.discard(key)


def this_holder() -> Holder:
    """This process."""
    return Holder(host=host_name(), pid=os.getpid(), started=_this_started(os.getpid()))


@lru_cache(maxsize=1)
def _this_started(pid: int) -> str:
    """When this process started: a fact that stays, until it forks and has another pid."""
    return process_started(pid)


def holder_alive(action: ActionRecord) -> bool:
    """Whether somebody is still carrying `action` out; a process on another host cannot be seen and counts as gone."""
    holder = action.holder
    if holder is None or holder.host != host_name():
        return False
    if holder.pid == os.getpid() and holder.started == _this_started(os.getpid()):
        return action.key in _carrying
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return not holder.started or process_started(holder.pid) == holder.started


def under_way(action: ActionRecord) -> bool:
    """Whether somebody is carrying `action` out: who wrote down that it is in doubt has let go of it, however long they live on."""
    return action.state in {ActionState.INTENDED, ActionState.SENT} and not action.awaits and holder_alive(action)


def with_doubts(read: Callable[[], ControlState]) -> ControlState:
    """What `read` gives, with each unfinished action marked: in flight, or in doubt because nobody carries it out any more.

    Looks twice: a process that was gone at the first look may have written its outcome just before it went, and only the second
    look is sure to see that.
    """
    state = read()
    abandoned = {action.id for action in state.open_actions() if not action.awaits and not holder_alive(action)}
    if not abandoned:
        return state.with_live_holders(lambda _: True)
    return read().with_live_holders(lambda action: action.id not in abandoned)


def process_started(pid: int) -> str:
    """When a process started, as Linux counts it; empty elsewhere, and for one that has ended but was not waited for."""
    try:
        # Fields 3 and 22 of /proc/PID/stat; the name in field 2 may itself hold blanks and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[19] if len(fields) > 19 and fields[0] not in {"Z", "X"} else ""
