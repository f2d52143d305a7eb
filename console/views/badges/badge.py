"""One badge of one asset: borne out, not borne out, unknown or out of place, with the record that says so and the verb that shows it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from backends.text import Untrusted
from console.views.health.model import View

Standing = Literal["borne out", "not borne out", "unknown", "does not apply"]

BadgeName = Literal["versioned", "tested", "observable", "governable", "improved"]

BADGES: Final[tuple[BadgeName, ...]] = ("versioned", "tested", "observable", "governable", "improved")
"""In the order in which they are shown."""

Kind = Literal["dataset", "features", "run", "version", "deployment", "pipeline", "labels"]


class Proof(View):
    """A record that speaks for a badge, or against it."""

    record: Untrusted
    """Which one: `run delay-run-2`, `approval APR-3`, `alert rule latency`."""
    text: Untrusted
    """What it says."""
    verb: str
    """What shows it, without the program's name: `approvals APR-3`."""


class Badge(View):
    """One badge of one asset."""

    id: BadgeName
    standing: Standing
    evidence: tuple[Proof, ...]
    why: Untrusted
    """Why it is not borne out, not known or out of place; empty where it is borne out."""


class Asset(View):
    """Something that the records of a system know, with its badges."""

    id: str
    """`dataset:NAME`, `version:2`: unique within a system."""
    kind: Kind
    name: Untrusted
    of: tuple[str, ...]
    """Versions of the model that it belongs to; empty for what belongs to all of them."""
    badges: tuple[Badge, ...]

    def badge(self, name: BadgeName) -> Badge:
        """The badge named."""
        return next(each for each in self.badges if each.id == name)


class Verdict(NamedTuple):
    """What is found of one badge."""

    standing: Standing
    evidence: tuple[Proof, ...] = ()
    why: str = ""


def proof(record: str, text: str, verb: str) -> Proof:
    return Proof(record=Untrusted(record), text=Untrusted(text), verb=verb)


def borne_out(*evidence: Proof) -> Verdict:
    """Records say so."""
    return Verdict("borne out", evidence)


def not_borne_out(why: str, *evidence: Proof) -> Verdict:
    """Records say otherwise, or what this workspace itself decides does."""
    return Verdict("not borne out", evidence, why)


def unknown(why: str, *evidence: Proof) -> Verdict:
    """No record says."""
    return Verdict("unknown", evidence, why)


def out_of_place(why: str) -> Verdict:
    """The badge makes no sense of such an asset."""
    return Verdict("does not apply", (), why)


def asset(kind: Kind, name: str, of: tuple[str, ...], **found: Verdict) -> Asset:
    """An asset with its five verdicts, each named as its badge."""
    badges = tuple(Badge(id=each, standing=found[each].standing, evidence=found[each].evidence, why=_why(found[each])) for each in BADGES)
    return Asset(id=f"{kind}:{name}", kind=kind, name=Untrusted(name), of=of, badges=badges)


def _why(verdict: Verdict) -> Untrusted:
    return Untrusted(verdict.why)
