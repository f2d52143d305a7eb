"""Commands that are shown, copied and pasted: what a shell makes of them is exactly the names that they are about.

A name from outside may hold blanks, quotes, `;` or control codes, and may begin with a hyphen. Pasted into bash, the words below are the
name itself again, and never another command or an option.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

from backends.text import displayable

OPTIONS_END: Final = " -- "
"""After this, a word that begins with a hyphen is a name."""

_ESCAPED: Final = re.compile(r"[^\x20-\x7e]|['\\]")


def shell_word(word: str) -> str:
    """One word as bash reads it: as it is where that is safe, in quotes, or as `$'\\u202e'` where it holds what may not be drawn."""
    if displayable(word) == word:
        return shlex.quote(word)
    return "$'" + _ESCAPED.sub(_escaped, word) + "'"


def command_line(*words: str, options: Mapping[str, str | None] | None = None) -> str:
    """A verb, then names, then options with their values: `rollback delay --to 3`; an option whose value is None stands alone.

    Where a name begins with a hyphen the options come first and the names after `--`: `rollback --to 3 -- -delay`.
    """
    verb, *names = words
    given = [option(name, value) for name, value in (options or {}).items()]
    quoted = [shell_word(name) for name in names]
    if any(name.startswith("-") for name in names):
        return " ".join((verb, *given, "--", *quoted))
    return " ".join((verb, *quoted, *given))


def with_options(line: str, more: str) -> str:
    """The same command with further options, written as they are to be read: at its end, or before its names where those follow `--`."""
    if OPTIONS_END not in line:
        return f"{line} {more}"
    verb, _, rest = line.partition(" ")
    return f"{verb} {more} {rest}"


def option(name: str, value: str | None) -> str:
    """An option with its value; None: it has none."""
    if value is None:
        return name
    # Only joined to its option is a value that begins with a hyphen no option itself.
    return f"{name}={shell_word(value)}" if value.startswith("-") else f"{name} {shell_word(value)}"


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] in "'\\":
        return f"\\{found[0]}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
