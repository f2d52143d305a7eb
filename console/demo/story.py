"""Who, when and which: the models of the demo, the windows they were trained on, and when they took over. Times are New York's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

ZONE_NAME: Final = "America/New_York"
ZONE: Final = ZoneInfo(ZONE_NAME)
ENVIRONMENT: Final = "production"


def local(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of 2013 in New York, as aware UTC."""
    return datetime(2013, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


DEFAULT_START: Final = local(4, 26, 18)
"""Where the clock stands when the demo opens: the fifth day of the incident, about half of the flights late."""

LOGGED_FROM: Final = local(2, 1)
"""From here on predictions were logged."""


@dataclass(frozen=True, slots=True)
class VersionStory:
    """One version: its training window, when it was made, and when (if ever) it took over."""

    version: str
    trained_from: datetime
    trained_to: datetime
    made_at: datetime
    promoted_at: datetime | None
    promoted_by: str | None = None
    approved_by: str | None = None
    dataset: str = ""
    note: str = ""
    random_holdout: bool = False
    """True when its report came from a random fifth of its own training window: such a report flatters."""


@dataclass(frozen=True, slots=True)
class ModelStory:
    """One model."""

    name: str
    task: Literal["binary", "regression"]
    owner: str
    target: str
    description: str
    label: str
    known_at: str
    threshold: float | None
    label_delay_hours: float
    fallback: str
    readers: tuple[tuple[str, str], ...]
    versions: tuple[VersionStory, ...]
    challenger: str | None
    slices: tuple[str, ...] = ("origin", "carrier")
    trees: int = 150


MODELS: Final[tuple[ModelStory, ...]] = (
    ModelStory(
        name="arrival-delay",
        task="binary",
        owner="delays",
        target="the flight arrives more than 15 minutes late",
        description="Probability that a flight out of New York arrives more than 15 minutes late",
        label="late",
        known_at="late_known_at",
        threshold=0.3,
        label_delay_hours=8.0,
        fallback="the late share of the last 24 h at the origin airport, from arrivals known by then",
        readers=(("gate board", "shows every score"), ("crew desk", "plans reserve crews by the level of the scores")),
        versions=(
            VersionStory("1", local(1, 1), local(2, 1), local(1, 31, 23, 50), local(2, 1), "ines", "ilse", "flights-jan"),
            VersionStory("2", local(1, 1), local(3, 11), local(3, 10, 23, 10), local(3, 11, 9), "ines", "ilse", "flights-q1-d70"),
            VersionStory("3", local(1, 15), local(4, 15), local(4, 21, 23, 30), None, dataset="flights-90d"),
        ),
        challenger="3",
    ),
    ModelStory(
        name="cancellation",
        task="binary",
        owner="delays",
        target="the flight is cancelled",
        description="Probability that a flight out of New York is cancelled",
        label="cancelled",
        known_at="cancelled_known_at",
        threshold=0.2,
        label_delay_hours=4.0,
        fallback="the cancelled share of the last 24 h at the origin airport",
        readers=(("gate board", "marks flights above the threshold"),),
        versions=(
            VersionStory("1", local(1, 1), local(2, 1), local(1, 31, 23, 50), local(2, 1), "ines", "ilse", "flights-jan"),
            VersionStory("2", local(1, 1), local(3, 11), local(3, 10, 23, 20), local(3, 12, 9), "ines", "ilse", "flights-q1-d70"),
        ),
        challenger=None,
        trees=60,
    ),
    ModelStory(
        name="air-time",
        task="regression",
        owner="flow",
        target="minutes in the air",
        description="Minutes that a flight out of New York will be in the air",
        label="air_time",
        known_at="late_known_at",
        threshold=None,
        label_delay_hours=9.0,
        fallback="the distance times the mean minutes a mile of the last seven days",
        readers=(("fuel planning", "reads every score"),),
        versions=(
            VersionStory("1", local(1, 1), local(3, 11), local(3, 10, 23, 40), local(3, 11, 10), "omar", "ilse", "flights-q1-d70"),
            VersionStory(
                "2",
                local(2, 1),
                local(3, 1),
                local(4, 21, 23, 45),
                local(4, 22, 9),
                "omar",
                "ilse",
                "flights-feb",
                note="scheduled retrain; the snapshot it found was the one of February",
                random_holdout=True,
            ),
        ),
        challenger=None,
    ),
)
