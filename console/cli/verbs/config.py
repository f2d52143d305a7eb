"""`quarterdeck config`: validate, path, schema."""

from __future__ import annotations

import argparse
import json

from console.cli.context import Context
from console.cli.exits import Exit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("validate", "path", "schema"))


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.what == "path":
        print(context.located.root)
        return Exit.OK
    if options.what == "schema":
        from console.config import WorkspaceSettings  # noqa: PLC0415

        print(json.dumps(WorkspaceSettings.model_json_schema(), indent=2))
        return Exit.OK
    settings = context.workspace.settings
    problems = _policy_problems(context)
    if options.json:
        context.show_data({"path": str(context.located.root), "ok": not problems, "problems": problems}, "config")
    elif problems:
        print("\n".join(problems))
    else:
        print(f"workspace {settings.name}: workspace.toml, policies and playbooks are valid")
    return Exit.NO if problems else Exit.OK


def _policy_problems(context: Context) -> list[str]:
    from console.policies.load import load_policies  # noqa: PLC0415
    from playbooks.library import read_library  # noqa: PLC0415

    paths = context.workspace.paths
    found = [str(problem) for problem in load_policies(paths.policies).problems]
    return found + [str(problem) for problem in read_library(paths.playbooks).problems]
