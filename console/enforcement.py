"""What stands behind the rules of a workspace, said plainly: file permissions, and to whom they are advice."""

from __future__ import annotations

import os
from dataclasses import dataclass

from console.config import Workspace

_EVIDENCE = "the journal is evidence of what was done"


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Whether the rules bind the person of this process, and why not."""

    advisory: bool
    text: str
    """One sentence."""


def enforcement(workspace: Workspace) -> Enforcement:
    """Who could pass the rules of `workspace` by: whoever may write its files."""
    paths = workspace.paths
    folder = paths.policies if paths.policies.is_dir() else paths.root
    if os.access(folder, os.W_OK):
        return Enforcement(True, f"advisory: you may write {folder} and so change the rules themselves; {_EVIDENCE}")
    if os.access(paths.control, os.W_OK):
        return Enforcement(True, f"advisory: you may not change the rules, but may write the files that they guard; {_EVIDENCE}")
    return Enforcement(False, "enforced by file permissions: you may write neither the rules nor the files that they guard")
