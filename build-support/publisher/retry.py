"""Bounded repetition: how often a request is made again, how long apart, and never too fast for one key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Retry:
    """Waits double from `first_wait_seconds`; after `attempts` the last error is the caller's."""

    attempts: int = 5
    first_wait_seconds: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    def __call__[T](self, action: Callable[[], T], is_transient: Callable[[Exception], bool]) -> T:
        """Do `action` until it succeeds or fails for good."""
        for attempt in range(self.attempts - 1):
            try:
                return action()
            except Exception as error:
                if not is_transient(error):
                    raise
                self.sleep(self.first_wait_seconds * 2**attempt)
        return action()


@dataclass
class Pace:
    """One write a second for each key: R2 answers faster ones with 429."""

    interval_seconds: float = 1.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _last: dict[str, float] = field(default_factory=dict)

    def wait(self, key: str) -> None:
        """Return when `key` may be written, and count that as the write."""
        last = self._last.get(key)
        if last is not None:
            wait_seconds = last + self.interval_seconds - self.now()
            if wait_seconds > 0:
                self.sleep(wait_seconds)
        self._last[key] = self.now()
