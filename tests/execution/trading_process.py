"""A validator's engine and paper accounts as a process of their own, to be killed: it executes the trades of a list.

    python -m tests.execution.trading_process FOLDER TRADES NEW

All trades before the last NEW were begun by processes before it. It prints `executing` when the new ones are under way,
and ends by itself when each of all is over.
"""

from __future__ import annotations

import asyncio
import sys
import time
from decimal import Decimal
from pathlib import Path

from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import until
from noderr.exchanges.latency import ConstantLatency
from noderr.exchanges.paper_service import PaperVenues
from noderr.execution.approval import ApprovedTrade
from noderr.execution.book_router import BookRouter
from noderr.execution.bounds import EngineBounds, TradeBounds
from noderr.execution.catalogue import ExecutionMetrics
from noderr.execution.desk_testing import DOMAIN, GUARDIANS, ORACLES, TERMS_FILE, approval, decision
from noderr.execution.outcome import Outcome
from noderr.execution.proposals.propose import ProposalTerms, propose
from noderr.execution.proposals.testing import INSTRUMENT, TERMS, portfolio
from noderr.execution.service import ExecutionService
from noderr.market_data.events import BookSnapshot
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks
from noderr.market_data.units import Scale
from noderr.types.consensus import VoterSet
from noderr.types.consensus.trade_proposal import TradeProposal

SYMBOL = "XMR/USD"
CASH = Decimal(100_000)
MS = 1_000_000
BOUNDS = EngineBounds(
    orders_per_second=100,
    orders_at_once=100,
    trade=TradeBounds(
        pause_ns=50 * MS, margin_ns=50 * MS, silence_ns=200 * MS, absent_ns=300 * MS, ask_pause_ns=100 * MS
    ),
)


class Voters:
    """Of all tiers that certificates are of."""

    async def voters(self, tier: int, epoch: int) -> VoterSet | None:
        keys = {2: GUARDIANS, 3: ORACLES}.get(tier)
        return None if keys is None or epoch != 1 else VoterSet(tier, 1, {key.address: 10 for key in keys})


def trade(number: int, executor: bytes) -> ApprovedTrade:
    """The same id in every process; the times are of now."""
    decided = decision(round=number)
    terms = ProposalTerms(
        instrument=INSTRUMENT, policy=TERMS.policy, epoch=1, round=5, ruleset=b"\5" * 32, executor=executor
    )
    found = propose(decided, portfolio(), terms, time.time_ns())
    assert isinstance(found, TradeProposal), found
    return ApprovedTrade(
        proposal=found,
        agreed_signal=decided.agreed_signal,
        oracle_certificate=decided.certificate,
        guardian_certificate=approval(found),
    )


async def tell_market(node: NodeContext, books: MarketBooks, paper: PaperVenues) -> None:
    """A book that is told anew all the time: less than an order at each price, so that orders take several."""
    number = 0
    while True:
        number += 1
        shift = number % 3
        event = BookSnapshot(
            venue="kraken",
            symbol=SYMBOL,
            scale=Scale(2, 3),
            bids=((34_980, 5_000),),
            asks=tuple((35_000 + shift + 5 * level, 700) for level in range(6)),
            sequence=number,
            event_ns=None,
            received_ns=node.clock.now_ns(),
        )
        books.take(event)
        paper.on_market(event)
        await node.clock.sleep(0.02)


async def run(folder: Path, trades: int, new: int) -> None:
    node = VoterNode(1, "validator", folder, knows_voters=False).context()
    books = MarketBooks([MarketName("kraken", SYMBOL)], node.clock.monotonic)
    latency = ConstantLatency(order=30 * MS, cancel=30 * MS, report=30 * MS)
    paper = PaperVenues(node, TERMS_FILE.listings, {"USD": CASH}, latency)
    over: set[bytes] = set()

    async def finished(outcome: Outcome) -> None:
        over.add(outcome.mandate.trade_id)

    executor = node.account.address
    engine = ExecutionService(
        data_dir=node.data_dir,
        clock=node.clock,
        venues=lambda: dict(paper.venues),
        allot=BookRouter(lambda: books, TERMS_FILE.listings, node.clock.monotonic).allot,
        voters=Voters(),
        domain=DOMAIN,
        executor=executor,
        executors=[executor],
        on_finished=finished,
        metrics=ExecutionMetrics(node.metrics.registry),
        bounds=BOUNDS,
    )
    await paper.start()
    await engine.start()
    tasks = [asyncio.create_task(work) for work in (paper.run(), engine.run(), tell_market(node, books, paper))]
    await until(lambda: engine.is_running)
    wanted = set()
    for number in range(trades):
        one = trade(number, executor)
        wanted.add(one.proposal.id)
        outcome = await engine.execute(one)
        if outcome is not None:
            over.add(outcome.mandate.trade_id)
        if number == trades - new:
            print("executing", flush=True)
    await until(lambda: wanted <= over or any(task.done() for task in tasks), seconds=50)
    await engine.stop()
    await paper.stop()
    tasks.pop().cancel()
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
