"""The trade desk among its peers: who proposes to whom, in which order, and what reaches the engine."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from noderr.core.consensus.handover import APPROVAL_TOPIC, PORTFOLIO_TOPIC, PROPOSAL_TOPIC, SIGNAL_TOPIC
from noderr.core.consensus.membership import membership_json
from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import PeerNode, connected, until
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.venue import FeeSchedule
from noderr.execution.approval import ApprovedTrade
from noderr.execution.errors import HaltedError
from noderr.execution.proposals.testing import INSTRUMENT, TERMS, portfolio
from noderr.execution.trading_file import TradingTerms
from noderr.execution.trading_service import TradingService
from noderr.types.consensus import Certificate, Choice, Vote, make_certificate, sign
from noderr.types.consensus.agreed_signal import AgreedSignal, market_topic
from noderr.types.consensus.on_wire import certificate_to_wire
from noderr.types.consensus.signal_decision import SignalDecision, signal_decision_to_wire
from noderr.types.consensus.trade_proposal import TradeProposal, trade_proposal_from_wire
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Signal
from noderr.types.trading.portfolio import Portfolio
from noderr.types.trading.portfolio_on_wire import portfolio_from_wire
from noderr.types.wire import guardian_pb2, trading_pb2

DOMAIN = Domain("NodeOS", "1", 31337, b"\xaa" * 20)
ORACLES = [AccountKey(bytes([number]) * 32) for number in range(11, 15)]
GUARDIANS = [AccountKey(bytes([number]) * 32) for number in range(21, 25)]
FEES = FeeSchedule(maker=Decimal(0), taker=Decimal("0.001"))
TERMS_FILE = TradingTerms(
    currency="USD",
    paper_cash=Decimal(10_000),
    ruleset=b"\5" * 32,
    policy=TERMS.policy,
    listings={"kraken": {"XMR/USD": Listing(INSTRUMENT, FEES)}},
)


class Recording:
    """An engine that keeps what it is told to execute, or refuses it."""

    def __init__(self) -> None:
        self.trades: list[ApprovedTrade] = []
        self.halted = False

    async def execute(self, trade: ApprovedTrade) -> None:
        if self.halted:
            raise HaltedError("halted: the test says so")
        self.trades.append(trade)


class Network:
    """One oracle's, one guardian's and one stranger's node around the validator; the others are keys only."""

    def __init__(self, folder: Path) -> None:
        self.validator = VoterNode(1, "validator", folder, lambda _node: pytest.fail("no consensus here"))
        self.oracle, self.guardian = PeerNode(2, "oracle"), PeerNode(3, "guardian")
        self.stranger = PeerNode(4, "oracle")
        self.engine = Recording()
        self.heard: list[Portfolio | TradeProposal] = []
        self.portfolio: Portfolio | None = portfolio()
        nodes = [("validator", self.validator.account, self.validator.peer)]
        nodes += [("oracle", ORACLES[0], self.oracle), ("guardian", GUARDIANS[0], self.guardian)]
        voters = [(tier, key.address, node.identity.public_key, 10) for tier, key, node in nodes]
        for number, (tier, key) in enumerate(
            [*(("oracle", key) for key in ORACLES[1:]), *(("guardian", key) for key in GUARDIANS[1:])], 30
        ):
            voters.append((tier, key.address, PeerNode(number).identity.public_key, 10))
        (folder / "voters.json").write_bytes(
            membership_json(
                voters,
                chain_id=DOMAIN.chain_id,
                verifying_contract=DOMAIN.verifying_contract,
                genesis_unix_s=int(time.time()) - 100,
                epoch=1,
            )
        )
        self.guardian.network.on(PORTFOLIO_TOPIC, self._on_portfolio)
        self.guardian.network.on(PROPOSAL_TOPIC, self._on_proposal)
        self.service = TradingService(self.validator.context(), TERMS_FILE, self._portfolio, self.engine)

    async def _portfolio(self) -> Portfolio | None:
        return self.portfolio

    async def _on_portfolio(self, _sender: str, content: bytes) -> None:
        self.heard.append(portfolio_from_wire(trading_pb2.Portfolio.FromString(content)))

    async def _on_proposal(self, _sender: str, content: bytes) -> None:
        self.heard.append(trade_proposal_from_wire(guardian_pb2.TradeProposal.FromString(content)))

    async def tell(self, sender: PeerNode, topic: str, content: bytes) -> None:
        await sender.network.send(self.validator.peer.identity.node_id, topic, content)

    async def signal(self, **changes: Any) -> None:
        await self.tell(self.oracle, SIGNAL_TOPIC, signal_decision_to_wire(decision(**changes)))

    async def approve(self, proposal: TradeProposal, **changes: Any) -> None:
        content = certificate_to_wire(approval(proposal, **changes)).SerializeToString()
        await self.tell(self.guardian, APPROVAL_TOPIC, content)

    async def proposal(self) -> TradeProposal:
        await until(lambda: len(self.heard) >= 2)
        first, second = self.heard[:2]
        assert isinstance(first, Portfolio)
        assert isinstance(second, TradeProposal)
        assert second.snapshot == first.digest
        return second


@contextlib.asynccontextmanager
async def running(network: Network) -> AsyncIterator[None]:
    async with connected(network.validator.peer, network.oracle, network.guardian, network.stranger):
        await network.service.start()
        task = asyncio.create_task(network.service.run())
        try:
            yield
        finally:
            await network.service.stop()
            await task


def certificate(keys: list[AccountKey], **fields: Any) -> Certificate:
    usual: dict[str, Any] = {"epoch": 1, "round": 7, "choice": Choice.APPROVE, "expires_at_s": int(time.time()) + 60}
    vote = Vote(**(usual | fields))
    return make_certificate([sign(vote, key, DOMAIN) for key in keys])


def decision(keys: list[AccountKey] = ORACLES[:3], **changes: Any) -> SignalDecision:
    signal = Signal(
        symbol="XMR/USD",
        horizon_seconds=10,
        direction=Direction.BUY,
        prediction_e8=90_000,
        confidence_bps=8_000,
        mid_price_e8=350 * 10**8,
        observed_at_s=int(time.time()),
        model_hash=b"\1" * 32,
    )
    agreed = AgreedSignal(observations=b"\2" * 32, signal=signal)
    fields: dict[str, Any] = {"tier": 3, "topic": market_topic("XMR/USD", 10), "subject": agreed.digest}
    return SignalDecision(agreed, certificate(keys, **(fields | changes)))


def approval(proposal: TradeProposal, keys: list[AccountKey] = GUARDIANS[:3], **changes: Any) -> Certificate:
    fields: dict[str, Any] = {
        "tier": 2,
        "round": proposal.round,
        "topic": proposal.id,
        "subject": proposal.digest,
    }
    return certificate(keys, **(fields | changes))


async def test_a_signal_is_proposed_and_its_approval_executed_once(tmp_path: Path) -> None:
    network = Network(tmp_path)
    async with running(network):
        assert network.service.missing() == ()
        await network.signal()
        await network.signal()
        proposal = await network.proposal()
        assert proposal.order.quantity == Decimal("2.281")
        await network.approve(proposal)
        await network.approve(proposal)
        await until(lambda: bool(network.engine.trades))
        await until(lambda: "executing" in network.service.outcomes[0])
        assert [one.proposal for one in network.engine.trades] == [proposal]
        assert len(network.heard) == 2


async def test_what_guardians_reject_reaches_no_engine(tmp_path: Path) -> None:
    network = Network(tmp_path)
    async with running(network):
        await network.signal()
        proposal = await network.proposal()
        await network.approve(proposal, choice=Choice.REJECT)
        await until(lambda: "REJECT" in network.service.outcomes[0])
        assert network.engine.trades == []


@pytest.mark.parametrize(
    "changes",
    [{"keys": GUARDIANS[:2]}, {"keys": ORACLES[:3]}, {"subject": b"\7" * 32}, {"expires_at_s": 1_600_000_000}],
)
async def test_an_approval_that_proves_nothing_reaches_no_engine(tmp_path: Path, changes: dict[str, Any]) -> None:
    network = Network(tmp_path)
    async with running(network):
        await network.signal()
        proposal = await network.proposal()
        await network.approve(proposal, **changes)
        await network.approve(proposal)
        await until(lambda: bool(network.engine.trades))
        # The good one after it counted, so the bad one was looked at before.
        assert len(network.engine.trades) == 1


async def test_a_signal_without_a_quorum_is_not_proposed(tmp_path: Path) -> None:
    network = Network(tmp_path)
    async with running(network):
        await network.signal(keys=ORACLES[:2])
        await network.signal(keys=ORACLES[:3])
        proposal = await network.proposal()
        assert proposal.signal.agreed_signal
        assert len(network.heard) == 2


async def test_strangers_are_refused(tmp_path: Path) -> None:
    network = Network(tmp_path)
    async with running(network):
        with pytest.raises(PeerRefusedError, match="oracles that vote"):
            await network.tell(network.stranger, SIGNAL_TOPIC, signal_decision_to_wire(decision()))
        with pytest.raises(PeerRefusedError, match="guardians that vote"):
            await network.tell(network.oracle, APPROVAL_TOPIC, b"")
        for topic, sender in ((SIGNAL_TOPIC, network.oracle), (APPROVAL_TOPIC, network.guardian)):
            with pytest.raises(PeerRefusedError):
                await network.tell(sender, topic, b"\xff\xff")


async def test_an_engine_that_is_halted_gets_nothing_and_the_desk_goes_on(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.engine.halted = True
    async with running(network):
        await network.signal()
        proposal = await network.proposal()
        await network.approve(proposal)
        await until(lambda: "halted" in network.service.outcomes[0])
        network.engine.halted = False
        await network.signal(round=8)
        await until(lambda: len(network.heard) == 4)


async def test_without_a_portfolio_nothing_is_proposed_and_it_says_why(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.portfolio = None
    async with running(network):
        await network.signal()
        await until(lambda: bool(network.service.outcomes))
        assert network.service.outcomes[0] == "no trade: what the account holds has no price now"


async def test_without_voters_it_says_what_it_lacks(tmp_path: Path) -> None:
    node = VoterNode(1, "validator", tmp_path, lambda _node: pytest.fail("no"), knows_voters=False)
    network = Network(tmp_path)
    service = TradingService(dataclasses.replace(node.context()), TERMS_FILE, network._portfolio, network.engine)
    await service.start()
    assert "voters' file" in service.missing()[0]
    await service.stop()
