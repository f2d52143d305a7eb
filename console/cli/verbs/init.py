"""`quarterdeck init`: make a workspace."""

from __future__ import annotations

import argparse
from pathlib import Path

from backends.text import displayable
from console.cli.context import Context, Problem
from console.cli.exits import Exit
from console.config import WorkspaceProblem, init_workspace
from console.control.identity import Actor
from console.views.workspaces import InitView


def arguments(parser: argparse.ArgumentParser) -> None:
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--personal", action="store_true", help="for you alone (the default): 0700, you are admin")
    who.add_argument("--group", metavar="G", help="shared with a Unix group: setgid 2770")
    parser.add_argument("path", nargs="?", type=Path, help="the folder; without it, the workspace chosen by -w or the default one")
    parser.add_argument("--name", help="the workspace's name; the folder's name if left out")
    parser.add_argument("--zone", default="UTC", help="IANA zone in which times are drawn, e.g. Europe/Berlin")


def run(context: Context, options: argparse.Namespace) -> Exit:
    root = (options.path or context.located.root).expanduser().resolve()
    try:
        workspace = init_workspace(root, name=options.name or root.name, group=options.group, display_zone=options.zone)
    except WorkspaceProblem as problem:
        raise Problem(Exit.USAGE, str(problem)) from None
    except ValueError as error:
        raise Problem(Exit.USAGE, _wrong(error)) from None
    if options.json:
        context.show(InitView(path=str(root), name=workspace.settings.name, group=workspace.settings.group), "init")
    else:
        print(displayable(f"workspace {workspace.settings.name} at {root}"))
        if not workspace.settings.personal:
            named = f"{{format: 1, people: {{{displayable(Actor.from_os().name)}: operator}}}}"
            print(f"first: nobody is more than a viewer here until a file in policies/ says so: write  {named}  to policies/people.yaml")
        print(f"next: quarterdeck -w {displayable(str(root))} ingest predictions scores.parquet --model my-model --version 1")
    return Exit.OK


def _wrong(error: ValueError) -> str:
    """What is wrong with a name or a zone, in one line."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    option = {"display_zone": "--zone", "name": "--name", "group": "--group"}.get(str(first["loc"][0]), str(first["loc"][0]))
    return f"{option}: {first['msg'].removeprefix('Value error, ')}"
