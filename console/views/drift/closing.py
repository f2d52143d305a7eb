"""The sentence that closes a look at drift: where to look first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from backends.records import Layer, State
from backends.shell_words import command_line
from console.views.drift.bug import RealOrBug
from console.views.drift.column import ColumnShift
from console.views.health.model import ModelHealth


def closing_of(
    shifts: Sequence[ColumnShift], health: ModelHealth, broken_signals: Sequence[str], today: bool, bug: RealOrBug
) -> tuple[State, str]:
    """What the numbers together say about where to look; the state is that of the sentence's weight."""
    signals = [signal for layer in health.layers for signal in layer.signals]
    failing = {State.WARNING, State.CRITICAL}
    schema = next((signal for signal in signals if signal.id in broken_signals and signal.state in failing), None)
    gone = [each for each in shifts if each.fault == "nulls"]
    moved = [each for each in shifts if each.state in failing and not each.is_score and each not in gone]
    changes = command_line("changes", health.model)
    if gone:
        return State.CRITICAL, f"{gone[0].column.raw} lost its values: suspect a data bug, not the world. Next: qd {changes}"
    if today and schema is not None:
        return schema.state, f"Schema or missing values broke ({schema.why}): suspect a data bug, not the world."
    fault = bug.failing("schema", "units", "volume", "freshness")
    if fault is not None:
        return fault.state, f"Look at the data before a retrain: {fault.name}, {fault.why}. Next: qd {changes}"
    if not today:
        said = f"{len(moved)} inputs moved beyond their past" if moved else "Inputs were as usual"
        return (State.WARNING if moved else State.OK), f"{said} in these days; health is judged for now only (see --as-of)."
    model = health.layer(Layer.MODEL).state
    if model == State.CRITICAL:
        if any(each.state == State.CRITICAL for each in moved):
            return State.CRITICAL, "Inputs and outcome both left their past: look at the inputs first, then at the concept."
        mostly = "mostly usual" if moved else "usual"
        if _version_is_new(health):
            since = f"since {health.model}@{health.version} serves"
            versions = command_line("versions", health.model)
            return State.CRITICAL, f"Inputs {mostly}, outcome not, {since}: suspect the version. Next: qd {versions}"
        return State.CRITICAL, f"Inputs {mostly}, outcome not: suspect concept drift, not a data bug."
    if model in {State.UNKNOWN, State.STALE}:
        return State.UNKNOWN, "Nothing is known of the outcome, so usual inputs do not say that the model is right."
    if moved:
        return State.WARNING, "Inputs moved beyond their past, the outcome holds so far: watch quality, do not retrain yet."
    if model == State.WARNING:
        return State.WARNING, "Inputs usual, outcome in warning: watch quality, labels may still change it."
    return State.OK, "Inputs and outcome as usual."


def _version_is_new(health: ModelHealth) -> bool:
    """Whether the trouble began within three days after the version in force took over."""
    if health.version_since is None or health.broke_first_at is None:
        return False
    return timedelta(hours=-12) <= health.broke_first_at - health.version_since <= timedelta(days=3)
