"""What was collected from sources that the watch reads by itself: kept beside the store, told by `sources` and `doctor`."""

from __future__ import annotations

from pydantic import Field, ValidationError

from backends.durable import make_folder
from backends.plain_file import read_plain
from backends.records import Moment
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.simulation import write_atomically
from console.views.health.model import View


class CollectedTable(View):
    """One table of a source. Counts are those of the last time it was read."""

    newest: str | None = None
    """The greatest value of the column that only grows; the next time begins there."""
    accepted: int = 0
    repeated: int = 0
    refused: int = 0


class CollectedSource(View):
    """One source."""

    at: Moment | None = None
    """When it was last read to its end, by the clock of the workspace."""
    looked_at: Moment
    """When somebody last tried."""
    signature: str | None = None
    """Of what was read then, with the settings that said how: the same again is not read again."""
    problem: Untrusted | None = None
    """Why it could not be read the last time."""
    tables: dict[str, CollectedTable] = Field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Facts that its tables held when they were last read."""
        return sum(each.accepted + each.repeated for each in self.tables.values())


class Collected(View):
    """Every source, by its name in workspace.toml."""

    duckdb: dict[str, CollectedSource] = Field(default_factory=dict)


def read_collected(paths: WorkspacePaths) -> Collected:
    """What is known of every source; nothing where the file is lost or broken."""
    try:
        return Collected.model_validate_json(read_plain(paths.collected))
    except (OSError, ValidationError):
        return Collected()


def write_collected(paths: WorkspacePaths, collected: Collected) -> None:
    """Replace it. Raises OSError."""
    make_folder(paths.store)
    write_atomically(paths.collected, collected.model_dump_json() + "\n")
