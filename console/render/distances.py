"""Distances, values of columns and p-values as they are written."""

from __future__ import annotations

from console.render import figures


def distance(value: float | None, digits: int = 2) -> str:
    """A PSI or limit: `.36`, `3.76`, `12.4`."""
    if value is None:
        return figures.MISSING
    return f"{value:.1f}" if value >= 10 else figures.share(value, digits) if value < 1 else f"{value:.{digits}f}"


def number(value: float | None) -> str:
    """A value of a column, in three or four figures."""
    if value is None:
        return figures.MISSING
    size = abs(value)
    if size and (size >= 1e6 or size < 1e-3):
        return f"{value:.3g}"
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.3g}"


def p_value(p: float | None, *, upper: bool = False) -> str:
    """`p .03`, `p < 1e-12`; with `upper` the p-value of a lower bound, so at most this."""
    if p is None:
        return "no p"
    if p < 1e-300:
        return "p < 1e-300"
    sign = "<=" if upper else "="
    return f"p {sign} {p:.1e}" if p < 0.001 else f"p {sign} {figures.share(p)}"
