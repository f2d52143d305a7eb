"""`quarterdeck incident INC-1`: one incident, its steps, evidence and timeline; `incident open M --title T` declares one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from backends.text import displayable
from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.cli.recording import refuse_unknown_model

if TYPE_CHECKING:
    from console.views.incidents.incident import IncidentView
    from widgets.line import Page

OPEN = "open"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("incident", metavar="ID|open", help="the incident, or `open` to declare one")
    parser.add_argument("model", nargs="?", help="with `open`: the model that it is about")
    parser.add_argument("--step", metavar="STEP", help="show this step in full (default: the one where it stands)")
    export = parser.add_argument_group("postmortem")
    export.add_argument("--export", metavar="FILE", help="write the postmortem in Markdown (with --json: the whole run); `-` prints it")
    export.add_argument("--force", action="store_true", help="overwrite the file")
    opening = parser.add_argument_group("opening")
    opening.add_argument("--title", help="what is wrong, in one line")
    opening.add_argument("--severity", choices=("warning", "critical"), default="critical")
    opening.add_argument("--playbook", metavar="ID", help="the playbook that it opens with")
    opening.add_argument("--key", metavar="KEY", help="idempotency key: the same key again opens nothing twice")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.incident == OPEN:
        return _open(context, options)
    if options.export is not None:
        return _export(context, options)
    view = _view(context, options.incident)
    if options.step is not None and view.step(options.step) is None:
        listed = ", ".join(step.id for step in view.steps) or "none"
        raise Problem(Exit.NOT_FOUND, f"{view.id} has no step {options.step}; there are: {listed}")
    context.show(view, "incident", lambda: _page(view, options.step))
    return Exit.OK


def _page(view: IncidentView, step: str | None) -> Page:
    from console.render.incident import incident_page

    return incident_page(view, width=WIDTH, step=step)


def _view(context: Context, wanted: str) -> IncidentView:
    from console.runbook.incident import incident_view
    from console.views.sight import Sight

    return incident_view(Sight(context.workspace, context.environment, context.clock), wanted)


def _export(context: Context, options: argparse.Namespace) -> Exit:
    from console.runbook.postmortem import WouldOverwrite, postmortem, write_postmortem
    from console.views.sight import Sight

    sight = Sight(context.workspace, context.environment, context.clock)
    text = postmortem(sight, options.incident, as_json=options.json)
    if options.export == "-":
        sys.stdout.write(text)
        return Exit.OK
    path = Path(options.export)
    try:
        write_postmortem(path, text, force=options.force)
    except WouldOverwrite as problem:
        raise Problem(Exit.USAGE, str(problem)) from None
    except OSError as error:
        raise Problem(Exit.USAGE, f"{path} cannot be written: {error.strerror}; nothing was written") from None
    context.say(f"written: {path}")
    return Exit.OK


def _open(context: Context, options: argparse.Namespace) -> Exit:
    from backends.records import State
    from backends.text import Untrusted
    from console.cli.acting import desk_of, said
    from console.control.actions import new_key
    from console.control.errors import JournalUnavailable, Refused
    from console.runbook.library import playbook_view

    if not options.model or not options.title:
        raise Problem(Exit.USAGE, "say which model and what is wrong: incident open MODEL --title TEXT")
    refuse_unknown_model(context, options.model)
    if options.playbook is not None:
        playbook_view(context.workspace.paths.playbooks, options.playbook, context.clock.now())
    with desk_of(context) as desk:
        try:
            incident = desk.declare_incident(
                context.environment,
                options.model,
                Untrusted(options.title),
                severity=State(options.severity),
                playbook=options.playbook,
                key=options.key or new_key(),
            )
        except (Refused, JournalUnavailable) as error:
            raise said(error) from None
    if options.json:
        context.show(_view(context, incident.id), "incident")
        return Exit.OK
    following = f"; next: qd playbook run {incident.playbook or 'ID'} --incident {incident.id}"
    print(f"{incident.id} opened for {displayable(incident.model)}: {displayable(options.title)}{following}")
    return Exit.OK
