"""What can go wrong with the store. `str()` of each is one line: what happened, to what, and what to do next."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot answer or cannot be written; nothing that was stored is lost."""


class StoreBusy(StoreError):
    """Another process is compacting, or holds a named lease."""


class StoreFull(StoreError):
    """There is no room to write; what is there can be read."""


class LandingError(StoreError):
    """Columns that are not facts of the table; nothing was written."""


class IngestError(StoreError):
    """A file that cannot be taken in at all; nothing was written.

    `as_setting` is the same line for whoever names the file in workspace.toml, where what to do is a key and no option.
    """

    def __init__(self, message: str, as_setting: str | None = None) -> None:
        super().__init__(message)
        self.as_setting = as_setting or message


class ArchiveProblem(StoreError):
    """A backup cannot be made, or is not one; the message says what was left behind: nothing."""
