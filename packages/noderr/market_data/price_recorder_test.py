from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from noderr.market_data.live_market import MarketName
from noderr.market_data.price_recorder import PriceRecorder
from noderr.market_data.records import Known, Record
from noderr.market_data.store import MarketStore
from noderr.market_data.testing import moment, quote
from noderr.utils import StoreBusyError, StoreFullError

NAME = MarketName("kraken", "BTC/USD")


async def stored(folder: Path) -> list[Record]:
    store = MarketStore(folder)
    try:
        return [record for _, record in await store.read(str(NAME))]
    finally:
        await store.close()


async def test_what_is_being_written_when_its_caller_is_cancelled_is_written_once(tmp_path: Path) -> None:
    recorder = await PriceRecorder.open(tmp_path, [NAME])
    told: list[Record] = []
    for at in range(40):
        records: list[Record] = [quote(at, str(at + 1), "99")] if at else [Known(moment(0)), quote(0, "1", "99")]
        recorder.add(NAME, records)
        told += records
        writing = asyncio.create_task(recorder.flush())
        for _ in range(at % 5):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait({writing})
    await recorder.close()
    assert await stored(tmp_path) == told


async def test_after_a_failure_nothing_takes_the_place_of_what_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = await PriceRecorder.open(tmp_path, [NAME])
    recorder.add(NAME, [Known(moment(0)), quote(0, "1", "2")])
    await recorder.flush()
    whole = MarketStore.append

    async def is_full(_self: MarketStore, _market: str, _first: int, _records: Sequence[Record]) -> None:
        raise StoreFullError("no space is left")

    monkeypatch.setattr(MarketStore, "append", is_full)
    recorder.add(NAME, [quote(1, "3", "4")])
    with pytest.raises(StoreFullError):
        await recorder.flush()
    monkeypatch.setattr(MarketStore, "append", whole)
    recorder.add(NAME, [quote(2, "5", "6")])
    with pytest.raises(StoreFullError):
        await recorder.flush()
    with pytest.raises(StoreFullError):
        await recorder.price_range(NAME, moment(0), moment(1), moment(9))
    with pytest.raises(StoreFullError):
        await recorder.close()
    assert await stored(tmp_path) == [Known(moment(0)), quote(0, "1", "2")]


async def test_a_disk_that_does_not_keep_up_is_an_error_and_not_a_full_memory(tmp_path: Path) -> None:
    recorder = await PriceRecorder.open(tmp_path, [NAME])
    many: list[Record] = [Known(moment(0))] * 100_000
    recorder.add(NAME, many)
    with pytest.raises(StoreBusyError, match="100001 records wait"):
        recorder.add(NAME, many[:1])
    await recorder.close()
