"""Whether the artifact of a version is here and is what its digest says.

Only files below the workspace are read: a path comes from a registry record, and a record may say anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from backends.records import ModelVersion
from console.render import figures

Found = Literal["matches", "missing", "different", "elsewhere", "outside", "unrecorded"]

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Artifact:
    """What was found. `problem` says why the version cannot be used at all; None where it can, or where nobody can tell."""

    found: Found
    sentence: str
    problem: str | None = None


def checked(root: Path, version: ModelVersion | None) -> Artifact:
    """Look for the artifact of `version`, its path relative to `root`, and compute its SHA-256.

    An absolute path, `..` and a link that leads out of `root` are not followed: the digest then counts as not checked.
    """
    if version is None or version.artifact_digest is None or version.artifact_path is None:
        return Artifact("unrecorded", "artifact: no path and digest recorded")
    if "://" in version.artifact_path:
        return Artifact("elsewhere", f"artifact not here, digest {figures.short_digest(version.artifact_digest)} not checked")
    label = f"v{version.version}" if version.version.isdigit() else version.version
    path = root / version.artifact_path
    try:
        if not _inside(root, version.artifact_path):
            digits = figures.short_digest(version.artifact_digest)
            return Artifact("outside", f"artifact path leads outside the workspace: not read, digest {digits} not checked")
        digest = _digest_of(path) if path.is_file() else None
    except ValueError:
        return Artifact("missing", "artifact path is none", f"the artifact of {label} has a path that no file can have")
    except OSError as error:
        return Artifact("missing", "artifact cannot be read", f"the artifact of {label} cannot be read ({error.strerror}): {path}")
    if digest is None:
        return Artifact("missing", "artifact GONE", f"the artifact of {label} is gone: there is no file {path}")
    wanted = version.artifact_digest
    if digest != wanted:
        found = f"{figures.short_digest(digest)}, recorded {figures.short_digest(wanted)}"
        return Artifact("different", f"artifact DIFFERS: {found}", f"the artifact of {label} is not the recorded one: {found}")
    return Artifact("matches", f"artifact here, digest {figures.short_digest(wanted)} matches")


def _inside(root: Path, path: str) -> bool:
    """Whether a recorded path stays below `root`, links followed."""
    wanted = Path(path)
    if wanted.is_absolute() or ".." in wanted.parts:
        return False
    return (root / wanted).resolve().is_relative_to(root.resolve())


def _digest_of(path: Path) -> str:
    """Computed again only when the file is another one or was touched; the change time cannot be set back by its owner."""
    status = path.stat()
    return _sha256(path, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))


@lru_cache(maxsize=256)
def _sha256(path: Path, _identity: tuple[int, ...]) -> str:
    seen = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            seen.update(chunk)
    return f"sha256:{seen.hexdigest()}"
