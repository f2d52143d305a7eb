"""How the demo's score server knows which version answers and whether a switch is thrown, for every moment of a stretch of time.

It reads the two published files as any serving process would. What they do not say, or cannot say because they are broken, is answered by
the safe default.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from backends.local.reading import LocalAliases, LocalSwitches, LocalTraffic
from backends.local.routing import answered_by, in_force
from backends.local.traffic_document import Rollout
from backends.plain_file import why_unread
from backends.protocol import AliasMove, BackendError, TrafficSetting
from backends.records import SwitchState
from backends.store.paths import WorkspacePaths
from console.demo.story import ENVIRONMENT
from console.simulation import write_atomically
from console.views.versions.serving import SERVING_ALIAS, served

FORMAT = "quarterdeck/demo-replay/1"
FILE = "replay.json"


class ReplayProblem(Exception):
    """The replay cannot go on: one line with what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on, `value` holds."""

    at: datetime
    value: str | None


@dataclass(frozen=True)
class Course:
    """What held over a stretch, as changes in order of time."""

    changes: tuple[Change, ...]

    def at(self, moment: datetime) -> str | None:
        """What held at `moment`; before the first change, what that brought."""
        return next((change.value for change in reversed(self.changes) if change.at <= moment), self.changes[0].value)


@dataclass(frozen=True)
class ReplayState:
    """How far the replay is. `landing_to` is set while a stretch is being landed: after a crash it is gone through once more."""

    landed_to: datetime
    landing_to: datetime | None = None
    switches: Mapping[str, str] = field(default_factory=dict)
    """By model, as it was at `landed_to`."""
    rollouts: Mapping[str, TrafficSetting] = field(default_factory=dict)
    """By model, as published at `landed_to`."""


def read_state(paths: WorkspacePaths) -> ReplayState | None:
    """How far the replay of this workspace is; None before it ever ran. Raises ReplayProblem."""
    path = paths.root / FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] != FORMAT:
            raise ValueError(f"format {raw['format']!r}, this program reads {FORMAT!r}")
        landing = raw["landing_to"]
        return ReplayState(
            landed_to=_aware(raw["landed_to"]),
            landing_to=None if landing is None else _aware(landing),
            switches={str(model): SwitchState(state).value for model, state in raw["switches"].items()},
            rollouts={model: Rollout.model_validate(each).public(ENVIRONMENT, model) for model, each in raw.get("rollouts", {}).items()},
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ReplayProblem(
            f"{path} does not say how far the replay is ({why_unread(error)}); build the demo anew: quarterdeck demo --rebuild"
        ) from None


def write_state(paths: WorkspacePaths, state: ReplayState) -> None:
    """Keep how far the replay is, atomically."""
    body = {
        "format": FORMAT,
        "landed_to": state.landed_to.isoformat(),
        "landing_to": None if state.landing_to is None else state.landing_to.isoformat(),
        "switches": dict(state.switches),
        "rollouts": {model: Rollout.of(setting).model_dump(mode="json") for model, setting in state.rollouts.items()},
    }
    write_atomically(paths.root / FILE, json.dumps(body, indent=1) + "\n")


def version_courses(
    paths: WorkspacePaths, models: Iterable[str], state: ReplayState, until: datetime
) -> tuple[dict[str, Course], list[str]]:
    """Which version the alias `production` named, by model (None: none), and a line for each that cannot be read."""
    courses: dict[str, Course] = {}
    problems: list[str] = []
    aliases = LocalAliases(paths.registry)
    for model in models:
        changes: tuple[Change, ...] = ()
        try:
            changes = tuple(Change(stretch.start, stretch.version) for stretch in served(aliases.alias_history(ENVIRONMENT, model), until))
        except BackendError as error:
            problems.append(f"{model}: answered by the fallback: {error}")
        courses[model] = Course(changes or (Change(state.landed_to, None),))
    return courses, problems


def switch_courses(
    paths: WorkspacePaths, models: Iterable[str], state: ReplayState, until: datetime
) -> tuple[dict[str, Course], list[str]]:
    """How the kill switch stood, by model, and a line for each that cannot be read.

    Only the setting in force is published, so what held before it is what was seen in the last stretch.
    """
    courses: dict[str, Course] = {}
    problems: list[str] = []
    switches = LocalSwitches(paths.switches)
    for model in models:
        before = Change(state.landed_to, state.switches.get(model, SwitchState.NORMAL.value))
        try:
            found = switches.switch(ENVIRONMENT, model)
        except BackendError as error:
            problems.append(f"{model}: answered by the fallback: {error}")
            courses[model] = Course((Change(state.landed_to, SwitchState.FALLBACK.value),))
            continue
        after = () if found is None or found.set_at > until else (Change(found.set_at, found.state.value),)
        courses[model] = Course((before, *after))
    return courses, problems


@dataclass(frozen=True, slots=True)
class Division:
    """How requests of one model were divided over a stretch: what was published before, and from `since` on."""

    before: TrafficSetting | None
    since: datetime | None
    """None: nothing changed in this stretch."""
    now: TrafficSetting | None
    moves: tuple[AliasMove, ...] = ()
    """Of the alias that serves, oldest first."""

    def published(self, moment: datetime) -> TrafficSetting | None:
        """What stood in the file at `moment`."""
        return self.before if self.since is not None and moment < self.since else self.now

    def in_force(self, moment: datetime) -> TrafficSetting | None:
        """The rollout that divides requests at `moment`."""
        setting = self.published(moment)
        return setting if in_force(setting, self._move(moment)) else None

    def serving(self, moment: datetime) -> str | None:
        """The version that the alias named at `moment`."""
        move = self._move(moment)
        return None if move is None else move.version

    def version(self, moment: datetime, key: str) -> str | None:
        """The version that answers a request: by the rollout that counts beside the move of the alias in force, else by the alias."""
        return answered_by(self.published(moment), self._move(moment), key)

    def _move(self, moment: datetime) -> AliasMove | None:
        return next((move for move in reversed(self.moves) if move.moved_at <= moment), None)


def divisions(paths: WorkspacePaths, models: Iterable[str], state: ReplayState, until: datetime) -> tuple[dict[str, Division], list[str]]:
    """How requests were divided, by model, and a line for each whose file cannot be read: then the alias alone decides.

    Only what is in force is published, so what held before it is what was seen in the last stretch.
    """
    found: dict[str, Division] = {}
    problems: list[str] = []
    aliases, traffic = LocalAliases(paths.registry), LocalTraffic(paths.traffic)
    for model in models:
        before = state.rollouts.get(model)
        try:
            moves = tuple(move for move in aliases.alias_history(ENVIRONMENT, model) if move.alias == SERVING_ALIAS)
            setting = traffic.traffic(ENVIRONMENT, model)
        except BackendError as error:
            problems.append(f"{model}: traffic is not divided: {error}")
            continue
        if setting is None or setting.set_at > until:
            found[model] = Division(before, None, before, moves)
        else:
            found[model] = Division(before, setting.set_at, setting, moves)
    return found, problems


def landed(until: datetime, switches: Mapping[str, Course], divided: Mapping[str, Division]) -> ReplayState:
    """The state after everything up to `until` has landed."""
    published = {model: division.published(until) for model, division in divided.items()}
    return ReplayState(
        until,
        switches={model: course.at(until) or SwitchState.NORMAL.value for model, course in switches.items()},
        rollouts={model: setting for model, setting in published.items() if setting is not None},
    )


def landing(state: ReplayState, until: datetime) -> ReplayState:
    """The state while everything up to `until` is being landed."""
    return replace(state, landing_to=until)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} is a time without a zone")
    return moment
