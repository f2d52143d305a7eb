"""`allowed_signers`: which key is whose, since when and until when, and for what. Format: ssh-keygen(1), ALLOWED SIGNERS.

Stricter than OpenSSH where it matters for counting people: a key is one person's, named in full.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final

from backends.sshsig.keys import ALGORITHM, PublicKey, read_key

LARGEST: Final = 1_000_000
"""Bytes of the largest file of keys that is read."""
_PERSON: Final = re.compile(r'[^\s*?!,"]{1,128}')
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)")


@dataclass(frozen=True, slots=True)
class SignersProblem:
    """One thing wrong in a file of keys; lines count from 1, 0 is the file as a whole."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class SignersError(ValueError):
    """A file of keys that cannot be taken; `problems` names each place."""

    def __init__(self, problems: list[SignersProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Signer:
    """One key of one person."""

    person: str
    key: PublicKey
    line: int
    namespaces: tuple[str, ...] | None = None
    """Patterns, a leading `!` forbids; None: every namespace."""
    valid_after: datetime | None = None
    valid_before: datetime | None = None

    def takes(self, namespace: str) -> bool:
        """Whether the key may sign in a namespace."""
        if self.namespaces is None:
            return True
        if any(fnmatchcase(namespace, each[1:]) for each in self.namespaces if each.startswith("!")):
            return False
        return any(fnmatchcase(namespace, each) for each in self.namespaces if not each.startswith("!"))


def read_signers(text: str, file: str) -> tuple[Signer, ...]:
    """Every key of a file, in its order. Raises SignersError with file and line of everything that is wrong."""
    signers: list[Signer] = []
    problems: list[SignersProblem] = []
    owners: dict[PublicKey, Signer] = {}
    # At newlines alone, as OpenSSH reads it: what it takes for the rest of a line must not be another person's key here.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            if _CONTROL.search(line.rstrip("\r")):
                raise ValueError("a control character stands in this line")
            signer = _signer(line, number)
        except ValueError as error:
            problems.append(SignersProblem(file, number, str(error)))
            continue
        first = owners.setdefault(signer.key, signer)
        if first.person != signer.person:
            # Counted twice, one key would be two people.
            problems.append(SignersProblem(file, number, f"this key is {first.person}'s in line {first.line}: a key is one person's"))
        elif first is not signer:
            problems.append(SignersProblem(file, number, f"this key stands in line {first.line} already"))
        else:
            signers.append(signer)
    if problems:
        raise SignersError(problems)
    return tuple(signers)


def _signer(line: str, number: int) -> Signer:
    person, rest = _word(line)
    if not _PERSON.fullmatch(person):
        raise ValueError(f"{person!r} is not one person's name: write a line for each person, without patterns")
    options: list[str] = []
    if not ALGORITHM.fullmatch(rest.split(None, 1)[0] if rest else ""):
        written, rest = _word(rest, keep_quotes=True)
        options = _split(written)
    key = read_key(rest)
    given: dict[str, str] = {}
    for option in options:
        name, _, value = option.partition("=")
        if name.lower() in given:
            raise ValueError(f"{name} is given twice")
        given[name.lower()] = value.strip('"')
    if "cert-authority" in given:
        raise ValueError("cert-authority is not taken: whoever holds it could be anybody; list the keys of each person")
    unknown = sorted(given.keys() - {"namespaces", "valid-after", "valid-before"})
    if unknown:
        raise ValueError(f"unknown option {unknown[0]}")
    after, before = (_moment(given[name], name) if name in given else None for name in ("valid-after", "valid-before"))
    if after is not None and before is not None and before <= after:
        raise ValueError("valid-before is not later than valid-after: the key is never valid")
    namespaces = tuple(each.strip() for each in given["namespaces"].split(",")) if "namespaces" in given else None
    return Signer(person, key, number, namespaces, after, before)


def _word(text: str, *, keep_quotes: bool = False) -> tuple[str, str]:
    """The first word of a line and what follows; blanks inside double quotes are part of it."""
    found, quoted = "", False
    text = text.lstrip()
    for place, character in enumerate(text):
        if character == '"':
            quoted = not quoted
            found += character if keep_quotes else ""
        elif character.isspace() and not quoted:
            return found, text[place:].lstrip()
        else:
            found += character
    if quoted:
        raise ValueError('a quotation mark (") is not closed')
    return found, ""


def _split(options: str) -> list[str]:
    """Options at their commas, those inside quotes left out."""
    parts, quoted = [""], False
    for character in options:
        quoted ^= character == '"'
        if character == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _moment(text: str, name: str) -> datetime:
    """`YYYYMMDD[HHMM[SS]]`, in the time zone of this machine, or in UTC with a `Z` behind it."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{name} is no time: write YYYYMMDD or YYYYMMDDHHMM, with a Z behind it for UTC")
    year, month, day, hour, minute, second = (int(each or 0) for each in found.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{name} is no time: {error}") from None
    if found.group(7):
        return moment
    return datetime.fromtimestamp(time.mktime((year, month, day, hour, minute, second, 0, 0, -1)), UTC)
