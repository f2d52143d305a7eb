"""Mappings that are copied at the cost of what changed: below lies what never changes, on top what came since.

The state of control is copied for every step that is decided on it, and it grows with the journal: copying all of it would make
each action slower than the last.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, ValuesView
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")

TOP: Final = 256
"""Changes on top above which a copy lays them down: often enough to keep copies small, seldom enough to cost nothing."""


class Kept(Mapping[str, Value]):
    """What lies at the bottom: a mapping whose values may come from disk."""

    @abstractmethod
    def load(self) -> None:
        """Bring every value into memory at once, before all of them are gone through."""


class Layered(Mapping[str, Value], Generic[Value]):
    """A mapping in order of first insertion from which nothing is removed. Not for two writing threads."""

    __slots__ = ("_below", "_middle", "_size", "_top")

    def __init__(self, below: Kept[Value] | None = None) -> None:
        self._below = below
        self._middle: dict[str, Value] = {}
        self._top: dict[str, Value] = {}
        self._size = 0 if below is None else len(below)

    def copy(self) -> Layered[Value]:
        """Another one with the same content; neither sees what is put into the other."""
        other: Layered[Value] = Layered.__new__(Layered)
        other._below, other._size = self._below, self._size
        if len(self._top) > TOP:
            other._middle, other._top = {**self._middle, **self._top}, {}
        else:
            other._middle, other._top = self._middle, self._top.copy()
        return other

    def changes(self) -> dict[str, Value]:
        """What was put in since the bottom was laid."""
        return {**self._middle, **self._top}

    def setdefault(self, key: str, value: Value) -> Value:
        """The value under `key`, which is `value` from now on if there was none."""
        found = self.get(key, _ABSENT)
        if not isinstance(found, _Absent):
            return found
        self[key] = value
        return value

    def __setitem__(self, key: str, value: Value) -> None:
        if key not in self:
            self._size += 1
        self._top[key] = value

    def __getitem__(self, key: str) -> Value:
        if key in self._top:
            return self._top[key]
        if key in self._middle or self._below is None:
            return self._middle[key]
        return self._below[key]

    def __contains__(self, key: object) -> bool:
        return key in self._top or key in self._middle or (self._below is not None and key in self._below)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        below = self._below
        if below is not None:
            yield from below
        for key in self._middle:
            if below is None or key not in below:
                yield key
        for key in self._top:
            if key not in self._middle and (below is None or key not in below):
                yield key

    def values(self) -> ValuesView[Value]:
        """Every value, in order."""
        if self._below is not None:
            self._below.load()
        return super().values()

    def __eq__(self, other: object) -> bool:
        return dict(self.items()) == dict(other.items()) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # content that changes has no hash

    def __repr__(self) -> str:
        return f"Layered({dict(self.items())!r})"


class LayeredSet:
    """The same for keys alone."""

    __slots__ = ("keys",)

    def __init__(self, keys: Layered[None] | None = None) -> None:
        self.keys: Layered[None] = Layered() if keys is None else keys

    def copy(self) -> LayeredSet:
        """Another one with the same content."""
        return LayeredSet(self.keys.copy())

    def add(self, key: str) -> None:
        """Put `key` in."""
        self.keys[key] = None

    def update(self, keys: Iterable[str]) -> None:
        """Put each of `keys` in."""
        for key in keys:
            self.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)

    def __eq__(self, other: object) -> bool:
        return set(self) == set(other) if isinstance(other, LayeredSet | set | frozenset) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # content that changes has no hash


class _Absent:
    """Stands for no value where None may be one."""


_ABSENT: Final = _Absent()
