"""Keeps the evidence against voters that said two things: each pair once, on the disk, and proven anew when it is read.

What is kept is bounded, and no offender can push out the proof against another: of each a few are kept, and when there
is no room the oldest of whom most is kept about makes it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path

from noderr.core.consensus.codec import Codec
from noderr.core.consensus.evidence_on_wire import evidence_from_bytes, evidence_to_bytes
from noderr.types.consensus import Evidence, ProtocolMessage, Reason, RefusedMessage, Signatures, VoterSet
from noderr.types.keccak import keccak256
from noderr.types.signing.account_key import checksum_address
from noderr.types.trading.checks import check_integer
from noderr.utils import SqliteStore

FILE_NAME = "evidence.sqlite3"

_PLACE = struct.Struct(">BQQI32s20s")
_MIGRATIONS = (
    """
    CREATE TABLE evidence (
        id INTEGER PRIMARY KEY,
        offender BLOB NOT NULL,
        -- Where the offender might have said one thing: tier, epoch, round, view, hash of kind and topic, offender.
        place BLOB NOT NULL UNIQUE,
        -- A serialised noderr.consensus.v1.Bundle.
        bundle BLOB NOT NULL
    );
    CREATE INDEX evidence_by_offender ON evidence (offender);
    """,
)


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """`evidence` is proven, ascending by place. `damaged` names rows that prove nothing any more, and why."""

    evidence: tuple[Evidence[ProtocolMessage], ...]
    damaged: tuple[str, ...]


class EvidenceStore:
    """The store in `folder`. Its calls, and opening, raise `noderr.utils` errors (`StoreError`) too."""

    def __init__(
        self, folder: Path, codec: Codec, signatures: Signatures, *, per_offender: int = 8, limit: int = 1024
    ) -> None:
        """`codec` is that of the protocol whose evidence it keeps."""
        check_integer(self, "per_offender", per_offender, 1, 1_000)
        check_integer(self, "limit", limit, per_offender, 100_000)
        self._codec = codec
        self._signatures = signatures
        self._per_offender = per_offender
        self._limit = limit
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)

    async def add(self, evidence: Evidence[ProtocolMessage], voters: VoterSet) -> bool:
        """Whether it is kept now and was not before. `voters` are those of the evidence's epoch.

        Raises `RefusedMessage` for what proves nothing, and for an offender that is no voter: keys cost nothing, so
        strangers could fill any store.
        """
        first = evidence.first.message
        if (first.tier, first.epoch) != (voters.tier, voters.epoch):
            raise RefusedMessage(Reason.WRONG_EPOCH, f"evidence of tier {first.tier}, epoch {first.epoch}")
        if evidence.offender not in voters.weights:
            raise RefusedMessage(
                Reason.NOT_A_MEMBER, f"{checksum_address(evidence.offender)} does not vote in this epoch"
            )
        content = evidence_to_bytes(evidence, self._codec)
        # What comes back is what was proven; a message that its wire form does not keep whole is refused here.
        proven = await asyncio.to_thread(evidence_from_bytes, content, self._codec, self._signatures)
        return await self._store.run(lambda connection: self._add(connection, proven, content))

    async def all(self) -> KeptEvidence:
        """All that is kept, each proven anew."""
        rows = await self._store.run(
            lambda connection: connection.execute("SELECT id, place, bundle FROM evidence ORDER BY place").fetchall()
        )
        return await asyncio.to_thread(self._read, rows)

    async def export(self) -> tuple[bytes, ...]:
        """A serialised `noderr.consensus.v1.Bundle` each, of what is proven. One pair has one writing."""
        kept = await self.all()
        return tuple(evidence_to_bytes(evidence, self._codec) for evidence in kept.evidence)

    async def close(self) -> None:
        await self._store.close()

    def _add(self, connection: sqlite3.Connection, evidence: Evidence[ProtocolMessage], content: bytes) -> bool:
        kept = connection.execute(
            "SELECT count(*), coalesce(sum(place = ?), 0) FROM evidence WHERE offender = ?",
            (_place(evidence), evidence.offender),
        ).fetchone()
        if kept[0] >= self._per_offender or kept[1]:
            return False
        connection.execute(
            "INSERT INTO evidence (offender, place, bundle) VALUES (?, ?, ?)",
            (evidence.offender, _place(evidence), content),
        )
        while connection.execute("SELECT count(*) FROM evidence").fetchone()[0] > self._limit:
            connection.execute(
                "DELETE FROM evidence WHERE id = (SELECT min(id) FROM evidence WHERE offender = ("
                "SELECT offender FROM evidence GROUP BY offender ORDER BY count(*) DESC, min(id) LIMIT 1))"
            )
        return True

    def _read(self, rows: list[tuple[int, bytes, bytes]]) -> KeptEvidence:
        proven: list[Evidence[ProtocolMessage]] = []
        damaged: list[str] = []
        for row, place, content in rows:
            try:
                evidence = evidence_from_bytes(content, self._codec, self._signatures)
            except RefusedMessage as refused:
                # The others are worth no less for it.
                damaged.append(f"row {row}: {refused}")
                continue
            if _place(evidence) == place:
                proven.append(evidence)
            else:
                damaged.append(f"row {row}: it is kept for another place than it is about")
        return KeptEvidence(tuple(proven), tuple(damaged))


def _place(evidence: Evidence[ProtocolMessage]) -> bytes:
    message = evidence.first.message
    kind = keccak256(message.TYPE.type_hash + message.topic)
    view = getattr(message, "view", 0)
    return _PLACE.pack(message.tier, message.epoch, message.round, view, kind, evidence.offender)
