"""What nodes say of themselves, kept: heartbeats, and so which peers there are."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from noderr.coordinator.database import Database
from noderr.coordinator.errors import Refusal
from noderr.coordinator.network import LATE_SECONDS
from noderr.coordinator.tables import desired_versions, nodes
from noderr.core.peer_address import split_host_port
from noderr.types.wire.telemetry_pb2 import Heartbeat, PeerAddress

_SECOND_NS = 1_000_000_000
MAX_INTEGER = 2**63 - 1
"""What a column of the database holds; the wire's numbers go to twice as much."""
_MAX_SMALL = 2**31 - 1
_MISSING, _MISSING_CHARACTERS = 32, 500
_VERSION_CHARACTERS, _ADDRESS_CHARACTERS = 64, 300


class NodeStore:
    """Every method blocks, and raises `StoreUnavailableError` besides the `Refusal` that it names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heartbeat(self, node_id: str, message: Heartbeat, now_ns: int) -> str:
        """Keep the heartbeat; returns the desired version of the node's tier, or "".

        Refuses `unknown-node`, `malformed` and `old-sequence`.
        """
        _check_heartbeat(message)
        with self._database.transaction() as connection:
            node = locked_node(connection, node_id)
            if message.tier != node.tier:
                raise Refusal(400, "malformed", f"node {node_id} is enrolled as {node.tier}, and says {message.tier!r}")
            if message.sequence <= node.heartbeat_sequence:
                raise Refusal(
                    409,
                    "old-sequence",
                    f"heartbeat {message.sequence} is not above {node.heartbeat_sequence}, the last one taken: a copy, "
                    "or the data directory is an old one",
                    next_sequence=node.heartbeat_sequence + 1,
                )
            connection.execute(update(nodes).where(nodes.c.node_id == node_id).values(**_columns(message, now_ns)))
            wanted = select(desired_versions.c.version).where(desired_versions.c.tier == node.tier)
            return str(connection.execute(wanted).scalar() or "")

    def peers_of(self, node_id: str, now_ns: int) -> list[PeerAddress]:
        """The other nodes that were heard lately and say where they are. Refuses `unknown-node`."""
        with self._database.transaction() as connection:
            locked_node(connection, node_id)
            rows = connection.execute(
                select(nodes.c.public_key, nodes.c.tier, nodes.c.address)
                .where(nodes.c.node_id != node_id, nodes.c.suspended.is_(False), nodes.c.address != "")
                .where(nodes.c.heartbeat_at_ns >= now_ns - LATE_SECONDS * _SECOND_NS)
                .order_by(nodes.c.node_id)
            )
            return [
                PeerAddress(public_key=bytes.fromhex(row.public_key), tier=row.tier, address=row.address)
                for row in rows
            ]

    def all_nodes(self) -> list[Row[Any]]:
        with self._database.transaction() as connection:
            return list(connection.execute(select(nodes).order_by(nodes.c.tier, nodes.c.node_id)))


def locked_node(connection: Connection, node_id: str) -> Row[Any]:
    """The node's row, nobody else's until the transaction ends. Refuses `unknown-node`.

    PostgreSQL locks the row, SQLite has one writer at a time.
    """
    row = connection.execute(select(nodes).where(nodes.c.node_id == node_id).with_for_update()).one_or_none()
    if row is None:
        raise Refusal(403, "unknown-node", f"node {node_id} is not enrolled: ask the network operator to enrol its key")
    if row.suspended:
        raise Refusal(403, "unknown-node", f"node {node_id} is suspended: ask the network operator")
    return row


def _check_heartbeat(message: Heartbeat) -> None:
    if not 1 <= message.sequence <= MAX_INTEGER:
        raise Refusal(400, "malformed", f"sequence = {message.sequence}: must be from 1 to {MAX_INTEGER}")
    if len(message.version) > _VERSION_CHARACTERS or not message.version.isprintable():
        raise Refusal(400, "malformed", f"version = {message.version[:100]!r}: must be a version, such as 1.2.3")
    if message.address:
        try:
            split_host_port(message.address)
        except ValueError as error:
            raise Refusal(400, "malformed", str(error)[:500]) from error
        if len(message.address) > _ADDRESS_CHARACTERS or not message.address.isprintable():
            raise Refusal(400, "malformed", f"address = {message.address[:100]!r}: must be host:port")


def _columns(message: Heartbeat, now_ns: int) -> dict[str, Any]:
    return {
        "heartbeat_sequence": message.sequence,
        "heartbeat_at_ns": now_ns,
        "clock_offset_ns": message.sent_at_unix_ns - now_ns,
        "version": message.version or None,
        "started_at_ns": message.started_at_unix_ns,
        "alive": message.alive,
        "ready": message.ready,
        # JSON also writes the character that PostgreSQL's text has no room for.
        "missing": msgspec.json.encode([one[:_MISSING_CHARACTERS] for one in message.missing[:_MISSING]]).decode(),
        "peers_connected": min(message.peers_connected, _MAX_SMALL),
        "peers_configured": min(message.peers_configured, _MAX_SMALL),
        "resident_memory_bytes": min(message.resident_memory_bytes, MAX_INTEGER),
        "spooled_records": min(message.spooled_records, MAX_INTEGER),
        # One that says nothing keeps what it was enrolled with.
        **({"address": message.address} if message.address else {}),
    }
