"""`quarterdeck workspaces`: the ones that exist."""

from __future__ import annotations

import argparse

from backends.text import displayable
from console.cli.context import Context
from console.cli.exits import Exit
from console.locate import known_workspaces


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(context: Context, options: argparse.Namespace) -> Exit:
    chosen = context.located
    found = [(name, path) for name, path in known_workspaces() if path != chosen.root]
    if chosen.exists:
        found.insert(0, (chosen.root.name, chosen.root))
    if options.json:
        from console.views.workspaces import KnownWorkspace, WorkspacesView

        rows = [KnownWorkspace(name=name, path=str(path), chosen=path == chosen.root and chosen.exists) for name, path in found]
        context.show(WorkspacesView(workspaces=tuple(rows)), "workspaces")
        return Exit.OK
    for name, path in found:
        print(f"{'>' if path == chosen.root else ' '} {displayable(name):<20} {displayable(str(path))}")
    if not found:
        context.say(
            f"no workspace yet (looked at {chosen.root}); make one with: quarterdeck init --personal, or look around: quarterdeck demo"
        )
    return Exit.OK
