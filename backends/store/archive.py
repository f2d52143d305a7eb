"""A workspace in one file: a consistent copy of everything that cannot be computed again, with the digest of every file.

The archive is a gzipped tar of regular files, whose last member is `manifest.json`; one without it was cut off. What is left out
can be computed again (caches), belongs to one machine (leases, locks, logs, crash reports), or is no regular file.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from backends.plain_file import open_plain, read_plain
from backends.sqlite_copy import CopyFailed, copy_database
from backends.store.catalogue import Segment, open_catalogue
from backends.store.errors import ArchiveProblem
from backends.store.files import flush_folder
from backends.store.landing import landing_files
from backends.store.paths import WorkspacePaths
from backends.store.schema import TABLES

FORMAT: Final = "quarterdeck/backup/1"
MANIFEST: Final = "manifest.json"
CHUNK: Final = 1 << 20
STILL_TRIES: Final = 10
"""How often the published files are compared around the copy of the journal before somebody is told that they never stand still."""

PUBLISHED: Final = ("registry.json", "switches.json", "traffic.json", "pipelines.json", "clock.json")
FOLDERS_LEFT_OUT: Final = frozenset({"store", "landing", "logs", "crash", "reserve", "lost+found"})
ENDINGS_LEFT_OUT: Final = (".tmp", ".lock", ".new", "-wal", "-shm", "-journal")
CACHED: Final = ("summary.json", "evaluated.json")
CACHED_BELOW: Final = ("health/*.json", "estimates/*/*.json")
"""In `store/`: what was evaluated and learnt, so that a restored workspace says the same, of the past too, which nobody learns again."""

ONLY_NEWEST: Final = (
    "DELETE FROM readers",
    "DELETE FROM named_leases",
    "DELETE FROM segments WHERE until IS NOT NULL",
    # Landing files that were absorbed are not in the archive; their signatures mean nothing on another disk.
    "DELETE FROM absorbed",
    "DELETE FROM generations WHERE id < (SELECT max(id) FROM generations)",
)

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes to do."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What is in an archive. `left_out` are paths in the workspace that are no regular files."""

    made_at: datetime
    files: int
    bytes: int
    left_out: tuple[str, ...] = ()


@dataclass
class _Writing:
    tar: tarfile.TarFile
    report: Progress
    total: int
    done: int = 0
    files: dict[str, dict[str, object]] = field(default_factory=dict)

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size = size
        info.mode = 0o600
        reading = _Hashing(source, self)
        self.tar.addfile(info, reading)  # type: ignore[arg-type] # only `read` is used
        self.files[name] = {"sha256": reading.digest.hexdigest(), "bytes": size}

    def add_bytes(self, name: str, content: bytes) -> None:
        self.add(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, path: Path) -> None:
        with open_plain(path) as source:
            self.add(name, source, os.fstat(source.fileno()).st_size)


class _Hashing:
    def __init__(self, source: IO[bytes], writing: _Writing) -> None:
        self.digest = hashlib.sha256()
        self._source = source
        self._writing = writing

    def read(self, size: int) -> bytes:
        found = self._source.read(size)
        self.digest.update(found)
        self._writing.done += len(found)
        self._writing.report(self._writing.done, self._writing.total)
        return found


def create_archive(paths: WorkspacePaths, target: Path, *, now: datetime, progress: Progress | None = None) -> Archived:
    """Write a backup of the workspace to the new file `target`, readable by its owner only, while everything else goes on.

    Raises ArchiveProblem or StoreError; then `target` is not there.
    """
    target = target.absolute()
    if target.exists():
        raise ArchiveProblem(f"{target} is there already; a backup never replaces a file: choose another name")
    if paths.root.resolve() in target.resolve().parents:
        raise ArchiveProblem(f"{target} lies in the workspace itself; choose a place outside of it")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with tempfile.TemporaryDirectory(prefix=".quarterdeck-backup-", dir=target.parent) as beside:
            archived = _write(paths, temporary, Path(beside), now, progress or (lambda _done, _total: None))
        _appear(temporary, target)
        flush_folder(target.parent)
    except CopyFailed as error:
        raise ArchiveProblem(f"{error}; no backup was made; see: quarterdeck doctor") from None
    except FileExistsError:
        raise ArchiveProblem(f"{target} is there already; a backup never replaces a file: choose another name") from None
    except OSError as error:
        where = error.filename or target
        raise ArchiveProblem(f"{where}: {error.strerror}; no backup was made: mend that, or choose another place") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return archived


def _write(paths: WorkspacePaths, temporary: Path, beside: Path, now: datetime, report: Progress) -> Archived:
    with contextlib.ExitStack() as held:
        small = _control_copied(paths, beside)
        big: list[tuple[str, Path]] = [("control.sqlite", beside / "control.sqlite")] if (beside / "control.sqlite").exists() else []
        big += held.enter_context(_store_copied(paths, beside))
        others, left_out = _others(paths)
        big += others
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        total = sum(len(content) for content in small.values()) + sum(path.stat().st_size for _, path in big)
        with os.fdopen(descriptor, "wb") as file:
            with (
                gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=3, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                writing = _Writing(tar, report, total)
                for name, content in small.items():
                    writing.add_bytes(name, content)
                for name, path in big:
                    writing.add_file(name, path)
                size = writing.done
                manifest = {"format": FORMAT, "made_at": now.astimezone(UTC).isoformat(), "files": dict(writing.files)}
                writing.add_bytes(MANIFEST, json.dumps(manifest, indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
    return Archived(now, len(writing.files) - 1, size, tuple(left_out))


def _control_copied(paths: WorkspacePaths, beside: Path) -> dict[str, bytes]:
    """The journal as it stands in one moment, and with it the published files, unless somebody changed those meanwhile."""
    for _ in range(STILL_TRIES):
        # Head and spool come before the journal: it may be longer than its head says, and may have taken a note over, but not less.
        small = {name: content for name in ("audit-head", *PUBLISHED) if (content := _content(paths.root / name)) is not None}
        for note in sorted(paths.spool.iterdir()) if paths.spool.is_dir() else []:
            content = _content(note)
            if content is not None and not note.name.endswith(ENDINGS_LEFT_OUT):
                small[f"spool/{note.name}"] = content
        copy = beside / "control.sqlite"
        copy.unlink(missing_ok=True)
        if paths.control.exists():
            copy_database(paths.control, copy)
        if all(_content(paths.root / name) == small.get(name) for name in PUBLISHED):
            return small
    raise ArchiveProblem("aliases and switches change faster than they can be copied; try again when nobody acts; no backup was made")


@contextlib.contextmanager
def _store_copied(paths: WorkspacePaths, beside: Path) -> Iterator[list[tuple[str, Path]]]:
    """The newest generation and what has landed since, leased for the length of the block so that nothing of it goes away."""
    if not paths.catalog.exists():
        yield _landed(paths, set())
        return
    with open_catalogue(paths) as catalogue:
        lease = catalogue.take_reader_lease()[0] if catalogue.writable else None
        try:
            files: list[tuple[str, Path]] = []
            copied = WorkspacePaths(beside)
            copied.store.mkdir()
            copy_database(paths.catalog, copied.catalog)
            with open_catalogue(copied) as moment:
                generation = moment.generation()
                segments: list[Segment] = moment.segments(generation)
                absorbed = {(table, name, signature) for table, name, signature, _ in moment.absorbed_files()}
                database = moment.database(generation)
            final = beside / "catalog.sqlite"
            copy_database(copied.catalog, final, ONLY_NEWEST)
            files.append(("store/catalog.sqlite", final))
            if database is not None:
                files.append((f"store/generations/{database.name}", paths.generations / database.name))
            for segment in segments:
                relative = Path(segment.file).relative_to(copied.segments)
                files.append((f"store/segments/{relative.as_posix()}", paths.segments / relative))
            files += _landed(paths, absorbed)
            cached = [paths.store / name for name in CACHED]
            cached += [path for pattern in CACHED_BELOW for path in sorted(paths.store.glob(pattern))]
            files += [(path.relative_to(paths.root).as_posix(), path) for path in cached if path.is_file()]
            if paths.profiles.exists():
                with contextlib.suppress(CopyFailed):
                    copy_database(paths.profiles, beside / "profiles.sqlite")
                    files.append(("store/profiles.sqlite", beside / "profiles.sqlite"))
            yield files
        finally:
            if lease is not None:
                catalogue.release_reader_lease(lease)


def _landed(paths: WorkspacePaths, absorbed: set[tuple[str, str, str]]) -> list[tuple[str, Path]]:
    return [
        (f"landing/{table}/{file.name}", file.path)
        for table in TABLES
        for file in landing_files(paths, table)
        if (table, file.name, file.signature) not in absorbed
    ]


def _others(paths: WorkspacePaths) -> tuple[list[tuple[str, Path]], list[str]]:
    """Everything else of the folder: settings, policies with their kept copies, playbooks, evidence, artifacts, rejects."""
    found: list[tuple[str, Path]] = []
    left_out: list[str] = []
    known = {"control.sqlite", "audit-head", *PUBLISHED}
    for place, folders, names in os.walk(paths.root, onerror=_raised):
        inside = Path(place).relative_to(paths.root)
        if not inside.parts:
            folders[:] = sorted(name for name in folders if name not in FOLDERS_LEFT_OUT and name != "spool" and not name.startswith("."))
            names = [name for name in names if name not in known and not name.startswith(".")]  # noqa: PLW2901
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(place) / name
            if name.endswith(ENDINGS_LEFT_OUT):
                continue
            if path.is_symlink() or not path.is_file():
                left_out.append((inside / name).as_posix())
            else:
                found.append(((inside / name).as_posix(), path))
    return found, left_out


def _appear(temporary: Path, target: Path) -> None:
    """Give the finished file its name, without replacing what somebody has put there meanwhile."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:
        # This file system has no hard links.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        temporary.replace(target)


def _raised(error: OSError) -> None:
    raise error


def _content(path: Path) -> bytes | None:
    try:
        return read_plain(path)
    except FileNotFoundError:
        return None
