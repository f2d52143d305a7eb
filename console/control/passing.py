"""Whether gates let a version through: the first that does not pass and that nobody waived stands in the way."""

from __future__ import annotations

from collections.abc import Sequence

from backends.records import State
from console.control.actions import Gate


def standing_in_the_way(gates: Sequence[Gate]) -> str | None:
    """Why the candidate may not be let in: the first gate that does not pass and has no waiver; None when nothing does."""
    failing = [gate for gate in gates if gate.state is not State.OK and gate.waiver is None]
    if not failing:
        return None
    first, more = failing[0], len(failing) - 1
    word = "fails" if first.state is State.CRITICAL else "is unknown, which is no pass"
    return f"gate {first.name} {word}: {first.detail.raw}" + (f" (and {more} more)" if more else "")
