"""The audit: who did what, newest first, and whether the chain that holds it is whole."""

from __future__ import annotations

from typing import Any, Literal

from backends.records import Moment, State
from backends.text import Untrusted
from console.approval_terms import signer_files
from console.control import audit
from console.control.audit import AuditEntry, AuditFilter, AuditVerdict, JournalUnavailable
from console.control.signatures import signature_findings
from console.views.health.model import View
from console.views.sight import Sight

_STATES = {
    "failed": State.WARNING,
    "refused": State.WARNING,
    "in doubt": State.CRITICAL,
    "waiting": State.UNKNOWN,
    "vetoed": State.WARNING,
    "void": State.WARNING,
    "gap": State.WARNING,
    "break": State.CRITICAL,
}

LIMIT = 200


class AuditRow(View):
    """One entry of the journal, as a sentence and in full."""

    seq: int
    at: Moment
    real_at: Moment
    """By the wall clock, beside the workspace's own."""
    who: str
    kind: str
    subject: str
    environment: str | None
    model: str | None
    what: Untrusted
    result: str
    detail: Untrusted
    state: State
    spooled: bool
    actor: dict[str, Any]
    body: dict[str, Any]
    prev_hash: str
    hash: str


class ChainFinding(View):
    """One thing that is wrong with the chain."""

    kind: str
    seq: int | None
    message: Untrusted


class ChainView(View):
    """Whether the journal can be believed, recomputed at this moment."""

    at: Moment
    verified_at: Moment
    """By the wall clock."""
    state: Literal["whole", "broken", "unreadable"]
    entries: int
    last_seq: int
    last_hash: str
    mirrored_seq: int | None
    mirrored_at: Moment | None
    findings: tuple[ChainFinding, ...]
    warnings: tuple[Untrusted, ...]
    gap_entries: int
    problem: Untrusted | None
    """Why it cannot be read at all."""


class AuditView(View):
    """Entries and the chain."""

    environment: str
    at: Moment
    zone: str
    past: bool
    chain: ChainView
    rows: tuple[AuditRow, ...]
    total: int
    """Entries that fit; `rows` holds the newest of them."""
    filters: AuditFilter


def audit_view(sight: Sight, *, limit: int | None = LIMIT, filters: AuditFilter | None = None, signatures: bool = False) -> AuditView:
    """The newest entries that fit, of the whole workspace: the chain is one. For the past, only what was recorded by then."""
    wanted = filters or AuditFilter()
    chain = chain_view(sight, signatures=signatures)
    found: list[AuditEntry] = []
    if chain.state != "unreadable":
        found = [entry for entry in audit.log(sight.workspace.paths, None, wanted) if not sight.past or entry.at <= sight.at]
    return AuditView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        chain=chain,
        rows=tuple(_row(entry) for entry in (found if limit is None else found[:limit])),
        total=len(found),
        filters=wanted,
    )


def chain_view(sight: Sight, *, signatures: bool = False) -> ChainView:
    """Recompute the chain from its first entry to its last. Never raises: a journal that cannot be read is an answer.

    `signatures`: verify every signed approval too; ssh-keygen takes some milliseconds for each.
    """
    now = sight.clock.real_now()
    try:
        verdict: AuditVerdict = audit.verify(sight.workspace.paths, sight.workspace.settings.audit.heads)
    except JournalUnavailable as error:
        return ChainView(
            at=sight.at, verified_at=now, state="unreadable", entries=0, last_seq=0, last_hash="", mirrored_seq=None, mirrored_at=None,
            findings=(), warnings=(), gap_entries=0, problem=Untrusted(str(error)),
        )  # fmt: skip
    wrong, worth = _signatures(sight) if signatures else ([], [])
    findings = [ChainFinding(kind=each.kind, seq=each.seq, message=Untrusted(each.message)) for each in verdict.findings]
    findings += [ChainFinding(kind="signature", seq=None, message=Untrusted(each)) for each in wrong]
    return ChainView(
        at=sight.at,
        verified_at=now,
        state="broken" if findings else "whole",
        entries=verdict.entries,
        last_seq=verdict.last_seq,
        last_hash=verdict.last_hash,
        mirrored_seq=verdict.mirrored_seq,
        mirrored_at=verdict.mirrored_at,
        findings=tuple(findings),
        warnings=tuple(Untrusted(each) for each in (*verdict.warnings, *worth)),
        gap_entries=verdict.gap_entries,
        problem=None,
    )


def _signatures(sight: Sight) -> tuple[list[str], list[str]]:
    """What is wrong with the signatures of approvals, and what is worth knowing of them."""
    files = signer_files(sight.policies)
    return signature_findings(sight.control.approvals.values(), files, sight.workspace.paths.policies)


def _row(entry: AuditEntry) -> AuditRow:
    return AuditRow(
        seq=entry.seq,
        at=entry.at,
        real_at=entry.real_at,
        who=entry.who,
        kind=entry.kind,
        subject=entry.subject,
        environment=entry.environment,
        model=entry.model,
        what=Untrusted(entry.what),
        result=entry.result,
        detail=Untrusted(entry.detail),
        state=_STATES.get(entry.result, State.OK),
        spooled=entry.spooled,
        actor=entry.actor,
        body=entry.body,
        prev_hash=entry.prev_hash,
        hash=entry.hash,
    )
