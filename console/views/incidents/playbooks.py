"""Playbooks and their runs, as verbs print them."""

from __future__ import annotations

from backends.records import Moment
from console.views.health.model import View
from console.views.incidents.incident import AnswerView, PlaybookHead, StepView


class PlaybookView(View):
    """One playbook of the library."""

    head: PlaybookHead
    summary: str
    source: str
    """The file that it was read from."""
    rules: tuple[str, ...]
    """Alert rules that lead to it."""
    layer: str
    params: dict[str, str]
    steps: tuple[StepView, ...]


class PlaybooksView(View):
    """The library: shipped playbooks and the workspace's own, and what is wrong with files that could not be read."""

    playbooks: tuple[PlaybookView, ...]
    problems: tuple[str, ...]


class FindingsView(View):
    """What is wrong with playbook files, at their places."""

    files: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


class RunView(View):
    """A run as it stands."""

    id: str
    at: Moment
    zone: str
    incident: str | None
    model: str | None
    head: PlaybookHead
    started_at: Moment
    started_by: str
    driver: str | None
    outcome: str | None
    ended_at: Moment | None
    steps: tuple[StepView, ...]
    in_doubt: str | None
    evidence: tuple[AnswerView, ...]

    @property
    def current(self) -> StepView | None:
        """The step at which it stands."""
        return next((step for step in self.steps if step.current), None)
