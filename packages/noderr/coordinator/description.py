"""What the coordinator says of the network, for the operator's page and `GET /api/v1/network`."""

from __future__ import annotations

from datetime import datetime

import msgspec


class KnownNode(msgspec.Struct, frozen=True):
    """One enrolled node as the coordinator last heard of it. `state` is online, late, silent or never."""

    node_id: str
    public_key: str
    tier: str
    state: str
    enrolled_at: datetime
    address: str = ""
    suspended: bool = False
    version: str | None = None
    alive: bool | None = None
    ready: bool | None = None
    missing: tuple[str, ...] = ()
    last_heartbeat_at: datetime | None = None
    started_at: datetime | None = None
    clock_offset_seconds: float | None = None
    peers_connected: int = 0
    peers_configured: int = 0
    resident_memory_bytes: int = 0
    spooled_records: int = 0
    records: int = 0
    last_sequence: int = 0
    lost_records: int = 0


class StoredRecord(msgspec.Struct, frozen=True):
    """One telemetry record, for the page: `text` is it in words."""

    node_id: str
    sequence: int
    at: datetime
    kind: str
    text: str


class NetworkDescription(msgspec.Struct, frozen=True):
    """The network at one moment. `desired_versions` maps tiers to versions."""

    version: str
    public_key: str
    at: datetime
    nodes: tuple[KnownNode, ...]
    desired_versions: dict[str, str]
    recent: tuple[StoredRecord, ...] = ()
