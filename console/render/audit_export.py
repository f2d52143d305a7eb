"""The audit for other programs and other people: JSON Lines, CSV, Markdown, OCSF.

JSON Lines carry the chain: whoever has them can recompute every hash as `docs/control.md` says. The others are for reading and
for a security data lake; they name number and hash of each entry, so that it can be found again.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from backends.text import displayable, escaped_json
from console.control.sentences import AuditEntry
from playbooks.markdown import escaped

Lines = Iterator[str]

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, wherever the text came from; in some languages the wide forms too."""

CSV_COLUMNS: Final = ("seq", "at", "real_at", "who", "kind", "subject", "environment", "model", "what", "result", "detail", "hash")

_OCSF_ACTIVITY: Final = {"action.intended": 1, "approval.asked": 1, "noted": 1, "acknowledged": 1}
_CREATE, _UPDATE, _OTHER = 1, 3, 99
_OCSF_STATUS: Final = {"failed": 2, "refused": 2, "vetoed": 2, "void": 2, "break": 2, "in doubt": 99, "waiting": 99, "gap": 99}
_OCSF_SEVERITY: Final = {"break": 5, "gap": 4, "in doubt": 4, "failed": 3, "refused": 3}
_INFORMATIONAL = 1

OCSF_VERSION: Final = "1.3.0"
_OCSF_HOSTNAME: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
"""What its type `hostname_t` takes; any other text is the `name` of an endpoint."""


def jsonl(entries: Iterable[AuditEntry]) -> Lines:
    """One entry a line: the columns that the chain covers, exactly, and the sentence that the console shows."""
    for entry in entries:
        body = {
            "seq": entry.seq,
            "key": entry.key,
            "kind": entry.kind,
            "subject": entry.subject,
            "at": _micros(entry.at),
            "real_at": _micros(entry.real_at),
            "actor": entry.actor,
            "body": entry.body,
            "prev_hash": entry.prev_hash,
            "hash": entry.hash,
            "said": {"who": entry.who, "what": entry.what, "result": entry.result, "detail": entry.detail},
            "environment": entry.environment,
            "model": entry.model,
        }
        yield _json(body)


def comma_separated(entries: Iterable[AuditEntry]) -> Lines:
    """A header and one row an entry; no cell begins as a formula does, and none holds what steers a terminal."""
    yield _csv_row(CSV_COLUMNS)
    for entry in entries:
        cells = [entry.seq, _micros(entry.at), _micros(entry.real_at), entry.who, entry.kind, entry.subject]
        cells += [entry.environment or "", entry.model or "", entry.what, entry.result, entry.detail, entry.hash]
        yield _csv_row([_cell(value) for value in cells])


def markdown(entries: Iterable[AuditEntry]) -> Lines:
    """A table for a report."""
    yield "| # | time (UTC) | who | what | result | hash |"
    yield "| ---: | --- | --- | --- | --- | --- |"
    for entry in entries:
        result = f"{entry.result}: {entry.detail}" if entry.detail else entry.result
        cells = (f"{entry.at:%Y-%m-%d %H:%M:%S}", escaped(entry.who), escaped(entry.what), escaped(result), f"`{entry.hash[:12]}`")
        yield f"| {entry.seq} | {' | '.join(cells)} |"


def ocsf(entries: Iterable[AuditEntry]) -> Lines:
    """One event of class API Activity (6003) of the Open Cybersecurity Schema Framework, version 1.3.0, a line."""
    for entry in entries:
        yield _json(_ocsf_event(entry))


FORMATS: Final[dict[str, Callable[[Iterable[AuditEntry]], Lines]]] = {
    "jsonl": jsonl,
    "csv": comma_separated,
    "md": markdown,
    "ocsf": ocsf,
}


def _ocsf_event(entry: AuditEntry) -> dict[str, Any]:
    activity = _OCSF_ACTIVITY.get(entry.kind) or (_CREATE if entry.kind.endswith(".opened") else _UPDATE)
    if entry.kind.startswith("audit."):
        activity = _OTHER
    host = str(entry.actor.get("host") or "unknown")
    status = _OCSF_STATUS.get(entry.result, 1)
    user = {"name": str(entry.actor.get("name", "?")), "type_id": 3 if entry.actor.get("program") else 1}
    user |= {"uid": str(entry.actor["uid"])} if entry.actor.get("uid") is not None else {}
    resources = [{"type": "model", "name": entry.model, "namespace": entry.environment}] if entry.model else []
    return {
        "category_uid": 6,
        "class_uid": 6003,
        "activity_id": activity,
        **({"activity_name": entry.kind} if activity == _OTHER else {}),
        "type_uid": 600300 + activity,
        "time": int(entry.real_at.timestamp() * 1000),
        "severity_id": _OCSF_SEVERITY.get(entry.result, _INFORMATIONAL),
        "status_id": status,
        "status": entry.result,
        "status_detail": entry.detail,
        "message": entry.what,
        "actor": {"user": user},
        "src_endpoint": {"hostname" if _OCSF_HOSTNAME.fullmatch(host) else "name": host},
        "api": {"operation": entry.kind, "request": {"uid": entry.key}, "service": {"name": "quarterdeck"}},
        "resources": [*resources, {"type": "record", "uid": entry.subject}],
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": "Quarterdeck", "vendor_name": "Quarterdeck"},
            "sequence": entry.seq,
            "uid": entry.hash,
            "original_time": _micros(entry.at),
            "log_name": "control",
        },
        "unmapped": {"prev_hash": entry.prev_hash, "hash": entry.hash, "body": entry.body, "actor": entry.actor},
    }


def _micros(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _json(body: dict[str, Any]) -> str:
    return escaped_json(json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def _cell(value: object) -> str:
    text = displayable(str(value))
    return f"'{text}" if text.startswith(FORMULA) else text


def _csv_row(cells: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()
