"""What a heartbeat says of a node."""

from __future__ import annotations

from dataclasses import dataclass

from noderr.telemetry.recorder import wire_text
from noderr.types.wire.telemetry_pb2 import Heartbeat

_MAX_MISSING = 32


@dataclass(frozen=True)
class NodeFacts:
    """What may be different the next time."""

    alive: bool
    ready: bool
    missing: tuple[str, ...]
    peers_connected: int
    peers_configured: int
    resident_memory_bytes: int


@dataclass(frozen=True)
class NodeLabel:
    """What does not change while the node runs. `address` is host:port, or empty."""

    tier: str
    version: str
    started_at_unix_ns: int
    address: str


def heartbeat_of(label: NodeLabel, facts: NodeFacts, *, number: int, sent_ns: int, spooled_records: int) -> Heartbeat:
    """At most so many reasons, each of bounded length."""
    return Heartbeat(
        sequence=number,
        sent_at_unix_ns=sent_ns,
        tier=label.tier,
        version=label.version,
        started_at_unix_ns=label.started_at_unix_ns,
        alive=facts.alive,
        ready=facts.ready,
        missing=[wire_text(one) for one in facts.missing[:_MAX_MISSING]],
        peers_connected=facts.peers_connected,
        peers_configured=facts.peers_configured,
        resident_memory_bytes=facts.resident_memory_bytes,
        address=label.address,
        spooled_records=spooled_records,
    )
