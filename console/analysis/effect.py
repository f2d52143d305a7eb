"""How bad a difference between two sets of rows is when there is no past to judge by: by its size, once chance cannot explain it.

PSI of .1 warns and of .25 is critical; the KS statistic of .125 and .2, which is what a shift of a normal column has at these PSI.
Before it is judged, the PSI is lessened by what two samples of these sizes from one distribution have on average,
(bins - 1) (1/n + 1/m) (Yurdakul and Naranjo 2020). A p-value alone never alarms; it only keeps what chance explains from doing so.

Categories that are rarer than the floor of the PSI do not show in it, and a column may hold nothing else: all of them could be others
now. How far their shares are apart without a floor, `distances.reshuffle`, is judged beside by the limits of the PSI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from backends.records import State
from console.analysis.bands import MINIMUM_ROWS
from console.analysis.distances import SHARE_FLOOR, Reshuffle
from console.analysis.drift import ColumnDrift
from console.analysis.identifiers import IDENTIFIER, LOOK_FIRST, turned, what_turned

PSI_LIMITS: Final = (0.1, 0.25)
KS_LIMITS: Final = (0.125, 0.2)
"""Over the first it warns, over the second it is critical."""

MISSING_LIMITS: Final = (0.05, 0.1)
"""Change of the share of missing values over which it warns, and, where it rose to more than double, is critical."""

CHANCE: Final = 0.01
"""p-value above which chance explains a difference; divided by the number of columns, since each is one more try."""

NO_FLOOR: Final = f"shares with those below {SHARE_FLOOR:g}, which PSI does not see, moved by"


@dataclass(frozen=True, slots=True)
class Effect:
    """A state and the sentence that says why."""

    state: State
    reason: str


def psi_of_chance(bins: int, n: int, m: int) -> float:
    """The PSI that two samples of n and m rows from one distribution over `bins` bins have on average."""
    return max(0, bins - 1) * (1 / n + 1 / m) if n and m else 0.0


def judged(
    drift: ColumnDrift,
    *,
    bins: int,
    columns: int,
    unlike: float = 0.0,
    different: tuple[float, float] | None = None,
    rare: Reshuffle | None = None,
) -> Effect:
    """Judge one of `columns` columns. `bins` is how many bins hold more than the PSI's floor on either side.

    Of a column of text, `unlike` is the share of different values among the rows, `different` that of each side in equally many rows,
    and `rare` how far apart shares are without a floor.
    """
    missing = _missing(drift)
    if missing is not None and missing.state is State.CRITICAL:
        return missing
    found = _distance(drift, bins, columns, unlike, different, rare)
    if missing is not None and found.state is not State.CRITICAL:
        return Effect(State.WARNING, f"{missing.reason}; {found.reason}")
    return found


def _missing(drift: ColumnDrift) -> Effect | None:
    before, now = drift.missing_reference, drift.missing_current
    if before is None or now is None:
        return None
    if now == 1.0 and before < 1.0:
        return Effect(State.CRITICAL, f"gone: every value is missing now ({before:.1%} before)")
    if now - before > MISSING_LIMITS[1] and now > 2 * before:
        return Effect(State.CRITICAL, f"missing values rose from {before:.1%} to {now:.1%}: look at the pipeline first")
    if abs(now - before) > MISSING_LIMITS[0]:
        return Effect(State.WARNING, f"missing values went from {before:.1%} to {now:.1%}")
    return None


def _distance(
    drift: ColumnDrift, bins: int, columns: int, unlike: float, different: tuple[float, float] | None, rare: Reshuffle | None
) -> Effect:
    n, m = drift.n_reference, drift.n_current
    if drift.psi is None:
        return Effect(State.UNKNOWN, drift.reasons.get("psi", "not computable"))
    if min(n, m) < MINIMUM_ROWS:
        return Effect(State.UNKNOWN, f"only {min(n, m)} values on one side: below {MINIMUM_ROWS} a distance is mostly chance")
    if different is not None and turned(*different):
        was, now = different
        shares = f"{was:.1%} of the values were different and {now:.1%} are, in equally many rows"
        return Effect(State.CRITICAL, f"{what_turned(was, now)}: {shares}; {LOOK_FIRST}")
    if unlike > IDENTIFIER:
        said = f"free text or an identifier, which is not compared: {unlike:.0%} of the values are different, and their shares say nothing"
        return Effect(State.UNKNOWN, f"{said}; compare numbers taken from it, such as its length")
    if drift.kind == "timestamp":
        return Effect(State.UNKNOWN, "a time: later rows have later times, so a distance is no sign of drift by itself")
    psi = max(0.0, drift.psi - psi_of_chance(bins, n, m))
    sizes = [("PSI", psi, PSI_LIMITS, drift.chi2_p_value), ("KS", drift.ks, KS_LIMITS, drift.ks_p_value)]
    sizes += [(NO_FLOOR, rare.size, PSI_LIMITS, rare.p_value)] if rare is not None else []
    over = [
        (size > limits[1], name, size, limits[size > limits[1]])
        for name, size, limits, p in sizes
        if size is not None and size > limits[0] and p is not None and p < CHANCE / max(1, columns)
    ]
    if over:
        critical, name, size, limit = max(over, key=lambda each: each[0])
        less = "" if name == "KS" else " beyond what chance gives"
        return Effect(State.CRITICAL if critical else State.WARNING, f"{name} {size:.3f}{less}, over {limit:g}")
    small = [(name, size) for name, size, limits, _ in sizes if size is not None and size > limits[0]]
    if small:
        return Effect(State.OK, f"{small[0][0]} {small[0][1]:.3f}, but chance explains it at these sizes")
    told = f"PSI {psi:.3f} is not over {PSI_LIMITS[0]:g}"
    return Effect(State.OK, told if drift.ks is None else f"{told}, KS {drift.ks:.3f} not over {KS_LIMITS[0]:g}")
