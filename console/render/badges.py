"""The Badges pages: every asset of a system with its five badges, and one asset with the record behind each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import version_label
from widgets.line import Line, Page, Row, Span, columns, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.badges.badge import Asset, Badge, Standing
    from console.views.badges.view import BadgesView

STATES: Final[dict[Standing, str]] = {"borne out": "ok", "not borne out": "warning", "unknown": "unknown"}
"""How the mark of a badge looks; what does not apply has none."""

WORDS: Final[dict[Standing, str]] = {"borne out": "yes", "not borne out": "no", "unknown": "", "does not apply": ""}

HEADS: Final = {"versioned": "VERS", "tested": "TEST", "observable": "OBSV", "governable": "GOVN", "improved": "IMPR"}
LEGEND: Final = (
    " from left to right: versioned, tested, observable, governable, improved; . yes: a record bears it out, ! no: it says otherwise,"
    " ? no record says, - makes no sense here"
)
CELL = 5
KIND = 10
INDENT = 16
WIDE = 110
"""From so many cells on a row says beside its badges what is not borne out."""


def badges_page(view: BadgesView, *, width: int = 80, height: int = 20) -> Page:
    """Every asset, from the data to the outcomes."""
    del height
    name = max(16, min(32, width - KIND - 5 * (CELL + 1) - 4))
    rest = max(0, width - KIND - name - 5 * (CELL + 1) - 5) if width >= WIDE else 0
    head = [("", 2, ""), ("ASSET", KIND, "dim"), ("", name, ""), *((HEADS[each], CELL, "dim") for each in HEADS)]
    rows = [Row(columns([*head, *([("WHY NOT", rest, "dim")] if rest else [])]))]
    rows += [_asset(each, name, rest) for each in view.rows]
    rows.append(Row(Line()))
    rows += [Row(each) for each in wrapped(line((LEGEND, "dim")), width, 1)]
    left = line("Badges > ", (view.model, "bold"), f"   {_label(view)}")
    return Page(sides(left, line((_counted(view), "dim")), width), tuple(rows), command_line("badges", view.model))


def _label(view: BadgesView) -> str:
    label = version_label(view.version) if view.version else "no version"
    return f"{label} and challenger {version_label(view.challenger)}" if view.challenger else label


def _counted(view: BadgesView) -> str:
    counts = view.counts
    return f"{counts['borne out']} borne out, {counts['not borne out']} not, {counts['unknown']} unknown"


def _asset(row: Asset, name: int, rest: int) -> Row:
    state = _state(row)
    label = version_label(row.name.raw) if row.kind == "version" else row.name
    cells = [(row.kind, KIND, ""), (label, name, "bold")]
    spans = [*line(" ", mark(state), " ").spans, *columns(cells).spans]
    for badge in row.badges:
        word = WORDS[badge.standing]
        spans += [Span(" "), _mark(badge), Span(f" {word:<{CELL - 2}}")]
    against = next((each for standing in ("not borne out", "unknown") for each in row.badges if each.standing == standing), None)
    told = Untrusted(f"{against.id}: {against.why.raw}") if against is not None else Untrusted("")
    if rest:
        spans += [Span(" "), *columns([(told, rest, "")]).spans]
    why = line(mark(state), " ", told if against is not None else "what applies to it is borne out; Enter shows by which records")
    return Row(Line(tuple(spans)), key=row.id, why=why, state=state)


def _mark(badge: Badge) -> Span:
    state = STATES.get(badge.standing)
    return mark(state) if state is not None else Span("-", "dim")


def _state(row: Asset) -> str:
    standings = {each.standing for each in row.badges}
    return next((STATES[each] for each in ("not borne out", "unknown", "borne out") if each in standings), "unknown")


def asset_page(view: BadgesView, *, width: int = 80, height: int = 20) -> Page:
    """One asset: each badge with the records behind it, and the verbs that show them."""
    del height
    row = view.rows[0]
    of = f"of {', '.join(version_label(each) for each in row.of)}" if row.of and row.kind != "version" else ""
    label = version_label(row.name.raw) if row.kind == "version" else row.name
    yes = sum(each.standing == "borne out" for each in row.badges)
    applies = sum(each.standing != "does not apply" for each in row.badges)
    rows = [Row(rule(f"{row.kind.capitalize()} {of}".rstrip(), width, f"{yes} of {applies} borne out"))]
    for badge in row.badges:
        rows += _spelt_out(badge, width)
    left = line("Badges > ", (view.model, "bold"), " > ", (label, "bold"))
    right = line((f"owner {view.owner or 'nobody'}", "dim"))
    return Page(sides(left, right, width), tuple(rows), command_line("badges", view.model, row.id))


def _spelt_out(badge: Badge, width: int) -> list[Row]:
    proofs = [f"{each.record.raw}: {each.text.raw}  (qd {each.verb})" for each in badge.evidence]
    texts = [*([badge.why.raw] if badge.why.raw else []), *proofs]
    lead = line(" ", _mark(badge), " ", (f"{badge.id.capitalize():<{INDENT - 4}}", "bold"), " ")
    lines = wrapped(Line((*lead.spans, *line(Untrusted(texts[0])).spans)), width, INDENT)
    for text in texts[1:]:
        lines += wrapped(line(" " * INDENT, Untrusted(text)), width, INDENT)
    state = STATES.get(badge.standing, "")
    said = f"{badge.id}: {badge.standing}" + (f"; {badge.why.raw}" if badge.why.raw else "")
    return [Row(lines[0], key=badge.id, why=line(_mark(badge), " ", Untrusted(said)), state=state), *(Row(more) for more in lines[1:])]
