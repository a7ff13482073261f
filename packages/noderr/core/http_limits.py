"""How long and how much a client may ask of the HTTP server, and the watch that ends connections which ask more.

There is no bound for one address: behind a proxy, or Docker's own, all clients have the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from noderr.telemetry import NodeMetrics

NEVER = math.inf


@dataclass(frozen=True)
class HttpLimits:
    """Times in seconds. They are looked at ten times a second."""

    head_seconds: float = 10.0
    """From the connection, or from the first byte of a later request, to the end of the head."""
    keep_alive_seconds: float = 10.0
    """From an answer to the next request: longer than the five after which common clients let go by themselves."""
    body_seconds: float = 30.0
    """From the end of the head; the time in which the application does not take what has come is not counted."""
    unread_seconds: float = 30.0
    """In which a client must take what is held for it (64 KiB at most, and one answer)."""
    head_bytes: int = 16 * 1024
    connections: int = 512


class Cut(StrEnum):
    """Why a connection was ended early; the label `reason` of the metric."""

    SLOW_HEAD = "slow-head"
    LARGE_HEAD = "large-head"
    SLOW_BODY = "slow-body"
    MALFORMED = "malformed"
    UNREAD_ANSWER = "unread-answer"
    CROWDED = "crowded"


class Watched(Protocol):
    """What the watch sees of a connection."""

    @property
    def waiting_since(self) -> float:
        """Since when the client keeps the server waiting; `NEVER` while the server works for it."""
        ...

    def cut_if_late(self, now: float) -> None: ...
    def abort(self) -> None: ...


class ConnectionWatch:
    """The connections of one server: who is late, who may come in."""

    def __init__(self, limits: HttpLimits, metrics: NodeMetrics, service: str) -> None:
        self.limits = limits
        self._open: dict[Watched, None] = {}  # In the order in which they came: many come within one millisecond.
        # Each is there from the start, at 0: so the first cut is a rise that an alert can see.
        self._cuts = {reason: metrics.http_connections_cut.labels(service, reason.value) for reason in Cut}

    def count(self, reason: Cut) -> None:
        self._cuts[reason].inc()

    def admit(self, connection: Watched) -> bool:
        """Whether a new one may stay. When all places are taken, who keeps us waiting longest loses its own.

        So idle and slow clients, however many, keep nobody out: whoever asks at once is answered.
        """
        if len(self._open) >= self.limits.connections:
            self.count(Cut.CROWDED)
            longest = min(self._open, key=lambda one: one.waiting_since)
            if longest.waiting_since == NEVER:
                return False
            del self._open[longest]
            longest.abort()
        self._open[connection] = None
        return True

    def ended(self, connection: Watched) -> None:
        self._open.pop(connection, None)

    def cut_late(self, now: float) -> None:
        """End the connections whose time is over at `now`, on the loop's clock."""
        for connection in tuple(self._open):
            connection.cut_if_late(now)
