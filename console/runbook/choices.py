"""Would it help? The comparison of what could serve, as an answer to the decision of a playbook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from backends.protocol import AliasMove
from backends.records import State
from backends.shell_words import command_line
from backends.text import Untrusted
from console.control.actions import CHALLENGER_ALIAS, version_label
from console.control.aliases import rollback_targets
from console.render import figures
from console.runbook.steps import NOW
from console.views.versions.serving import aliases_at
from playbooks.host import CheckResult, OptionFigures

if TYPE_CHECKING:
    from console.views.incidents.would_help import Option, WouldHelpView

WAIT: Final = "wait"


def compared(view: WouldHelpView | None, history: Sequence[AliasMove], at: datetime, zone: ZoneInfo, model: str) -> CheckResult:
    """Every choice that a playbook has, with its figures on the same rows; `best` is the one that helps most, or `wait`.

    A rollback goes to the version that served last before; a promotion to the challenger. Other versions are listed under their
    own name and cannot be the best: no choice leads to them.
    """
    command = command_line("rollback", model, options={"--dry-run": None})
    if view is None:
        why = "no rows have both an outcome and the scores of what serves, so nothing can be compared"
        return CheckResult(state=State.UNKNOWN, sentence=Untrusted(why), at=at, command=command)
    moves = [move for move in history if move.moved_at <= at]
    targets, challenger = rollback_targets(moves), aliases_at(moves, at).get(CHALLENGER_ALIAS)
    named = {option.name: _choice(option, targets, challenger) for option in view.options}
    open_to = {"fallback", "rollback", "promote"}
    better = [option for option in view.options if named[option.name] in open_to and option.answer == "better"]
    best = min(better, key=lambda option: option.difference if option.difference is not None else 0.0, default=None)
    choice = WAIT if best is None else named[best.name]
    if all(option.answer == "unknown" for option in view.options if option.kind != "serving"):
        return CheckResult(state=State.UNKNOWN, sentence=Untrusted(view.sentence), at=at, n=view.rows, command=command)
    span = f"on the same {figures.count(view.rows)} labelled rows, {figures.moment(view.since, zone)} to {figures.moment(view.until, zone)}"
    measure = "Brier" if view.metric == "brier" else "MAE"
    if best is None:
        sentence = f"{span}: no choice is better than what serves"
    else:
        serving = next(option for option in view.options if option.kind == "serving")
        sentence = f"{span}: {choice} has the lowest {measure}, {_loss(best)} (what serves has {_loss(serving)})"
    return CheckResult(
        state=State.OK if best is not None else State.WARNING,
        sentence=Untrusted(sentence),
        at=at,
        value=(best.brier if view.metric == "brier" else best.mae) if best is not None else None,
        n=view.rows,
        best=choice,
        options=tuple(_figures(option, named[option.name]) for option in view.options),
        command=command,
    )


def _choice(option: Option, targets: Sequence[str], challenger: str | None) -> str:
    if option.kind == "serving":
        return NOW
    if option.kind == "fallback":
        return "fallback"
    if targets and option.name == targets[0]:
        return "rollback"
    if option.name == challenger:
        return "promote"
    return f"version {option.name}"


def _figures(option: Option, choice: str) -> OptionFigures:
    numbers = {"auc": option.auc, "brier": option.brier, "ece": option.ece, "mae": option.mae, "bias": option.bias}
    found = {name: value for name, value in numbers.items() if value is not None}
    found |= {"mean": option.mean_score} if option.mean_score is not None else {}
    return OptionFigures(
        choice=choice,
        figures=found,
        better=None if option.kind == "serving" or option.answer not in {"better", "worse"} else option.answer == "better",
        note=Untrusted(option.sentence.replace(f"{option.name} ", f"{version_label(option.name)} ", 1)),
        version=None if option.kind == "fallback" else option.name,
        last_served=option.last_served,
    )


def _loss(option: Option) -> str:
    return figures.share(option.brier if option.brier is not None else option.mae)
