"""Profiles per version and day, as text: what a store keeps so that any two periods compare without their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backends.profile.profile import Profile, ProfileMismatch

FORMAT = 1
"""Version of the JSON that `to_json` writes."""


@dataclass(frozen=True, slots=True)
class WindowProfile:
    """All profiled columns of one version over `[starts_at, ends_at)` (aware, UTC), in one role (`live` or `shadow`)."""

    environment: str
    model: str
    version: str
    role: str
    starts_at: datetime
    ends_at: datetime
    columns: tuple[Profile, ...]

    def column(self, name: str) -> Profile | None:
        """The profile of one column; None if it was not profiled in this window."""
        return next((profile for profile in self.columns if profile.column == name), None)

    def to_json(self) -> str:
        """One line of JSON, read back exactly by `from_json`. Raises ValueError for a time without a zone."""
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError(f"the window of {self.model!r} has a time without a zone; windows are kept in UTC")
        return json.dumps(
            {
                "format": FORMAT,
                "environment": self.environment,
                "model": self.model,
                "version": self.version,
                "role": self.role,
                "starts_at": self.starts_at.isoformat(),
                "ends_at": self.ends_at.isoformat(),
                "columns": [profile.to_dict() for profile in self.columns],
            },
            allow_nan=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> WindowProfile:
        """The window that `to_json` wrote. Raises ValueError when the text is damaged or of a newer format."""
        stored = json.loads(text)
        if not isinstance(stored, dict) or stored.get("format") != FORMAT:
            raise ValueError(f"a stored profile window is not of format {FORMAT}; profile it again with this program")
        try:
            return cls(
                environment=str(stored["environment"]),
                model=str(stored["model"]),
                version=str(stored["version"]),
                role=str(stored["role"]),
                starts_at=datetime.fromisoformat(stored["starts_at"]),
                ends_at=datetime.fromisoformat(stored["ends_at"]),
                columns=tuple(Profile.from_dict(profile) for profile in stored["columns"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"a stored profile window cannot be read ({error}); profile it again") from error


def merge_windows(windows: Iterable[WindowProfile]) -> WindowProfile | None:
    """One window from the first start to the last end, its columns added; None without windows.

    Windows may leave gaps but must not overlap, and must be of one model, environment and role. Versions may differ: the merged
    window then names all of them. A column that is absent from some windows counts its rows there as missing values.
    Raises `ProfileMismatch`.
    """
    ordered = sorted(windows, key=lambda window: window.starts_at)
    if not ordered:
        return None
    first = ordered[0]
    if any((window.environment, window.model, window.role) != (first.environment, first.model, first.role) for window in ordered):
        raise ProfileMismatch("windows of different models, environments or roles cannot be added")
    if _doubled(ordered):
        raise ProfileMismatch(f"windows of {first.model!r} overlap: adding them would count rows twice")
    versions = list(dict.fromkeys(window.version for window in ordered))
    names = list(dict.fromkeys(profile.column for window in ordered for profile in window.columns))
    return WindowProfile(
        environment=first.environment,
        model=first.model,
        version="+".join(versions),
        role=first.role,
        starts_at=first.starts_at,
        ends_at=max(window.ends_at for window in ordered),
        columns=tuple(_added(name, ordered) for name in names),
    )


def _doubled(ordered: Sequence[WindowProfile]) -> bool:
    """True when windows of one version overlap; two versions may share a day, they scored different rows."""
    ends: dict[str, datetime] = {}
    for window in ordered:
        if window.version in ends and window.starts_at < ends[window.version]:
            return True
        ends[window.version] = window.ends_at
    return False


def _added(name: str, windows: Sequence[WindowProfile]) -> Profile:
    shape = next(profile for window in windows if (profile := window.column(name)) is not None)
    total = _empty(shape, 0)
    for window in windows:
        rows = max((profile.rows for profile in window.columns), default=0)
        total = total.merge(window.column(name) or _empty(shape, rows))
    return total


def _empty(shape: Profile, nulls: int) -> Profile:
    return Profile(
        column=shape.column,
        kind=shape.kind,
        n=0,
        nulls=nulls,
        edges=shape.edges,
        counts=(0,) * len(shape.counts),
        spike=shape.spike,
        edges_from=shape.edges_from,
    )
