"""Whether the artifact of a version is here and is what its digest says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backends.records import ModelVersion
from console.render import figures

Found = Literal["matches", "missing", "different", "elsewhere", "unrecorded"]

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Artifact:
    """What was found. `problem` says why the version cannot be used at all; None where it can, or where nobody can tell."""

    found: Found
    sentence: str
    problem: str | None = None


def checked(root: Path, version: ModelVersion | None) -> Artifact:
    """Look for the artifact of `version` (its path relative to `root`, or absolute) and compute its SHA-256."""
    if version is None or version.artifact_digest is None or version.artifact_path is None:
        return Artifact("unrecorded", "artifact: no path and digest recorded")
    if "://" in version.artifact_path:
        return Artifact("elsewhere", f"artifact not here, digest {figures.short_digest(version.artifact_digest)} not checked")
    label = f"v{version.version}" if version.version.isdigit() else version.version
    path = root / version.artifact_path
    try:
        digest = _sha256(path) if path.is_file() else None
    except OSError as error:
        return Artifact("missing", "artifact cannot be read", f"the artifact of {label} cannot be read ({error.strerror}): {path}")
    if digest is None:
        return Artifact("missing", "artifact GONE", f"the artifact of {label} is gone: there is no file {path}")
    wanted = version.artifact_digest
    if digest != wanted:
        found = f"{figures.short_digest(digest)}, recorded {figures.short_digest(wanted)}"
        return Artifact("different", f"artifact DIFFERS: {found}", f"the artifact of {label} is not the recorded one: {found}")
    return Artifact("matches", f"artifact here, digest {figures.short_digest(wanted)} matches")


def _sha256(path: Path) -> str:
    seen = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            seen.update(chunk)
    return f"sha256:{seen.hexdigest()}"
