"""The reader of Chainlink's feeds against contracts that an EVM runs, behind JSON-RPC on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from contracts.deployment import ADMIN
from contracts.evm import NOW_S, Contract, Evm, Reverted
from noderr.core.json_rpc import JsonRpc
from noderr.core.json_rpc_chain import ChainReader
from noderr.core.json_rpc_errors import JsonRpcRefusedError, WrongChainError
from noderr.core.json_rpc_testing import Responder, answered, rpc_node
from noderr.data_connectors.chainlink import ChainlinkFeed
from noderr.data_connectors.chainlink_errors import InvalidRound, SequencerDown, StalePrice, WrongFeed
from noderr.data_connectors.chainlink_round import FeedSettings
from noderr.utils import ManualClock

SECOND_NS = 1_000_000_000
HOUR_S = 3600
AGGREGATOR = "testing/TestAggregator"


def evm_node(evm: Evm) -> Responder:
    """Says what the EVM says."""

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        if question["method"] == "eth_chainId":
            return {"result": hex(evm.chain_id)}
        assert question["method"] == "eth_call"
        call, at = question["params"]
        assert at == "latest"
        to, data = (bytes.fromhex(call[name].removeprefix("0x")) for name in ("to", "data"))
        try:
            return {"result": f"0x{evm.call(to, data).hex()}"}
        except (Reverted, KeyError):
            # By its name, or without one: such a contract has no such function.
            return {"error": {"code": 3, "message": "execution reverted"}}

    return lambda questions: answered(*map(answer, questions))


class Feeds:
    """A price feed and the uptime feed of a sequencer, on one chain."""

    def __init__(self, rpc: JsonRpc, evm: Evm) -> None:
        self.rpc = rpc
        self.evm = evm
        self.prices = evm.deploy(AGGREGATOR, 8, sender=ADMIN)
        self.uptime = evm.deploy(AGGREGATOR, 0, sender=ADMIN)
        self.report(self.prices, 18446744073709562301, 64_000_12345678, NOW_S - 60, NOW_S - 60)
        self.report(self.uptime, 1, 0, NOW_S - 2 * HOUR_S, NOW_S - 2 * HOUR_S)

    def report(self, feed: Contract, *round_data: int) -> None:
        feed.send(ADMIN, "report", *round_data)

    def feed(self, now_s: int = NOW_S, chain_id: int | None = None, **changes: Any) -> ChainlinkFeed:
        chain_id = chain_id or self.evm.chain_id
        members: dict[str, Any] = {
            "symbol": "BTC/USD",
            "chain_id": chain_id,
            "address": self.prices.address,
            "decimals": 8,
            "heartbeat_seconds": HOUR_S,
            "sequencer": self.uptime.address,
        }
        settings = FeedSettings(**(members | changes))
        return ChainlinkFeed(settings, ChainReader(self.rpc, chain_id), ManualClock(now_s * SECOND_NS))


@pytest.fixture
async def feeds() -> AsyncIterator[Feeds]:
    evm = Evm()
    async with rpc_node(evm_node(evm)) as rpc:
        yield Feeds(rpc, evm)


async def test_what_the_contract_reports_is_the_price(feeds: Feeds) -> None:
    feed = feeds.feed()
    price = await feed.latest()
    assert (price.price, price.round_id) == (Decimal("64000.12345678"), 18446744073709562301)
    assert price.updated_at_ns == (NOW_S - 60) * SECOND_NS
    feeds.report(feeds.prices, 18446744073709562302, 2**255 - 1, NOW_S - 1, NOW_S)
    whole, part = divmod(2**255 - 1, 10**8)
    assert (await feed.latest()).price == Decimal(f"{whole}.{part:08}")
    # A chain that went back shows an older round: no price until it has caught up.
    feeds.report(feeds.prices, 18446744073709562301, 64_000_12345678, NOW_S - 60, NOW_S - 60)
    with pytest.raises(InvalidRound, match="the round's id"):
        await feed.latest()


@pytest.mark.parametrize("answer", [0, -1, -(2**255)])
async def test_a_price_is_above_zero(feeds: Feeds, answer: int) -> None:
    feeds.report(feeds.prices, 5, answer, NOW_S, NOW_S)
    with pytest.raises(InvalidRound, match="the answer"):
        await feeds.feed().latest()


@pytest.mark.parametrize(("round_id", "updated_at_s"), [(0, NOW_S), (5, 0), (5, NOW_S + 1), (5, 2**256 - 1)])
async def test_a_round_has_been_and_is_over(feeds: Feeds, round_id: int, updated_at_s: int) -> None:
    feeds.report(feeds.prices, round_id, 1, NOW_S, updated_at_s)
    with pytest.raises(InvalidRound):
        await feeds.feed().latest()


async def test_a_feed_that_misses_its_heartbeat_has_no_price(feeds: Feeds) -> None:
    last = NOW_S - 60 + HOUR_S + HOUR_S // 2
    assert (await feeds.feed(last).latest()).price > 0
    with pytest.raises(StalePrice):
        await feeds.feed(last + 1).latest()


async def test_the_sequencer_is_up_for_an_hour_first(feeds: Feeds) -> None:
    feeds.report(feeds.uptime, 2, 1, NOW_S - 100, NOW_S - 100)
    with pytest.raises(SequencerDown, match="status is 1"):
        await feeds.feed().latest()
    feeds.report(feeds.uptime, 3, 0, NOW_S - 90, NOW_S - 90)
    with pytest.raises(SequencerDown, match="time up"):
        await feeds.feed(NOW_S - 90 + HOUR_S).latest()
    assert (await feeds.feed(NOW_S - 90 + HOUR_S + 1).latest()).price > 0


async def test_what_is_not_the_feed_is_named(feeds: Feeds) -> None:
    with pytest.raises(WrongFeed, match=r"decimals\(\) is 8, and it must be 18"):
        await feeds.feed(decimals=18).latest()
    with pytest.raises(WrongFeed, match="is 0 bytes"):
        await feeds.feed(address=b"\x12" * 20).latest()
    with pytest.raises(WrongFeed, match="is 0 bytes"):
        await feeds.feed(sequencer=b"\x12" * 20).latest()
    registry = feeds.evm.deploy("NodeRegistry", 0, ADMIN, sender=ADMIN)
    with pytest.raises(JsonRpcRefusedError, match="execution reverted"):
        await feeds.feed(address=registry.address).latest()
    with pytest.raises(WrongChainError, match="is a node of chain 84532"):
        await feeds.feed(chain_id=8453).latest()
