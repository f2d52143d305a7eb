"""What still works, key by key, when sources are down: an action never waits for a fact."""

from __future__ import annotations

from collections.abc import Mapping

from backends.text import Untrusted
from console.views.health.model import View


class StillWorks(View):
    """One thing that a person may want to do, and whether it works with what can be read now."""

    key: str
    what: str
    works: bool
    why: Untrusted


def still_works(down: Mapping[str, str], past: bool) -> tuple[StillWorks, ...]:
    """Every kind of action and of looking. `down` has the reason of each source that cannot be read, by its kind."""

    def told(key: str, what: str, needs: tuple[str, ...], why: str, spooled: bool = False) -> StillWorks:
        missing = next((kind for kind in needs if kind in down), None)
        if past and key not in {"views", "w"}:
            return StillWorks(key=key, what=what, works=False, why=Untrusted("no: you look at the past, where nothing acts; 0 returns"))
        if missing is not None:
            return StillWorks(key=key, what=what, works=False, why=Untrusted(f"no: it needs {_NAMES[missing]}: {down[missing]}"))
        if spooled and "journal" in down:
            noted = "yes, towards a safer state only: the journal cannot be written, so it is noted beside it and shows as a gap"
            return StillWorks(key=key, what=what, works=True, why=Untrusted(noted))
        return StillWorks(key=key, what=what, works=True, why=Untrusted(why))

    blind = "" if "store" not in down else "; its plan cannot say whether it would help"
    return (
        told("K", "kill switch", ("switches",), f"yes: needs switches.json and nothing else{blind}", spooled=True),
        told("R", "roll back", ("registry",), f"yes: needs registry.json and nothing else{blind}", spooled=True),
        told("P", "promote", ("registry", "store", "journal"), "yes: its gates are judged from the store"),
        told("A", "approve", ("journal",), "yes: signed here, carried out by whoever asked"),
        told("T +", "take, note", ("journal",), "yes: recorded in the journal"),
        told("p", "playbook", ("journal",), "yes" if not blind else "yes; checks that cannot be read are unknown, not passed"),
        told("w", "what changed", ("store",), "yes"),
        told("views", "every other view", ("store",), "yes: from what the store holds, with its age"),
    )


_NAMES = {"store": "the store", "registry": "registry.json", "switches": "switches.json", "journal": "the journal"}
