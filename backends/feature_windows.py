"""The window of time that a feature is computed over, as training and as serving define it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from backends.durations import Duration, format_duration


def _not_negative(length: timedelta) -> timedelta:
    if length < timedelta(0):
        raise ValueError("a length of time is not negative")
    return length


Length = Annotated[Duration, AfterValidator(_not_negative)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class WindowSpec(BaseModel):
    """`aggregation` over the `length` of time that ends `lag` before the request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: Length
    lag: Length = timedelta(0)
    closed: Literal["left", "right", "both", "neither"] = "left"
    """Which ends belong to it: `left` takes what happened at its beginning, and not what happened at its end."""
    aggregation: Word
    zone: Word = "UTC"
    """IANA zone of days and hours, where a window begins with one."""

    def parts(self) -> dict[str, str]:
        """Each part as text, in the order in which they are said."""
        return {
            "aggregation": self.aggregation,
            "length": format_duration(self.length),
            "lag": format_duration(self.lag),
            "closed": self.closed,
            "zone": self.zone,
        }

    def __str__(self) -> str:
        """`mean over 7d, lag 1h, closed left, UTC`."""
        part = self.parts()
        return f"{part['aggregation']} over {part['length']}, lag {part['lag']}, closed {part['closed']}, {part['zone']}"


class FeatureWindows(BaseModel):
    """The window of one feature on both sides; None where nobody said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: WindowSpec | None = None
    serving: WindowSpec | None = None

    def differ(self) -> tuple[str, ...]:
        """Names of the parts in which both sides differ; empty also where one of them is not said."""
        if self.training is None or self.serving is None:
            return ()
        there = self.serving.parts()
        return tuple(name for name, text in self.training.parts().items() if there[name] != text)
