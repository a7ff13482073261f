"""How a connection to a venue is kept: when it counts as dead, how long it may live, how soon it is made anew."""

from __future__ import annotations

from dataclasses import dataclass, field

from noderr.core.circuit_breaker import BreakerPolicy
from noderr.data_connectors.errors import PolicyError
from noderr.utils import Backoff

_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPolicy:
    """Times in seconds. Raises `PolicyError`.

    A ping is sent every `heartbeat` and answered before the next one, a frame comes within `stale`: else the connection
    is cut. Venues end connections after 24 hours; ours ends itself before, at 95 to 100 % of `longest_life`, so that
    the nodes of a network do not do it at once. One that lived for `steady` was good: the next begins without waiting.
    """

    connect: float = 30.0
    heartbeat: float = 30.0
    stale: float = 60.0
    steady: float = 60.0
    longest_life: float = 23.5 * _HOUR
    backoff: Backoff = field(default_factory=lambda: Backoff(first_seconds=1.0, limit_seconds=300.0, factor=1.5))
    breaker: BreakerPolicy = field(
        default_factory=lambda: BreakerPolicy(
            window_seconds=600, failure_ratio=1.0, minimum_calls=50, consecutive_failures=20, open_seconds=600, probes=1
        )
    )

    def __post_init__(self) -> None:
        for name in ("connect", "heartbeat", "stale", "steady", "longest_life"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise PolicyError(f"StreamPolicy.{name} is {value!r}: it must be a finite time above 0")
        if self.longest_life <= self.steady:
            raise PolicyError(
                f"StreamPolicy.longest_life is {self.longest_life}: it must be above steady, {self.steady}"
            )
