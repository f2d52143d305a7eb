"""Workspaces as the verbs tell of them: made, listed, validated, built, watched."""

from __future__ import annotations

from console.views.health.model import View


class InitView(View):
    """A workspace that was made."""

    path: str
    name: str
    group: str | None
    """None: personal."""


class KnownWorkspace(View):
    """One workspace that exists."""

    name: str
    path: str
    chosen: bool
    """The one that the other verbs would use."""


class WorkspacesView(View):
    """Every workspace that is known by name, and the chosen one first."""

    workspaces: tuple[KnownWorkspace, ...]


class ConfigView(View):
    """What `config validate` says; each problem is one line with file and line."""

    path: str
    ok: bool
    problems: tuple[str, ...]


class PathView(View):
    """What `config path` says: where the workspace is, exactly."""

    path: str
    exists: bool


class WatchView(View):
    """What one round of `watch --once` did: one line a step, what went wrong, ids of alerts that opened or closed."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]
    new_alerts: tuple[str, ...]


class DemoView(View):
    """The demo workspace."""

    path: str
    built: bool
