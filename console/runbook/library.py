"""The library of playbooks as verbs show it: shipped ones and the workspace's own, checked against what this program knows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from backends.yaml_text import YamlFileError
from console.control.errors import NotFound
from console.control.state import ControlState
from console.policies.load import Policies, known_rules
from console.runbook.records import run_of
from console.runbook.steps import head_of, kept_evidence, planned, steps_of
from console.views.incidents.playbooks import FindingsView, PlaybooksView, PlaybookView, RunView
from console.views.sight import Sight
from playbooks.binding import BindingError
from playbooks.catalogue import STANDARD_ACTIONS, STANDARD_CHECKS
from playbooks.format import Playbook
from playbooks.library import Library, read_library
from playbooks.run import Run
from playbooks.validator import Catalogues, check_playbook, read_playbook


def library_view(own: Path, now: datetime) -> PlaybooksView:
    """Every playbook that can be started."""
    library = read_library(own)
    shown = [_view(library, name, now) for name in sorted(library.files)]
    return PlaybooksView(playbooks=tuple(shown), problems=tuple(str(problem) for problem in library.problems))


def playbook_view(own: Path, name: str, now: datetime) -> PlaybookView:
    """One playbook. Raises NotFound with those that there are."""
    library = read_library(own)
    if name not in library.files:
        raise NotFound(f"there is no playbook {name}; there are: {', '.join(sorted(library.files))}")
    return _view(library, name, now)


def run_view(sight: Sight, wanted: str) -> RunView:
    """One run as control knows it. Raises NotFound."""
    run = known_run(sight.control, wanted)
    incident, model = run.context.get("incident"), run.params.get("model")
    return RunView(
        id=run.id,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        incident=str(incident) if incident else None,
        model=str(model) if model else None,
        head=head_of(run.playbook, sight.clock.real_now()),
        started_at=run.started_at,
        started_by=run.started_by,
        driver=run.driver,
        outcome=run.outcome,
        ended_at=run.ended_at,
        steps=steps_of(run, sight),
        in_doubt=run.in_doubt.id if run.in_doubt else None,
        evidence=kept_evidence(run),
    )


def known_run(control: ControlState, wanted: str) -> Run:
    """A run by its id, in capitals or not. Raises NotFound."""
    name = wanted if wanted in control.runs else wanted.upper()
    found = run_of(control, name)
    if found is None:
        raise NotFound(f"there is no run {wanted}; there are: {', '.join(list(control.runs)[-5:]) or 'none yet'}")
    return found


def findings(policies: Policies, own: Path, file: Path | None, now: datetime) -> FindingsView:
    """What is wrong with one file, or with every playbook of the library and the workspace's own."""
    library = read_library(own)
    known = Catalogues(STANDARD_CHECKS, STANDARD_ACTIONS, known_rules(policies), library.playbooks)
    errors = [] if file is not None else [str(problem) for problem in library.problems]
    warnings: list[str] = []
    try:
        checked = list(library.files.values()) if file is None else [read_playbook(file)]
    except YamlFileError as error:
        return FindingsView(files=1, errors=tuple(str(problem) for problem in error.problems), warnings=())
    for each in checked:
        for found in check_playbook(each, known, now.date()):
            (errors if found.severity == "error" else warnings).append(str(found.problem))
    return FindingsView(files=len(checked), errors=tuple(errors), warnings=tuple(warnings))


def _view(library: Library, name: str, now: datetime) -> PlaybookView:
    file = library.files[name]
    book: Playbook = file.playbook
    sample = {key: f"{{{key}}}" for key, param in book.params.items() if param.required and param.type == "text"}
    try:
        steps = planned(book, sample, library.playbooks)
    except BindingError:
        steps = ()
    described = {
        key: (param.description or "") + ("" if param.required else f" (default {param.default})") for key, param in book.params.items()
    }
    return PlaybookView(
        head=head_of(book, now),
        summary=book.summary or "",
        source=file.text.file,
        rules=book.applies_to.rules,
        layer=book.applies_to.layer.value,
        params=described,
        steps=steps,
    )
