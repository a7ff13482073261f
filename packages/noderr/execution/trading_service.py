"""The service `trade-desk`: proposes what follows from the oracles' signals, and executes what the guardians approve.

The portfolio goes to each guardian before the proposal, over the same link, which keeps their order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Protocol

import structlog
from google.protobuf.message import DecodeError

from noderr.core.consensus.handover import (
    APPROVAL_TOPIC,
    GUARDIAN_PERIOD_NS,
    PORTFOLIO_TOPIC,
    PROPOSAL_TOPIC,
    SIGNAL_TOPIC,
    TierNodes,
)
from noderr.core.consensus.membership import Membership, read_membership
from noderr.core.parts import NodeContext
from noderr.core.peers.errors import MessageRefusedError
from noderr.core.service import run_until
from noderr.execution.approval import ApprovedTrade
from noderr.execution.errors import ExecutionError
from noderr.execution.outcome import Outcome
from noderr.execution.proposals.propose import NoTrade
from noderr.execution.proposals.trade_desk import DeskRules, NotApproved, Proposed, TradeDesk
from noderr.execution.trading_file import TradingTerms
from noderr.types.consensus import Certificate, CertificateError, RefusedMessage, sign
from noderr.types.consensus.on_wire import certificate_from_wire
from noderr.types.consensus.proposal_request import ProposalRequest, proposal_request_to_wire
from noderr.types.consensus.signal_decision import SignalDecision, signal_decision_from_wire
from noderr.types.errors import TypesError
from noderr.types.tier_numbers import GUARDIAN_TIER, ORACLE_TIER, VALIDATOR_TIER
from noderr.types.trading import decimal_text
from noderr.types.trading.portfolio import Portfolio
from noderr.types.trading.portfolio_on_wire import portfolio_to_wire
from noderr.types.wire import consensus_pb2 as pb

_log = structlog.get_logger("noderr.execution")

_MOST_WAITING = 256


class Engine(Protocol):
    """What executes; `ExecutionService` does."""

    async def execute(self, trade: ApprovedTrade) -> object:
        """Begin it. Raises an `ExecutionError` for a trade that is not taken."""


class TradingService:
    """`portfolio` is this node's as of now, and None while what it holds has no price or its accounts are down."""

    name = "trade-desk"
    critical = False
    requires: tuple[str, ...] = ("peers",)

    def __init__(
        self,
        node: NodeContext,
        terms: TradingTerms,
        portfolio: Callable[[], Awaitable[Portfolio | None]],
        engine: Engine,
    ) -> None:
        self._node = node
        self._terms = terms
        self._portfolio = portfolio
        self._engine = engine
        self._desk: TradeDesk | None = None
        self._oracles: TierNodes | None = None
        self._guardians: TierNodes | None = None
        self._waiting: deque[SignalDecision | Certificate] = deque()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self.outcomes: deque[str] = deque(maxlen=20)
        """What came of the newest decisions, in words, the newest first."""
        node.peers.on(SIGNAL_TOPIC, self._on_signal)
        node.peers.on(APPROVAL_TOPIC, self._on_approval)

    async def start(self) -> None:
        """Learn who votes. Raises `MembershipError`."""
        self._stopping.clear()
        path = self._node.settings.voters_file
        if path is None:
            return
        membership = await asyncio.to_thread(read_membership, path)
        if any(membership.voters(tier) is None for tier in (ORACLE_TIER, GUARDIAN_TIER, VALIDATOR_TIER)):
            return  # `missing` says so.
        self._oracles = TierNodes(self._node.peers, membership, ORACLE_TIER)
        self._guardians = TierNodes(self._node.peers, membership, GUARDIAN_TIER)
        self._desk = TradeDesk(self._rules(membership))

    async def run(self) -> None:
        await run_until(self._stopping, self._work())

    async def stop(self) -> None:
        self._stopping.set()
        self._desk = self._oracles = self._guardians = None
        self._waiting.clear()

    def missing(self) -> Sequence[str]:
        if self._desk is None:
            return ("nobody knows who decides on trades: the voters' file has to name all three tiers",)
        me = self._node.account.address
        return (
            () if me in self._desk.rules.executors else ("this node's account is not among the validators that vote",)
        )

    def _rules(self, membership: Membership) -> DeskRules:
        terms = self._terms
        period_ns = membership.periods_ns.get(GUARDIAN_TIER, GUARDIAN_PERIOD_NS)
        validators = membership.voters(VALIDATOR_TIER)
        return DeskRules(
            domain=membership.domain,
            voters={
                tier: voters for tier in (ORACLE_TIER, GUARDIAN_TIER) if (voters := membership.voters(tier)) is not None
            },
            executor=self._node.account.address,
            executors=() if validators is None else validators.voters,
            policy=terms.policy,
            ruleset=terms.ruleset,
            instruments=terms.instruments,
            guardian_round=lambda now_ns: (now_ns - membership.genesis_ns) // period_ns,
        )

    async def _on_signal(self, sender: str, content: bytes) -> None:
        if self._oracles is None or not self._oracles.has(sender):
            raise MessageRefusedError("signals are taken from oracles that vote, and the sender is none here")
        try:
            decision = signal_decision_from_wire(content)
        except RefusedMessage as error:
            raise MessageRefusedError(str(error)) from error
        self._queue(decision)

    async def _on_approval(self, sender: str, content: bytes) -> None:
        if self._guardians is None or not self._guardians.has(sender):
            raise MessageRefusedError("approvals are taken from guardians that vote, and the sender is none here")
        try:
            certificate = certificate_from_wire(pb.Certificate.FromString(content))
        except (DecodeError, TypesError, RefusedMessage) as error:
            raise MessageRefusedError(f"no certificate: {error}") from error
        self._queue(certificate)

    def _queue(self, message: SignalDecision | Certificate) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            raise MessageRefusedError(f"{_MOST_WAITING} decisions wait to be looked at: say it again later")
        self._waiting.append(message)
        self._woken.set()

    async def _work(self) -> None:
        """One after the other: a portfolio is not asked for while another proposal is made of it."""
        while True:
            self._woken.clear()
            while self._waiting:
                message = self._waiting.popleft()
                try:
                    if isinstance(message, Certificate):
                        await self._decided(message)
                    else:
                        await self._follow(message)
                except CertificateError as error:
                    _log.warning("certificate_refused", reason=error.reason.value, detail=str(error))
            await self._woken.wait()

    async def _follow(self, decision: SignalDecision) -> None:
        desk, guardians = self._desk, self._guardians
        if desk is None or guardians is None or desk.knows(decision):
            return
        signal = decision.agreed_signal.signal
        portfolio = await self._portfolio() if signal is not None else None
        found = desk.on_signal(decision, lambda: portfolio, self._node.clock.now_ns())
        match found:
            case Proposed(proposal, held):
                guardians.offer(PORTFOLIO_TOPIC, portfolio_to_wire(held).SerializeToString())
                request = ProposalRequest(proposal=proposal, decision=decision)
                signed = sign(request, self._node.account, desk.rules.domain)
                reached = guardians.offer(PROPOSAL_TOPIC, proposal_request_to_wire(signed))
                order = proposal.order
                self._note(f"proposed to {order.side.value} {order.quantity} {order.symbol} at {order.limit_price}")
                _log.info("proposed", trade=proposal.id.hex(), guardians=reached, symbol=order.symbol)
            case NoTrade(reason):
                self._note(f"no trade: {reason}")

    async def _decided(self, certificate: Certificate) -> None:
        desk = self._desk
        if desk is None:
            return
        found = desk.on_approval(certificate, self._node.clock.now_ns())
        match found:
            case NotApproved(proposal, choice):
                self._note(
                    f"the guardians decided {choice.name} on {proposal.order.side.value} {proposal.order.symbol}"
                )
            case ApprovedTrade():
                try:
                    await self._engine.execute(found)
                except ExecutionError as error:
                    self._note(f"approved and not executed: {error}")
                    _log.error("not_executed", trade=found.proposal.id.hex(), reason=str(error))
                else:
                    self._note(f"executing {found.proposal.order.side.value} {found.proposal.order.symbol}")

    def ended(self, outcome: Outcome) -> None:
        """A trade is over."""
        order, finished = outcome.mandate.order, outcome.finished
        filled = sum((fill.quantity for fill in finished.fills), Decimal(0))
        self._note(f"{finished.reason}: {order.side.value} {decimal_text(filled)} of {order.quantity} {order.symbol}")

    def _note(self, words: str) -> None:
        self.outcomes.appendleft(words)
