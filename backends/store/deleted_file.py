"""`deleted.json`: what retention deleted, once more beside the catalogue, so that a catalogue that is lost lets nothing of it in again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from backends.durable import locked, private_mode, replace_file
from backends.plain_file import read_plain, why_unread
from backends.store.catalogue import Catalogue
from backends.store.deleted import Deleted, as_json, from_json, newest
from backends.store.errors import StoreError
from backends.store.paths import WorkspacePaths

FORMAT: Final = "quarterdeck/deleted/1"


def remembered(paths: WorkspacePaths) -> list[Deleted]:
    """What the file says. Raises StoreError where it is there and cannot be read: what was deleted could come back."""
    try:
        found = json.loads(read_plain(paths.deleted))
        if found["format"] != FORMAT:
            raise ValueError(f"it is no {FORMAT}")
        return [from_json(each) for each in found["deleted"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{paths.deleted} cannot be read ({why_unread(error)}), and it says which rows retention deleted: put it back from a backup; "
            "until then nothing is taken in, so that none of them comes back"
        ) from None


def remember(paths: WorkspacePaths, deleted: Iterable[Deleted]) -> None:
    """Write down what is about to be deleted, before any of it is. Raises StoreError or OSError."""
    mode = private_mode(paths.root)
    with locked(paths.deleted, mode):
        _write(paths, newest([*remembered(paths), *deleted]), mode)


def _write(paths: WorkspacePaths, known: Iterable[Deleted], mode: int) -> None:
    body = {"format": FORMAT, "deleted": [as_json(each) for each in known]}
    replace_file(paths.deleted, (json.dumps(body, indent=1) + "\n").encode(), mode)


def take_back(paths: WorkspacePaths, catalogue: Catalogue, key: str) -> None:
    """Write down what stands in the place of what the action `key` was about to delete and never did: its rows are there.

    Called while nobody compacts. Raises StoreError or OSError.
    """
    if not any(each.key == key for each in remembered(paths)):
        return
    mode = private_mode(paths.root)
    with locked(paths.deleted, mode):
        known = newest([*(each for each in remembered(paths) if each.key != key), *catalogue.deleted(catalogue.generation())])
        _write(paths, known, mode)


def kept_out(paths: WorkspacePaths, catalogue: Catalogue, generation: int) -> list[Deleted]:
    """Of every log what must not come in again beside a generation, whatever the catalogue has lost. Raises StoreError."""
    known = {each.log: each for each in remembered(paths)}
    return [*known.values(), *(each for each in catalogue.deleted(generation) if known.get(each.log) != each)]
