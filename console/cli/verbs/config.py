"""`quarterdeck config`: validate, path, schema, and the policies in force now or for a decision of the past."""

from __future__ import annotations

import argparse
import json
import sys

from backends.text import displayable
from console.cli.context import Context, Problem
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("validate", "path", "schema", "policies"))
    parser.add_argument("of", nargs="?", metavar="APR-N|A-ID|sha256:...", help="policies: those that this was decided under")


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.of is not None and options.what != "policies":
        raise Problem(Exit.USAGE, f"{options.what} is of nothing; policies are: config policies {displayable(options.of)}")
    if options.what == "policies":
        return _policies(context, options.of)
    if options.what == "path":
        root = str(context.located.root)
        if options.json:
            from console.views.workspaces import PathView

            context.show(PathView(path=root, exists=context.located.exists), "config-path")
            return Exit.OK
        # A script needs the exact path; a terminal must not be steered by the name of a folder.
        print(displayable(root) if sys.stdout.isatty() else root)
        return Exit.OK
    if options.what == "schema":
        from console.config import WorkspaceSettings

        print(json.dumps(WorkspaceSettings.model_json_schema(), indent=2))
        return Exit.OK
    settings = context.workspace.settings
    problems = _policy_problems(context)
    if options.json:
        from console.views.workspaces import ConfigView

        context.show(ConfigView(path=str(context.located.root), ok=not problems, problems=tuple(problems)), "config")
    elif problems:
        print("\n".join(map(displayable, problems)))
    else:
        print(f"workspace {displayable(settings.name)}: workspace.toml, policies and playbooks are valid")
    return Exit.NO if problems else Exit.OK


def _policies(context: Context, of: str | None) -> Exit:
    from console.render.in_force import in_force_page
    from console.views.in_force import NotKept, in_force_view

    try:
        view = in_force_view(context.lookout.sight(), of)
    except NotKept as error:
        raise Problem(Exit.NOT_FOUND, str(error)) from None
    context.show(view, "policies", lambda: in_force_page(view))
    return Exit.OK


def _policy_problems(context: Context) -> list[str]:
    from console.contracts.kept import load_contracts
    from console.policies.load import load_policies
    from playbooks.library import read_library

    paths = context.workspace.paths
    found = [str(problem) for problem in load_policies(paths.policies).problems]
    found += [str(problem) for problem in load_contracts(paths.contracts).problems]
    return found + [str(problem) for problem in read_library(paths.playbooks).problems]
