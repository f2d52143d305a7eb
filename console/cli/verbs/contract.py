"""`quarterdeck contract propose FILE`: a contract from good rows; `contract check CONTRACT FILE`: rows held against it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit

if TYPE_CHECKING:
    from datetime import datetime

    from console.policies.load import Policies


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=("propose", "check"), help="propose FILE: write a contract; check CONTRACT FILE: hold rows against it"
    )
    parser.add_argument("first", metavar="CONTRACT|FILE", help="check: the contract, YAML as `propose` writes it; propose: the good rows")
    parser.add_argument("file", nargs="?", help="check: Parquet, CSV with a header, or JSON Lines; a quoted pattern takes several files")
    parser.add_argument("--to", type=Path, metavar="NEW", help="propose: write it there, whole or not at all, instead of printing it")
    parser.add_argument("--name", metavar="NAME", help="propose: the name of the contract; that of the file if not given")
    parser.add_argument("--moment", choices=("training", "batch", "online", "logs"), help="check: only the rules that hold at this moment")
    parser.add_argument("--fail-on", choices=("warning", "critical"), help="check: exit with 1 when a rule is at least this bad")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.what == "check":
        if options.file is None:
            raise Problem(Exit.USAGE, "check needs both: contract check CONTRACT FILE")
        _only(options, "propose", to=options.to, name=options.name)
        return _check(context, options)
    if options.file is not None:
        raise Problem(Exit.USAGE, "propose takes one FILE; a quoted pattern takes several files")
    _only(options, "check", moment=options.moment, fail_on=options.fail_on)
    return _propose(context, options)


def _only(options: argparse.Namespace, what: str, **given: object) -> None:
    """Refuse an option that would do nothing. Raises Problem."""
    for name, value in given.items():
        if value is not None:
            raise Problem(Exit.USAGE, f"--{name.replace('_', '-')} belongs to contract {what}, not to contract {options.what}")


def _propose(context: Context, options: argparse.Namespace) -> Exit:
    from backends.text import Untrusted, displayable  # noqa: PLC0415 - after the arguments are known to be right
    from backends.yaml_text import YamlFileError  # noqa: PLC0415
    from backends.yaml_writing import yaml_document  # noqa: PLC0415
    from console.contracts.contract import read_contract  # noqa: PLC0415
    from console.contracts.proposing import proposed  # noqa: PLC0415
    from console.views.contract import ContractProposalView  # noqa: PLC0415

    if options.to is not None and os.path.lexists(options.to):
        raise Problem(Exit.USAGE, f"{options.to} exists already: nothing was written; give another name")
    body = proposed(options.first, options.name or Path(options.first).stem)
    document = f"# Proposed from {displayable(options.first)}. Read it through: it says what these rows are, not what is right.\n"
    document += yaml_document(body)
    try:
        read_contract(document)
    except YamlFileError as error:
        raise Problem(Exit.USAGE, f"{options.first}: no contract can be made of it: {error.problems[0].reason}") from None
    if options.to is not None:
        _write(options.to, document)
        context.say(f"{options.to} written: {len(body['columns'])} columns")
    if options.json:
        context.show(ContractProposalView(file=Untrusted(options.first), contract=body), "contract-proposal")
    elif options.to is None:
        print(document, end="")
    return Exit.OK


def _check(context: Context, options: argparse.Namespace) -> Exit:
    from console.contracts.contract import read_contract  # noqa: PLC0415 - after the arguments are known to be right
    from console.render.contract import contract_page  # noqa: PLC0415
    from console.views.contract import checked  # noqa: PLC0415

    view = checked(read_contract(Path(options.first)), options.file, _now(context), _policies(context), options.moment)
    context.show(view, "contract-check", contract_page(view, width=WIDTH))
    bad = {"warning": {"warning", "critical"}, "critical": {"critical"}}.get(options.fail_on or "", set())
    return Exit.NO if view.state.value in bad else Exit.OK


def _now(context: Context) -> datetime:
    """The moment asked for, else that of the workspace, else the machine's."""
    from console.clock import SystemClock  # noqa: PLC0415

    if context.as_of is not None:
        return context.as_of
    return context.clock.now() if context.located.exists else SystemClock().now()


def _policies(context: Context) -> Policies:
    """Those in force; without a workspace those that ship, so that rows are judged as in production."""
    from console.policies.load import load_policies, shipped_policies  # noqa: PLC0415

    return load_policies(context.workspace.paths.policies) if context.located.exists else shipped_policies()


def _write(path: Path, document: str) -> None:
    """Write beside and link, so that nothing is overwritten and nothing stands there half. Raises Problem."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
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
