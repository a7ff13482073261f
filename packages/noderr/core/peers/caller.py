"""One peer as a caller of ours: what it may do, and what of that it has done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from prometheus_client import Counter

from noderr.core.rate_limiter import TokenBucket
from noderr.telemetry import NodeMetrics
from noderr.types.signing.node_key import node_id
from noderr.utils import Clock

_TOKEN_BYTES = 4096


@dataclass(frozen=True)
class PeerLimits:
    """What one peer may do to us: tokens a second, how many in one go, and how many streams at once.

    A message, a hello and a new stream cost a token, and one more for each 4 KiB: what it takes us to look into them
    grows with their length. Of ten oracles that agree on 32 markets every 600 ms, one uses up 32 tokens a second with
    another, 52 at most, and 86 in one go.
    """

    per_second: float = 200.0
    burst: float = 400.0
    at_once: int = 16


class Caller:
    """One peer, what it has done of what it may, and its streams."""

    def __init__(self, public_key: bytes, limits: PeerLimits, metrics: NodeMetrics, clock: Clock) -> None:
        self.node_id = node_id(public_key)
        self._burst = limits.burst
        self._bucket = TokenBucket(limits.per_second, limits.burst, clock)
        self.streams: set[asyncio.Task[None]] = set()
        self.turn = asyncio.Lock()
        """Held while something of it is handled: over many streams it gets no more turns of the loop than over one."""
        self._received = metrics.peer_received
        self._counters: dict[str, Counter] = {}

    def may_send(self, length: int) -> bool:
        """Whether so many bytes are still within its limits. What is dearer than a full bucket costs a full one."""
        return self._bucket.try_take(min(1 + length // _TOKEN_BYTES, self._burst))

    def count(self, outcome: str) -> None:
        counter = self._counters.get(outcome)
        if counter is None:
            counter = self._counters[outcome] = self._received.labels(self.node_id, outcome)
        counter.inc()
