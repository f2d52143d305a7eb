"""A workspace's settings (`workspace.toml`), its clock, and how a new one is made."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from backends.plain_file import read_plain, why_unread
from backends.records import Moment, Name
from backends.store.paths import WorkspacePaths
from console.clock import Clock, PastClock, SimulatedClock, SystemClock
from console.locate import holds_remains
from console.simulation import BrokenClock, read_clock, write_atomically, write_clock

FORMAT = 1
"""The workspace format that this program writes and reads."""

PRIVATE, SHARED = 0o700, 0o2770


class WorkspaceProblem(Exception):
    """A workspace cannot be used. One line: what, which file, what to do."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvironmentSettings(_Settings):
    """One environment of the workspace."""

    colour: Literal["red", "yellow", "blue", "magenta", "cyan", "white"] = "magenta"
    """Colour of the environment's name on line 1; the word is always beside it."""
    read_only: bool = True
    """Read-only by default: an operator's safer action passes, everything else needs `elevate`."""


class ClockSettings(_Settings):
    """Present only in a workspace with a simulated clock."""

    start: Moment
    speed: float = Field(default=0.0, ge=0, le=100_000)


class ModelSettings(_Settings):
    """What this workspace adds to a model."""

    bind: dict[str, str] = Field(default_factory=dict)
    """What each other source calls this model."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Berlin") from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]
"""The IANA name of a time zone."""


class DuckdbTable(_Settings):
    """A table or view of a `.duckdb` file, and what one row of it is."""

    table: Name
    """`name` or `schema.name`."""
    facts: Literal["predictions", "labels", "metrics", "records", "events"]
    environment: Name | None = None
    """None: the workspace's first."""
    model: Name | None = None
    """For rows that do not say; so is `version`."""
    version: Name | None = None
    zone: Zone | None = None
    """Of times that carry none."""
    columns: dict[str, str] = Field(default_factory=dict)
    """What it calls our columns, where that is not one of the usual names: `{score = "p_late"}`."""
    newer_by: Name | None = None
    """A column of theirs that only grows, such as the time of writing: rows below what was read last are not read again."""


class DuckdbSource(_Settings):
    """A `.duckdb` file of the user's own, read by the watch: read-only, and unable to reach any other file."""

    path: Path
    """Absolute, or from the folder of the workspace."""
    tables: tuple[DuckdbTable, ...] = ()


class WatchSettings(_Settings):
    """How somebody is told."""

    every_seconds: float = Field(default=60.0, ge=1, le=86_400)
    """How often the daemon goes through its steps, in real time."""
    notify: tuple[str, ...] = ()
    """A command of this machine that is given each new alert as JSON on its standard input, e.g. `["/usr/local/bin/page"]`."""
    notify_timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    overdue_minutes: float = Field(default=30.0, gt=0)
    """Without an evaluation for this long the evaluator is overdue: its verdicts are called stale."""


class AuditSettings(_Settings):
    """Where the head of the audit's chain is told besides the workspace."""

    heads: Path | None = None
    """A file that only grows, absolute; best where those who act here may append and nothing else."""
    syslog: str | None = Field(default=None, pattern=r"^(/.+|[^/:\s]+:[0-9]{1,5})$")
    """Path of the system log's socket, such as /dev/log, or HOST:PORT for UDP."""

    @field_validator("heads")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError(f"{str(path)!r} must begin with /: a file inside the workspace would be rewritten together with it")
        return path


class WorkspaceSettings(_Settings):
    """`workspace.toml`."""

    format: int = Field(ge=1, strict=True)
    name: Name
    display_zone: Zone = "UTC"
    """IANA zone in which times are drawn; named on screen."""
    personal: bool
    """The OS user is admin and may approve alone, recorded as solo. Never assumed: a lost line must not make anybody admin."""
    group: Name | None = None
    environments: dict[str, EnvironmentSettings] = Field(default_factory=lambda: {"production": EnvironmentSettings()}, min_length=1)
    clock: ClockSettings | None = None
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    duckdb: dict[str, DuckdbSource] = Field(default_factory=dict)
    watch: WatchSettings = WatchSettings()
    audit: AuditSettings = AuditSettings()

    @model_validator(mode="after")
    def _shared_or_personal(self) -> Self:
        if self.personal and self.group is not None:
            raise ValueError(f"personal = true, but group = {self.group!r}: what a group shares is not personal")
        return self

    @model_validator(mode="after")
    def _known_environments(self) -> Self:
        for name, source in self.duckdb.items():
            for each in source.tables:
                if each.environment is not None and each.environment not in self.environments:
                    raise ValueError(f"duckdb.{name}: no environment {each.environment!r}; there are: {', '.join(self.environments)}")
        return self


class Workspace:
    """An opened workspace: its paths, settings and clock."""

    def __init__(self, paths: WorkspacePaths, settings: WorkspaceSettings) -> None:
        self.paths = paths
        self.settings = settings

    @property
    def zone(self) -> ZoneInfo:
        """The display zone."""
        return ZoneInfo(self.settings.display_zone)

    @property
    def environment(self) -> str:
        """The environment shown when none is named: the first of the file."""
        return next(iter(self.settings.environments))

    def clock(self, *, as_of: datetime | None = None) -> Clock:
        """The clock to inject: time travel, the workspace's simulated clock, or real time."""
        if as_of is not None:
            return PastClock(as_of)
        if self.settings.clock is None:
            return SystemClock()
        try:
            running = read_clock(self.paths)
        except BrokenClock as problem:
            raise WorkspaceProblem(str(problem)) from None
        return running or SimulatedClock(self.settings.clock.start, SystemClock().real_now(), 0.0)


def _none_there(paths: WorkspacePaths) -> str:
    root, name = paths.root, paths.workspace_toml.name
    if holds_remains(root):
        return (
            f"{root} holds parts of a workspace, but its {name} is gone; put that back, or take it from a backup: "
            "quarterdeck backup restore FILE DIR"
        )
    return f"no workspace at {root}: there is no {name}; make one with: quarterdeck init {root}"


def open_workspace(root: Path) -> Workspace:
    """Read `workspace.toml`. Raises WorkspaceProblem with the file, the line where known, the reason and what to do."""
    paths = WorkspacePaths(root)
    path = paths.workspace_toml
    try:
        raw = tomllib.loads(read_plain(path).decode("utf-8"))
    except FileNotFoundError:
        raise WorkspaceProblem(_none_there(paths)) from None
    except PermissionError:
        raise WorkspaceProblem(f"{path} cannot be read: permission denied; ask its owner, or choose another with --workspace") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise WorkspaceProblem(
            f"{path} cannot be read: {why_unread(error)}; mend the file, or take it from a backup: quarterdeck backup restore FILE DIR"
        ) from None
    found = raw.get("format")
    if isinstance(found, int) and not isinstance(found, bool) and found > FORMAT:
        raise WorkspaceProblem(
            f"{path} has format {found}, newer than {FORMAT}, the newest that this program reads (nothing was changed); update quarterdeck"
        )
    try:
        settings = WorkspaceSettings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise WorkspaceProblem(f"{path}: {where}: {first['msg']}; see: quarterdeck config schema") from None
    return Workspace(paths, settings)


def workspace_folders(root: Path) -> list[Path]:
    """Every folder that a workspace has from the start, itself first."""
    paths = WorkspacePaths(root)
    inside = [paths.policies, paths.playbooks, paths.landing, paths.store, paths.rejects, paths.evidence, paths.spool]
    return [root, *inside, paths.logs, paths.crash]


def init_workspace(
    root: Path,
    *,
    name: str,
    group: str | None = None,
    display_zone: str = "UTC",
    clock: ClockSettings | None = None,
    environments: tuple[str, ...] = ("production",),
) -> Workspace:
    """Make a new workspace folder: personal (0700) or shared with a Unix group (setgid 2770).

    Raises WorkspaceProblem when there is one already, when the folder holds other things, or when the group is unknown.
    """
    import shutil  # only a shared workspace needs it

    from backends.reserve import keep_reserve  # and this only a new one

    paths = WorkspacePaths(root)
    if paths.workspace_toml.exists():
        raise WorkspaceProblem(f"{root} is a workspace already; open it with: quarterdeck --workspace {root}")
    if root.is_dir() and any(root.iterdir()):
        raise WorkspaceProblem(f"{root} is not empty and not a workspace; choose an empty or a new folder")
    settings = WorkspaceSettings(
        format=FORMAT,
        name=name,
        display_zone=display_zone,
        personal=group is None,
        group=group,
        environments={each: EnvironmentSettings() for each in environments},
        clock=clock,
    )
    mode = PRIVATE if group is None else SHARED
    try:
        root.mkdir(parents=True, exist_ok=True)
        for folder in workspace_folders(root):
            folder.mkdir(exist_ok=True)
            if group is not None:
                shutil.chown(folder, group=group)
            folder.chmod(mode)
        write_atomically(paths.workspace_toml, _as_toml(settings))
        if clock is not None:
            write_clock(paths, SimulatedClock(clock.start, SystemClock().real_now(), clock.speed))
        paths.workspace_toml.chmod(0o600 if group is None else 0o660)
        keep_reserve(root)
    except LookupError:
        raise WorkspaceProblem(f"there is no group {group!r} on this machine; see: getent group") from None
    except OSError as error:
        raise WorkspaceProblem(f"{root} cannot be made a workspace: {error.strerror}: {error.filename}") from None
    return Workspace(paths, settings)


def _as_toml(settings: WorkspaceSettings) -> str:
    def quoted(text: str) -> str:
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

    lines = [
        f"format = {settings.format}",
        f"name = {quoted(settings.name)}",
        f"display_zone = {quoted(settings.display_zone)}",
        f"personal = {str(settings.personal).lower()}",
    ]
    if settings.group is not None:
        lines.append(f"group = {quoted(settings.group)}")
    for name, environment in settings.environments.items():
        lines += [
            "",
            f"[environments.{quoted(name)}]",
            f'colour = "{environment.colour}"',
            f"read_only = {str(environment.read_only).lower()}",
        ]
    if settings.clock is not None:
        lines += ["", "[clock]", f"start = {settings.clock.start.astimezone(UTC).isoformat()}", f"speed = {settings.clock.speed}"]
    return "\n".join(lines) + "\n"
