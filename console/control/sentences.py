"""Each entry of the journal as a sentence: who, what, with which result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal

from backends.journal.entries import BREAK_KIND, Entry
from backends.records import Moment, Name
from console.control import events
from console.control.actions import Frozen, said_duration, version_label

Result = Literal[
    "done", "written first", "effective", "failed", "refused", "in doubt", "waiting", "approved", "vetoed", "void", "gap", "break"
]


LONGEST: Final = 200
"""Characters of a name."""


class AuditEntry(Frozen):
    """One entry of the journal, said as a sentence."""

    seq: int
    key: Name
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


def sentences(entries: Iterable[Entry]) -> Iterator[AuditEntry]:
    """Entries in order, each with the environment and model of what it is about."""
    about: dict[str, tuple[str | None, str | None, str]] = {}
    for entry in entries:
        try:
            yield _said(entry, about)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # Nobody writes one like that here: whoever looks for what was done to the journal has to see all the others.
            yield _unread(entry, error)


def _said(entry: Entry, about: dict[str, tuple[str | None, str | None, str]]) -> AuditEntry:
    own = _about(entry)
    if own is not None:
        about[entry.subject] = own
    environment, model, thing = about.get(entry.subject, (None, None, entry.subject))
    what, result, detail = _SAID.get(entry.kind, _other)(entry, thing)
    actor = entry.actor
    return AuditEntry(
        seq=entry.seq,
        key=entry.key,
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


def _unread(entry: Entry, error: Exception) -> AuditEntry:
    name = str(entry.kind)[:LONGEST] or "?"
    return AuditEntry(
        seq=entry.seq,
        key=str(entry.key)[:LONGEST] or "?",
        at=entry.at,
        real_at=entry.real_at,
        who="?",
        kind=name,
        subject=str(entry.subject)[:LONGEST] or "?",
        environment=None,
        model=None,
        what=f"{name} is no entry of its kind",
        result="break",
        detail=f"it cannot be read: {type(error).__name__}",
        actor=entry.actor if isinstance(entry.actor, dict) else {},
        body=entry.body if isinstance(entry.body, dict) else {},
        prev_hash=str(entry.prev_hash),
        hash=str(entry.hash),
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


def _responded(entry: Entry, _thing: str) -> Said:
    response = entry.body["response"]["response"]
    words = f"log {entry.subject}" if response == "log" else f"advise {response.replace(' ', '')} {entry.subject}"
    return words, "done", str(entry.body.get("text") or "")


def _asked(entry: Entry, thing: str) -> Said:
    return f"ask {entry.subject} {thing}", "waiting", f"needs {entry.body['payload']['needed']}"


def _voted(entry: Entry, thing: str) -> Said:
    signed = "signed" if entry.body.get("signature") else "solo" if entry.body.get("solo") else "not signed"
    return f"approve {entry.subject} {thing}", "approved", signed


def _held(entry: Entry, _thing: str) -> Said:
    return f"{entry.subject} held {entry.body['held']}", "done", str(entry.body.get("reason", ""))


def _reviewed(entry: Entry, _thing: str) -> Said:
    return f"review {entry.subject} of {entry.body['action']}", "done", f"{entry.body['verdict']}: {entry.body['text']}"


def _intended(entry: Entry, thing: str) -> Said:
    broken = "BREAK-GLASS " if entry.body["plan"].get("break_glass") else ""
    return f"{broken}{thing} intended", "written first", str(entry.body.get("reason") or "")


def _elevated(entry: Entry, _thing: str) -> Said:
    return f"{entry.subject} until {entry.body['until'][:16]}", "done", str(entry.body.get("reason", ""))


def _ran(entry: Entry, _thing: str) -> Said:
    return f"{entry.subject} {entry.kind.removeprefix(events.RUN)}", "done", ""


def _other(entry: Entry, thing: str) -> Said:
    return _ran(entry, thing) if entry.kind.startswith(events.RUN) else (f"{entry.kind} {thing}", "done", "")


_SAID: dict[str, Callable[[Entry, str], Said]] = {
    events.INTENDED: _intended,
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
    events.REVIEWED: _reviewed,
    events.ALERT_OPENED: _simply("alert {subject}"),
    events.ALERT_CLOSED: _simply("alert {subject} ended"),
    events.RESPONDED: _responded,
    events.LOGGED_OVER: _simply("{subject}, only logged, ended"),
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
    events.ELEVATED: _elevated,
    events.LOWERED: _simply("{subject} ended"),
    events.GAP: _simply("taken over from the spool", "gap"),
    events.CHECKPOINT: _simply("what the entries before add up to was kept"),
    BREAK_KIND: _simply("the chain was broken before this", "break"),
}
