"""Times, sizes and the like as a page says them."""

from __future__ import annotations

from datetime import UTC, datetime

FILTERS = ("age", "clock_time", "count", "duration", "millis", "moment", "offset", "size")


def duration(seconds: float) -> str:
    """`3 d 4 h`, `2 h 5 min`, `7 min`, `12 s`: the two largest units. Less than nothing is nothing."""
    left = max(0, int(seconds))
    if left < 60:
        return f"{left} s"
    days, hours, minutes = left // 86_400, left // 3600 % 24, left // 60 % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def age(at: datetime, now: datetime) -> str:
    """How long ago; what a machine's clock puts into the future is "just now", up to a minute of it."""
    seconds = (now - at).total_seconds()
    if seconds < -60:
        return f"in {duration(-seconds)}"
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def moment(at: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock_time(at: datetime) -> str:
    """The time of day in UTC, to the second."""
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"


def size(count: float) -> str:
    """Bytes in powers of a thousand."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def count(number: int) -> str:
    """A number with a thin space between thousands."""
    return f"{number:,}".replace(",", "\u202f")


def millis(seconds: float | None) -> str:
    """A short time in milliseconds."""
    return "–" if seconds is None else f"{seconds * 1000:.1f} ms"


def offset(seconds: float | None) -> str:
    """How far a clock is off, with its sign."""
    if seconds is None:
        return "not known"
    said = f"{seconds * 1000:+.0f} ms" if abs(seconds) < 1 else f"{seconds:+.1f} s"
    return "0 ms" if said in ("+0 ms", "-0 ms") else said.replace("-", "\u2212")
