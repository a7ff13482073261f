"""Nodes' telemetry records, each kept exactly once.

A node's row is locked for the length of a transaction, so that two copies of a batch that arrive together are taken one
after the other, and the second finds the first's records. The table's key forbids a second record of one sequence.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, tuple_, update

from noderr.coordinator.database import Database
from noderr.coordinator.errors import Refusal
from noderr.coordinator.node_store import MAX_INTEGER, locked_node
from noderr.coordinator.tables import nodes, records
from noderr.types.wire.telemetry_pb2 import Batch, Record

MAX_RECORDS = 5000
_PRUNED_AT_ONCE = 5000
_ASKED_AT_ONCE = 1000


@dataclass(frozen=True)
class Taken:
    """What became of a batch: all of it is stored, up to `accepted_sequence`; `new_records` of it just now."""

    accepted_sequence: int
    new_records: int


class RecordStore:
    """Every method blocks, and raises `StoreUnavailableError` besides the `Refusal` that it names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, node_id: str, batch: Batch, now_ns: int) -> Taken:
        """Store the records that are new. Refuses `unknown-node`, `malformed`, `too-large`, `sequence-conflict`."""
        sequences = [record.sequence for record in batch.records]
        _check_sequences(sequences)
        with self._database.transaction() as connection:
            node = locked_node(connection, node_id)
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
            # Not what the node's row knows: a node whose data directory is an old one may have other records there.
            return Taken(sequences[-1], len(new))

    def prune(self, before_ns: int) -> int:
        """Delete the oldest of the records that came before; returns how many: 0 when none is left.

        A few thousand at a time, so that nobody waits long. Their sequences stay used: the node's row keeps the last.
        """
        key = (records.c.node_id, records.c.sequence)
        oldest = select(*key).where(records.c.received_at_ns < before_ns).order_by(records.c.received_at_ns)
        with self._database.transaction() as connection:
            return connection.execute(delete(records).where(tuple_(*key).in_(oldest.limit(_PRUNED_AT_ONCE)))).rowcount

    def recent(self, limit: int) -> list[Row[Any]]:
        """The records that came last, newest first."""
        with self._database.transaction() as connection:
            query = select(records).order_by(records.c.received_at_ns.desc(), records.c.sequence.desc()).limit(limit)
            return list(connection.execute(query))


def _check_sequences(sequences: list[int]) -> None:
    if not sequences:
        raise Refusal(400, "malformed", "the batch has no record: send at least one")
    if len(sequences) > MAX_RECORDS:
        raise Refusal(413, "too-large", f"{len(sequences)} records in a batch: send at most {MAX_RECORDS}")
    if sequences[0] < 1 or sequences[-1] > MAX_INTEGER:
        raise Refusal(400, "malformed", f"sequences {sequences[0]} to {sequences[-1]}: must be from 1 to {MAX_INTEGER}")
    for earlier, later in itertools.pairwise(sequences):
        if later <= earlier:
            raise Refusal(400, "malformed", f"record {later} comes after {earlier}: a batch's records rise in sequence")


def _check_known(connection: Connection, node: Row[Any], known: list[Record]) -> None:
    """Refuse records whose numbers were used before, unless they are the very same records."""
    stored: dict[int, bytes] = {}
    for some in itertools.batched((record.sequence for record in known), _ASKED_AT_ONCE, strict=False):
        query = select(records.c.sequence, records.c.body).where(
            records.c.node_id == node.node_id, records.c.sequence.in_(some)
        )
        stored |= {row.sequence: bytes(row.body) for row in connection.execute(query)}
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
