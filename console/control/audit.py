"""Who did what, from the journal, and whether the journal can be believed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from pydantic import Field

from backends.journal.entries import BREAK_KIND, Entry, JournalUnavailable
from backends.journal.journal import Journal
from backends.journal.verification import verify_journal
from backends.local.reading import LocalAliases, LocalSwitches
from backends.protocol import BackendError
from backends.records import Moment, Name
from backends.store.paths import WorkspacePaths
from console.control import events
from console.control.actions import Frozen, said_duration, version_label
from console.control.ledger import exists, read_state, refuse_lost
from console.control.snapshots import altered
from console.control.spool import read_notes

__all__ = ["AuditEntry", "AuditFilter", "AuditFinding", "AuditVerdict", "JournalUnavailable", "log", "verify"]

Result = Literal[
    "done", "written first", "effective", "failed", "refused", "in doubt", "waiting", "approved", "vetoed", "void", "gap", "break"
]


class AuditFilter(Frozen):
    """Which entries to list; everything that is given must hold."""

    who: str | None = None
    kind: str | None = None
    """Beginning of the kind: `action.`, `approval.`, `incident.`, `run.`."""
    subject: Name | None = None
    model: Name | None = None
    since: Moment | None = None
    text: str | None = None
    """Anything in the sentence or the reason, case ignored."""


class AuditEntry(Frozen):
    """One entry of the journal, said as a sentence."""

    seq: int
    at: Moment
    real_at: Moment
    who: str
    """`mara@bastion`, or the name of a rule."""
    kind: Name
    subject: Name
    environment: str | None
    model: str | None
    what: str
    result: Result
    detail: str = ""
    """`0.2 s`, `waiting 1 of 1`, the reason of a refusal."""
    spooled: bool = False
    actor: dict[str, Any]
    body: dict[str, Any]
    prev_hash: str
    hash: str


class AuditFinding(Frozen):
    """One thing that is wrong with the chain."""

    kind: str
    seq: int | None
    message: str


class AuditVerdict(Frozen):
    """What the journal is worth."""

    whole: bool
    entries: int
    last_seq: int
    last_hash: str
    mirrored_seq: int | None
    mirrored_at: Moment | None
    findings: tuple[AuditFinding, ...] = ()
    warnings: tuple[str, ...] = ()
    gap_entries: int = Field(default=0, ge=0)
    """Notes that wait outside the journal."""


def log(paths: WorkspacePaths, limit: int | None = 200, filters: AuditFilter | None = None) -> list[AuditEntry]:
    """The newest entries that fit, newest first; no journal yet is an empty list. Raises JournalUnavailable."""
    if not exists(paths.control):
        refuse_lost(paths)
        return []
    journal = Journal(paths.control, paths.audit_head, read_only=True)
    try:
        wanted = filters or AuditFilter()
        # Every entry is read, since what an entry is about stands in an earlier one; only the newest that fit are kept.
        return list(deque((entry for entry in _sentences(journal.each()) if _fits(entry, wanted)), maxlen=limit))[::-1]
    finally:
        journal.close()


def verify(paths: WorkspacePaths) -> AuditVerdict:
    """Recompute the chain, compare its end with the mirrored head, and name what is in force without an entry. Never raises."""
    found = verify_journal(paths.control, paths.audit_head)
    changed = _altered(paths)
    return AuditVerdict(
        whole=found.whole and not changed,
        entries=found.entries,
        last_seq=found.last_seq,
        last_hash=found.last_hash,
        mirrored_seq=found.head.seq if found.head else None,
        mirrored_at=found.head.at if found.head else None,
        findings=(*(AuditFinding(kind=finding.kind, seq=finding.seq, message=finding.message) for finding in found.findings), *changed),
        warnings=(*found.warnings, *_unrecorded(paths)),
        gap_entries=sum(max(1, len(note.drafts)) for note in read_notes(paths.spool)),
    )


def _altered(paths: WorkspacePaths) -> tuple[AuditFinding, ...]:
    """Snapshots that are not what the journal says was kept."""
    try:
        if not exists(paths.control):
            return ()
        journal = Journal(paths.control, paths.audit_head, read_only=True)
        try:
            return tuple(AuditFinding(kind="edited", seq=None, message=line) for line in altered(journal, paths.snapshots))
        finally:
            journal.close()
    except JournalUnavailable:
        # The walk along the chain has said so already.
        return ()


def _unrecorded(paths: WorkspacePaths) -> list[str]:
    """What is in force and was set by nobody that the journal knows: by hand, or while nothing could be written."""
    state = read_state(paths)
    try:
        moves, settings = LocalAliases(paths.registry).aliases(), LocalSwitches(paths.switches).switches()
    except BackendError as error:
        return [str(error)]
    lines = [
        f"{move.alias} of {move.model} in {move.environment} is {version_label(move.version)}, set by {move.moved_by} without an entry"
        for move in moves
        if move.key not in state.action_by_key
    ]
    lines += [
        f"the switch of {setting.model} in {setting.environment} is {setting.state.value}, set by {setting.set_by} without an entry"
        for setting in settings
        if setting.key not in state.action_by_key
    ]
    return lines


def _sentences(entries: Iterable[Entry]) -> Iterator[AuditEntry]:
    """Entries in order, each with the environment and model of what it is about."""
    about: dict[str, tuple[str | None, str | None, str]] = {}
    for entry in entries:
        own = _about(entry)
        if own is not None:
            about[entry.subject] = own
        environment, model, thing = about.get(entry.subject, (None, None, entry.subject))
        what, result, detail = _SAID.get(entry.kind, _other)(entry, thing)
        actor = entry.actor
        yield AuditEntry(
            seq=entry.seq,
            at=entry.at,
            real_at=entry.real_at,
            who=actor.get("name", "?") if actor.get("program") or "host" not in actor else f"{actor['name']}@{actor['host']}",
            kind=entry.kind,
            subject=entry.subject,
            environment=environment,
            model=model,
            what=what,
            result=result,
            detail=detail,
            spooled="spooled" in entry.body,
            actor=actor,
            body=entry.body,
            prev_hash=entry.prev_hash,
            hash=entry.hash,
        )


def _about(entry: Entry) -> tuple[str | None, str | None, str] | None:
    body = entry.body
    if "payload" in body:
        payload = body["payload"]
        thing = f"{payload['action']} {payload['model']} {_movement(payload)}"
        return payload["environment"], payload["model"], thing
    if "plan" in body:
        plan = body["plan"]
        return plan["environment"], plan["model"], f"{plan['kind']} {plan['model']} {_movement(plan)}".rstrip()
    for name in ("incident", "alert", "event"):
        found = body.get(name)
        if isinstance(found, dict) and "model" in found:
            return found.get("environment"), found["model"], entry.subject
    return (body["environment"], body.get("model"), entry.subject) if "environment" in body else None


def _movement(plan: dict[str, Any]) -> str:
    if plan.get("to") is None:
        return ""
    if plan.get("alias"):
        return f"{version_label(plan['from_'])} -> {version_label(plan['to'])}"
    return f"{plan['from_']} -> {plan['to']}"


def _fits(entry: AuditEntry, wanted: AuditFilter) -> bool:
    if wanted.who is not None and wanted.who not in {entry.who, entry.who.split("@")[0]}:
        return False
    if wanted.kind is not None and not entry.kind.startswith(wanted.kind):
        return False
    if wanted.subject is not None and entry.subject != wanted.subject:
        return False
    if wanted.model is not None and entry.model != wanted.model:
        return False
    if wanted.since is not None and entry.at < wanted.since:
        return False
    text = f"{entry.what} {entry.detail} {entry.body.get('reason', '')} {entry.body.get('text', '')}".casefold()
    return wanted.text is None or wanted.text.casefold() in text


Said = tuple[str, Result, str]


def _ended(result: Result) -> Callable[[Entry, str], Said]:
    def said(entry: Entry, thing: str) -> Said:
        seconds = entry.body.get("seconds")
        detail = said_duration(seconds) if isinstance(seconds, float) else str(entry.body.get("message", ""))
        return thing, result, detail

    return said


def _simply(words: str, result: Result = "done") -> Callable[[Entry, str], Said]:
    def said(entry: Entry, thing: str) -> Said:
        return words.format(thing=thing, subject=entry.subject), result, str(entry.body.get("text") or entry.body.get("reason") or "")

    return said


def _asked(entry: Entry, thing: str) -> Said:
    return f"ask {entry.subject} {thing}", "waiting", f"needs {entry.body['payload']['needed']}"


def _voted(entry: Entry, thing: str) -> Said:
    signed = "signed" if entry.body.get("signature") else "solo" if entry.body.get("solo") else "not signed"
    return f"approve {entry.subject} {thing}", "approved", signed


def _held(entry: Entry, _thing: str) -> Said:
    return f"{entry.subject} held {entry.body['held']}", "done", str(entry.body.get("reason", ""))


def _ran(entry: Entry, _thing: str) -> Said:
    return f"{entry.subject} {entry.kind.removeprefix(events.RUN)}", "done", ""


def _other(entry: Entry, thing: str) -> Said:
    return _ran(entry, thing) if entry.kind.startswith(events.RUN) else (f"{entry.kind} {thing}", "done", "")


_SAID: dict[str, Callable[[Entry, str], Said]] = {
    events.INTENDED: _simply("{thing} intended", "written first"),
    events.SENT: _simply("{thing} sent"),
    events.EFFECTIVE: _ended("effective"),
    events.FAILED: _ended("failed"),
    events.REFUSED: _ended("refused"),
    events.IN_DOUBT: _ended("in doubt"),
    events.RECHECKED: _ended("in doubt"),
    events.RETRIED: _simply("{thing} sent again, same key", "written first"),
    events.WATCHED: _simply("watch {thing}"),
    events.ASKED: _asked,
    events.APPROVED: _voted,
    events.VETOED: _simply("reject {subject} {thing}", "vetoed"),
    events.VOIDED: _simply("{subject} {thing}", "void"),
    events.EXECUTING: _simply("use {subject} {thing}"),
    events.RELEASED: _simply("keep {subject} {thing}"),
    events.EXECUTED: _simply("used up {subject} {thing}"),
    events.ALERT_OPENED: _simply("alert {subject}"),
    events.ALERT_CLOSED: _simply("alert {subject} ended"),
    events.INCIDENT_OPENED: _simply("open {subject}"),
    events.INCIDENT_JOINED: _simply("{subject} grows"),
    events.TAKEN: _simply("take {subject}"),
    events.HANDED_OVER: _simply("hand over {subject}"),
    events.MITIGATED: _simply("{subject} mitigated"),
    events.CLOSED: _simply("close {subject}"),
    events.ACKNOWLEDGED: _simply("acknowledge {subject}"),
    events.NOTED: _simply("note {subject}"),
    events.BREAKER_HELD: _held,
    events.BREAKER_LET_GO: _simply("{subject} automatic again"),
    events.GAP: _simply("taken over from the spool", "gap"),
    events.CHECKPOINT: _simply("what the entries before add up to was kept"),
    BREAK_KIND: _simply("the chain was broken before this", "break"),
}
