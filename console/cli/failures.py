"""Every failure that says itself what happened, and the exit code it leaves with. Anything else is a fault of this program."""

from __future__ import annotations

import errno
import sys

from console.cli.exits import Exit

_BY_CODE: dict[Exit, tuple[str, ...]] = {
    Exit.USAGE: (
        "backends.profile.profile:ProfileMismatch",
        "backends.sqlite_copy:CopyFailed",
        "backends.sshsig.allowed:SignersError",
        "backends.store.errors:ArchiveProblem",
        "backends.store.errors:IngestError",
        "backends.store.errors:LandingError",
        "backends.yaml_text:YamlFileError",
        "backends.data_files.problem:DataFileProblem",
        "console.cli.parser:UsageProblem",
        "console.config:WorkspaceProblem",
        "console.demo.build:DemoProblem",
        "console.demo.flights:FlightsMissing",
        "console.demo.serving_state:ReplayProblem",
        "console.policies.load:PoliciesError",
        "console.runbook.postmortem:WouldOverwrite",
        "console.simulation:BrokenClock",
        "console.views.compare.files:NoSuchColumn",
        "console.views.compare.files:NothingToCompare",
        "playbooks.binding:BindingError",
        "playbooks.run:RunError",
    ),
    Exit.REFUSED: (
        "backends.sshsig.signing:NotSigned",
        "console.control.errors:JournalConflict",
        "console.control.errors:Refused",
        "console.control.execution:NotIntended",
        "console.control.holders:AlreadyCarried",
        "console.serving:NotServed",
        "playbooks.runner:RunRefusedError",
    ),
    Exit.UNAVAILABLE: (
        "backends.protocol:BackendError",
        "backends.secret_file:SecretFileError",
        "backends.secret_keyring:KeyringProblem",
        "backends.sshsig.programs:ProgramUnavailable",
        "backends.store.errors:StoreError",
        "console.control.errors:DamagedEntry",
        "console.control.errors:JournalError",
        "console.control.signatures:TrustUnavailable",
        "playbooks.host:HostError",
    ),
}
"""The most telling one wins: `IngestError` is a StoreError, and yet the file is what is wrong."""

LINES = 3
"""More of a message than this is for the report, not for the terminal."""


def exit_code_of(problem: BaseException) -> Exit | None:
    """The exit code of a known failure; None for a fault of this program, and for what Python raises by itself on a wrong key."""
    for code, names in _BY_CODE.items():
        if isinstance(problem, tuple(found for name in names if (found := _type(name)) is not None)):
            return code
    if isinstance(problem, LookupError):
        return None if type(problem) in {KeyError, IndexError, LookupError} else Exit.NOT_FOUND
    if isinstance(problem, OSError | MemoryError):
        return Exit.UNAVAILABLE
    return None


def said(problem: BaseException) -> str:
    """What a failure says, in few lines; the operating system's own failures name the file and what to do."""
    if isinstance(problem, MemoryError):
        return "this machine has no memory left for it: ask for less, or free some"
    if isinstance(problem, OSError) and problem.strerror:
        where = f"{problem.filename}: " if problem.filename else ""
        to_do = "free some space and try again" if problem.errno == errno.ENOSPC else "see: quarterdeck doctor"
        return f"{where}{problem.strerror}; {to_do}"
    return "\n".join(str(problem).splitlines()[:LINES]) or type(problem).__name__


def _type(name: str) -> type[BaseException] | None:
    """The type, None when its module was never loaded: then nothing of it was raised, and loading could fail like what failed."""
    module, _, attribute = name.partition(":")
    found: type[BaseException] | None = getattr(sys.modules.get(module), attribute, None)
    return found
