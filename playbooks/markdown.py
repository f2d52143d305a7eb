"""Text from anywhere as Markdown that renders as itself."""

from __future__ import annotations

import re

from backends.text import Untrusted, displayable


def escaped(text: str | Untrusted) -> str:
    """Text from anywhere as one line of Markdown that renders as itself: no markup, links, HTML or block structure."""
    drawn = re.sub(r"([\\`*_{}\[\]<>#|~&!$])", r"\\\1", displayable(text))
    drawn = drawn.replace("://", r":\//").replace("www.", r"www\.").replace("@", r"\@")
    return re.sub(r"^(\s*)([-+=]|\d+[.)])", _block_start, drawn)


def _block_start(found: re.Match[str]) -> str:
    mark = found[2]
    return f"{found[1]}{mark[:-1]}\\{mark[-1]}"


def code(text: str | Untrusted) -> str:
    """Text as a code span, whatever backticks it has."""
    drawn = displayable(text)
    longest = max((len(run) for run in re.findall(r"`+", drawn)), default=0)
    fence = "`" * (longest + 1)
    # A renderer takes one blank off both ends when both ends have one.
    loses = drawn.startswith(" ") and drawn.endswith(" ") and drawn.strip()
    pad = " " if drawn.startswith("`") or drawn.endswith("`") or loses or not drawn else ""
    return f"{fence}{pad}{drawn}{pad}{fence}"
