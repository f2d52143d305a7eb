"""Playbooks, their findings and their runs as verbs print them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from console.render import figures
from console.render.incident_detail import step_detail
from widgets.line import MARKS, Line, Page, Row, columns, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from backends.text import Untrusted
    from console.views.incidents.playbooks import FindingsView, PlaybooksView, PlaybookView, RunView


def library_page(view: PlaybooksView, *, width: int = 80) -> Page:
    """One line a playbook."""
    room = max(20, width - 43)
    rows = [Row(columns([("   PLAYBOOK", 21, "dim"), ("TITLE", room, "dim"), ("OWNER", 8, "dim"), ("EXPIRES", 11, "dim")]))]
    for book in view.playbooks:
        head = book.head
        mark = MARKS["warning"] if head.expired else MARKS["ok"]
        expires = (f"{head.expires_at}", 11, "warning" if head.expired else "")
        name, owner = f" {mark} {head.id}", head.owner
        cells: list[tuple[str | Untrusted, int, str]] = [(name, 21, ""), (head.title, room, ""), (owner, 8, ""), expires]
        rows.append(Row(columns(cells), key=head.id, why=line(", ".join(book.rules))))
    rows += [Row(line(("X", "critical"), f" {problem}")) for problem in view.problems]
    expired = sum(book.head.expired for book in view.playbooks)
    return Page(line(f"Playbooks  {len(view.playbooks)}, {expired} expired"), tuple(rows), "playbook list")


def playbook_page(view: PlaybookView, *, width: int = 80) -> Page:
    """One playbook, step by step."""
    head = view.head
    rows = [Row(each) for each in wrapped(line(view.summary), width)] if view.summary else []
    trust = f"owner {head.owner}, verified {head.verified_at} by {head.verified_by}, expires {head.expires_at}, from {view.source}"
    rows += [Row(each) for each in wrapped(line(trust), width, 2)]
    rows += [Row(each) for each in wrapped(line(f"opened by {', '.join(view.rules)}"), width, 2)]
    rows += [Row(line(f"  {name:<12} {about}")) for name, about in view.params.items()]
    phase = ""
    for step in view.steps:
        if step.phase != phase:
            phase = step.phase
            rows.append(Row(rule(phase.capitalize(), width)))
        rows.append(Row(line(f" {step.number:>2} {step.kind:<9} {step.title}"), key=step.id))
        rows += [Row(each) for each in wrapped(line(" " * 14, step.text), width, 14)] if step.text else []
        for choice in step.decision.choices if step.decision else ():
            rows += [Row(each) for each in wrapped(line(f"{' ' * 14}{choice.id}: {choice.title}. {choice.text}".rstrip()), width, 16)]
    heading = line((f"{head.id} v{head.version}", "bold"), f" {_short(head.digest)}  {head.title}")
    return Page(heading, tuple(rows), f"playbook show {head.id}")


def findings_page(view: FindingsView) -> Page:
    """Errors and warnings with file and line."""
    rows = [Row(line(("X", "critical"), f" {text}")) for text in view.errors]
    rows += [Row(line(("!", "warning"), f" {text}")) for text in view.warnings]
    counted = f"{view.files} playbooks read: {len(view.errors)} errors, {len(view.warnings)} warnings"
    return Page(line(counted), tuple(rows), "playbook check")


def run_page(view: RunView, *, width: int = 80) -> Page:
    """A run, step by step, with the one at which it stands in full."""
    zone = ZoneInfo(view.zone)
    head = view.head
    rows: list[Row] = []
    for step in view.steps:
        mark = MARKS[step.state] if step.state else " "
        sign = ">" if step.current else " "
        by = f"  {step.ended_by} {figures.clock_time(step.ended_at, zone)}" if step.ended_by and step.ended_at else ""
        name = f" {step.number:>2} {step.kind:<9} {step.title}  "
        rows.append(Row(line(sign, (mark, step.state), name, (step.word, "bold"), (by, "dim")), key=step.id))
    current = view.current
    if current is not None:
        rows.append(Row(Line()))
        rows += step_detail(current, view.at, zone, width, view.steps)
    state = f"ended {view.outcome}" if view.outcome else f"step {current.number} of {len(view.steps)}" if current else "past its last step"
    told = f"{head.id} v{head.version} {_short(head.digest)}, driver {view.driver or 'nobody'}, {state}"
    about = f" of {view.incident}" if view.incident else ""
    return Page(line((view.id, "bold"), f"{about}  {told}"), tuple(rows), f"playbook show {view.id}")


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:6]
