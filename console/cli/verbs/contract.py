"""`quarterdeck contract propose FILE|MODEL`: a contract from good rows; `contract check`: rows, or production logs, held against it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from backends.durable import make_folder
from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit

if TYPE_CHECKING:
    from datetime import datetime

    from console.contracts.contract import ReadContract
    from console.contracts.proposing import Proposal
    from console.policies.load import Policies
    from console.views.data.contract import ContractCheckView
    from console.views.release.holds import HeldView

ENDINGS = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=("propose", "check"),
        help="propose FILE, or MODEL from its reference: write a contract; check MODEL: production logs; check CONTRACT|MODEL FILE: rows",
    )
    parser.add_argument("first", metavar="CONTRACT|FILE|MODEL", help="the contract or the good rows; or a model of the workspace")
    parser.add_argument("file", nargs="?", help="check: Parquet, CSV with a header, or JSON Lines; a quoted pattern takes several files")
    parser.add_argument("--to", type=Path, metavar="NEW", help="propose: write it there, whole or not at all, instead of printing it")
    parser.add_argument("--name", metavar="NAME", help="propose: the name of the contract; that of the file if not given")
    parser.add_argument(
        "--moment",
        choices=("training", "batch", "online", "logs"),
        help="check: only the rules that hold at this moment; of a MODEL the check is kept in the workspace",
    )
    parser.add_argument("--pipeline", metavar="NAME", help="check MODEL FILE --moment batch: whose job asks; while it is held: exit with 1")
    parser.add_argument("--run", metavar="RUN", help="check MODEL FILE --moment: the run that the rows are for")
    parser.add_argument("--fail-on", choices=("warning", "critical"), help="check: exit with 1 when a rule is at least this bad")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.what == "check":
        _only(options, "propose", to=options.to, name=options.name)
        return _check(context, options)
    if options.file is not None:
        raise Problem(Exit.USAGE, "propose takes one FILE; a quoted pattern takes several files")
    _only(options, "check", moment=options.moment, run=options.run, pipeline=options.pipeline, fail_on=options.fail_on)
    return _propose(context, options)


def _only(options: argparse.Namespace, what: str, **given: object) -> None:
    """Refuse an option that would do nothing. Raises Problem."""
    for name, value in given.items():
        if value is not None:
            raise Problem(Exit.USAGE, f"--{name.replace('_', '-')} belongs to contract {what}, not to contract {options.what}")


def _is_file(given: str) -> bool:
    return os.path.lexists(given) or given.lower().endswith(ENDINGS) or any(mark in given for mark in "*?[/")


def _propose(context: Context, options: argparse.Namespace) -> Exit:
    from backends.text import Untrusted, displayable  # after the arguments are known to be right
    from backends.yaml_text import YamlFileError
    from backends.yaml_writing import yaml_document
    from console.contracts.contract import read_contract
    from console.views.data.contract import ContractProposalView

    if options.to is not None and os.path.lexists(options.to):
        raise Problem(Exit.USAGE, f"{options.to} exists already: nothing was written; give another name")
    given, proposal = _proposal(context, options)
    body = proposal.body
    document = f"# Proposed from {displayable(given)}. Read it through: it says what these rows are, not what is right.\n"
    document += yaml_document(body)
    try:
        read_contract(document)
    except YamlFileError as error:
        raise Problem(Exit.USAGE, f"{given}: no contract can be made of it: {error.problems[0].reason}") from None
    if options.to is not None:
        _write(options.to, document)
        context.say(f"{options.to} written: {len(body['columns'])} columns")
    for note in proposal.notes:
        context.say(displayable(note))
    if options.json:
        context.show(
            ContractProposalView(file=Untrusted(given), contract=body, notes=tuple(map(Untrusted, proposal.notes))), "contract-proposal"
        )
    elif options.to is None:
        print(document, end="")
    return Exit.OK


def _proposal(context: Context, options: argparse.Namespace) -> tuple[str, Proposal]:
    """Where the rows are from, and the contract."""
    from console.contracts.proposing import Proposal, proposed

    if _is_file(options.first) or not context.located.exists:
        return options.first, proposed(options.first, options.name or Path(options.first).stem, _now(context))
    from console.contracts.proposing_logs import proposed_from_logs

    given, body = proposed_from_logs(context.lookout, options.first, options.name or options.first)
    return given, Proposal(body)


def _check(context: Context, options: argparse.Namespace) -> Exit:
    from console.render.contract import contract_page

    view = _checked(context, options)
    held = _held(context, options)
    if held is not None:
        view = view.model_copy(update={"holds": held.rows})
    context.show(view, "contract-check", lambda: contract_page(view, width=WIDTH))
    bad = {"warning": {"warning", "critical"}, "critical": {"critical"}}.get(options.fail_on or "", set())
    if held is not None and held.problem is not None:
        return Exit.UNAVAILABLE
    return Exit.NO if view.state.value in bad or (held is not None and held.held) else Exit.OK


def _held(context: Context, options: argparse.Namespace) -> HeldView | None:
    """What holds the job whose rows these are; None where no job of a model asks."""
    if options.moment != "batch" or options.file is None or os.path.lexists(options.first):
        return None
    held = context.lookout.held(options.first, options.pipeline)
    if held.problem is not None:
        context.say(f"nobody can say whether the job is held, so it is: {held.problem.raw}")
    return held


def _checked(context: Context, options: argparse.Namespace) -> ContractCheckView:
    if options.file is None and options.first.lower().endswith((".yaml", ".yml")):
        raise Problem(Exit.USAGE, f"which rows? qd contract check {options.first} FILE; or qd contract check MODEL for what a model logged")
    from console.contracts.contract import read_contract  # after the arguments are known to be right
    from console.views.data.contract import checked

    if options.file is None:
        if options.moment not in {None, "logs"}:
            raise Problem(Exit.USAGE, f"at the moment {options.moment} rows are held against it: contract check MODEL FILE --moment ...")
        _only(options, "check MODEL FILE --moment", run=options.run)
        if os.path.lexists(options.first):
            raise Problem(Exit.USAGE, "check needs both: contract check CONTRACT FILE; or the name of a model")
        return context.lookout.contract(options.first)
    kept = None if os.path.lexists(options.first) else _kept(context, options.first)
    if kept is None or options.moment is None:
        _only(options, "check MODEL FILE --moment", run=options.run)
    now = _now(context)
    view = checked(kept or read_contract(Path(options.first)), options.file, now, _policies(context), options.moment)
    if kept is not None and options.moment is not None:
        _keep(context, options, kept, view, now)
    return view


def _kept(context: Context, model: str) -> ReadContract:
    """The contract of a model in the workspace. Raises Problem."""
    from console.contracts.kept import load_contracts

    if not context.located.exists:
        raise Problem(Exit.USAGE, f"{model} is no file, and there is no workspace that could have a model of that name")
    found = load_contracts(context.workspace.paths.contracts)
    if model in found.by_model:
        return found.by_model[model]
    why = f"; {found.problems[0]}" if found.problems else f"; try: quarterdeck contract propose {model}"
    raise Problem(Exit.NOT_FOUND, f"no file {model}, and no contract of a model {model} in {context.workspace.paths.contracts}{why}")


def _keep(context: Context, options: argparse.Namespace, kept: ReadContract, view: ContractCheckView, now: datetime) -> None:
    from console.contracts.recording import keep_check
    from console.control.identity import current_actor

    if context.as_of is not None or options.read_only:
        context.say("the check is not kept: you look at the past, or read only")
        return
    by = current_actor(context.clock).who
    keep_check(context.workspace.paths, context.environment, options.first, kept, view, options.run, by, now)


def _now(context: Context) -> datetime:
    """The moment asked for, else that of the workspace, else the machine's."""
    from console.clock import SystemClock

    if context.as_of is not None:
        return context.as_of
    return context.clock.now() if context.located.exists else SystemClock().now()


def _policies(context: Context) -> Policies:
    """Those in force; without a workspace those that ship, so that rows are judged as in production."""
    from console.policies.load import load_policies, shipped_policies

    return load_policies(context.workspace.paths.policies) if context.located.exists else shipped_policies()


def _write(path: Path, document: str) -> None:
    """Write beside and link, so that nothing is overwritten and nothing stands there half. Raises Problem."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        make_folder(path.parent)
        with beside.open("x", encoding="utf-8") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    except FileExistsError:
        raise Problem(Exit.USAGE, f"{path} exists already: nothing was written; give another name") from None
    except OSError as error:
        raise Problem(Exit.UNAVAILABLE, f"{path} cannot be written: {error.strerror or error}: nothing was written") from error
    finally:
        beside.unlink(missing_ok=True)
