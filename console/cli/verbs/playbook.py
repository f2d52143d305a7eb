"""`quarterdeck playbook`: list, show and check playbooks; start a run, take it a step further, take it over."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit

if TYPE_CHECKING:
    from console.runbook.driving import Driving
    from playbooks.run import Run

WHAT = ("list", "show", "check", "run", "step", "resume")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=WHAT, help="list | show ID | check [FILE] | run ID --incident INC | step RUN | resume RUN")
    parser.add_argument("name", nargs="?", metavar="ID|RUN|FILE", help="a playbook, a run, or a file")
    parser.add_argument("--incident", metavar="INC", help="with `run`: the incident that it belongs to")
    step = parser.add_argument_group("step, one of (none: answer what needs nobody)")
    one = step.add_mutually_exclusive_group()
    one.add_argument("--choose", metavar="X", help="take the decision")
    one.add_argument("--done", metavar="TEXT", help="a manual, escalate or note step is done")
    one.add_argument("--fail", metavar="WHY", help="a step could not be done")
    one.add_argument("--skip", metavar="REASON", help="leave the step out")
    one.add_argument("--retry", metavar="REASON", help="try a failed or blocked step again")
    one.add_argument("--ask", metavar="REASON", help="file the request of an approval step")
    one.add_argument("--act", action="store_true", help="do the action at the cursor")
    one.add_argument("--undo", metavar="STEP", help="take back the last action of a step")
    one.add_argument("--reopen", metavar="STEP", help="take a decision again")
    one.add_argument("--end", metavar="REASON", help="end the run before its last step")
    one.add_argument("--note", metavar="TEXT", help="write something into the run")
    one.add_argument("--recheck", action="store_true", help="in doubt: find out by looking; always the first thing to do")
    one.add_argument("--effective", metavar="HOW", help="in doubt: it took effect, and how you know")
    one.add_argument("--not-effective", metavar="HOW", help="in doubt: it did not take effect, and how you know")
    one.add_argument("--again", action="store_true", help="in doubt: send it again with the same key")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, for --choose, --reopen and --break-glass")
    parser.add_argument("--confirm", metavar="NAME", help="the model's name, where the environment asks for it; at an action: do it")
    parser.add_argument("--elevate", action="store_true", help="act where the environment is read-only by default")
    parser.add_argument("--break-glass", action="store_true", help="act without the approval that is needed, with --reason; reviewed after")
    parser.add_argument("--dry-run", action="store_true", help="print the plan of the action at the cursor; nothing is sent")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.what == "list":
        return _list(context)
    if options.what == "check":
        return _check(context, options)
    if not options.name:
        raise Problem(Exit.USAGE, f"say which one: playbook {options.what} {'RUN' if options.what in {'step', 'resume'} else 'ID'}")
    if options.what == "show":
        return _show(context, options.name)
    if options.what == "run":
        return _start(context, options)
    return _step(context, options)


def _list(context: Context) -> Exit:
    from console.render.playbooks import library_page
    from console.runbook.library import library_view

    view = library_view(context.workspace.paths.playbooks, context.clock.real_now())
    context.show(view, "playbooks", lambda: library_page(view, width=WIDTH))
    return Exit.OK


def _show(context: Context, name: str) -> Exit:
    from console.render.playbooks import playbook_page
    from console.runbook.library import playbook_view

    if name.upper().startswith("RUN-"):
        return _show_run(context, name)
    view = playbook_view(context.workspace.paths.playbooks, name, context.clock.real_now())
    context.show(view, "playbook", lambda: playbook_page(view, width=WIDTH))
    return Exit.OK


def _show_run(context: Context, name: str) -> Exit:
    from console.render.playbooks import run_page
    from console.runbook.library import run_view
    from console.views.sight import Sight

    view = run_view(Sight(context.workspace, context.environment, context.clock), name)
    context.show(view, "run", lambda: run_page(view, width=WIDTH))
    return Exit.IN_DOUBT if view.in_doubt else Exit.OK


def _check(context: Context, options: argparse.Namespace) -> Exit:
    from backends.yaml_text import YamlFileError
    from console.policies.load import load_policies
    from console.render.playbooks import findings_page
    from console.runbook.library import findings

    file = Path(options.name) if options.name else None
    if file is not None and not file.is_file():
        raise Problem(Exit.NOT_FOUND, f"there is no file {file}")
    paths = context.workspace.paths
    try:
        view = findings(load_policies(paths.policies), paths.playbooks, file, context.clock.real_now())
    except YamlFileError as error:
        raise Problem(Exit.USAGE, str(error)) from None
    context.show(view, "findings", lambda: findings_page(view))
    return Exit.NO if view.errors else Exit.OK


def _start(context: Context, options: argparse.Namespace) -> Exit:
    from console.cli.acting import desk_of, said
    from console.control.errors import JournalUnavailable, NotFound, Refused
    from console.control.ledger import read_state
    from console.runbook.about import found_incident
    from console.runbook.attending import open_run
    from console.runbook.driving import Driving
    from console.runbook.records import run_of
    from playbooks.binding import BindingError
    from playbooks.host import HostError

    if options.incident is None:
        raise Problem(Exit.USAGE, f"a run belongs to an incident: playbook run {options.name} --incident INC")
    state = read_state(context.workspace.paths)
    incident = found_incident(state, options.incident)
    if incident.state == "closed":
        raise Problem(Exit.REFUSED, f"{incident.id} is closed")
    standing = run_of(state, incident.run)
    with desk_of(context) as desk:
        try:
            again = str(len(state.runs) + 1) if standing is not None and standing.outcome else ""
            if standing is not None and standing.outcome is None and standing.playbook.id != options.name:
                raise Problem(
                    Exit.REFUSED, f"{standing.id} of {standing.playbook.id} is still open for {incident.id}: close or end it first"
                )
            opened = open_run(context.workspace, desk, incident, options.name, again=again)
            if opened is None:
                raise Problem(Exit.NOT_FOUND, f"there is no playbook {options.name}; see: playbook list")
            Driving(context.workspace, context.environment, desk, opened.id).look()
        except BindingError as error:
            raise Problem(Exit.USAGE, str(error)) from None
        except (Refused, NotFound, JournalUnavailable, HostError) as error:
            raise said(error) from None
    return _show_run(context, opened.id)


def _step(context: Context, options: argparse.Namespace) -> Exit:
    from console.cli.acting import desk_of, said
    from console.control.errors import JournalUnavailable, NotFound, Refused
    from console.control.ledger import read_state
    from console.runbook.driving import Driving
    from console.runbook.library import known_run
    from playbooks.host import HostError
    from playbooks.runner import RunRefusedError

    found = known_run(read_state(context.workspace.paths), options.name)
    environment = str(found.params.get("environment", context.environment))
    with desk_of(context, elevated=options.elevate) as desk:
        driving = Driving(context.workspace, environment, desk, found.id)
        if options.break_glass:
            if not options.dry_run and not options.reason.strip():
                raise Problem(Exit.USAGE, "say why the glass is broken with --reason TEXT: who reviews it reads it; nothing was sent")
            driving.break_glass(options.reason)
        try:
            if options.dry_run:
                return _plan(context, driving)
            before = _failures(driving.runner.run)
            after = _asked_for(options, driving)()
        except RunRefusedError as error:
            raise Problem(Exit.REFUSED, str(error)) from None
        except (Refused, NotFound, JournalUnavailable, HostError) as error:
            raise said(error) from None
    code = _show_run(context, found.id)
    return Exit.UNAVAILABLE if code is Exit.OK and _failures(after) > before else code


def _asked_for(options: argparse.Namespace, driving: Driving) -> Callable[[], Run]:
    """What the options ask for."""
    if options.what == "resume":
        return lambda: (driving.take(), driving.look())[1]
    worded: dict[str, Callable[[str], Run]] = {
        "choose": lambda choice: driving.choose(choice, options.reason),
        "done": driving.complete,
        "fail": driving.fail,
        "skip": driving.skip,
        "retry": driving.retry,
        "ask": lambda reason: driving.ask(reason, options.confirm),
        "undo": lambda step: driving.undo(step, options.confirm),
        "reopen": lambda step: driving.reopen(step, options.reason),
        "end": driving.end,
        "note": driving.note,
        "effective": lambda how: driving.resolve(True, how),
        "not_effective": lambda how: driving.resolve(False, how),
    }
    for name, step in worded.items():
        given = getattr(options, name)
        if given is not None:
            return lambda step=step, given=given: step(given)  # type: ignore[misc]
    if options.recheck:
        return driving.recheck
    if options.again:
        return lambda: driving.send_again(options.confirm)
    if options.act or options.confirm is not None:
        return lambda: driving.act(options.confirm)
    return driving.look


def _failures(run: Run) -> int:
    return sum(
        intent.outcome is not None and intent.outcome.state == "failed" for step in run.steps.values() for intent in step.intents
    )  # fmt: skip


def _plan(context: Context, driving: Driving) -> Exit:
    from console.render.plan import plan_page

    summary, plan = driving.plan()
    if plan is None:
        raise Problem(Exit.REFUSED, summary.refusal.raw if summary.refusal else "no plan can be drawn")
    context.show(plan, "plan", lambda: plan_page(plan, context.workspace.zone, person=driving.desk.actor.name))
    return Exit.OK if plan.allowed else Exit.REFUSED
