"""The card of one version: record, run, what let it in, and the questions of an auditor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import version_label
from console.render import figures
from console.render.facts import NAME_WIDTH, fact, fact_rows, paragraph
from console.render.kept_search import search_words
from console.render.versions import details, judged
from widgets.line import MARKS, Line, Page, Row, line, mark, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.versions.card import VersionView


def version_page(view: VersionView, *, width: int = 80, height: int = 20) -> Page:
    """The card of one version."""
    del height
    zone, row = ZoneInfo(view.zone), view.row
    state, why = judged(row)
    first, *rest = details(row, view.at, zone, width)
    # The cursor starts at the top of the card, not at its first question.
    rows: list[Row] = [Row(first, key="card", why=line(mark(state), " ", why), state=state), *(Row(each) for each in rest)]
    for name, digest in (("Environment", view.environment_digest), ("Code", view.code_commit), ("Policy", view.policy_digest)):
        short = figures.short_digest(digest) if digest and digest.startswith("sha256:") else digest
        rows += fact_rows(name, short or "unknown: not recorded", width)
    rows.append(Row(rule("Run", width, figures.moment(view.ended_at, zone) if view.ended_at else "")))
    rows += fact_rows("Trigger", view.trigger or "not recorded", width)
    rows += fact_rows("Parameters", ", ".join(f"{name}={value}" for name, value in view.params.items()) or "none recorded", width)
    metrics = ", ".join(f"{name} {figures.share(value) if value is not None else 'not computable'}" for name, value in row.metrics.items())
    rows += fact_rows("Metrics", metrics or "none recorded", width)
    phases = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in view.phases.items())
    rows += fact_rows("Phases", phases or "none recorded", width)
    rows += [Row(each) for each in _leakage(view, width)]
    rows.append(Row(rule("Let in", width)))
    rows += [Row(each) for each in _let_in(view, zone, width)]
    answered = sum(answer.answered for answer in view.answers)
    rows.append(Row(rule("Questions of an auditor", width, f"{answered} of {len(view.answers)} answered")))
    for answer in view.answers:
        word = "ok" if answer.answered else "unknown"
        rows.append(
            Row(
                line(" ", mark(word), " ", (answer.question, "bold")), key=answer.id, why=line(mark(word), " ", answer.lines[0]), state=word
            )
        )
        for each in answer.lines:
            rows += paragraph(each, width, indent=5)
    left = line("Fleet > ", (view.model, "bold"), " > ", (version_label(row.version), "bold"), f"   {', '.join(row.aliases)}")
    return Page(
        sides(left, line(mark(state), " ", (row.stage.value if row.stage else "no record", "")), width),
        tuple(rows),
        command_line("versions", f"{view.model}@{row.version}"),
    )


def _leakage(view: VersionView, width: int) -> list[Line]:
    """What the search of its training rows for leakage found, or how to search."""
    found = view.leakage
    if found is None:
        options = {"--label": "COLUMN", "--record": view.model, "--run": view.row.run or "RUN"}
        return fact("Leakage", Untrusted(f"not searched for; qd {command_line('leakage', 'FILE', options=options)}"), width)
    state = str(found.state)
    named = line((f" {'Leakage':<{NAME_WIDTH}}", "dim"), (f"{MARKS[state]} {state}", state), ", ")
    return wrapped(Line((*named.spans, *search_words(found, view.at))), width, 1 + NAME_WIDTH)


def _let_in(view: VersionView, zone: ZoneInfo, width: int) -> Iterator[Line]:
    for approval in view.approvals:
        signatures = ", ".join(
            f"{vote.person} {figures.moment(vote.at, zone)}{'' if vote.signed else ' (not signed)'}" for vote in approval.votes
        )
        asked = f"{approval.action} asked by {approval.asked_by} {figures.moment(approval.asked_at, zone)}"
        text = f"{asked}, {approval.state}, {len(approval.votes)} of {approval.needed}"
        yield from fact(approval.id, text + (f": {signatures}" if signatures else ""), width)
        if approval.gates:
            yield from fact("", "gates " + "; ".join(approval.gates), width)
    for move in view.moves:
        how = f"with {move.action}" if move.action else "outside this console"
        yield from fact("Alias", f"production pointed here by {move.by} {figures.moment(move.at, zone)}, {how}", width)
    if not view.approvals and not view.moves:
        yield from fact("", "nothing: no approval was asked for and no alias was moved here", width)
