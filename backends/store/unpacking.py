"""Restoring a backup: nothing appears before every file is there and has the digest that the manifest names.

An archive is text from outside: names that lead elsewhere, links, devices and sizes that do not fit are refused before a byte of them
is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from backends.store.archive import CHUNK, FORMAT, MANIFEST, Archived, Progress
from backends.store.errors import ArchiveProblem
from backends.store.files import flush_folder

MAX_FILES: Final = 2_000_000
MAX_MANIFEST: Final = 512 * 2**20
MAX_PATH: Final = 1_000

_PLAIN: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)


def restore_archive(
    file: Path, target: Path, *, progress: Progress | None = None, before_it_appears: Callable[[Path], None] | None = None
) -> Archived:
    """Restore a backup into `target`, which must not exist or be empty; files 0600, folders 0700.

    `before_it_appears` is given the complete folder while nobody can find it; what it raises is raised, and nothing is left.
    Raises ArchiveProblem; then `target` is as it was.
    """
    target = target.absolute()
    _refuse_occupied(target)
    report = progress or (lambda _done, _total: None)
    beside = target.with_name(f".{target.name}.{os.getpid()}.restoring")
    try:
        packed = file.stat().st_size
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir(mode=0o700)
        with file.open("rb") as source:
            manifest, digests = _unpacked(source, packed, beside, report)
        archived = _checked(file, manifest, digests)
        if before_it_appears is not None:
            before_it_appears(beside)
        _flush_folders(beside)
        # Takes the place of an empty folder, and of nothing else.
        beside.rename(target)
        flush_folder(target.parent)
    except _Broken as problem:
        raise ArchiveProblem(f"{file} {problem}; nothing was restored") from None
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ArchiveProblem(f"{file} is no backup, or was cut off ({error}); nothing was restored: try another copy of it") from None
    except OSError as error:
        if error.errno is None:
            raise ArchiveProblem(f"{file} is no backup, or was cut off ({error}); nothing was restored: try another copy of it") from None
        raise ArchiveProblem(f"{error.filename or target}: {error.strerror}; nothing was restored") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return archived


class _Broken(Exception):
    """What is wrong with the archive, as the rest of a sentence that begins with its name."""


def _refuse_occupied(target: Path) -> None:
    try:
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise ArchiveProblem(f"{target} is no folder; choose an empty or a new one")
        if target.is_dir() and any(target.iterdir()):
            raise ArchiveProblem(f"{target} is not empty; a backup is restored into an empty or a new folder only")
    except OSError as error:
        raise ArchiveProblem(f"{target}: {error.strerror}; choose another folder") from None


def _unpacked(source: IO[bytes], packed: int, beside: Path, report: Progress) -> tuple[bytes | None, dict[str, tuple[str, int]]]:
    """Write every member below `beside`; returns the manifest's text and, by name, digest and size of what was written."""
    digests: dict[str, tuple[str, int]] = {}
    manifest: bytes | None = None
    room = shutil.disk_usage(beside).free
    with tarfile.open(fileobj=source, mode="r|gz") as tar:
        for member in tar:
            if manifest is not None:
                raise _Broken("has something behind its manifest, so it is no backup of this program")
            if member.type not in _PLAIN or member.issparse():
                raise _Broken(f"holds {member.name[:80]!r}, which is no regular file: it is not trusted")
            parts = _parts(member.name)
            room -= member.size
            if room < 0:
                raise _Broken("does not fit on this disk: choose another place, or free some space")
            content = tar.extractfile(member)
            if content is None:
                raise _Broken(f"holds {member.name[:80]!r} without content")
            if parts == (MANIFEST,):
                if member.size > MAX_MANIFEST:
                    raise _Broken("has a manifest that is too large to be one")
                manifest = content.read()
                continue
            if member.name in digests or len(digests) >= MAX_FILES:
                raise _Broken(f"holds {member.name[:80]!r} twice, or too many files")
            digests[member.name] = _written(content, beside.joinpath(*parts), member)
            report(min(packed, source.tell()), packed)
    return manifest, digests


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a name that stays inside. Raises _Broken."""
    parts = tuple(name.split("/"))
    if len(name) > MAX_PATH or "\0" in name or "\\" in name or any(part in {"", ".", ".."} for part in parts):
        raise _Broken(f"holds {name[:80]!r}, which leads out of the workspace: it is not trusted")
    return parts


def _written(content: IO[bytes], path: Path, member: tarfile.TarInfo) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise _Broken(f"holds {member.name[:80]!r} as a file and as a folder") from None
    with os.fdopen(descriptor, "wb") as target:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest(), size


def _checked(file: Path, manifest: bytes | None, digests: dict[str, tuple[str, int]]) -> Archived:
    if manifest is None:
        raise _Broken("has no manifest at its end: it is no backup, or was cut off")
    try:
        told: dict[str, Any] = json.loads(manifest)
        form, made_at = str(told["format"]), datetime.fromisoformat(told["made_at"])
        wanted = {str(name): (str(each["sha256"]), int(each["bytes"])) for name, each in told["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _Broken("has a manifest that cannot be read") from None
    if form != FORMAT:
        raise _Broken(f"has the format {form[:40]!r}, this program reads {FORMAT}: update quarterdeck")
    for name in sorted(wanted.keys() | digests.keys()):
        if wanted.get(name) != digests.get(name):
            raise _Broken(f"is damaged: {name[:80]!r} is not what the manifest says")
    if "workspace.toml" not in digests:
        raise _Broken("holds no workspace.toml, so it is no workspace")
    del file
    return Archived(made_at, len(digests), sum(size for _, size in digests.values()))


def _flush_folders(root: Path) -> None:
    for folder in _folders(root):
        with contextlib.suppress(OSError):
            flush_folder(folder)


def _folders(root: Path) -> Iterator[Path]:
    for place, _, _ in os.walk(root, topdown=False):
        yield Path(place)
