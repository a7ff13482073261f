"""The times that venues tell, within what is a time."""

from __future__ import annotations

from noderr.data_connectors.errors import FrameError

_MOST_NS = (1 << 63) - 1
"""The year 2262; what is later fits no record."""


def checked_ns(at_ns: int) -> int:
    """The same. Raises `FrameError` for what is none: a damaged digit must not end the recording of all markets."""
    if not 0 < at_ns <= _MOST_NS:
        raise FrameError(f"a venue told the time {at_ns} ns since 1970, which is none")
    return at_ns
