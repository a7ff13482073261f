"""The service `market-watch`: an oracle hears of markets from validators that vote, and says what its models see."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import structlog
from google.protobuf.message import DecodeError

from noderr.alpha_edge.answers import Abstained, Forecast, Reason
from noderr.alpha_edge.catalogue import AlphaMetrics
from noderr.alpha_edge.errors import ViewError
from noderr.alpha_edge.models import models_for, name_of
from noderr.alpha_edge.panel import Panel
from noderr.alpha_edge.watched_market import WatchedMarket
from noderr.core.consensus.handover import VIEW_TOPIC, TierNodes
from noderr.core.consensus.membership import read_membership
from noderr.core.parts import NodeContext
from noderr.core.peers.errors import MessageRefusedError
from noderr.core.rate_limiter import TokenBucket
from noderr.types.errors import TypesError
from noderr.types.tier_numbers import VALIDATOR_TIER
from noderr.types.trading.market_view import MarketView
from noderr.types.trading.market_view_on_wire import market_view_from_wire
from noderr.types.wire import market_pb2

_log = structlog.get_logger("noderr.alpha_edge")

LATE_NS = 10_000_000_000
"""A stream of which nothing newer came is late; of a quiet market now and then a view comes, too."""
MOST_LEAD_NS = 2_000_000_000
"""So much may a validator's clock be ahead of ours."""
VIEWS_PER_SECOND, VIEWS_AT_ONCE = 10.0, 50.0
"""Of one stream, where five a second are usual: memory is for minutes of them, whoever sends."""

type _Stream = tuple[str, str, str]
"""Validator, venue, symbol."""


class MarketWatch:
    """`forecast` is for the rounds. Made once; what it knows is learned anew in every start."""

    name = "market-watch"
    critical = False
    requires: tuple[str, ...] = ("peers",)

    def __init__(self, node: NodeContext, markets: Sequence[WatchedMarket]) -> None:
        """Raises `ParameterError` for a horizon that no model has."""
        self._node = node
        self._metrics = AlphaMetrics(node.metrics.registry)
        self._markets = {(market.symbol, market.horizon_seconds): market for market in markets}
        self._models = {market: models_for(market.horizon_seconds) for market in markets}
        self._asked = {(venue, market.symbol) for market in markets for venue in market.venues}
        self._validators: TierNodes | None = None
        self._panels: dict[WatchedMarket, tuple[Panel, ...]] = {}
        self._heard_ns: dict[_Stream, int] = {}
        self._limits: dict[_Stream, TokenBucket] = {}
        self._asking = asyncio.Lock()
        self._waiting: list[tuple[str, MarketView]] | None = None
        """Views that wait for a model to end; None while none is asked."""
        self._stopping = asyncio.Event()
        node.peers.on(VIEW_TOPIC, self._on_view)

    async def start(self) -> None:
        """Read who votes. Raises `MembershipError`."""
        self._stopping.clear()
        path = self._node.settings.voters_file
        if path is None:
            return
        membership = await asyncio.to_thread(read_membership, path)
        validators = TierNodes(self._node.peers, membership, VALIDATOR_TIER)
        if not validators.node_ids:
            return
        self._panels = {
            market: tuple(Panel(market.symbol, validators.node_ids, market.venues, model) for model in models)
            for market, models in self._models.items()
        }
        self._validators = validators

    async def run(self) -> None:
        await self._stopping.wait()

    async def stop(self) -> None:
        self._stopping.set()
        self._validators = None
        self._panels = {}
        self._heard_ns.clear()
        self._limits.clear()

    async def forecast(self, symbol: str, horizon_seconds: int, at_ns: int) -> tuple[Forecast, bytes] | Abstained:
        """The first model's that has one, with its hash; else the last one's reason.

        Raises `KeyError` for a market that the settings do not name.
        """
        market = self._markets[symbol, horizon_seconds]
        said = Abstained(Reason.NO_VIEW, "nobody knows who the validators are")
        for panel in self._panels.get(market, ()):
            answer = await self._ask(panel, at_ns)
            if isinstance(answer, Forecast):
                self._metrics.forecasts.labels(str(market), name_of(panel.parameters)).inc()
                return answer, panel.parameters.model_hash()
            said = answer
        self._metrics.abstentions.labels(str(market), said.reason.name).inc()
        return said

    async def _ask(self, panel: Panel, at_ns: int) -> Forecast | Abstained:
        """In a thread: a model takes tens of milliseconds for each stream. Views that come meanwhile wait for it."""
        async with self._asking:
            self._waiting = []
            try:
                return await asyncio.to_thread(panel.forecast, at_ns)
            finally:
                waiting, self._waiting = self._waiting, None
                for sender, view in waiting if self._validators is not None else ():
                    try:
                        self._feed(sender, view)
                    except MessageRefusedError as error:
                        _log.info("view_refused", peer=sender, reason=str(error))
                        self._metrics.views.labels("refused").inc()

    def missing(self) -> Sequence[str]:
        """Markets of which no strict majority of the validators has told lately: of these there is no forecast."""
        if self._node.settings.voters_file is None:
            return ("nobody knows who tells of markets: NODEOS_VOTERS_FILE is not set",)
        if self._validators is None:
            return ("the voters' file names no validator, and nobody else tells of markets",)
        late_ns, known = self._node.clock.now_ns() - LATE_NS, len(self._validators.node_ids)
        said = []
        for market in self._models:
            newest = self._newest_ns(market)
            fresh = sum(at_ns >= late_ns for at_ns in newest)
            if 2 * fresh <= known:
                late = f", {len(newest) - fresh} are late" if len(newest) > fresh else ""
                said.append(f"{market} has views of {fresh} of {known} validators{late}")
        return said

    def _newest_ns(self, market: WatchedMarket) -> Sequence[int]:
        """Of each validator that ever told of the market, when it last knew something."""
        newest: dict[str, int] = {}
        for (validator, venue, symbol), at_ns in self._heard_ns.items():
            if symbol == market.symbol and venue in market.venues:
                newest[validator] = max(at_ns, newest.get(validator, 0))
        return list(newest.values())

    async def _on_view(self, sender: str, content: bytes) -> None:
        try:
            self._take(sender, content)
        except MessageRefusedError:
            self._metrics.views.labels("refused").inc()
            raise

    def _take(self, sender: str, content: bytes) -> None:
        if self._validators is None or not self._validators.has(sender):
            raise MessageRefusedError("views are taken from validators that vote, and the sender is none here")
        view = _read(content)
        if (view.venue, view.symbol) not in self._asked:
            # A validator tells all oracles all that it has: this is no fault of its.
            self._metrics.views.labels("unasked").inc()
            return
        if not self._limit((sender, view.venue, view.symbol)).try_take():
            raise MessageRefusedError(
                f"{view.symbol} at {view.venue} is told of too often: five times a second will do"
            )
        if view.received_ns > self._node.clock.now_ns() + MOST_LEAD_NS:
            raise MessageRefusedError(f"the view is of {view.received_ns} ns, which is not yet: set the clock right")
        if self._waiting is None:
            self._feed(sender, view)
        else:
            self._waiting.append((sender, view))

    def _feed(self, sender: str, view: MarketView) -> None:
        try:
            for panel in self._panels_of(view):
                panel.on_view(sender, view)
        except ViewError as error:
            raise MessageRefusedError(str(error)) from error
        self._heard_ns[sender, view.venue, view.symbol] = view.received_ns
        self._metrics.views.labels("taken").inc()

    def _panels_of(self, view: MarketView) -> Iterable[Panel]:
        for panels in self._panels.values():
            for panel in panels:
                if panel.symbol == view.symbol and view.venue in panel.venues:
                    yield panel

    def _limit(self, stream: _Stream) -> TokenBucket:
        limit = self._limits.get(stream)
        if limit is None:
            limit = self._limits[stream] = TokenBucket(VIEWS_PER_SECOND, VIEWS_AT_ONCE, self._node.clock)
        return limit


def _read(content: bytes) -> MarketView:
    try:
        return market_view_from_wire(market_pb2.MarketView.FromString(content))
    except (DecodeError, TypesError) as error:
        raise MessageRefusedError(f"no view of a market: {error}") from error
