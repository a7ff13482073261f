"""A dead man's switch: when nobody has said for a time that all is well, it is not."""

from __future__ import annotations

from noderr.safety_control.errors import SafetyError
from noderr.utils import Clock


class DeadMansSwitch:
    """It is over `limit_s` seconds after the last beat, by the clock that never goes back. It begins with a beat."""

    def __init__(self, limit_s: float, clock: Clock) -> None:
        if not 0 < limit_s < float("inf"):
            raise SafetyError(f"limit_s = {limit_s!r}: must be a finite number of seconds above 0")
        self.limit_s = limit_s
        self._clock = clock
        self._last = clock.monotonic()

    def beat(self) -> None:
        self._last = self._clock.monotonic()

    @property
    def silent_s(self) -> float:
        """Seconds since the last beat."""
        return self._clock.monotonic() - self._last

    @property
    def over(self) -> bool:
        return self.silent_s >= self.limit_s
