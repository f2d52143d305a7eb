"""Requests for approval: the list, and one request with everything that is signed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.records import State
from backends.text import cell_width, displayable
from console.control.actions import version_label
from console.render import figures
from console.render.plan import gate_line
from console.render.reviews import review_rows
from widgets.line import MARKS, Line, Page, Row, columns, joined, line, rule, sides
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.control.actions import Gate
    from console.views.approvals.request import ApprovalView, VoteView
    from console.views.approvals.requests import ApprovalRow, ApprovalsView
    from console.views.approvals.signatures import BundleView, SignaturesView

_MARK_OF = {"pending": "unknown", "approved": "warning"}

_TITLES = ("REQUEST", "WHAT", "STATE", "GATES", "BY", "ASKED")
_MOST = (8, 24, 9, 11, 8, 12)
"""Cells of the columns at most, in 80 columns."""

THE_REQUEST = "request"
"""Key of the line that stands for a request as a whole."""


def approvals_page(view: ApprovalsView, *, width: int = 80, height: int = 20) -> Page:
    """One row a request, those that wait for a person first."""
    del height
    zone = ZoneInfo(view.zone)
    waiting = sum(row.state == "pending" for row in view.rows)
    ready = sum(row.state == "approved" for row in view.rows)
    heading = sides(
        line(
            ("Approvals", "bold"),
            f"  {len(view.rows)} request{'' if len(view.rows) == 1 else 's'}: "
            f"{waiting} wait{'s' if waiting == 1 else ''} for a person, {ready} for execution",
        ),
        line((view.environment, "dim")),
        width,
    )
    cells = [_cells(row, zone) for row in view.rows]
    sizes = _sizes(cells, width)
    rows = [Row(joined([line("   "), columns([(title, size, "dim") for title, size in zip(_TITLES, sizes, strict=True)])]))]
    for row, each in zip(view.rows, cells, strict=True):
        rows.append(Row(_row(row, each, sizes), key=row.id, why=_why(row, zone), state=_MARK_OF.get(row.state, "ok")))
    rows += review_rows(view.reviews, zone, width, alone=view.alone)
    if view.problem:
        rows.append(Row(line(" ", ("?", "unknown"), f" the journal cannot be read: {view.problem}")))
    elif not view.rows and not view.reviews:
        rows += [
            Row(Line()),
            Row(line(" Nobody has asked for anything. A promotion asks first:")),
            Row(line("   P on a model, or  qd promote MODEL@VERSION --reason TEXT")),
        ]
    return Page(heading, tuple(rows), "approvals")


def _sizes(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Cells of each column: as many as it needs, and what is left for what is asked, whose models have long names."""
    most = [size + max(0, width - 80) // len(_MOST) for size in _MOST]
    needed = [max(len(title), *(cell_width(displayable(row[place])) for row in rows), 0) for place, title in enumerate(_TITLES)]
    number, _, state, gates, by, asked = (min(size, cap) for size, cap in zip(needed, most, strict=True))
    what = width - 3 - (number + state + gates + by + asked) - (len(_TITLES) - 1)
    return [number, what, state, gates, by, -asked]


def _row(row: ApprovalRow, cells: Sequence[str], sizes: Sequence[int]) -> Line:
    state = _MARK_OF.get(row.state, "")
    drawn = columns([(text, size, "" if place else "bold") for place, (text, size) in enumerate(zip(cells, sizes, strict=True))])
    return joined([line((f" {MARKS.get(state, ' ')} ", state)), drawn])


def _cells(row: ApprovalRow, zone: ZoneInfo) -> tuple[str, ...]:
    gates = f"{row.passed} pass" + (f" X {row.failed}" if row.failed else "") + (f" ? {row.unknown}" if row.unknown else "")
    gates = gates if row.passed or row.failed or row.unknown else figures.MISSING
    return row.id, _what(row), row.state, gates, row.requester, figures.moment(row.requested_at, zone)


def _why(row: ApprovalRow, zone: ZoneInfo) -> Line:
    if row.state == "pending":
        text = f"{row.granted} of {row.needed} signed; approve by {figures.moment(row.approve_by, zone)}: "
        return line(text, row.reason)
    if row.state == "approved":
        return line(f"{row.granted} of {row.needed} signed; P executes it, until {figures.moment(row.execute_by, zone)}")
    ended = f" by {row.ended_by}" if row.ended_by else ""
    return line(f"{row.state}{ended}", *((": ", row.ended_reason) if row.ended_reason.raw else ()))


def approval_heading(view: ApprovalView, width: int) -> Line:
    """Line 2 of a request."""
    row, zone = view.request, ZoneInfo(view.zone)
    left = line((f"{row.id} ", "bold"), (_what(row), "bold"), f"  {row.environment}")
    right = f"by {row.requester} {figures.moment(row.requested_at, zone)}   {row.granted} of {row.needed}"
    return sides(left, line(right), width)


def approval_page(view: ApprovalView, *, width: int = 80, height: int = 20) -> Page:
    """One request: what changes, gates, what else is true, what signing means."""
    del height
    whys = {THE_REQUEST: (approval_why(view), "")} | {f"gate:{gate.name}": (_gate_why(gate), gate.state.value) for gate in view.gates}
    rows = []
    for text, key in approval_lines(view, width):
        why, state = whys.get(key or "", (Line(), ""))
        first, *rest = wrapped(text, width, 3)
        rows += [Row(first, key=key, why=why, state=state), *(Row(each) for each in rest)]
    return Page(approval_heading(view, width), tuple(rows), f"approve {view.request.id}")


def approval_lines(view: ApprovalView, width: int) -> list[tuple[Line, str | None]]:
    """The lines of a request; its first one and its gates carry a key, so that the cursor can stand on them."""
    row, zone = view.request, ZoneInfo(view.zone)
    lines: list[tuple[Line, str | None]] = []

    def say(*parts: Line) -> None:
        lines.extend((part, None) for part in parts)

    deadline = f" Approve by {figures.moment(row.approve_by, zone)}, execute by {figures.moment(row.execute_by, zone)}"
    lines.append((sides(line(deadline), line(f"payload sha256 {figures.short_digest(row.payload_digest)}"), width), THE_REQUEST))
    say(*_state_lines(view, zone))
    if view.changes:
        before, after = _label(row.from_), _label(row.to)
        say(rule(f"What changes {'-' * 21} {before} {'-' * 19} {after}", width))
        say(*[line(f" {each.what:<33} {each.before:<23} {each.after}") for each in view.changes if each.after != "same"])
        same = [each.what for each in view.changes if each.after == "same"]
        if same:
            say(line(f" {', '.join(same)}: the same"))
    if view.will_change:
        say(rule("What changes", width), *[line(" ", each) for each in view.will_change])
    if view.will_not_change:
        say(rule("What does not", width), *[line(" ", each) for each in view.will_not_change])
    if view.gates:
        say(rule(_gates_title(view, zone), width))
        lines += [
            (gate_line(gate.state.value, gate.name, gate.before, gate.after, gate.detail, gate.waiver), f"gate:{gate.name}")
            for gate in view.gates
        ]
    if view.also_true.raw:
        say(rule("Also true", width), line(" ", view.also_true))
    if view.changed_since:
        say(rule("Changed since it was asked for", width), *[line(" ", ("X", "critical"), f" {each}") for each in view.changed_since])
    if view.facts_problem:
        say(line(" ", ("?", "unknown"), f" what is true now could not be read: {view.facts_problem}"))
    say(rule("If you sign", width), *_signing(view, zone))
    return lines


def _state_lines(view: ApprovalView, zone: ZoneInfo) -> list[Line]:
    row = view.request
    lines = [line(" Reason: ", row.reason)] if row.reason.raw else []
    for vote in view.votes:
        lines.append(line(f" Signed by {vote.person} {figures.moment(vote.at, zone)}, {_how(vote)} ", vote.reason))
        if vote.signature not in {None, "good"}:
            state = State.UNKNOWN if vote.signature == "not checked" else State.CRITICAL
            lines.append(line(" ", (MARKS[state.value], state.value), f" {vote.signature_says}"))
    if row.state != "pending":
        by = f" by {row.ended_by}" if row.ended_by else ""
        lines.append(line(" ", (row.state.upper(), "bold"), f"{by} ", "" if view.void_because else row.ended_reason))
    policies = figures.short_digest(view.policy_digest)
    lines.append(line(f" Policies sha256 {policies}", (f"  qd config policies {row.id}", "dim")))
    if row.state in {"pending", "approved"}:
        lines.append(line(" Executed with: qd ", row.execute_with))
    lines += [line(f"   {each}") for each in view.void_because]
    return lines


def _how(vote: VoteView) -> str:
    key = f"with {vote.fingerprint} ({vote.signature})" if vote.fingerprint else "by name and host"
    return f"alone (solo), {key}" if vote.solo else key


def _gates_title(view: ApprovalView, zone: ZoneInfo) -> str:
    if view.gates_since is None or view.gates_until is None or view.gates_rows is None:
        return "Gates"
    sample = f"{figures.count(view.gates_rows)} of {figures.count(view.gates_scored)} labelled"
    return f"Gates: {figures.day(view.gates_since, zone)} to {figures.moment(view.gates_until, zone)}, not trained on, {sample}"


def _signing(view: ApprovalView, zone: ZoneInfo) -> list[Line]:
    row = view.request
    moved = f"All {view.scores_per_day:,.0f} or so scores a day move to {_label(row.to)}. " if view.scores_per_day is not None else ""
    readers = f"Readers: {', '.join(reader.name for reader in view.readers)}. " if view.readers else ""
    waived = (
        f"Your name covers {row.waived} waiver{'' if row.waived == 1 else 's'}, until {figures.moment(row.execute_by, zone)}."
        if row.waived
        else ""
    )
    if row.state == "approved":
        you = line(" Nobody needs to sign it any more: it is approved, and waits for who carries it out: qd ", row.execute_with)
    elif view.refusal is not None:
        you = line(" ", ("You may not approve: ", "bold"), view.refusal)
    elif view.changed_since:
        asks_anew = "P on the model" if row.asked_as == "promote" else "whoever needs it"
        you = line(" ", ("It changed, so nobody can sign it as it is: ", "bold"), f"X rejects it, and {asks_anew} asks anew.")
    elif view.person == row.requester:
        you = line(f"{_SOLO}{_key(view)}")
    else:
        you = line(f" You are {view.person}, not {row.requester}: may approve.{_key(view)}")
    if row.asked_as == "shift":
        moved = f"It covers every step up to the promotion of {_label(row.to)}. "
    return [you, line(f" {moved}{readers}Undo: {view.undo}. {waived}")]


def _key(view: ApprovalView) -> str:
    """What it is signed with, by where its private half is."""
    if view.key is not None:
        return f" Key {view.key.fingerprint} in {view.key.held}."
    return f" No key: {view.key_missing}." if view.key_missing else ""


_SOLO = " You asked for it yourself; this workspace is yours alone, so you may approve: recorded as solo."


def _gate_why(gate: Gate) -> Line:
    """Line 23: a gate with its whole name, whatever had to be cut on its own line."""
    moved = f": {gate.before} -> {gate.after}" if gate.before and gate.after else f": {gate.before or gate.after}".rstrip(": ")
    detail = line(", ", gate.detail) if gate.detail.raw else Line()
    waiver = f", waived by {gate.waiver}" if gate.waiver else ""
    return joined([line((MARKS[gate.state.value], gate.state.value), f" {gate.name}{moved}"), detail, line(waiver)])


def approval_why(view: ApprovalView) -> Line:
    """Line 23: the worst thing about it."""
    row = view.request
    bad = row.failed + row.unknown
    if row.state != "pending":
        return _why(row, ZoneInfo(view.zone))
    if view.changed_since:
        return line(("X", "critical"), f" it changed since it was asked for: {view.changed_since[0]}")
    if bad:
        state = State.CRITICAL if row.failed else State.UNKNOWN
        return line(
            (MARKS[state.value], state.value),
            f" {bad} gate{'s' if bad > 1 else ''} did not pass{_waived(bad, row.waived)}: part of what you sign",
        )
    return line(f"{row.passed} gates pass") if view.gates else line("no gates: this is judged by people")


def _waived(bad: int, waived: int) -> str:
    if not waived:
        return ""
    return f", {'and is waived' if bad == 1 else f'of which {waived} waived'}"


# the verb


def approval_summary(view: ApprovalView) -> Page:
    """A request in a few lines, before the name is typed."""
    row, zone = view.request, ZoneInfo(view.zone)
    heading = line(f"{row.id} {_what(row)}, {row.environment}; by {row.requester}; payload {figures.short_digest(row.payload_digest)}")
    lines = [line(f"  {'reason':<11}", row.reason)]
    lines += [line(f"  {'changes' if not number else '':<11}", each) for number, each in enumerate(view.will_change)]
    if row.asked_as == "shift":
        lines.append(line(f"  {'covers':<11}every step up to the promotion of {_label(row.to)}"))
    if view.gates:
        failing = [gate for gate in view.gates if gate.state is not State.OK]
        told = "; ".join(
            f"{'X FAIL' if gate.state is State.CRITICAL else '? unknown'} {gate.name}: {gate.detail.raw}"
            + (f" (waiver {gate.waiver})" if gate.waiver else "")
            for gate in failing
        )
        lines.append(line(f"  {'gates':<11}{row.passed} pass{', ' if told else ''}{told}"))
    if view.also_true.raw:
        lines.append(line(f"  {'also':<11}", view.also_true))
    readers = "; " + ", ".join(reader.name for reader in view.readers) if view.readers else ""
    if view.scores_per_day is not None:
        lines.append(line(f"  {'affects':<11}{view.scores_per_day:,.0f} scores a day{readers}; undo: {view.undo}"))
    else:
        lines.append(line(f"  {'affects':<11}{readers[2:] or 'no reader is recorded'}; undo: {view.undo}"))
    if view.facts_problem:
        lines.append(line(("?", "unknown"), f" {'now':<11}what is true now could not be read: {view.facts_problem}"))
    lines += [line(("X", "critical"), f" {'changed':<11}{each}") for each in view.changed_since]
    lines.append(
        line(f"  {'until':<11}approve by {figures.moment(row.approve_by, zone)}, execute by {figures.moment(row.execute_by, zone)}")
    )
    lines.append(line(f"  {'execute':<11}qd ", row.execute_with))
    if view.key is not None:
        lines.append(line(f"  {'key':<11}{view.key.fingerprint} in {view.key.held}"))
    elif view.key_missing and view.refusal is None:
        lines.append(line(("!", "warning"), f" {'key':<11}none, so it is recorded by name and host: {view.key_missing}"))
    if view.refusal is not None:
        lines.append(line(("X", "critical"), f" {'you':<11}{view.person} may not approve: {view.refusal}"))
    return Page(heading, tuple(Row(part) for each in lines for part in wrapped(each, 80, 13)), f"approve {row.id}")


def signed_lines(view: ApprovalView) -> list[Line]:
    """The receipt of an approval: signed with a key and verified, or recorded by name and host."""
    row = view.request
    mine = next((vote for vote in view.votes if vote.person == view.person), None)
    done = "signed"
    if mine is not None and mine.signed:
        done = "signed and verified" if mine.signature == "good" else f"signed, {mine.signature}"
    target = f"{row.granted} of {row.needed}"
    rest = line("; not executed yet: qd ", row.execute_with) if row.state == "approved" else line(f"; {row.id} is {row.state}")
    lines = [Line((*line((f"{done}, {target}", "bold")).spans, *rest.spans))]
    if mine is not None and mine.fingerprint:
        lines.append(line(f"with {mine.fingerprint}"))
    return lines


def signatures_page(view: SignaturesView) -> Page:
    """What each signature of a request is worth."""
    zone = ZoneInfo(view.zone)
    asked = {"none": "signatures are not asked for", "optional": "signatures are optional", "required": "every vote must be signed"}
    lines = [line(f"  {'payload':<11}{view.payload_digest}")]
    lines.append(line(f"  {'namespace':<11}{view.namespace}; {asked[view.asked]}"))
    if view.allowed_signers:
        revoked = f", revoked in {view.revoked}" if view.revoked else ", no revocation list is configured"
        lines.append(line(f"  {'keys':<11}{view.allowed_signers}{revoked}"))
    if view.advisory:
        lines.append(line(("!", "warning"), f" {'advisory':<11}{view.advisory}"))
    for vote in view.votes:
        state = "ok" if vote.signature == "good" else "unknown" if vote.signature in {None, "not checked"} else "critical"
        said = vote.signature_says if vote.signed else "approved by name and host, without a key"
        lines.append(line((MARKS[state], state), f" {vote.person:<11}{figures.moment(vote.at, zone)}  {said}"))
    if not view.votes:
        lines.append(line("  nobody has approved it yet"))
    return Page(line((f"{view.id} {view.verdict}", "bold")), tuple(Row(part) for each in lines for part in wrapped(each, 80, 13)), "")


def bundle_page(view: BundleView) -> Page:
    """What was written, and the commands that verify it without this program."""
    lines = [line(f"  {file}") for file in view.files]
    lines += [line("verify anywhere with OpenSSH alone:"), *(line(f"  {command}") for command in view.commands)]
    return Page(line((f"{view.id}: written to {view.folder}", "bold")), tuple(Row(each) for each in lines), "")


def _what(row: ApprovalRow) -> str:
    return f"{row.asked_as} {row.model} {_label(row.from_)} -> {_label(row.to)}"


def _label(value: str | None) -> str:
    return version_label(value)
