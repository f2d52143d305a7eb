"""What a judgement rests on beside its moment: when none of it has changed, judging again would say the same."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backends.store.marks import FactsMark, facts_mark
from backends.store.paths import WorkspacePaths
from console.control.actions import ActionState
from console.installed import installed_version
from console.views.health.estimated import estimates_folder, last_learnt
from console.views.health.model import View
from console.views.sight import Sight

if TYPE_CHECKING:
    from backends.store.reader import Reader

SHIPPED: Final = Path(__file__).parents[2] / "policies" / "default"

FORM: Final = 4
"""Of what is kept of a judgement. One more whenever something is judged or shown otherwise: what was kept before then counts no more."""


class Basis(View):
    """Digests of everything that a judgement rests on, and the program that made it."""

    program: str = ""
    """Its version, and the form of what it keeps. An older one judged otherwise, and lacks what was added since."""
    facts: str
    rules: str
    """The policies, contracts and settings as written."""
    control: str
    """What people did that counts in a judgement: aliases, switches, candidates let in, open incidents."""
    learnt: str
    """What the watch had learnt of the model."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Facts and rules as they lie on disk. To be looked at before a judgement: what changes meanwhile then makes it count no more."""

    facts: FactsMark | None
    """None when they cannot be looked at."""
    rules: str
    published: str
    """Where aliases point, and who is let in."""
    learnt: Mapping[str, object]
    """What tells that something was learnt since, by the folder that it is kept in."""

    def under(self, sight: Sight, model: str | None, reader: Reader | None = None) -> Basis | None:
        """What a judgement of a model rests on, or of every model of the environment; None when the facts cannot be looked at.

        Only a reader can tell that what has landed lately is about other models.
        """
        if self.facts is None:
            return None
        facts = self.facts.of_all() if model is None else self.facts.of(model, waiting=reader is None or reader.waits_for(model))
        learnt = sorted(self.learnt.items()) if model is None else self.learnt.get(estimates_folder(sight.environment, model))
        return Basis(
            program=_program(), facts=facts, rules=self.rules, control=_control(self.published, sight, model), learnt=_digest(learnt)
        )


def ground(paths: WorkspacePaths, model: str | None = None) -> Ground:
    """What lies there now, for every model or for one."""
    written = [*_written((paths.policies, paths.contracts)), _shipped(SHIPPED), _stamp(paths.workspace_toml)]
    published = _digest([_stamp(paths.registry), _stamp(paths.traffic)])
    return Ground(facts_mark(paths, model), _digest(written), published, last_learnt(paths))


@cache
def _program() -> str:
    return f"{installed_version()}, form {FORM}"


def _control(published: str, sight: Sight, model: str | None) -> str:
    done = [action.id for action in sight.serving_actions(model) if action.state is ActionState.EFFECTIVE]
    incidents = [(incident.id, incident.opened_at) for incident in sight.control.open_incidents(sight.environment, model)]
    return _digest([published, done, incidents])


def _written(folders: Iterable[Path]) -> list[tuple[str, str, object]]:
    """What tells that a policy or a contract was changed, came or went, without reading one. A copied workspace keeps it."""
    seen: list[tuple[str, str, object]] = []
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            seen += [(folder.name, each.name, _stamp(Path(each.path))) for each in entries if each.name.endswith((".yaml", ".yml"))]
    return sorted(seen, key=repr)


@cache
def _shipped(folder: Path) -> str:
    """A digest of the rules that ship. Two people's programs are installed at other times, and ship the same rules."""
    return _digest([(path.name, path.read_bytes()) for path in sorted(folder.glob("*.yaml"))])


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _digest(described: object) -> str:
    return hashlib.sha256(repr(described).encode()).hexdigest()
