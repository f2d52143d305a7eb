"""Everything that changed for a model: what was landed, moves of its aliases, its switch, and what control recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from backends.local.reading import LocalTraffic
from backends.protocol import BackendError, SwitchSetting
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import ALIAS_KINDS, MOVING_KINDS, PIPELINE_KINDS, TRAFFIC_KINDS, ActionKind, version_label
from console.control.rollout_end import AFTER_A_MOVE
from console.views.incidents.changes import LOOK_BACK, Change, ChangesView, changes_view, nearest_first
from console.views.sight import Sight


def changes_of(
    sight: Sight, reader: Reader, model: str, onset: datetime | None, onset_why: str = "", look_back: timedelta = LOOK_BACK
) -> ChangesView:
    """Every change of the last sixty days, or of `look_back`, nearest to the onset first; what two sources tell of one is told once."""
    landed = changes_view(reader, sight.environment, model, onset, sight.at, look_back)
    own = set(sight.control.actions)
    items = [each for each in landed.items if each.source != "control" or each.name not in own]
    since = sight.at - look_back
    recorded = [*_aliases(sight, model), *_switch(sight, model), *_traffic(sight, model), *_control(sight, model)]
    for each in recorded:
        if since <= each.at <= sight.at:
            hours = (onset - each.at).total_seconds() / 3600 if onset is not None else None
            items.append(each.model_copy(update={"hours_before_onset": hours}))
    return ChangesView(
        model=model,
        at=sight.at,
        onset=onset,
        onset_why=onset_why,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        items=nearest_first(items),
    )


def _change(at: datetime, topic: str, message: str, actor: str | None, source: str, id: str | None = None) -> Change:
    return Change(at=at, topic=topic, message=Untrusted(message), actor=actor, source=source, hours_before_onset=None, name=id or "")


def _topic(kind: ActionKind) -> str:
    if kind in ALIAS_KINDS:
        return "alias"
    if kind is ActionKind.RETAIN:
        return "data"
    return "traffic" if kind in TRAFFIC_KINDS else "pipeline" if kind in PIPELINE_KINDS else "switch"


def _aliases(sight: Sight, model: str) -> Iterator[Change]:
    """Moves that control did not make; those that it made are told as actions."""
    before: dict[str, str | None] = {}
    for move in sight.alias_history(model):
        previous = before.get(move.alias)
        before[move.alias] = move.version
        if move.key not in sight.control.action_by_key:
            message = f"alias {move.alias} {version_label(previous)} -> {version_label(move.version)}, outside this console"
            yield _change(move.moved_at, "alias", message, move.moved_by, "registry.json")


def _switch(sight: Sight, model: str) -> Iterator[Change]:
    setting = sight.switch_setting(model)
    if isinstance(setting, SwitchSetting) and setting.key not in sight.control.action_by_key:
        message = f"switch set to {setting.state.value}, outside this console: {setting.reason}"
        yield _change(setting.set_at, "switch", message, setting.set_by, "switches.json")


def _traffic(sight: Sight, model: str) -> Iterator[Change]:
    """What was published outside this console; what a move of the alias made of a rollout goes with that move."""
    try:
        setting = LocalTraffic(sight.workspace.paths.traffic).traffic(sight.environment, model)
    except BackendError:
        return
    if setting is not None and setting.key not in sight.control.action_by_key and not setting.key.startswith(AFTER_A_MOVE):
        message = f"traffic set to {setting.value}, outside this console: {setting.reason}"
        yield _change(setting.set_at, "traffic", message, setting.set_by, "traffic.json")


def _control(sight: Sight, model: str) -> Iterator[Change]:
    control, environment = sight.control, sight.environment
    # Of one moment, as where a simulated clock stands, the last one first.
    for action in reversed(list(control.actions.values())):
        if (action.environment, action.model) == (environment, model) and action.kind in MOVING_KINDS:
            labelled = version_label if action.kind in ALIAS_KINDS else str
            movement = f"{labelled(action.from_)} -> {labelled(action.to)}"
            reason = f": {action.reason}" if action.reason else ""
            topic = _topic(action.kind)
            at = action.finished_at or action.intended_at
            yield _change(
                at, topic, f"{action.kind.value} {movement}, {action.state.value}{reason}", action.actor.who, "control", action.id
            )
    for incident in control.incidents.values():
        if (incident.environment, incident.model) == (environment, model):
            yield _change(
                incident.opened_at, "incident", f"{incident.id} opened: {incident.title.raw}", incident.opened_by, "control", incident.id
            )
            if incident.closed_at is not None:
                yield _change(incident.closed_at, "incident", f"{incident.id} closed", incident.driver, "control", incident.id)
    for approval in control.approvals.values():
        payload = approval.payload
        if (payload.environment, payload.model) != (environment, model):
            continue
        movement = f"{payload.action.value} {version_label(payload.from_)} -> {version_label(payload.to)}"
        yield _change(payload.requested_at, "approval", f"{approval.id} asked: {movement}", payload.requester, "control", approval.id)
        for vote in approval.votes:
            yield _change(vote.at, "approval", f"{approval.id} approved: {movement}", vote.person, "control", approval.id)
        if approval.ended in {"vetoed", "void"} and approval.ended_at is not None:
            yield _change(
                approval.ended_at, "approval", f"{approval.id} {approval.ended}: {movement}", approval.ended_by, "control", approval.id
            )
