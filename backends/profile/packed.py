"""Categories as bytes: of each column the numbers of its names and their counts, in as few bytes as the largest needs."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from backends.profile.categories import Categories, Names

if TYPE_CHECKING:
    from backends.profile.categories import Ints

_HEAD: Final = struct.Struct("<II")
"""The checksum of all that follows it, and the length of the list of columns."""


def packed(columns: Iterable[tuple[str, Ints, Ints]]) -> bytes:
    """Bytes of (column, numbers, counts), read back by `unpacked`."""
    told, arrays = [], []
    for column, *pair in columns:
        narrow = [each.astype(_width(each)) for each in pair]
        told.append([column, len(pair[0]), *(each.dtype.str for each in narrow)])
        arrays += [each.tobytes() for each in narrow]
    listed = json.dumps(told, separators=(",", ":")).encode()
    rest = listed + b"".join(arrays)
    return _HEAD.pack(zlib.crc32(rest), len(listed)) + rest


def unpacked(held: bytes, names: Mapping[str, Names]) -> dict[str, Categories]:
    """Categories by column, under `names`. Raises ValueError for what is damaged, or has numbers that no name has."""
    import numpy as np

    if len(held) < _HEAD.size:
        raise ValueError("stored categories are cut off")
    checksum, length = _HEAD.unpack_from(held)
    if zlib.crc32(held[_HEAD.size :]) != checksum:
        raise ValueError("stored categories were altered")
    found, place = {}, _HEAD.size + length
    for column, many, *widths in json.loads(held[_HEAD.size : place]):
        arrays = []
        for width in widths:
            narrow = np.frombuffer(held, dtype=width, count=many, offset=place)
            arrays.append(narrow.astype(np.int64))
            place += narrow.nbytes
        known = names.get(column) or Names()
        if many and arrays[0][-1] >= len(known):
            raise ValueError(f"the stored categories of {column!r} have no names")
        found[column] = Categories(known, *arrays)
    return found


def _width(values: Ints) -> str:
    largest = int(values.max()) if len(values) else 0
    return next(width for width in ("<u1", "<u2", "<u4", "<u8") if largest < 1 << 8 * int(width[-1]))
