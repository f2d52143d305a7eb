"""What somebody still has to be told: one small file a message in `spool/`, kept until it was told, whatever became of the process."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backends.durable import make_folder, open_anew, private_mode, sync_folder
from backends.plain_file import why_unread

PREFIX: Final = "untold-"
MOST: Final = 1000
"""Messages that wait at most; beyond that the oldest are given up, and that is said."""

LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """One message and its file; `path` None: it could not be kept, and is told now or never."""

    path: Path | None
    body: dict[str, Any]


def put(folder: Path, name: str, body: dict[str, Any]) -> Message:
    """Keep a message under `name`, which sorts by time; the same name again is the same message."""
    path = folder / f"{PREFIX}{name}.json"
    beside = path.with_name(f".{path.name}.tmp")
    try:
        make_folder(folder)
        descriptor = open_anew(beside, private_mode(folder))
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(body).encode())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(folder)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        return Message(None, body)
    return Message(path, body)


def waiting(folder: Path) -> tuple[list[Message], list[str]]:
    """Every message that waits, the oldest first, and what is wrong with files that are none."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.startswith(PREFIX) and path.suffix == ".json")
    except OSError:
        return [], []
    found, problems = [], []
    for path in paths[: max(0, len(paths) - MOST)]:
        problems.append(f"{path.name} was given up untold: more than {MOST} messages wait")
        told(Message(path, {}))
    for path in paths[-MOST:]:
        try:
            if not path.is_file() or path.stat().st_size > LARGEST:
                raise ValueError("it is no message")
            body = json.loads(path.read_bytes())
            if not isinstance(body, dict):
                raise ValueError("it is no JSON object")
            found.append(Message(path, body))
        except (OSError, ValueError) as error:
            problems.append(f"{path.name} in {folder.name}/ cannot be read ({why_unread(error)}): delete it")
    return found, problems


def told(message: Message) -> None:
    """It was told: forget it. A file that cannot be removed is told again rather than never."""
    if message.path is not None:
        with contextlib.suppress(OSError):
            message.path.unlink()
