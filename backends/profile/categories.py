"""How often each category came. Names are held once, under numbers, for all profiles that are read or counted together.

Days of thousands of categories add up and compare by their numbers alone; a name is read when it is to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


class Names:
    """Names, each under a number for good, from 0. `read` gives the first `many` of them, and is asked when one of them is needed."""

    __slots__ = ("_many", "_numbers", "_read", "_texts")

    def __init__(self, many: int = 0, read: Callable[[], Iterable[str]] | None = None) -> None:
        self._many, self._read = many, read
        self._numbers: dict[str, int] | None = None
        self._texts: list[str] | None = None

    def __len__(self) -> int:
        return self._many

    def texts(self) -> list[str]:
        """Every name, in the order of their numbers."""
        if self._texts is None:
            self._texts = list(self._read()) if self._read is not None else []
        return self._texts

    def numbers(self, names: Iterable[str]) -> list[int]:
        """The number of each name; those that have none get the next."""
        texts = self.texts()
        if self._numbers is None:
            self._numbers = {name: number for number, name in enumerate(texts)}
        known = self._numbers
        found = [known.setdefault(name, len(known)) for name in names]
        if len(known) > len(texts):
            texts.extend(list(known)[len(texts) :])
            self._many = len(texts)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """Counts by the numbers of names: `numbers` ascend, and each of `counts` is above zero. Equal where names and counts are."""

    names: Names
    numbers: Ints
    counts: Ints

    @classmethod
    def of(cls, counted: Iterable[tuple[str, int]], names: Names | None = None) -> Categories:
        """What was counted, each name once. `names` are those of others that it may be added to."""
        import numpy as np

        held = [(name, count) for name, count in counted if count]
        names = names if names is not None else Names()
        numbers = np.array(names.numbers(name for name, _ in held), dtype=np.int64)
        order = np.argsort(numbers)
        return cls(names, numbers[order], np.array([count for _, count in held], dtype=np.int64)[order])

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(sorted(zip(named(self.names, self.numbers), self.counts.tolist(), strict=True)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Categories) or len(self) != len(other):
            return False
        if self.names is other.names:
            return bool((self.numbers == other.numbers).all() and (self.counts == other.counts).all())
        return list(self) == list(other)

    def __hash__(self) -> int:
        return hash((len(self), self.total))

    @property
    def total(self) -> int:
        """Rows in all of them."""
        return int(self.counts.sum())

    def under(self, names: Names) -> Categories:
        """The same counts by the numbers of other names."""
        if names is self.names:
            return self
        return Categories.of(zip(named(self.names, self.numbers), self.counts.tolist(), strict=True), names)


def named(names: Names, numbers: Ints) -> list[str]:
    """The name of each number."""
    texts = names.texts() if len(numbers) else []
    return [texts[number] for number in numbers.tolist()]


def added(parts: Sequence[Categories]) -> Categories:
    """The counts of all parts together."""
    import numpy as np

    names = max((part.names for part in parts), key=len)
    alike = [part.under(names) for part in parts]
    total = np.zeros(len(names), dtype=np.int64)
    for part in alike:
        total[part.numbers] += part.counts
    held = np.flatnonzero(total)
    return Categories(names, held, total[held])


@dataclass(frozen=True, slots=True)
class Pairs:
    """The union of the categories of two sides, and how often each came on either; ordered by that, so that sums do not hang on numbers."""

    names: Names
    numbers: Ints
    reference: Ints
    current: Ints

    def new(self) -> tuple[str, ...]:
        """Names that only the current side has, in their order."""
        return tuple(sorted(named(self.names, self.numbers[self.reference == 0])))

    def vanished(self) -> tuple[str, ...]:
        """Names that only the reference has, in their order."""
        return tuple(sorted(named(self.names, self.numbers[self.current == 0])))


def paired(reference: Categories, current: Categories) -> Pairs:
    """Both sides over the union of their categories."""
    import numpy as np

    names = max(reference.names, current.names, key=len)
    sides = []
    alike = [side.under(names) for side in (reference, current)]
    for side in alike:
        dense = np.zeros(len(names), dtype=np.int64)
        dense[side.numbers] = side.counts
        sides.append(dense)
    held = np.flatnonzero(sides[0] + sides[1])
    before, now = sides[0][held], sides[1][held]
    order = np.lexsort((now, before))
    return Pairs(names, held[order], before[order], now[order])
