"""Receipts: at once for who waits, gathered for who does not, none lost, and never more than a peer reads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from noderr.core.peers import receipts as module
from noderr.core.peers.receipts import OwedReceipts
from noderr.types.wire.node_pb2 import Receipts, Refusal


class Rig:
    """Receipts that are written to a list, once the gate is open."""

    def __init__(self) -> None:
        self.told: list[Receipts] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.owed = OwedReceipts(self.write)

    async def write(self, receipts: Receipts) -> None:
        await self.gate.wait()
        self.told.append(receipts)

    async def handle(self, count: int, *, prompt: bool = False) -> None:
        """One frame of so many messages."""
        self.owed.handled += count
        self.owed.owe(prompt=prompt)
        await self.owed.room()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.owed.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_waits_is_told_at_once() -> None:
    rig = Rig()
    async with rig.running():
        await rig.handle(3, prompt=True)
        await turns()
        assert rig.told == [Receipts(through=3)]


async def test_who_does_not_wait_is_told_of_many_frames_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATEST_SECONDS", 0.02)
    rig = Rig()
    async with rig.running():
        for _ in range(5):
            await rig.handle(2)
            await turns()
        assert rig.told == []
        await asyncio.sleep(0.1)
        assert rig.told == [Receipts(through=10)]
        await asyncio.sleep(0.1)
        assert rig.told == [Receipts(through=10)], "once"


async def test_what_is_owed_goes_with_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATEST_SECONDS", 0.02)
    rig = Rig()
    async with rig.running():
        await rig.handle(2)
        rig.owed.refuse(3, "no")
        await rig.handle(1, prompt=True)
        await asyncio.sleep(0.1)
    assert rig.told == [Receipts(through=3, refused=[Refusal(number=3, code=3, detail="no")])]


async def test_a_peer_that_does_not_read_is_heard_no_further() -> None:
    rig = Rig()
    rig.gate.clear()
    async with rig.running():

        async def hear() -> None:
            for _ in range(10_000):
                rig.owed.refuse(8, "too many")
                await rig.handle(1)

        hearing = asyncio.create_task(hear())
        await asyncio.sleep(0.05)
        assert rig.owed.handled < 1000
        rig.gate.set()
        await hearing
        await rig.owed.flush()
    refused = [one.number for receipts in rig.told for one in receipts.refused]
    assert refused == list(range(1, 10_001))
    assert rig.told[-1].through == 10_000


async def test_at_the_end_everything_is_told() -> None:
    rig = Rig()
    async with rig.running():
        await rig.handle(7)
        await rig.owed.flush()
        assert rig.told == [Receipts(through=7)]
        await rig.owed.flush()


async def test_a_write_that_fails_ends_the_waiting() -> None:
    async def fail(_receipts: Receipts) -> None:
        raise ConnectionError("the stream is gone")

    owed = OwedReceipts(fail)
    writing = asyncio.create_task(owed.run())
    owed.handled = 1
    await asyncio.wait_for(owed.flush(), 1)
    with pytest.raises(ConnectionError, match="the stream is gone"):
        await writing
