"""Days as they are written: `22-26 Apr`."""

from __future__ import annotations

from datetime import date

from console.render import figures


def span(first: date, last: date) -> str:
    """`22-26 Apr`, `28 Mar-3 Apr`."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}-{day(last)}"
    return f"{day(first)}-{day(last)}"


def day(day: date | None) -> str:
    return figures.MISSING if day is None else f"{day.day} {day.strftime('%b')}"
