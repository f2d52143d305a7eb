"""DuckDB's masked columns as plain numpy arrays. What asks for none loads no numpy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Moments = npt.NDArray[np.datetime64]
    Texts = npt.NDArray[np.object_]


def floats(column: Any) -> Floats:
    """Numbers; NaN where missing."""
    import numpy as np

    return np.asarray(np.ma.filled(np.ma.asarray(column).astype(np.float64, copy=False), np.nan), dtype=np.float64)


def integers(column: Any) -> Integers:
    """Whole numbers that are never missing."""
    import numpy as np

    return np.asarray(np.ma.filled(np.ma.asarray(column), 0), dtype=np.int64)


def moments(column: Any) -> Moments:
    """UTC times to the microsecond; NaT where missing."""
    import numpy as np

    return np.asarray(
        np.ma.filled(np.ma.asarray(column).astype("datetime64[us]", copy=False), np.datetime64("NaT")), dtype="datetime64[us]"
    )


def texts(column: Any) -> Texts:
    """Texts; None where missing."""
    import numpy as np

    masked: Any = np.ma.asarray(column, dtype=object)
    if not np.ma.is_masked(masked):
        return np.asarray(masked.data, dtype=object)
    values = masked.data.copy()
    values[np.ma.getmaskarray(masked)] = None
    return np.asarray(values, dtype=object)


def texts_from(names: Sequence[str], places: Any) -> Texts:
    """Texts that were handed over as places in `names`; None where there is none. Rows share these, none has a text of its own."""
    import numpy as np

    known = np.array([*names, None], dtype=object)
    return np.asarray(known[np.ma.filled(np.ma.asarray(places), len(names))], dtype=object)


def missing_texts(count: int) -> Texts:
    """As many texts, all of them missing, in the memory of one."""
    import numpy as np

    return np.broadcast_to(np.array([None], dtype=object), (count,))


def by_type(kind: str, column: Any) -> npt.NDArray[Any]:
    """A column of the given DuckDB type: TIMESTAMP as times, VARCHAR as texts, everything else as numbers."""
    if kind == "TIMESTAMP":
        return moments(column)
    return texts(column) if kind == "VARCHAR" else floats(column)


def aware(moment: datetime | None) -> datetime | None:
    """A stored time with its zone."""
    return None if moment is None else moment.replace(tzinfo=UTC)
