"""What nodes send, kept: heartbeats and telemetry records, each record exactly once.

A node's row is locked for the length of a transaction (PostgreSQL: FOR UPDATE; SQLite: one writer at a time), so that
two copies of a batch that arrive together are taken one after the other, and the second finds the first's records.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, insert, select, text, update

from noderr.coordinator.database import transaction
from noderr.coordinator.errors import Refusal
from noderr.coordinator.tables import desired_versions, nodes, records
from noderr.types.wire.telemetry_pb2 import Batch, Heartbeat, PeerAddress, Record

_PEER_SECONDS = 300
_SECOND_NS = 1_000_000_000
_MAX_SEQUENCE = 2**63 - 1


@dataclass(frozen=True)
class Taken:
    """What became of a batch: everything up to `accepted_sequence` is stored, `new_records` of it just now."""

    accepted_sequence: int
    new_records: int


class NodeStore:
    """Every method blocks, and raises `StoreUnavailableError` besides the `Refusal` that it names."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def heartbeat(self, node_id: str, message: Heartbeat, now_ns: int) -> str:
        """Keep the heartbeat; returns the desired version of the node's tier, or "".

        Refuses `unknown-node`, `malformed` (another tier than enrolled) and `old-sequence`.
        """
        with transaction(self._engine) as connection:
            node = _locked(connection, node_id)
            if message.tier != node.tier:
                raise Refusal(400, "malformed", f"node {node_id} is enrolled as {node.tier}, and says {message.tier!r}")
            if not node.heartbeat_sequence < message.sequence <= _MAX_SEQUENCE:
                raise Refusal(
                    409,
                    "old-sequence",
                    f"heartbeat {message.sequence} is not above {node.heartbeat_sequence}, the last one taken: a copy, "
                    "or the data directory is an old one",
                    next_sequence=node.heartbeat_sequence + 1,
                )
            connection.execute(
                update(nodes)
                .where(nodes.c.node_id == node_id)
                .values(
                    heartbeat_sequence=message.sequence,
                    heartbeat_at_ns=now_ns,
                    clock_offset_ns=message.sent_at_unix_ns - now_ns,
                    version=message.version[:64],
                    started_at_ns=message.started_at_unix_ns,
                    alive=message.alive,
                    ready=message.ready,
                    missing=msgspec.json.encode([one[:500] for one in message.missing[:32]]).decode(),
                    peers_connected=message.peers_connected,
                    peers_configured=message.peers_configured,
                    resident_memory_bytes=min(message.resident_memory_bytes, _MAX_SEQUENCE),
                    spooled_records=min(message.spooled_records, _MAX_SEQUENCE),
                    **({"address": message.address[:300]} if message.address else {}),
                )
            )
            wanted = select(desired_versions.c.version).where(desired_versions.c.tier == node.tier)
            return str(connection.execute(wanted).scalar() or "")

    def telemetry(self, node_id: str, batch: Batch, now_ns: int) -> Taken:
        """Store the records that are new. Refuses `unknown-node`, `malformed` and `sequence-conflict`."""
        sequences = [record.sequence for record in batch.records]
        if not sequences or sequences[0] < 1 or sequences[-1] > _MAX_SEQUENCE:
            raise Refusal(400, "malformed", "a batch has at least one record, and sequences begin at 1")
        if any(later <= earlier for earlier, later in itertools.pairwise(sequences)):
            raise Refusal(400, "malformed", "the records of a batch must rise in sequence")
        with transaction(self._engine) as connection:
            node = _locked(connection, node_id)
            known = [record for record in batch.records if record.sequence <= node.last_sequence]
            _check_known(connection, node, known)
            new = batch.records[len(known) :]
            if new:
                connection.execute(insert(records), [_row(node_id, record, now_ns) for record in new])
                skipped = new[-1].sequence - node.last_sequence - len(new)
                connection.execute(
                    update(nodes)
                    .where(nodes.c.node_id == node_id)
                    .values(
                        last_sequence=new[-1].sequence,
                        records=node.records + len(new),
                        lost_records=node.lost_records + skipped,
                    )
                )
            return Taken(max(node.last_sequence, sequences[-1]), len(new))

    def peers_of(self, node_id: str, now_ns: int) -> list[PeerAddress]:
        """The other nodes that were heard lately and say where they are. Refuses `unknown-node`."""
        with transaction(self._engine) as connection:
            _locked(connection, node_id)
            rows = connection.execute(
                select(nodes.c.public_key, nodes.c.tier, nodes.c.address)
                .where(nodes.c.node_id != node_id, nodes.c.suspended.is_(False), nodes.c.address != "")
                .where(nodes.c.heartbeat_at_ns >= now_ns - _PEER_SECONDS * _SECOND_NS)
                .order_by(nodes.c.node_id)
            )
            return [
                PeerAddress(public_key=bytes.fromhex(row.public_key), tier=row.tier, address=row.address)
                for row in rows
            ]

    def prune(self, before_ns: int) -> int:
        """Delete records that came before; their sequences stay used. Returns how many."""
        with transaction(self._engine) as connection:
            return connection.execute(delete(records).where(records.c.received_at_ns < before_ns)).rowcount

    def all_nodes(self) -> list[Row[Any]]:
        with transaction(self._engine) as connection:
            return list(connection.execute(select(nodes).order_by(nodes.c.tier, nodes.c.node_id)))

    def recent_records(self, limit: int) -> list[Row[Any]]:
        """The records that came last, newest first."""
        with transaction(self._engine) as connection:
            query = select(records).order_by(records.c.received_at_ns.desc(), records.c.sequence.desc()).limit(limit)
            return list(connection.execute(query))

    def ping(self) -> None:
        """Raise `StoreUnavailableError` unless the database answers."""
        with transaction(self._engine) as connection:
            connection.execute(text("SELECT 1")).scalar()


def _locked(connection: Connection, node_id: str) -> Row[Any]:
    row = connection.execute(select(nodes).where(nodes.c.node_id == node_id).with_for_update()).one_or_none()
    if row is None:
        raise Refusal(403, "unknown-node", f"node {node_id} is not enrolled: ask the network operator to enrol its key")
    if row.suspended:
        raise Refusal(403, "unknown-node", f"node {node_id} is suspended: ask the network operator")
    return row


def _check_known(connection: Connection, node: Row[Any], known: list[Record]) -> None:
    """Refuse records whose numbers were used before, unless they are the very same records."""
    numbers = [record.sequence for record in known]
    if not numbers:
        return
    query = select(records.c.sequence, records.c.body).where(
        records.c.node_id == node.node_id, records.c.sequence.between(numbers[0], numbers[-1])
    )
    stored = {row.sequence: bytes(row.body) for row in connection.execute(query)}
    for record in known:
        if stored.get(record.sequence) != _bytes(record):
            raise Refusal(
                409,
                "sequence-conflict",
                f"record {record.sequence} was used or passed over before, with other content (the last one taken is "
                f"{node.last_sequence}): the data directory is an old one; number from {node.last_sequence + 1}",
                next_sequence=node.last_sequence + 1,
            )


def _row(node_id: str, record: Record, now_ns: int) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "sequence": record.sequence,
        "at_ns": record.at_unix_ns,
        "received_at_ns": now_ns,
        "kind": record.WhichOneof("body") or "empty",
        "body": _bytes(record),
    }


def _bytes(record: Record) -> bytes:
    return record.SerializeToString(deterministic=True)
