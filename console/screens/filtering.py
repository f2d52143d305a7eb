"""The filter of a page: which rows stay, and what is said when none does."""

from __future__ import annotations

from widgets.line import Line, Page, Row, line, sides

STATE = "state:"


def filtered(page: Page, wanted: str, width: int) -> Page:
    """The rows of a page that match; lines without a key stay, and line 2 says that a filter is on and what it left.

    Every word must be in the row; `!word` must not; `state:crit` takes rows of that state alone, `!state:ok` all others.
    """
    words = wanted.lower().split()
    keyed = [row for row in page.rows if row.key is not None]
    kept = {id(row) for row in keyed if all(_matches(row, word) for word in words)}
    rows: list[Row] = []
    for row in page.rows:
        if row.key is None or id(row) in kept:
            rows.append(row)
        elif not kept and row is keyed[0]:
            rows.append(Row(line(" ", (f"no row matches {wanted}", "bold"), "; Esc shows all of them again")))
    said = line((f"/{wanted}", "bold"), f"  {len(kept)} of {len(keyed)}")
    return Page(_heading(page.heading, said, width), tuple(rows), page.verb)


def _heading(heading: Line, said: Line, width: int) -> Line:
    return sides(heading, said if said.width < width // 2 else said.fitted(width // 2), width)


def _matches(row: Row, word: str) -> bool:
    if word.startswith("!") and len(word) > 1:
        return not _matches(row, word[1:])
    if word.startswith(STATE) and len(word) > len(STATE):
        return row.state.startswith(word.removeprefix(STATE))
    return word in f"{row.line.text} {row.state}".lower()
