"""The policies in force, or those that a decision of the past was made under."""

from __future__ import annotations

from typing import Any, Literal

from backends.text import Untrusted
from console.policies.consistency import unique_name
from console.policies.load import Policies, policies_by_digest
from console.policies.rules import SECTIONS, SINGLE
from console.views.health.model import View
from console.views.sight import Sight


class PolicyItem(View):
    """One rule, role, person, ..."""

    section: str
    name: str
    place: str | None
    """File and line; None for what is no longer, or not yet, what the files say."""
    body: Any
    """As it stands in the canonical JSON that the digest is of."""


class InForceView(View):
    """Policies, whole, with their digest."""

    digest: str
    of: Untrusted | None
    """What they were in force for: a request, an action, a digest; None: now."""
    origin: Literal["files", "last good", "shipped", "kept"]
    """`kept`: read by their digest from what was once adopted."""
    problems: tuple[Untrusted, ...]
    items: tuple[PolicyItem, ...]
    changed_since: tuple[str, ...] = ()
    """What is in force otherwise now: `guardrails frozen is gone`; empty when nothing is."""


class NotKept(LookupError):
    """No copy of the policies is kept, or nothing is known under the name."""


def in_force_view(sight: Sight, of: str | None) -> InForceView:
    """The policies in force, or those that `of` was decided under: a request, an action, or a digest. Raises NotKept."""
    now = sight.policies
    if of is None:
        return InForceView(
            digest=now.digest,
            of=None,
            origin=now.origin,
            problems=tuple(Untrusted(str(each)) for each in now.problems),
            items=tuple(PolicyItem(section=s, name=n, place=now.place(s, n), body=b) for (s, n), b in _items(now).items()),
        )
    digest = _digest_of(sight, of)
    try:
        then = now if digest == now.digest else policies_by_digest(sight.workspace.paths.policies, digest)
    except (OSError, ValueError) as error:
        why = "no copy is kept" if isinstance(error, FileNotFoundError) else str(error)
        raise NotKept(f"the policies {digest} cannot be shown: {why}") from None
    found, today = _items(then), _items(now)
    return InForceView(
        digest=digest,
        of=Untrusted(of),
        origin="kept",
        problems=(),
        items=tuple(
            PolicyItem(section=s, name=n, place=now.place(s, n) if today.get((s, n)) == b else None, body=b) for (s, n), b in found.items()
        ),
        changed_since=tuple(_changed(found, today)),
    )


def _digest_of(sight: Sight, of: str) -> str:
    if of.startswith("sha256:"):
        return of
    approval, action = sight.control.approvals.get(of), sight.control.action(of)
    if approval is not None:
        return approval.payload.policy_digest
    digest = (action.plan or {}).get("policy_digest") if action is not None else None
    if digest is None:
        raise NotKept(f"{of!r} is no request, action or digest of policies; see: quarterdeck approvals, actions")
    return str(digest)


def _items(policies: Policies) -> dict[tuple[str, str], Any]:
    body = policies.body
    found: dict[tuple[str, str], Any] = {}
    for section in SECTIONS:
        for item, written in zip(getattr(policies, section), body[section], strict=True):
            found[section, unique_name(section, item)] = written
    found |= {("people", person): given for person, given in body["people"].items()}
    found |= {(section, section): body[section] for section in SINGLE if body[section] is not None}
    return found


def _changed(then: dict[tuple[str, str], Any], now: dict[tuple[str, str], Any]) -> list[str]:
    lines = [
        f"{section} {name} {'is gone' if (section, name) not in now else 'is another'}"
        for (section, name), body in then.items()
        if now.get((section, name)) != body
    ]
    return lines + [f"{section} {name} is new" for section, name in now if (section, name) not in then]
