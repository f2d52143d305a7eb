"""What a shell offers for the names in a command line: models, versions, incidents, requests.

Asked at every press of Tab, so it reads two small published files, for requests and incidents the journal, and loads nothing else.
The name that confirms an action is never offered: typing it is what makes it a confirmation.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from backends.plain_file import read_plain
from backends.shell_words import shell_word
from backends.store.paths import WorkspacePaths
from backends.store.summary import read_summary
from console.locate import locate

MODELS, VERSIONED, INCIDENTS, REQUESTS = "models", "versioned", "incidents", "requests"

OFFERED: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("model", "health", "drift", "quality", "labels", "changes", "contract", "parity", "can-i", "maturity", "badges"), (MODELS,)
    ),
    **dict.fromkeys(("kill", "restore", "rollback", "traffic", "hold", "release-hold", "held", "retrain"), (MODELS,)),
    **dict.fromkeys(("versions", "lineage", "card"), (VERSIONED,)),
    "promote": (VERSIONED, REQUESTS),
    **dict.fromkeys(("approvals", "approve", "reject", "config"), (REQUESTS,)),
    **dict.fromkeys(("incident", "ack"), (INCIDENTS, MODELS)),
    "note": (INCIDENTS, MODELS, REQUESTS),
    "close": (INCIDENTS,),
}
"""What a verb is about."""

_VALUES: Final = {"--model": MODELS, "--record": MODELS, "--incident": INCIDENTS}
_PLACES: Final = ("-w", "--workspace", "--env")
_ALONE: Final = frozenset({"--json", "--read-only", "--dry-run", "--elevate", "--all", "--check", "--control", "--markdown"})
"""Options without a value: what follows them is a name again."""


def offers(line: str, breaks: str = "", *, raw: bool = False) -> list[str]:
    """Words that could stand at the end of `line`, as the shell reads them; without what stands before the last of its word `breaks`.

    `raw`: as they are, for a shell that quotes them itself and takes one a line.
    """
    before, typed = _words(line)
    if before is None:
        return []
    if raw:
        found = dict.fromkeys(_names(before, typed))
        return [name for name in found if name.startswith(typed) and name.isprintable() and _is_no_option(name, before)]
    head = max((typed.rfind(each) for each in breaks if each in "@:="), default=-1) + 1
    words = dict.fromkeys(shell_word(name) for name in _names(before, typed) if name.startswith(typed) and _is_no_option(name, before))
    return [word[head:] for word in words if word.startswith(typed[:head])]


def _words(line: str) -> tuple[list[str] | None, str]:
    """The whole words of a line without the program's own name, and the one that is being typed; None for one in quotes."""
    whole, blank, typed = line.rpartition(" ")
    try:
        before = shlex.split(whole + blank)
    except ValueError:
        return None, ""
    return (before[1:], typed) if not set(typed) & set("'\"\\$`") else (None, "")


def _is_no_option(name: str, before: Sequence[str]) -> bool:
    return not name.startswith("-") or "--" in before


def _names(before: Sequence[str], typed: str) -> Iterator[str]:
    places = {option: value for option, value in pairwise(before) if option in _PLACES}
    words = [word for last, word in zip(["", *before], before, strict=False) if last not in _PLACES and word not in _PLACES]
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb is None:
        return
    known = _Known(places.get("--workspace", places.get("-w")), places.get("--env"))
    last = words[-1]
    given = [word for word in words[words.index(verb) + 1 :] if not word.startswith("-")]
    if last == "--to":
        yield from known.versions(given[0] if given else "")
    elif last in _VALUES:
        yield from known.named(_VALUES[last], typed)
    elif not last.startswith("-") or last in _ALONE or last == "--":
        if verb == "promote" and given and "@" not in given[-1]:
            yield from known.versions(given[-1])
        else:
            for kind in OFFERED.get(verb, ()):
                yield from known.named(kind, typed)


class _Known:
    """The names in one environment of one workspace."""

    def __init__(self, workspace: str | None, environment: str | None) -> None:
        self._paths = paths = WorkspacePaths(locate(workspace).root)
        summary = read_summary(paths) or {}
        self.environment = environment or str(summary.get("environment", "production"))
        self._rows = _entries(summary.get("rows")) if summary.get("environment") == self.environment else []
        self._moves = [move for move in _entries(_read(paths).get("moves")) if move.get("environment") == self.environment]

    def named(self, kind: str, typed: str) -> Iterable[str]:
        """Every name of a kind; with `model@` typed its versions."""
        if kind == VERSIONED and "@" in typed:
            model = typed.rpartition("@")[0]
            return [f"{model}@{version}" for version in self.versions(model)]
        if kind in {MODELS, VERSIONED}:
            return _texts([*(row.get("model") for row in self._rows), *(move.get("model") for move in self._moves)])
        if (standing := self._standing()) is not None:
            return [name for name in standing if name.startswith("APR-" if kind == REQUESTS else "INC-")]
        waiting = [each.get("id") for row in self._rows for each in _entries(row.get("waiting"))]
        if kind == REQUESTS:
            return [name for name in _texts(waiting) if name.startswith("APR-")]
        opened = [name for row in self._rows for name in row.get("incidents") or ()]
        return _texts([*opened, *(name for name in waiting if str(name).startswith("INC-"))])

    def _standing(self) -> list[str] | None:
        from console.control.names import standing_names  # most names need no journal

        return standing_names(self._paths, self.environment)

    def versions(self, model: str) -> list[str]:
        """Versions that an alias of a model stood on, the newest first."""
        moved = [move.get("version") for move in reversed(self._moves) if move.get("model") == model]
        return _texts([*moved, *(row.get("version") for row in self._rows if row.get("model") == model)])


def _read(paths: WorkspacePaths) -> dict[str, Any]:
    try:
        found = json.loads(read_plain(paths.registry))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _entries(found: object) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _texts(found: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(name for name in found if isinstance(name, str) and name))
