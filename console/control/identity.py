"""Who acts: the operating system's user, with what SSH and sudo say as hints.

Hints are recorded, not trusted: environment variables can be forged by their own user. In a workspace with a simulated clock
`QUARTERDECK_ACTOR=ilse@desk` plays another person, and the record says so.
"""

from __future__ import annotations

import os
import pwd
import re
from typing import Final

from pydantic import BaseModel, ConfigDict

from backends.host import short_host_name
from backends.records import Name
from console.clock import Clock

PLAYED_VARIABLE: Final = "QUARTERDECK_ACTOR"
_PLAYED = re.compile(r"[^\s@]{1,64}(@[^\s@]{1,128})?")


class Actor(BaseModel):
    """A person or a program that acts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    """The person: four eyes and quorum count these."""
    host: Name
    uid: int | None = None
    tty: str | None = None
    ssh: str | None = None
    """Address that the SSH session came from, as the session says."""
    sudo: str | None = None
    """The account that was acted through, when `name` came through sudo."""
    behind: str | None = None
    """Who acts through the account `name`, as sudo says, where that is another person's or a shared one."""
    played: bool = False
    """True when the name was given and not taken from the operating system."""
    program: bool = False
    """True for a rule or the evaluator: programs open alerts and incidents, delete what retention rules leave to them, and no more."""

    @property
    def who(self) -> str:
        """`mara@bastion`; a program by its name alone."""
        return self.name if self.program else f"{self.name}@{self.host}"

    @classmethod
    def from_os(cls) -> Actor:
        """The user of this process."""
        uid = os.getuid()
        account = _account(uid)
        through_sudo = _known(_hint("SUDO_USER"))
        person = through_sudo if uid == 0 else None
        return cls(
            name=person or account,
            host=short_host_name(),
            uid=uid,
            tty=_terminal(),
            ssh=_hint("SSH_CONNECTION").split(" ")[0][:64] or None,
            sudo=account if person else None,
            behind=through_sudo if uid != 0 and through_sudo != account else None,
        )

    @classmethod
    def named(cls, name: str, *, host: str = "local", played: bool = True) -> Actor:
        """A person by name, for demonstrations and tests; only a simulated clock accepts one."""
        return cls(name=name, host=host, played=played)

    @classmethod
    def of_program(cls, name: str) -> Actor:
        """A rule or the evaluator, running as the user of this process."""
        return cls(name=name, host=short_host_name(), uid=os.getuid(), program=True)


def not_of(actor: Actor, owner: int, *, simulated: bool) -> str | None:
    """Why the user `owner` of the operating system cannot have written for `actor`; None where they may have.

    `simulated`: in a workspace whose clock is simulated anybody plays anybody. Root could have written whatever it likes.
    """
    if owner == 0:
        return None
    account = _account(owner)
    if actor.uid is not None and actor.uid != owner:
        return f"uid {owner} ({account}) wrote it, in the name of {actor.name} (uid {actor.uid})"
    if simulated and actor.played:
        return None
    if actor.played or actor.name != account:
        return f"uid {owner} ({account}) wrote it, in the name of {actor.name}"
    return None


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def _known(name: str) -> str | None:
    """`name` where the operating system has such an account: sudo names no other."""
    try:
        return pwd.getpwnam(name).pw_name if name else None
    except (KeyError, ValueError):
        return None


def current_actor(clock: Clock) -> Actor:
    """The user of this process, or the person it plays in a workspace with a simulated clock.

    Raises ValueError when QUARTERDECK_ACTOR is not `name` or `name@host`.
    """
    played = os.environ.get(PLAYED_VARIABLE)
    if not played or clock.kind != "sim":
        return Actor.from_os()
    if not _PLAYED.fullmatch(played) or played != _hint(PLAYED_VARIABLE):
        raise ValueError(f"{PLAYED_VARIABLE} must be a name or name@host")
    name, _, host = played.partition("@")
    real = Actor.from_os()
    return real.model_copy(update={"name": name, "host": host or real.host, "behind": None, "played": True})


def played_in_vain(clock: Clock) -> str | None:
    """The person that somebody asked to play where nobody can be played, since time is real."""
    return (_hint(PLAYED_VARIABLE) or None) if clock.kind != "sim" else None


def _hint(variable: str) -> str:
    """An environment variable; bytes that are no UTF-8 are written out, since no record can hold them."""
    return os.environ.get(variable, "").encode("utf-8", "backslashreplace").decode()


def _terminal() -> str | None:
    for descriptor in (0, 1, 2):
        try:
            return os.ttyname(descriptor).removeprefix("/dev/")
        except OSError:
            continue
    return None
