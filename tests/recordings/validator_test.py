"""A validator's own composition: its feeds to its books, and what it recorded to the band that a fill has to lie in."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.errors import SettingsError
from noderr.core.parts import NodeContext, TierParts
from noderr.core.peers.testing import until
from noderr.core.service import Service
from noderr.data_connectors import parts as feeds
from noderr.data_connectors.testing import listening
from noderr.data_connectors.testing_frames import SAME, SNAPSHOT, kraken_frame
from noderr.validator_consensus import parts as consensus
from noderr.validator_consensus.fee_table import FeeTable
from noderr.validator_consensus.price_band import BandSource, PriceBand
from tiers.validator import node as validator

SECOND = 1_000_000_000


def context(folder: Path, **settings: Any) -> NodeContext:
    """What a node makes its parts from."""
    node = VoterNode(1, "validator", folder).context()
    return copy.replace(node, settings=node.settings.model_copy(update=settings))


@contextlib.asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    await service.start()
    task = asyncio.create_task(service.run())
    try:
        yield service
    finally:
        await service.stop()
        await task


async def kraken(connection: ServerConnection) -> None:
    """One book, and a heartbeat every few milliseconds."""
    with contextlib.suppress(ConnectionClosed):
        while json.loads(await connection.recv())["subscription"]["name"] != "book":
            pass
        await connection.send(SNAPSHOT, text=True)
        await connection.send(kraken_frame(SAME), text=True)
        while True:
            await connection.send('{"event":"heartbeat"}')
            await asyncio.sleep(0.01)


@pytest.fixture
def prices(monkeypatch: pytest.MonkeyPatch) -> Callable[[], BandSource | None]:
    """What the consensus was given to compare fills with."""
    given: list[BandSource | None] = []
    whole = consensus.consensus_parts

    def take(node: NodeContext, source: BandSource | None = None, fees: FeeTable | None = None) -> TierParts:
        given.append(source)
        return whole(node, source, fees)

    monkeypatch.setattr(consensus, "consensus_parts", take)
    return lambda: given[-1]


async def test_what_the_feeds_told_is_the_band_of_the_consensus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prices: Callable[[], BandSource | None]
) -> None:
    async with listening(kraken) as venue:
        monkeypatch.setattr(feeds, "PUBLIC", feeds.Endpoints({"kraken": venue.url}))
        parts = validator.parts(context(tmp_path, feeds="kraken:BTC/USD", feed_recording_mb=1))
        markets = next(one for one in parts.services if one.name == "market-data")
        async with running(markets):
            assert not markets.critical
            await until(lambda: markets.missing() == (), 10)
            source, begin = prices(), time.time_ns()
            assert source is not None
            await asyncio.sleep(0.2)
            middle = begin + SECOND // 20
            assert await source.band("kraken", "BTC/USD", begin, middle) == PriceBand(
                Decimal("0.05"), Decimal("0.05005")
            )
            # Before the first book, after the last frame, of another market: nobody knows.
            assert await source.band("kraken", "BTC/USD", begin - 60 * SECOND, middle) is None
            assert await source.band("kraken", "BTC/USD", begin, begin + 60 * SECOND) is None
            assert await source.band("kraken", "ETH/USD", begin, middle) is None
        assert (tmp_path / "1" / "frames" / "kraken.frames").stat().st_size > 500
    assert {one.name for one in parts.services} >= {"validator-consensus", "market-data", "market-views"}
    assert {route.path for route in parts.routes} == {"/api/v1/consensus", "/api/v1/books"}
    assert {one.path for one in parts.operations} == {"/api/v1/consensus", "/api/v1/books"}


async def test_without_feeds_there_is_no_band_and_ready_says_so(
    tmp_path: Path, prices: Callable[[], BandSource | None]
) -> None:
    parts = validator.parts(context(tmp_path))
    markets = next(one for one in parts.services if one.name == "market-data")
    async with running(markets):
        assert markets.missing() == ("no feed is configured: NODEOS_FEEDS is not set",)
    assert prices() is None


@pytest.mark.parametrize(
    ("text", "problem"), [("nasdaq:BTC/USD", "names nasdaq: this build speaks with"), ("kraken", "is no feed")]
)
async def test_a_setting_that_names_no_feed_stops_the_start(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        validator.parts(context(tmp_path, feeds=text))
