"""What was done last to a model. From control alone, so that a look at a model without actions costs nothing more."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from console.control.actions import SERVING_KINDS, TRAFFIC_KINDS, ActionState
from console.control.records import ActionRecord
from console.views.sight import Sight

_SHARE: Final = re.compile(r" at (\S+) %")

WATCHED_FOR: Final = timedelta(hours=48)
"""How long the effect of an action is shown with its model."""


def latest_effective(sight: Sight, model: str) -> ActionRecord | None:
    """The newest action on a model that took effect and changed what answers, within WATCHED_FOR."""
    found = [
        action
        for action in sight.control.actions.values()
        if (action.environment, action.model) == (sight.environment, model)
        and watched(action)
        and sight.at - (action.finished_at or action.intended_at) <= WATCHED_FOR
    ]
    # Of one moment, as where a simulated clock stands, the last one.
    return max(reversed(found), key=lambda action: action.finished_at or action.intended_at, default=None)


def watched(action: ActionRecord) -> bool:
    """Whether an action has an effect that is watched: it changed what answers, and that was seen."""
    return action.state is ActionState.EFFECTIVE and action.kind in SERVING_KINDS


def followed_by(sight: Sight, action: ActionRecord) -> ActionRecord | None:
    """The next action on the same model that changed who answers: from there on what is scored is its effect."""
    later = False
    for each in sight.control.actions.values():
        if later and (each.environment, each.model) == (action.environment, action.model) and watched(each) and _changes_answers(each):
            return each
        later = later or each.id == action.id
    return None


def _changes_answers(action: ActionRecord) -> bool:
    """Whether somebody else answers after it: a pause, or the end of a shadow, leaves that as it was."""
    return action.kind not in TRAFFIC_KINDS or _share(action.from_) != _share(action.to)


def _share(value: str | None) -> str:
    """The candidate's share in the value of a rollout: `canary 2 > 3 at 10 % step 1/2`."""
    found = _SHARE.search(value or "")
    return found[1] if found is not None else "0"
