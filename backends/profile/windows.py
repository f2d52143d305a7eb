"""Profiles of one version on one day, and what adds them up: any two periods compare without their rows."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from backends.profile.categories import Categories
from backends.profile.profile import Profile, ProfileMismatch, merge_profiles

FORMAT: Final = 2
"""Version of the JSON that `to_json` writes."""

METHOD: Final = "exact counts on edges fixed by the reference; different values by name, or estimated from bits that their hashes set"
"""How the counts of every window are made."""


def schema_of(types: Mapping[str, str]) -> str:
    """The fingerprint of some columns: of their names and types, in whichever order they come."""
    return f"sha256:{hashlib.sha256(json.dumps(sorted(types.items())).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class WindowProfile:
    """All profiled columns of the live rows of a version on a day; added up, of several versions and days.

    `windows` says which, each as (day, version). `engines` counted them, and `schemas` are the fingerprints of the inputs that they had,
    whether profiled or not.
    """

    windows: tuple[tuple[date, str], ...]
    engines: tuple[str, ...]
    schemas: tuple[str, ...]
    columns: tuple[Profile, ...]
    method: str = METHOD

    def column(self, name: str) -> Profile | None:
        """The profile of one column; None if it was not profiled."""
        return next((profile for profile in self.columns if profile.column == name), None)

    @property
    def rows(self) -> int:
        """Rows, whatever they lack."""
        return max((profile.rows for profile in self.columns), default=0)

    def to_json(self, *, apart: bool = False) -> str:
        """One line of JSON, read back exactly by `from_json`; with `apart` without the categories, which are kept elsewhere."""
        stored = {
            "format": FORMAT,
            "method": self.method,
            "windows": [[day.isoformat(), version] for day, version in self.windows],
            "engines": list(self.engines),
            "schemas": list(self.schemas),
            "columns": [profile.to_dict(apart=apart) for profile in self.columns],
        }
        return json.dumps(stored, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, apart: Mapping[str, Categories] = MappingProxyType({})) -> WindowProfile:
        """The window that `to_json` wrote, with the categories that were kept `apart`, by column.

        Raises ValueError when the text is damaged or of another format.
        """
        stored: Any = json.loads(text)
        if not isinstance(stored, dict) or stored.get("format") != FORMAT:
            raise ValueError(f"a stored profile window is not of format {FORMAT}; profile it again with this program")
        try:
            return cls(
                windows=tuple((date.fromisoformat(day), str(version)) for day, version in stored["windows"]),
                engines=tuple(str(engine) for engine in stored["engines"]),
                schemas=tuple(str(schema) for schema in stored["schemas"]),
                columns=tuple(Profile.from_dict(profile, apart.get(profile["column"])) for profile in stored["columns"]),
                method=str(stored["method"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"a stored profile window cannot be read ({error}); profile it again") from error


def merge_windows(windows: Iterable[WindowProfile]) -> WindowProfile | None:
    """The windows added up, in whichever order they come; None without any.

    A column that is absent from some of them counts their rows as missing values. Raises `ProfileMismatch` when a window comes twice,
    or two were counted in different ways.
    """
    found = list(windows)
    if len(found) < 2:
        return found[0] if found else None
    told = sorted(each for window in found for each in window.windows)
    if len(set(told)) < len(told):
        day, version = next(each for each, later in itertools.pairwise(told) if each == later)
        raise ProfileMismatch(f"{day} of version {version!r} comes twice: adding it would count its rows twice")
    if len({window.method for window in found}) > 1:
        raise ProfileMismatch("windows that were counted by different methods cannot be added; profile them again")
    names = list(dict.fromkeys(profile.column for window in found for profile in window.columns))
    return WindowProfile(
        windows=tuple(told),
        engines=tuple(sorted({engine for window in found for engine in window.engines})),
        schemas=tuple(sorted({schema for window in found for schema in window.schemas})),
        columns=tuple(_added(name, found) for name in names),
        method=found[0].method,
    )


def _added(name: str, windows: list[WindowProfile]) -> Profile:
    held = [window.column(name) for window in windows]
    total = merge_profiles(profile for profile in held if profile is not None)
    assert total is not None, "the name is that of some column"
    absent = sum(window.rows for window, profile in zip(windows, held, strict=True) if profile is None)
    return replace(total, nulls=total.nulls + absent) if absent else total
