"""The Audit page: who did what, the entry under the cursor spelt out, and whether the chain is whole."""

from __future__ import annotations

import json
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from backends.text import Untrusted
from console.render import figures
from console.render.facts import fact, fact_rows, paragraph
from widgets.line import Line, Page, Row, columns, line, mark, rule, sides

if TYPE_CHECKING:
    from console.views.audit import AuditRow, AuditView, ChainView

SAME_CLOCK: Final = timedelta(minutes=1)
"""Two readings of one clock are not further apart while a page is read."""


def audit_page(view: AuditView, *, width: int = 80, height: int = 20) -> Page:
    """Entries, the newest first."""
    del height
    zone = ZoneInfo(view.zone)
    more = max(0, min(40, width - 80))
    result = 15 + more // 4
    what = 45 + more - result
    rows: list[Row] = []
    if view.chain.state != "whole":
        rows += _trouble(view.chain, width)
    rows.append(
        Row(
            columns(
                [("", 1, ""), ("#", -4, "dim"), ("TIME", 12, "dim"), ("WHO", 13, "dim"), ("WHAT", what, "dim"), ("RESULT", result, "dim")]
            )
        )
    )
    rows += [_row(each, zone, what, result) for each in view.rows]
    if not view.rows:
        rows += paragraph("No entry fits." if view.filters.model_dump(exclude_none=True) else "Nothing was recorded yet.", width)
    if view.total > len(view.rows):
        rows += paragraph(f"{view.total - len(view.rows)} older ones are not shown: qd audit log --limit {view.total}", width)
    return Page(
        sides(line(("Audit", "bold"), "  ", *_chain(view.chain, zone).spans), line((_asked(view), "dim")), width), tuple(rows), "audit log"
    )


def entry_detail(view: AuditView, key: str | None, width: int) -> list[Line]:
    """The entry of a row spelt out; nothing for a row that is none."""
    shown = next((each for each in view.rows if f"#{each.seq}" == key), None)
    return [] if shown is None else [rule(f"#{shown.seq} {shown.kind}", width), *entry_lines(shown, ZoneInfo(view.zone), width)]


def _asked(view: AuditView) -> str:
    asked = {name: value for name, value in view.filters.model_dump(exclude_none=True).items() if value}
    return ", ".join(f"{name} {value}" for name, value in asked.items()) or "who: any"


def _chain(chain: ChainView, zone: tzinfo) -> Line:
    if chain.state == "unreadable":
        return line(("cannot be read", "critical"))
    if chain.state == "broken":
        return line((f"CHAIN BROKEN: {len(chain.findings)} finding{'' if len(chain.findings) == 1 else 's'}", "critical"))
    # The head carries the time of the machine, which is not what line 1 shows where the clock is simulated or the past is looked at.
    of_the_machine = "" if abs(chain.verified_at - chain.at) < SAME_CLOCK else " (real)"
    mirrored = f", mirrored {figures.clock_time(chain.mirrored_at, zone)}{of_the_machine}" if chain.mirrored_at else ""
    gap = f", GAP of {chain.gap_entries}" if chain.gap_entries else ""
    return line(f"chain whole: {chain.entries} entries, head {figures.short_digest(chain.last_hash)}{mirrored}", (gap, "warning"))


def _trouble(chain: ChainView, width: int) -> list[Row]:
    rows = []
    if chain.problem is not None:
        rows += paragraph(chain.problem, width, role="critical")
    for number, each in enumerate(chain.findings[:6]):
        rows.append(
            Row(
                line(" ", mark("critical"), f" {each.kind}: ", each.message),
                key=f"finding:{number}",
                why=line(each.message),
                state="critical",
            )
        )
    if len(chain.findings) > 6:
        rows += paragraph(f"and {len(chain.findings) - 6} more: qd audit verify", width)
    return rows


def _row(row: AuditRow, zone: tzinfo, what: int, room: int) -> Row:
    state = row.state.value
    result = f"{row.result} {row.detail.raw}".strip()
    # What does not fit is said whole on line 23, and not begun here.
    result = result if line(Untrusted(result)).width <= room else row.result
    cells = columns(
        [
            (str(row.seq), -5, ""),
            (figures.moment(row.at, zone), 12, ""),
            (row.who, 13, ""),
            (row.what, what, ""),
            (result, room, "" if state == "ok" else state),
        ]
    )
    why = line(mark(state), " ", row.what, f"  {row.result} ", row.detail)
    return Row(Line((*line(mark(state)).spans, *cells.spans)), key=f"#{row.seq}", why=why, state=state)


def entry_lines(row: AuditRow, zone: tzinfo, width: int) -> list[Line]:
    """One entry, a line or more for each thing it holds."""
    actor, body = row.actor, row.body
    where = [f"from {actor['ssh']} over ssh" if actor.get("ssh") else "", f"on {actor['tty']}" if actor.get("tty") else ""]
    played = ["a played person"] if actor.get("played") else []
    sudo = [f"through {actor['sudo']}"] if actor.get("sudo") else []
    found = fact("Who", ", ".join(each for each in (row.who, *where, *sudo, *played) if each), width)
    found += fact("What", f"{row.what.raw}  {row.result} {row.detail.raw}", width)
    real = "" if abs((row.real_at - row.at).total_seconds()) < 60 else f", by the wall clock {figures.full_moment(row.real_at, zone)}"
    found += fact("When", f"{figures.full_moment(row.at, zone)}{real}", width)
    for name in ("reason", "text"):
        if isinstance(body.get(name), str) and body[name]:
            found += fact(name.capitalize(), body[name], width)
    plan = body.get("plan")
    if isinstance(plan, dict):
        found += fact("Before", f"{plan.get('from_')} -> {plan.get('to')}; needs {plan.get('needs') or 'nothing'}", width)
        helps = plan.get("would_help")
        if isinstance(helps, dict) and helps.get("verdict"):
            found += fact("Seen", f"would it help: {helps['verdict']}", width)
    if body.get("after") is not None:
        found += fact("After", f"{body['after']} (read back)", width)
    for call in body.get("calls") or ():
        found += fact("Call", f"{call['call']}   {call['result']}, {call['ms']:.0f} ms", width)
    if row.spooled:
        found += fact("Spooled", "noted beside the journal first, because it could not be written", width)
    return found + fact("Hash", f"{figures.short_digest(row.hash)}   previous {figures.short_digest(row.prev_hash)}", width)


def entry_page(view: AuditView, seq: int, *, width: int = 80, height: int = 20) -> Page:
    """One entry in full, with its body as it is chained."""
    del height
    zone = ZoneInfo(view.zone)
    row = next((each for each in view.rows if each.seq == seq), None)
    if row is None:
        return Page(
            line(("Audit", "bold")), tuple(paragraph(f"Entry #{seq} is not among the newest: qd audit log --json", width)), "audit log"
        )
    rows = [Row(each) for each in entry_lines(row, zone, width)]
    rows.append(Row(rule("Body", width)))
    for each in json.dumps(row.body, indent=1, ensure_ascii=True, sort_keys=True).splitlines():
        rows += paragraph(each, width)
    return Page(
        sides(line("Audit > ", (f"#{row.seq} {row.kind}", "bold")), line((row.result, row.state.value)), width), tuple(rows), "audit log"
    )


def chain_page(chain: ChainView, zone: tzinfo, *, width: int = 80) -> Page:
    """The verdict on the chain: whole, or where it is broken."""
    rows: list[Row] = []
    if chain.problem is not None:
        rows += paragraph(chain.problem, width, role="critical")
    for each in chain.findings:
        rows += paragraph(f"{each.kind}: {each.message.raw}", width, role="critical")
    rows += [row for each in chain.warnings for row in paragraph(f"note: {each.raw}", width)]
    if chain.gap_entries:
        rows += paragraph(
            f"{chain.gap_entries} entries wait in spool/: they were noted while the journal could not be written", width, role="warning"
        )
    if chain.state == "whole":
        mirrored = f"the mirrored head names #{chain.mirrored_seq}" if chain.mirrored_seq is not None else "there is no mirrored head yet"
        rows += paragraph(f"Nothing edited, deleted, inserted, reordered or cut; {mirrored}.", width)
    rows += fact_rows("Last entry", f"#{chain.last_seq}  {chain.last_hash or 'none'}", width)
    return Page(_chain(chain, zone), tuple(rows), "audit verify")
