"""What a voter keeps of its rounds on the disk: evidence always, and what its protocol wants besides."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Protocol

import structlog

from noderr.core.consensus.actions import Decided, Failed
from noderr.core.consensus.evidence_store import EvidenceStore
from noderr.core.consensus.round import Round
from noderr.types.consensus import Evidence, ProtocolMessage, RefusedMessage, VoterSet

_log = structlog.get_logger("noderr.core.consensus")

type Ended = tuple[Round, Decided | Failed]
type _Entry = Ended | Evidence[ProtocolMessage]

_MOST_WAITING = 10_000


class RoundRecords(Protocol):
    """What a protocol keeps."""

    async def ended(self, round_: Round, end: Decided | Failed, voters: VoterSet) -> None:
        """A round is over; the same may come again after a restart."""

    async def close(self) -> None: ...


class RecordKeeper:
    """Takes entries without waiting and writes them one after another. When the disk is slow, the oldest are lost."""

    def __init__(self, voters: VoterSet, evidence: EvidenceStore, records: Sequence[RoundRecords]) -> None:
        self._voters = voters
        self._evidence = evidence
        self._records = tuple(records)
        self._waiting: asyncio.Queue[_Entry] = asyncio.Queue(_MOST_WAITING)
        self._writing: asyncio.Future[None] | None = None

    def take(self, entry: _Entry) -> None:
        """Keep this; never waits."""
        if self._waiting.full():
            lost = self._waiting.get_nowait()
            _log.warning("record_lost", reason="the disk is slower than the rounds", kind=type(lost).__name__)
        self._waiting.put_nowait(entry)

    async def run(self) -> None:
        """Write until cancelled. Raises `StoreError`."""
        while True:
            self._writing = asyncio.ensure_future(self._write(await self._waiting.get()))
            await asyncio.shield(self._writing)  # Who is cancelled here takes no entry along.

    async def close(self) -> None:
        """Write what waits, and let go of the files whatever comes of that. Raises `StoreError`."""
        async with contextlib.AsyncExitStack() as files:
            files.push_async_callback(self._evidence.close)
            for records in self._records:
                files.push_async_callback(records.close)
            if self._writing is not None:
                await asyncio.wait({self._writing})
            while not self._waiting.empty():
                await self._write(self._waiting.get_nowait())

    async def _write(self, entry: _Entry) -> None:
        if isinstance(entry, Evidence):
            try:
                await self._evidence.add(entry, self._voters)
            except RefusedMessage as refused:
                _log.warning("evidence_not_kept", reason=str(refused))
            return
        for records in self._records:
            await records.ended(*entry, self._voters)
