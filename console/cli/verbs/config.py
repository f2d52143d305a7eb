"""`quarterdeck config`: validate, path, schema."""

from __future__ import annotations

import argparse
import json
import sys

from backends.text import displayable
from console.cli.context import Context
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("validate", "path", "schema"))


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.what == "path":
        root = str(context.located.root)
        # A script needs the exact path; a terminal must not be steered by the name of a folder.
        print(displayable(root) if sys.stdout.isatty() else root)
        return Exit.OK
    if options.what == "schema":
        from console.config import WorkspaceSettings  # noqa: PLC0415

        print(json.dumps(WorkspaceSettings.model_json_schema(), indent=2))
        return Exit.OK
    settings = context.workspace.settings
    problems = _policy_problems(context)
    if options.json:
        from console.views.workspaces import ConfigView  # noqa: PLC0415

        context.show(ConfigView(path=str(context.located.root), ok=not problems, problems=tuple(problems)), "config")
    elif problems:
        print("\n".join(map(displayable, problems)))
    else:
        print(f"workspace {displayable(settings.name)}: workspace.toml, policies and playbooks are valid")
    return Exit.NO if problems else Exit.OK


def _policy_problems(context: Context) -> list[str]:
    from console.contracts.kept import load_contracts  # noqa: PLC0415
    from console.policies.load import load_policies  # noqa: PLC0415
    from playbooks.library import read_library  # noqa: PLC0415

    paths = context.workspace.paths
    found = [str(problem) for problem in load_policies(paths.policies).problems]
    found += [str(problem) for problem in load_contracts(paths.contracts).problems]
    return found + [str(problem) for problem in read_library(paths.playbooks).problems]
