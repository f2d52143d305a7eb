"""Which jobs are held: what the published file says, since when, who set it and until when; an overdue one asks."""

from __future__ import annotations

from backends.local.reading import LocalPipelines
from backends.pipeline_protocol import EVERY_PIPELINE, HoldSetting
from backends.protocol import BackendError
from backends.records import Moment
from backends.text import Untrusted
from console.control.actions import HOLD_KINDS, ActionKind, ActionState
from console.control.holds import pipeline_of
from console.control.records import ActionRecord
from console.views.health.model import View
from console.views.sight import Sight


class HoldRow(View):
    """What holds the jobs of a model."""

    model: str
    pipeline: str | None
    """Whose jobs; None: those of every pipeline of the model."""
    since: Moment
    who: str
    """Who set or renewed it."""
    owner: str
    """Who is asked when its time has passed."""
    reason: Untrusted
    until: Moment | None
    overdue: bool
    """True when its owner should have been asked again by now; it never ends by itself."""
    action: str | None
    """The action that set it; None when it was set outside this console."""


class HeldView(View):
    """Whether a job may run: what holds it, or every job that is held."""

    environment: str
    at: Moment
    zone: str
    past: bool
    model: str | None
    """The model that was asked about; None: every one."""
    pipeline: str | None
    """The pipeline that was asked about; None: any."""
    held: bool
    rows: tuple[HoldRow, ...]
    problem: Untrusted | None
    """Why nobody can say: the file cannot be read. A job that asks does not run then."""


def held_view(sight: Sight, model: str | None = None, pipeline: str | None = None) -> HeldView:
    """What holds a job. Needs no store; never raises."""
    problem: Untrusted | None = None
    rows: tuple[HoldRow, ...] = ()
    try:
        rows = holds_of(sight, model, pipeline)
    except BackendError as error:
        problem = Untrusted(str(error))
    return HeldView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        model=model,
        pipeline=pipeline,
        held=bool(rows),
        rows=rows,
        problem=problem,
    )


def holds_of(sight: Sight, model: str | None = None, pipeline: str | None = None) -> tuple[HoldRow, ...]:
    """What holds the jobs of a model, or of every one, the oldest first. Raises BackendError."""
    found = _then(sight) if sight.past else LocalPipelines(sight.workspace.paths.pipelines).holds(sight.environment)
    wanted = {pipeline, EVERY_PIPELINE}
    mine = [each for each in found if each.held and model in {None, each.model} and (pipeline is None or each.pipeline in wanted)]
    return tuple(_row(sight, each) for each in sorted(mine, key=lambda each: (each.begun_at, each.model, each.pipeline)))


def overdue_holds(sight: Sight) -> list[HoldSetting]:
    """What is held though the time at which its owner was to be asked has passed. Raises BackendError."""
    found = LocalPipelines(sight.workspace.paths.pipelines).holds(sight.environment)
    return [each for each in found if each.overdue(sight.at)]


def _row(sight: Sight, setting: HoldSetting) -> HoldRow:
    return HoldRow(
        model=setting.model,
        pipeline=None if setting.pipeline == EVERY_PIPELINE else setting.pipeline,
        since=setting.begun_at,
        who=setting.set_by,
        owner=setting.asked,
        reason=Untrusted(setting.reason),
        until=setting.until,
        overdue=setting.overdue(sight.at),
        action=sight.control.action_by_key.get(setting.key),
    )


def _then(sight: Sight) -> list[HoldSetting]:
    """What was held at a moment of the past, by what control did until then."""
    found: dict[tuple[str, str], HoldSetting] = {}
    for action in sight.control.actions.values():
        if action.kind not in HOLD_KINDS or action.environment != sight.environment or action.state is not ActionState.EFFECTIVE:
            continue
        place = action.model, pipeline_of(action.to or "")
        found[place] = _setting(action, found.get(place))
    return list(found.values())


def _setting(action: ActionRecord, before: HoldSetting | None) -> HoldSetting:
    at = action.finished_at or action.intended_at
    return HoldSetting(
        environment=action.environment,
        model=action.model,
        pipeline=pipeline_of(action.to or ""),
        state="held" if action.kind is ActionKind.HOLD else "free",
        set_at=at,
        set_by=action.actor.who,
        key=action.key,
        reason=action.reason,
        until=action.until,
        owner=action.owner,
        since=before.begun_at if before is not None and before.held else at,
    )
