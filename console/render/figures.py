"""How numbers, ages and times are written, the same on every screen and in every verb. No heavy import: the first frame draws with it."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

MISSING = "-"

A_YEAR_ALMOST = timedelta(days=330)
"""From here on a day and a month alone could be taken for those of another year."""
"""Does not apply. What is not known is the word `unkn`, never this."""


def share(value: float | None, digits: int = 3) -> str:
    """A share of one without its leading zero: `.606`, `1.00` is `1`, `-.05`."""
    if value is None:
        return MISSING
    text = f"{value:.{digits}f}"
    if text.lstrip("-").startswith("1.") and float(text) in {1.0, -1.0}:
        return text.split(".", maxsplit=1)[0]
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def signed(value: float | None, digits: int = 3) -> str:
    """A difference, always with its sign: `+.338`."""
    if value is None:
        return MISSING
    text = share(value, digits)
    return text if text.startswith("-") else f"+{text}"


def percent(value: float | None) -> str:
    """A share as whole percent with its blank: `77 %`."""
    return MISSING if value is None else f"{value * 100:.0f} %"


def budget(left: float | None) -> str:
    """What is left of a budget: `71%`, never below `0%`."""
    return MISSING if left is None else f"{max(0.0, left) * 100:.0f}%"


def count(value: int | None) -> str:
    """A count with separators: `4,304`."""
    return MISSING if value is None else f"{value:,}"


def amount(value: float | None, unit: str) -> str:
    """A value in its unit, as signals and limits are written."""
    if value is None:
        return MISSING
    if unit == "share":
        return f"{value * 100:.1f} %" if 0 < value < 0.1 else f"{value * 100:.0f} %"
    if unit == "signed":
        return signed(value)
    if unit == "count":
        return count(round(value))
    if unit == "ms":
        return f"{value:.1f} ms" if value < 1 else f"{value:.0f} ms"
    if unit == "hours":
        return age(timedelta(hours=value))
    if unit == "minutes":
        return f"{value:.1f} m"
    return share(value) if abs(value) < 10 else f"{value:.1f}"


def age(length: timedelta) -> str:
    """How old, in steps that grow with the age so that an idle screen writes nothing: `now 25m 27h 4d`."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return "now"
    if minutes < 10:
        return f"{minutes}m"
    if minutes < 120:
        return f"{minutes - minutes % 5}m"
    hours = minutes // 60
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"


def ago(length: timedelta) -> str:
    """How long ago something was, in the same steps: `just now`, `25m ago`."""
    said = age(length)
    return "just now" if said == "now" else f"{said} ago"


def since(moment: datetime | None, at: datetime) -> str:
    """The age of something that began at `moment`."""
    return MISSING if moment is None else age(max(at - moment, timedelta()))


def clock_time(moment: datetime, zone: tzinfo) -> str:
    """`18:00`, in the display zone."""
    return moment.astimezone(zone).strftime("%H:%M")


def day(moment: datetime, zone: tzinfo) -> str:
    """`22 Apr`, in the display zone."""
    local = moment.astimezone(zone)
    return f"{local.day} {local.strftime('%b')}"


def moment(when: datetime | None, zone: tzinfo) -> str:
    """`22 Apr 14:00`, in the display zone."""
    return MISSING if when is None else f"{day(when, zone)} {clock_time(when, zone)}"


def far_moment(when: datetime | None, at: datetime, zone: tzinfo) -> str:
    """`22 Apr 14:00`, and `22 Apr 2015` where that is so far from `at` that the day alone could be one of another year."""
    if when is None or abs(when - at) < A_YEAR_ALMOST:
        return moment(when, zone)
    return f"{day(when, zone)} {when.astimezone(zone).year}"


def full_moment(when: datetime, zone: tzinfo) -> str:
    """`2013-04-26 18:00 EDT`: with the year and the zone's name."""
    return when.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def short_digest(digest: str | None) -> str:
    """The first eight hex digits of a digest in two groups: `5d07 c1b9`."""
    if not digest:
        return MISSING
    digits = digest.removeprefix("sha256:")
    return f"{digits[:4]} {digits[4:8]}"
