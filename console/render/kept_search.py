"""What was kept of a search of rows, in the words of the Data screen and of a version's card."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from backends.text import Untrusted, shortened
from console.render import figures
from console.views.data.kept_search import RecordedSearch
from widgets.line import Span, line


class Found(Protocol):
    """Whatever was kept of rows: a search of them, or a check against a contract."""

    @property
    def run(self) -> Untrusted | None: ...

    @property
    def by(self) -> Untrusted | None: ...


def whose(found: Found) -> tuple[Span, ...]:
    """For which run, and who looked."""
    run = line(", run ", found.run).spans if found.run is not None else ()
    return (*run, *(line(", by ", found.by).spans if found.by is not None else ()))


def search_words(found: RecordedSearch, at: datetime) -> tuple[Span, ...]:
    """When was searched, what was found in how many rows of which file, for which run and by whom, and the worst."""
    many = "nothing found" if not found.found else f"{found.found} not ok"
    told = f"{figures.ago(at - found.at)}, {many}, {figures.count(found.rows)} rows of "
    worst = line(": ", found.worst).spans if found.worst is not None else ()
    return (*line(told, shortened(found.file, 40)).spans, *whose(found), *worst)
