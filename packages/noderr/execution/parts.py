"""Trading as a part of a validator: paper accounts, the engine, the desk, and `/api/v1/trading`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.core.consensus.membership import MemberSets, read_membership
from noderr.core.errors import SettingsError
from noderr.core.openapi import Operation
from noderr.core.parts import NodeContext, TierParts
from noderr.exchanges.latency import ConstantLatency
from noderr.exchanges.paper_service import PaperVenues
from noderr.execution.book_router import BookRouter
from noderr.execution.catalogue import ExecutionMetrics
from noderr.execution.description import TradingDescription, describe_trading
from noderr.execution.errors import TradingFileError
from noderr.execution.outcome import Outcome
from noderr.execution.portfolio_watch import PortfolioWatch
from noderr.execution.service import ExecutionService
from noderr.execution.trading_file import TradingTerms, read_trading_terms
from noderr.execution.trading_service import TradingService
from noderr.market_data.events import MarketEvent
from noderr.market_data.market_books import MarketBooks
from noderr.types.tier_numbers import VALIDATOR_TIER

TRADING_PATH = "/api/v1/trading"
_OPERATIONS = (
    Operation(
        TRADING_PATH,
        "GET",
        "What this validator trades on paper: its accounts, what came of the newest decisions, what is under way",
        TradingDescription,
        statuses={200: "At this moment"},
    ),
)
# Of a venue's answer to a node that is not beside it.
_PAPER_LATENCY_NS = 50_000_000


def trading_terms(node: NodeContext) -> TradingTerms | None:
    """What the operator lets it trade; None where nothing. Raises `SettingsError`."""
    settings = node.settings
    if settings.trading_file is None:
        return None
    problems = []
    if settings.trading_mode != "paper":
        problems.append(
            "NODEOS_TRADING_MODE is live: this build trades on paper only, so leave NODEOS_TRADING_FILE out"
        )
    if settings.voters_file is None:
        problems.append("NODEOS_TRADING_FILE needs NODEOS_VOTERS_FILE: nothing is executed without certificates")
    try:
        terms = read_trading_terms(settings.trading_file)
    except TradingFileError as error:
        problems += [f"NODEOS_TRADING_FILE: {problem}" for problem in error.problems]
    if problems:
        raise SettingsError(problems)
    return terms


def trading_parts(
    node: NodeContext,
    terms: TradingTerms,
    books: Callable[[], MarketBooks],
    listen: Callable[[Callable[[MarketEvent], None]], None],
) -> TierParts:
    """`books` are the node's own, and `listen` takes who wants its market events. Raises `MembershipError`."""
    assert node.settings.voters_file is not None, "trading_terms has seen to it"
    membership = read_membership(node.settings.voters_file)
    validators = membership.voters(VALIDATOR_TIER)
    router = BookRouter(books, terms.listings, node.clock.monotonic)
    paper = PaperVenues(
        node,
        terms.listings,
        {terms.currency: Decimal(terms.paper_cash)},
        ConstantLatency(order=_PAPER_LATENCY_NS, cancel=_PAPER_LATENCY_NS, report=_PAPER_LATENCY_NS),
    )
    listen(paper.on_market)
    portfolio = PortfolioWatch(
        paper.venues, router.references, terms.currency, node.data_dir / "equity-marks", node.clock
    )

    async def finished(outcome: Outcome) -> None:
        desk.ended(outcome)

    engine = ExecutionService(
        data_dir=node.data_dir,
        clock=node.clock,
        venues=lambda: dict(paper.venues),
        allot=router.allot,
        voters=MemberSets(membership),
        domain=membership.domain,
        executor=node.account.address,
        executors=() if validators is None else validators.voters,
        on_finished=finished,
        metrics=ExecutionMetrics(node.metrics.registry),
    )
    desk = TradingService(node, terms, portfolio, engine)

    async def trading(_request: Request) -> Response:
        said = describe_trading(terms, paper, engine, desk)
        return Response(msgspec.json.encode(said), media_type="application/json", headers={"cache-control": "no-store"})

    return TierParts([paper, engine, desk], [Route(TRADING_PATH, trading, methods=["GET"])], _OPERATIONS)
