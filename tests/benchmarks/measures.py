"""What a measurement says, and how several are put beside their budgets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One budget: what was measured, what it was measured against, and the most that is allowed."""

    name: str
    ours: float
    unit: str
    limit: float | None
    """The most that is allowed, of the ratio where there is a reference, else of the value; None: reported only."""
    reference: float | None = None
    against: str = ""
    paired: float | None = None
    """The median of the ratios of neighbouring runs: what a busy machine disturbs least."""

    @property
    def ratio(self) -> float | None:
        """Ours over the reference."""
        if self.paired is not None:
            return self.paired
        return self.ours / self.reference if self.reference else None

    @property
    def verdict(self) -> str:
        """`ok`, `over`, or nothing where there is no budget."""
        if self.limit is None:
            return ""
        judged = self.ratio if self.reference is not None else self.ours
        return "ok" if judged is not None and judged <= self.limit else "over"

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Measure, ours, reference, ratio, budget, verdict."""
        budget = "" if self.limit is None else f"<= {self.limit:g}" + (" x" if self.reference is not None else f" {self.unit}")
        reference = "" if self.reference is None else f"{written(self.reference)} {self.unit} ({self.against})"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} x"
        return self.name, f"{written(self.ours)} {self.unit}", reference, ratio, budget, self.verdict


HEADER = ("measure", "ours", "reference", "ratio", "budget", "")


def written(value: float) -> str:
    """A value with as many digits as it deserves."""
    return f"{value:.1f}" if abs(value) < 10 and value != round(value) else f"{value:,.0f}"


def interleaved(cases: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Run every case once a round, `repeats` rounds after one that does not count, so that a busy moment meets all of them."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(repeats + 1):
        for name, case in cases.items():
            value = case()
            if number:
                found[name].append(value)
    return found


def compared(name: str, ours: Sequence[float], reference: Sequence[float], *, unit: str, limit: float | None, against: str) -> Measure:
    """Medians of both sides and the median of the paired ratios."""
    ratios = [one / other for one, other in zip(ours, reference, strict=True)]
    return Measure(name, statistics.median(ours), unit, limit, statistics.median(reference), against, statistics.median(ratios))


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def table(measures: Sequence[Measure]) -> str:
    """The measures as an aligned table for a terminal."""
    rows = [HEADER, *(measure.cells() for measure in measures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADER))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
