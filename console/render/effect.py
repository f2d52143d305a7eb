"""Did it help? The watch below a receipt and behind `effect`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backends.shell_words import command_line
from console.render import figures
from widgets.line import Line, line, rule
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.views.health.model import Quality
    from console.views.incidents.effect_view import EffectView

_ROLES = {"helped": "ok", "watching": "", "no effect": "warning", "worse": "critical", "unknown": "unknown"}
_NEXT = {
    "fallback": "the next choice of the playbook",
    "kill": "does serving read what was published? Ask whoever runs it, and stop it there",
    "promote": "roll back: R",
    "restore": "set fallback again: K",
}
"""What is tried after an action that did not help, by its kind."""

_SIGNS = {"helped": ".", "watching": "~", "no effect": "!", "worse": "X", "unknown": "?"}


def effect_lines(view: EffectView, width: int) -> list[Line]:
    """The watch: verdict first, then before and after with their samples, then what comes next."""
    zone = ZoneInfo(view.zone)
    lines = [rule("Did it help?", width, f"since {figures.moment(view.acted_at, zone)}")]
    lines += wrapped(line(" ", (_SIGNS[view.verdict], _ROLES[view.verdict]), f" {view.verdict}: {view.message}"), width, 3)
    if view.before is not None:
        lines.append(line(f"   before, 24 h   {_quality(view, view.before)}"))
    if view.after is not None and view.after.labelled:
        lines.append(line(f"   since then     {_quality(view, view.after)}"))
    if view.scored_since and view.as_wanted < view.scored_since:
        share = f"{figures.count(view.as_wanted)} of {figures.count(view.scored_since)}"
        lines.append(line(f"   {share} scores since come from what was put in force"))
    lines += wrapped(line(f"   {following(view)}"), width, 3)
    return lines


def following(view: EffectView) -> str:
    """What comes next."""
    zone = ZoneInfo(view.zone)
    if view.ended_by is not None:
        return f"Counted until {view.ended_by} followed: qd action {view.ended_by}"
    if view.scored_since == 0 and view.verdict == "no effect":
        return "Next: are scores arriving, and does serving read what was published? sources, then w for what changed"
    if view.verdict in {"no effect", "worse"}:
        step = _NEXT.get(view.kind, "set fallback: K")
        if view.kind == "shift":
            step = f"end the rollout: qd {command_line('traffic', view.model, 'abort')}"
        return f"Next: {step}, or w for what changed"
    if view.verdict == "watching":
        if view.next_labels_at is None:
            return "The model does not say how long outcomes take to be known (label_delay_hours)"
        when = figures.moment(view.next_labels_at, zone)
        return f"Outcomes of the first scores are due by {when}; they are counted whoever looks"
    return "Next: keep watching until the incident's signal is back within its limits, then close it: C"


def _quality(view: EffectView, quality: Quality) -> str:
    sample = f"n {figures.count(quality.labelled)} of {figures.count(quality.scored)}"
    if view.task == "regression":
        return f"MAE {figures.share(quality.mae)}  bias {figures.signed(quality.bias)}  {sample}"
    return f"gap {figures.signed(quality.gap)}  Brier {figures.share(quality.brier)}  {sample}"
