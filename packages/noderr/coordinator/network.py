"""The whole network as the coordinator sees it, from the rows of its database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Row

from noderr.coordinator.description import KnownNode, StoredRecord
from noderr.types.wire.telemetry_pb2 import Record

_SECOND_NS = 1_000_000_000
LATE_SECONDS = 300
"""A node that was not heard for longer is silent, and not named to its peers."""
STATES = ("online", "late", "silent", "never")


def node_state(heartbeat_at_ns: int | None, now_ns: int, heartbeat_seconds: int) -> str:
    """`online`: heard within two intervals; `late`: within five minutes; `silent`: longer ago; `never`."""
    if heartbeat_at_ns is None:
        return "never"
    ago_seconds = (now_ns - heartbeat_at_ns) / _SECOND_NS
    if ago_seconds <= 2 * heartbeat_seconds:
        return "online"
    return "late" if ago_seconds <= LATE_SECONDS else "silent"


def known_nodes(rows: Sequence[Row[Any]], now_ns: int, heartbeat_seconds: int) -> tuple[KnownNode, ...]:
    """One `KnownNode` for each row of `nodes`; one that is suspended says so in what it misses."""
    return tuple(
        KnownNode(
            node_id=row.node_id,
            public_key=row.public_key,
            tier=row.tier,
            state=node_state(row.heartbeat_at_ns, now_ns, heartbeat_seconds),
            enrolled_at=_time(row.enrolled_at_ns),
            address=row.address,
            suspended=row.suspended,
            version=row.version,
            alive=row.alive,
            ready=row.ready,
            missing=(
                *(("suspended by the network operator",) if row.suspended else ()),
                *msgspec.json.decode(row.missing, type=tuple[str, ...]),
            ),
            last_heartbeat_at=None if row.heartbeat_at_ns is None else _time(row.heartbeat_at_ns),
            started_at=None if row.started_at_ns is None else _time(row.started_at_ns),
            clock_offset_seconds=None if row.clock_offset_ns is None else row.clock_offset_ns / _SECOND_NS,
            peers_connected=row.peers_connected,
            peers_configured=row.peers_configured,
            resident_memory_bytes=row.resident_memory_bytes,
            spooled_records=row.spooled_records,
            records=row.records,
            last_sequence=row.last_sequence,
            lost_records=row.lost_records,
        )
        for row in rows
    )


def stored_records(rows: Sequence[Row[Any]]) -> tuple[StoredRecord, ...]:
    """Records in words, in the order of the rows."""
    return tuple(
        StoredRecord(row.node_id, row.sequence, _time(row.at_ns), row.kind, record_text(Record.FromString(row.body)))
        for row in rows
    )


def record_text(record: Record) -> str:
    """A record as a person reads it."""
    match record.WhichOneof("body"):
        case "service_changed":
            changed = record.service_changed
            return f"{changed.service} is {changed.state}" + (f": {changed.problem}" if changed.problem else "")
        case "readiness_changed":
            missing = len(record.readiness_changed.missing)
            return "is ready" if record.readiness_changed.ready else f"is not ready: {missing} thing(s) missing"
        case "samples":
            return f"{len(record.samples.samples)} samples"
        case "node_event":
            fields = ", ".join(f"{name}={value}" for name, value in sorted(record.node_event.fields.items()))
            return record.node_event.name + (f" ({fields})" if fields else "")
        case _:
            return "(empty)"


def _time(at_ns: int) -> datetime:
    return datetime.fromtimestamp(max(0, min(at_ns, _LAST_NS)) / _SECOND_NS, UTC)


_LAST_NS = 253_402_300_799 * _SECOND_NS
"""The end of the year 9999: nodes may say anything."""
