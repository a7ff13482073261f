"""The service `market-views`: tells oracles of the markets that this validator keeps, five times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from noderr.core.consensus.handover import VIEW_TOPIC, TierNodes
from noderr.core.consensus.membership import Membership, read_membership
from noderr.core.parts import NodeContext
from noderr.core.service import run_until
from noderr.market_data.events import MarketEvent
from noderr.market_data.live_market import MarketName
from noderr.market_data.service import MarketDataService
from noderr.market_data.view_publisher import ViewPublisher
from noderr.types.signing.account_key import checksum_address
from noderr.types.tier_numbers import ORACLE_TIER, VALIDATOR_TIER
from noderr.types.trading.errors import FieldError
from noderr.types.trading.market_view_on_wire import market_view_to_wire

_log = structlog.get_logger("noderr.market_data")

TICK_SECONDS = 0.2
HEARTBEAT_NS = 1_000_000_000
"""Half of the age at which the oracles' models call a view too old."""
VIEWS_A_TICK = 16
"""A peer takes 200 messages a second from one node, and votes are among them."""


class ViewService:
    """Without a file of voters, or a vote of its own, it tells nobody, and says so if there is something to tell."""

    name = "market-views"
    critical = False
    requires: tuple[str, ...] = ("peers", "market-data")

    def __init__(self, node: NodeContext, data: MarketDataService) -> None:
        self._node = node
        self._data = data
        self._oracles: TierNodes | None = None
        self._publishers: dict[MarketName, ViewPublisher] = {}
        self._lacks = "it has not started"
        self._next = 0
        self._stopping = asyncio.Event()
        data.listen(self._on_event)

    async def start(self) -> None:
        """Read who votes. Raises `MembershipError`."""
        self._stopping.clear()
        for name, publisher in self._publishers.items():
            # What happened since the stop was told to nobody.
            self._publishers[name] = ViewPublisher(publisher.market, first=publisher.sequence + 2)
        path = self._node.settings.voters_file
        if path is None:
            self._lacks = "nobody knows who they are: NODEOS_VOTERS_FILE is not set"
            return
        membership = await asyncio.to_thread(read_membership, path)
        self._lacks = self._why_not(membership)
        if not self._lacks:
            self._oracles = TierNodes(self._node.peers, membership, ORACLE_TIER)

    async def run(self) -> None:
        oracles = self._oracles
        if oracles is None:
            await self._stopping.wait()
            return
        await run_until(self._stopping, self._tell(oracles))

    async def stop(self) -> None:
        # Trades gather only while somebody is told of them; the publishers stay, and their numbers with them.
        self._oracles = None
        self._stopping.set()

    def missing(self) -> Sequence[str]:
        return (f"no oracle is told of the markets: {self._lacks}",) if self._data.names and self._lacks else ()

    def _why_not(self, membership: Membership) -> str:
        validators, me = membership.voters(VALIDATOR_TIER), self._node.account.address
        if validators is None or me not in validators.weights:
            # Oracles refuse what it says.
            return f"this node's account {checksum_address(me)} is not among the validators that vote"
        return "" if membership.voters(ORACLE_TIER) else "the voters' file names none"

    def _on_event(self, event: MarketEvent) -> None:
        name = MarketName(event.venue, event.symbol)
        before, market = self._publishers.get(name), self._data.books.markets[name]
        if before is None:
            self._publishers[name] = ViewPublisher(market)
        elif before.market is not market:
            # The books were made anew and events passed by: a number that is left out tells the oracles.
            self._publishers[name] = ViewPublisher(market, first=before.sequence + 2)
        if self._oracles is None:
            return
        try:
            self._publishers[name].on_event(event)
        except FieldError as error:
            _log.warning("trade_not_told", market=str(name), problem=str(error))
            self._publishers[name].skip()

    async def _tell(self, oracles: TierNodes) -> None:
        while True:
            await self._node.clock.sleep(TICK_SECONDS)
            self._tick(oracles)

    def _tick(self, oracles: TierNodes) -> None:
        """Where there are too many markets for one tick, the next goes on with the others."""
        publishers = list(self._publishers.values())
        told = 0
        for _ in publishers:
            publisher = publishers[self._next % len(publishers)]
            self._next = (self._next + 1) % len(publishers)
            if publisher.market is not self._data.books.markets[publisher.market.name]:
                continue  # Of an earlier start: nothing has come since.
            view = publisher.next_view(heartbeat_ns=HEARTBEAT_NS)
            if view is None:
                continue
            oracles.offer(VIEW_TOPIC, market_view_to_wire(view).SerializeToString())
            told += 1
            if told == VIEWS_A_TICK:
                return
