"""What every number and word on the screens means: one entry each, put together from the files of its subjects."""

from __future__ import annotations

from typing import Final

from console.views.definitions.badges import BADGES
from console.views.definitions.data import DATA
from console.views.definitions.definition import Definition
from console.views.definitions.distances import DISTANCES
from console.views.definitions.groups import GROUPS
from console.views.definitions.labels import LABELS
from console.views.definitions.learnt import LEARNT
from console.views.definitions.profiles import PROFILES
from console.views.definitions.quality import QUALITY
from console.views.definitions.rows import ROWS
from console.views.definitions.standing import STANDING

DEFINITIONS: Final[dict[str, Definition]] = {
    **LEARNT,
    **PROFILES,
    **DISTANCES,
    **QUALITY,
    **GROUPS,
    **STANDING,
    **BADGES,
    **DATA,
    **LABELS,
    **ROWS,
}
"""By name, in lower case."""
