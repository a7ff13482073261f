"""A validator's trading put together: from the oracles' signal and the guardians' certificate to fills on paper."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.errors import SettingsError
from noderr.core.parts import NodeContext, TierParts
from noderr.core.peers.testing import until
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings, tier_defaults
from noderr.core.testing import small_guardian
from noderr.execution.desk_testing import TERMS_FILE, Network, running
from noderr.execution.parts import TRADING_PATH, trading_parts, trading_terms
from noderr.market_data.events import BookSnapshot, MarketEvent
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks
from noderr.market_data.units import Scale


class Market:
    """Kraken's XMR/USD, told of by hand: asks from 350.00 on, 2 at each price."""

    def __init__(self, node: NodeContext) -> None:
        self._node = node
        self.books = MarketBooks([MarketName("kraken", "XMR/USD")], node.clock.monotonic)
        self._listeners: list[Callable[[MarketEvent], None]] = []

    def listen(self, listener: Callable[[MarketEvent], None]) -> None:
        self._listeners.append(listener)

    def tell(self) -> None:
        event = BookSnapshot(
            venue="kraken",
            symbol="XMR/USD",
            scale=Scale(2, 3),
            bids=((34_990, 2_000),),
            asks=((35_000, 2_000), (35_010, 2_000)),
            sequence=1,
            event_ns=None,
            received_ns=self._node.clock.now_ns(),
        )
        self.books.take(event)
        for listener in self._listeners:
            listener(event)


def made(network: Network) -> tuple[Market, TierParts]:
    market = Market(network.node)
    parts = trading_parts(network.node, TERMS_FILE, lambda: market.books, market.listen)
    network.services = list(parts.services)
    return market, parts


async def said(parts: TierParts) -> dict[str, object]:
    app = Starlette(routes=list(parts.routes))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node") as client:
        answer = (await client.get(TRADING_PATH)).json()
        assert isinstance(answer, dict)
        return answer


async def test_a_signal_becomes_fills_on_paper_with_both_certificates_and_not_before(tmp_path: Path) -> None:
    network = Network(tmp_path)
    market, parts = made(network)
    async with running(network):
        market.tell()
        await network.signal()
        proposal = await network.proposal()
        before = await said(parts)
        assert before["open_trades"] == 0
        assert before["accounts"] == [
            {"venue": "kraken", "open": True, "balances": [{"currency": "USD", "free": "10000", "reserved": "0"}]}
        ]
        await network.approve(proposal)
        market.tell()

        def is_filled() -> bool:
            market.tell()  # A market that is silent for five seconds is stale.
            desk = parts.services[2]
            return any("filled" in words for words in desk.outcomes)  # type: ignore[attr-defined]

        await until(is_filled, 20)
        after = await said(parts)
        assert after["halted"] is None
        balances = {one["currency"]: one["free"] for one in after["accounts"][0]["balances"]}  # type: ignore[index]
        assert Decimal(balances["XMR"]) == proposal.order.quantity == Decimal("2.281")
        spent = 2 * Decimal(350) + Decimal("0.281") * Decimal("350.1")
        assert abs(Decimal(balances["USD"]) - (10_000 - spent - spent / 1000)) < Decimal("0.0001")


async def test_what_guardians_approve_again_is_not_executed_again_after_a_restart(tmp_path: Path) -> None:
    network = Network(tmp_path)
    market, parts = made(network)
    async with running(network):
        market.tell()
        await network.signal()
        proposal = await network.proposal()
        await network.approve(proposal)

        def is_filled() -> bool:
            market.tell()
            return any("filled" in words for words in parts.services[2].outcomes)  # type: ignore[attr-defined]

        await until(is_filled, 20)
        first = await said(parts)
        for service in reversed(parts.services):
            await service.stop()
        for service in parts.services[:2]:
            await service.start()
        again = await said(parts)
        assert again["accounts"] == first["accounts"]
        assert again["open_trades"] == 0


def settings(tmp_path: Path, **environ: str) -> NodeContext:
    node = VoterNode(1, "validator", tmp_path, knows_voters=False).context()
    given = load_settings({"NODEOS_DATA_DIR": str(tmp_path)} | environ, NodeSettings, tier_defaults(small_guardian()))
    return NodeContext(**(vars(node) | {"settings": given}))


def test_what_cannot_be_traded_stops_the_node_with_every_problem(tmp_path: Path) -> None:
    assert trading_terms(settings(tmp_path)) is None
    path = tmp_path / "trading.json"
    path.write_text(json.dumps({"version": 1}))
    with pytest.raises(SettingsError) as refused:
        trading_terms(settings(tmp_path, NODEOS_TRADING_FILE=str(path), NODEOS_TRADING_MODE="live"))
    text = str(refused.value)
    assert "on paper only" in text
    assert "NODEOS_VOTERS_FILE" in text
    assert "missing required field" in text
