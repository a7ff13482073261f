"""For tests: a validator's desk among its peers, and the decisions of oracles and guardians whose keys are here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from noderr.core.consensus.handover import APPROVAL_TOPIC, PORTFOLIO_TOPIC, PROPOSAL_TOPIC, SIGNAL_TOPIC
from noderr.core.consensus.membership import membership_json
from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.peers.testing import PeerNode, connected, until
from noderr.core.service import Service
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.venue import FeeSchedule
from noderr.execution.approval import ApprovedTrade
from noderr.execution.errors import HaltedError
from noderr.execution.proposals.testing import INSTRUMENT, TERMS, portfolio
from noderr.execution.trading_file import TradingTerms
from noderr.execution.trading_service import TradingService
from noderr.types.consensus import Certificate, Choice, Signed, Vote, make_certificate, sign
from noderr.types.consensus.agreed_signal import AgreedSignal, market_topic
from noderr.types.consensus.on_wire import certificate_to_wire
from noderr.types.consensus.proposal_request import ProposalRequest, proposal_request_from_wire
from noderr.types.consensus.signal_decision import SignalDecision, signal_decision_to_wire
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Signal
from noderr.types.trading.portfolio import Portfolio
from noderr.types.trading.portfolio_on_wire import portfolio_from_wire
from noderr.types.wire import trading_pb2

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
    """One oracle's, one guardian's and one stranger's node around the validator; the others are keys only.

    `services` are what runs in the validator: the desk with an engine that only records, unless a test says otherwise.
    """

    def __init__(self, folder: Path) -> None:
        self.validator = VoterNode(1, "validator", folder)
        self.oracle, self.guardian = PeerNode(2, "oracle"), PeerNode(3, "guardian")
        self.stranger = PeerNode(4, "oracle")
        self.engine = Recording()
        self.heard: list[Portfolio | TradeProposal] = []
        self.requests: list[Signed[ProposalRequest]] = []
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
        self.node = self.validator.context()
        self.services: list[Service] = []

    def desk(self) -> TradingService:
        """The desk by itself, to be run."""
        service = TradingService(self.node, TERMS_FILE, self._portfolio, self.engine)
        self.services = [service]
        return service

    async def _portfolio(self) -> Portfolio | None:
        return self.portfolio

    async def _on_portfolio(self, _sender: str, content: bytes) -> None:
        self.heard.append(portfolio_from_wire(trading_pb2.Portfolio.FromString(content)))

    async def _on_proposal(self, _sender: str, content: bytes) -> None:
        self.requests.append(proposal_request_from_wire(content))
        self.heard.append(self.requests[-1].message.proposal)

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
        tasks = []
        try:
            for service in network.services:
                await service.start()
                tasks.append(asyncio.create_task(service.run()))
            yield
        finally:
            for service in reversed(network.services):
                await service.stop()
            await asyncio.gather(*tasks)


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
