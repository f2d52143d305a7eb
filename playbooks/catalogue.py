"""The vocabulary of checks and actions that the shipped playbooks use: what a Host has to answer and to do.

A validator takes any catalogue; these are the standard ones. Every check answers with a state whose meaning is fixed here, and with
`unknown` when it cannot be computed: no data is never `ok`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Spec:
    """What a check or an action is called with."""

    about: str
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    """Arguments that may be left out."""


_MODEL: Final = frozenset({"environment", "model"})


def _on_model(about: str, needs: str = "", takes: str = "") -> Spec:
    return Spec(about, _MODEL | frozenset(needs.split()), frozenset(takes.split()))


STANDARD_CHECKS: Final[dict[str, Spec]] = {
    "data_bug": _on_model("Contract of the inputs since the incident began: schema, nulls, ranges, duplicates. ok: none found."),
    "labels_sound": _on_model("Labels: coverage, delay, complete up to when. ok: enough of them to judge by."),
    "input_drift": _on_model("Inputs against their own past windows. ok: nothing beyond the usual."),
    "score_shift": _on_model("Scores against their own past windows. ok: nothing beyond the usual."),
    "signal": _on_model(
        "The watched signal of an alert rule. ok: within its limits. With `since: mitigation` only what came after the last "
        "effective action on the model counts, so that old rows do not hide whether it helped.",
        needs="signal",
        takes="since",
    ),
    "layer": _on_model("The worst verdict of one layer of health.", needs="layer"),
    "changed": _on_model("Deploys, schema changes and upstream events near the start. ok: nothing changed; warning: something did."),
    "would_help": _on_model(
        "Every mitigation on the same rows, by the metric that fits the signal. "
        "`best` names the choice: fallback, rollback, promote or wait. "
        "ok: one is better than doing nothing; warning: none is.",
        needs="signal",
    ),
    "challenger": _on_model("ok: a challenger version exists whose artifact can be read; critical: there is none."),
    "previous_version": _on_model("ok: a version that served before can serve again; critical: there is none."),
    "fallback": _on_model("ok: the model declares a fallback; critical: it does not."),
    "switch": _on_model("The kill switch. ok: normal; warning: degraded or fallback; critical: killed."),
    "pipeline": _on_model("The last runs of the model's pipelines. ok: all succeeded; critical: the last one failed."),
    "slo_budget": _on_model("Error budget left. ok: some; critical: spent.", takes="slo"),
}

STANDARD_ACTIONS: Final[dict[str, Spec]] = {
    "degrade": _on_model("Set the kill switch to degraded."),
    "fallback": _on_model("Set the kill switch to fallback."),
    "kill": _on_model("Set the kill switch to killed."),
    "restore": _on_model("Set the kill switch back to normal."),
    "rollback": _on_model("Production back to a version that served before; without `to` the last one that did.", takes="to"),
    "promote": _on_model("A version to production; `to: challenger` is whatever version the challenger alias names.", needs="to"),
}
"""Named as the console's own actions are."""
