"""A gate on the model card of a candidate: nothing that the standards require may be missing."""

from __future__ import annotations

from backends.records import State
from backends.shell_words import command_line
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import Gate
from console.policies.rules import Gate as Rule
from console.views.cards.documented import documented, held_to
from console.views.cards.fields import missing_of
from console.views.lineage.provenance import provenance_of
from console.views.release.plan_facts import Evidence


def documentation_gate(rule: Rule, evidence: Evidence, reader: Reader, to: str) -> Gate:
    """The card of the version `to` as the records have it now. Where nothing is required, nothing is shown. Raises StoreError."""
    known = provenance_of(evidence.sight, reader, evidence.model.name)
    required = len(held_to(evidence.sight, known).required)
    if not required:
        return Gate(name=rule.title, state=State.UNKNOWN, detail=Untrusted("no documentation standard in policies/ is about this model"))
    missing = missing_of(documented(evidence.sight, known, to))
    after = f"{required - len(missing)} of {required}"
    verb = f"qd {command_line('card', f'{known.name}@{to}')}"
    detail = f"{after} fields documented" + (f", missing {', '.join(missing)}; {verb}" if missing else "")
    return Gate(name=rule.title, state=State.CRITICAL if missing else State.OK, after=after, detail=Untrusted(detail))
