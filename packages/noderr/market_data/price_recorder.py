"""Writes what happened in markets to the store: in batches, each market's records numbered without a gap."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from noderr.market_data.live_market import MarketName
from noderr.market_data.records import Record
from noderr.market_data.store import MarketStore, Position, PriceRange
from noderr.utils import StoreBusyError

_MOST_WAITING = 100_000


class PriceRecorder:
    """Open it with `await PriceRecorder.open(…)`; after any `StoreError` of its calls it is to be opened anew."""

    def __init__(self, store: MarketStore, positions: Mapping[MarketName, Position]) -> None:
        self._store = store
        self._next = {name: position.number for name, position in positions.items()}
        self.recorded_ns = {name: position.received_ns for name, position in positions.items()}
        """Of each market, the time of the last record that was there before."""
        self._waiting: dict[MarketName, list[Record]] = {name: [] for name in positions}
        self._writing = asyncio.Lock()
        self._failure: BaseException | None = None

    @classmethod
    async def open(cls, folder: Path, names: Sequence[MarketName]) -> PriceRecorder:
        """Raises `StoreError`."""
        store = await asyncio.to_thread(MarketStore, folder)
        try:
            return cls(store, {name: await store.resume(str(name)) for name in names})
        except BaseException:
            await store.close()
            raise

    def add(self, name: MarketName, records: Sequence[Record]) -> None:
        """To be written with the next `flush`. Raises `StoreBusyError` when the disk does not keep up."""
        waiting = self._waiting[name]
        waiting += records
        if len(waiting) > _MOST_WAITING:
            raise StoreBusyError(
                f"{name}: {len(waiting)} records wait to be written: the disk is too slow for this market"
            )

    async def flush(self) -> None:
        """Return when everything that was added is on the disk. Raises `StoreError`."""
        # What is being written is written, also when its caller is cancelled: the numbers have to follow.
        await asyncio.shield(asyncio.ensure_future(self._write()))

    async def _write(self) -> None:
        async with self._writing:
            if self._failure is not None:
                raise self._failure
            try:
                await self._append()
            except BaseException as error:
                self._failure = error  # What follows would stand where this should.
                raise

    async def _append(self) -> None:
        for name in self._next:
            records, self._waiting[name] = self._waiting[name], []
            if records:
                await self._store.append(str(name), self._next[name], records)
                self._next[name] += len(records)

    async def price_range(self, name: MarketName, from_ns: int, to_ns: int, known_until_ns: int) -> PriceRange | None:
        """See `MarketStore.price_range`. Raises `StoreError`."""
        if name not in self._next:
            return None
        await self.flush()
        return await self._store.price_range(str(name), from_ns, to_ns, known_until_ns)

    async def close(self) -> None:
        """Write what is left, and close the file. Raises `StoreError`."""
        try:
            await self.flush()
        finally:
            await self._store.close()
