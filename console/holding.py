"""Holding what is called outside, in the words that a screen asks for: `open 2h WHY`, `closed 2h WHY`, `automatic WHY`."""

from __future__ import annotations

from typing import Final

from backends.durations import parse_duration
from console.acting import open_desk
from console.config import open_workspace
from console.control.actions import new_key
from console.control.errors import NotFound, Refused
from console.guards import guards_of
from console.session import Session

HOW: Final = "write: open 2h and why; closed 2h and why; or: automatic and why"


def hold(session: Session, name: str, words: str) -> str:
    """Hold the breaker `name` as `words` say, and say so in a line. Raises NotFound, Refused, BackendError or JournalUnavailable."""
    wanted, _, rest = words.strip().partition(" ")
    if wanted not in {"open", "closed", "automatic"}:
        raise Refused(HOW)
    workspace = open_workspace(session.located.root)
    known = [guard.name for guard in guards_of(workspace)]
    if name not in known:
        raise NotFound(f"no breaker {name}; there are: {', '.join(known) or 'none, nothing outside is called'}")
    environment = session.environment or workspace.environment
    with open_desk(workspace, environment, as_of=session.as_of, read_only=session.read_only) as desk:
        if wanted == "automatic":
            desk.let_breaker_go(name, reason=rest.strip(), key=new_key(), environment=environment)
            return f"breaker {name} is automatic again"
        length, _, reason = rest.strip().partition(" ")
        try:
            until = desk.clock.real_now() + parse_duration(length)
        except (ValueError, OverflowError):
            raise Refused(HOW) from None
        desk.hold_breaker(name, open_=wanted == "open", until=until, reason=reason.strip(), key=new_key(), environment=environment)
        return f"breaker {name} is held {wanted} for {length}, then you are asked"
