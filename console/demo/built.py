"""What a folder says of itself once a demo was built in it: `demo.json`, written last."""

from __future__ import annotations

import json
import shlex
from datetime import datetime
from pathlib import Path
from typing import Final

from backends.store.paths import WorkspacePaths
from console.policies.load import load_policies
from console.simulation import write_atomically

BUILT: Final = "demo.json"


def keep_built(paths: WorkspacePaths, at: datetime) -> None:
    """Say that a demo was built to its end, where its clock began, and under which policies what waits in it was asked for."""
    told = {"at": at.isoformat(), "policies": load_policies(paths.policies).digest}
    write_atomically(paths.root / BUILT, json.dumps(told) + "\n")


def is_built(root: Path) -> bool:
    """True when a demo was built in `root` to the end."""
    return (root / BUILT).is_file()


def begun_at(root: Path) -> datetime:
    """The moment for which the demo in `root` was built. Raises ValueError with what to do."""
    try:
        return datetime.fromisoformat(json.loads((root / BUILT).read_text(encoding="utf-8"))["at"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{root / BUILT} cannot be read; {again(root)}") from error


def under_other_policies(root: Path) -> bool:
    """True for a demo that was built under other policies than those in force now: requests made in it are void."""
    if not is_built(root):
        return False
    try:
        kept = json.loads((root / BUILT).read_text(encoding="utf-8")).get("policies")
    except (OSError, ValueError, AttributeError):
        return True
    return bool(kept != load_policies(WorkspacePaths(root).policies).digest)


def again(root: Path) -> str:
    """How it is built anew."""
    return f"qd demo --rebuild --dir {shlex.quote(str(root))}"
