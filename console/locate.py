"""Where a workspace is, found without loading anything heavy: the first frame needs it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

ENVIRONMENT_VARIABLE = "QUARTERDECK_WORKSPACE"
MARKER = "workspace.toml"


def data_home() -> Path:
    """The user's data folder for this program; itself the default workspace."""
    import platformdirs  # only when no workspace was named

    return Path(platformdirs.user_data_dir("quarterdeck", appauthor=False))


def named_workspace(name: str) -> Path:
    """The folder of a workspace known by name."""
    return data_home() / "workspaces" / name


class Located(NamedTuple):
    """A workspace folder and why it was chosen."""

    root: Path
    because: str

    @property
    def exists(self) -> bool:
        try:
            return (self.root / MARKER).is_file()
        except OSError:
            # Where nobody may look there may well be one: opening it says why that cannot be.
            return True


def holds_remains(root: Path) -> bool:
    """Whether a folder holds what only a workspace leaves behind: without its marker, something is lost there and not missing."""
    return any(os.path.lexists(root / name) for name in ("control.sqlite", "store", "registry.json", "switches.json"))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return True


def locate(wanted: str | None) -> Located:
    """Choose the workspace: `--workspace` (a path when it holds a separator or is a folder, else a name), the environment, the default."""
    because = "--workspace"
    if wanted is None:
        wanted = os.environ.get(ENVIRONMENT_VARIABLE) or None
        because = ENVIRONMENT_VARIABLE
    if wanted is None:
        return Located(data_home(), "the default")
    path = Path(wanted).expanduser()
    if os.sep in wanted or wanted in {".", ".."} or _is_folder(path):
        return Located(path.resolve(), because)
    return Located(named_workspace(wanted), because)


def known_workspaces() -> list[tuple[str, Path]]:
    """Name and folder of the default workspace and of every named one that exists."""
    found = [("default", data_home())] if (data_home() / MARKER).is_file() else []
    folder = data_home() / "workspaces"
    if folder.is_dir():
        found += [(path.name, path) for path in sorted(folder.iterdir()) if (path / MARKER).is_file()]
    return found
