"""What an account at a real venue is asked through ccxt, and what its open orders turn into: reads only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog

from noderr.exchanges.ccxt_balances import balances
from noderr.exchanges.ccxt_binance import BinanceDialect
from noderr.exchanges.ccxt_credentials import VenueCredentials
from noderr.exchanges.ccxt_dialect import Dialect
from noderr.exchanges.ccxt_errors import translated
from noderr.exchanges.ccxt_kraken import KrakenDialect
from noderr.exchanges.ccxt_markets import instruments
from noderr.exchanges.ccxt_orders import find_order, with_fills
from noderr.exchanges.ccxt_sent import SentOrders
from noderr.exchanges.ccxt_session import open_exchange
from noderr.exchanges.ccxt_tracking import Tracked
from noderr.exchanges.errors import (
    AuthenticationError,
    ExchangeError,
    InvalidOrderError,
    OutcomeUnknownError,
    VenueError,
)
from noderr.exchanges.rate_limits import Pool, RateLimits
from noderr.exchanges.updates import OrderUpdate, Rejected, RejectReason, VenueOrder
from noderr.exchanges.venue import Balance, FeeSchedule
from noderr.types.trading import Instrument
from noderr.utils import Clock

_DIALECTS: Mapping[str, Callable[[], Dialect]] = {"binance": BinanceDialect, "kraken": KrakenDialect}
_log = structlog.get_logger("noderr.exchanges")


class CcxtAccount:
    """The half of a `Venue` that changes nothing. Updates come from asking: `poll`, and `run`, which goes on asking."""

    def __init__(
        self,
        name: str,
        credentials: VenueCredentials,
        clock: Clock,
        *,
        sandbox: bool = True,
        poll_seconds: float = 1.0,
        timeout_seconds: float = 10.0,
        pools: Mapping[str, Pool] | None = None,
        urls: Mapping[str, str] | None = None,
    ) -> None:
        """`pools` and `urls` in place of the venue's own; with `urls` no other address is ever asked.

        Loads ccxt. Raises `ExchangeError`.
        """
        if name not in _DIALECTS:
            raise ExchangeError(f"{name!r} is no venue that orders can go to: it is one of {', '.join(_DIALECTS)}")
        self._dialect = _DIALECTS[name]()
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._limits = RateLimits({**self._dialect.pools, **(pools or {})}, clock)
        self._exchange = open_exchange(
            self._dialect,
            credentials,
            self._limits,
            clock,
            sandbox=sandbox,
            timeout_seconds=timeout_seconds,
            urls=urls,
        )
        self._instruments: dict[str, Instrument] | None = None
        self._sent = SentOrders(clock, self._dialect.settle_seconds)
        self._tracked: dict[str, Tracked] = {}
        self._take: Callable[[OrderUpdate], None] | None = None

    @property
    def name(self) -> str:
        return self._dialect.name

    @property
    def post_only(self) -> bool:
        return True

    def on_update(self, take: Callable[[OrderUpdate], None]) -> None:
        self._take = take

    async def instruments(self) -> Mapping[str, Instrument]:
        """Read once; a new object knows what the venue changed."""
        if self._instruments is None:
            markets = await self._ask("markets", self._exchange.load_markets())
            self._instruments = instruments(markets.values())
        return self._instruments

    async def fees(self, symbol: str) -> FeeSchedule:
        await self._instrument(symbol)
        return await self._ask("fees", self._dialect.fees(self._exchange, symbol))

    async def balances(self) -> Mapping[str, Balance]:
        """Of currencies with a code such as BTC; what is staked or lent has others and cannot be traded."""
        await self.instruments()
        return balances(await self._ask("balances", self._exchange.fetch_balance()))

    async def order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """Raises `OutcomeUnknownError` while a request to create it could still arrive."""
        await self._instrument(symbol)
        return await self._read(client_order_id, symbol)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        await self.instruments()
        found = []
        for one in await self._ask("open orders", self._dialect.open(self._exchange)):
            ours = self._sent.order(one.order.client_order_id)
            whole = await self._ask(
                "trades", with_fills(self._dialect, self._exchange, self._clock, one, ours)
            ) or await self._read(one.order.client_order_id, one.order.symbol)
            if whole is not None and not whole.state.is_final:
                found.append(whole)
        return tuple(found)

    async def run(self) -> None:
        """Ask after the open orders until cancelled. Raises `AuthenticationError`: nobody can be asked then."""
        while True:
            await self._clock.sleep(self._poll_seconds)
            try:
                await self.poll()
            except AuthenticationError:
                raise
            except VenueError as error:
                _log.warning("venue not asked", venue=self.name, problem=str(error), open_orders=len(self._tracked))

    async def poll(self) -> None:
        """Ask after each open order once. Raises the first `VenueError` after all were asked."""
        problems: list[VenueError] = []
        for tracked in list(self._tracked.values()):
            try:
                await self._read(tracked.order.client_order_id, tracked.order.symbol)
            except VenueError as error:
                problems.append(error)
        # An order that may still be on its way is no problem of the asking.
        for problem in problems:
            if not isinstance(problem, OutcomeUnknownError):
                raise problem

    async def close(self) -> None:
        """Its connections; open orders stay open at the venue."""
        await self._exchange.close()

    async def _read(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """What the venue says; who follows the order is told what is new."""
        sure = self._sent.is_settled(client_order_id)
        tracked = self._tracked.get(client_order_id)
        venue_order_id = None if tracked is None else tracked.venue_order_id
        found = await self._ask(
            f"order {client_order_id}",
            find_order(
                self._dialect,
                self._exchange,
                self._clock,
                self._sent.order(client_order_id),
                (client_order_id, symbol, venue_order_id),
            ),
        )
        if found is not None:
            if tracked is not None and self._tracked.get(client_order_id) is tracked:
                if found[0].state.is_final:
                    del self._tracked[client_order_id]
                self._say(tracked.learn(*found))
            return found[0]
        if venue_order_id is not None:
            raise VenueError(f"{self.name} took {client_order_id} as {venue_order_id} and does not know it now")
        if not sure:
            raise OutcomeUnknownError(
                f"{self.name} does not list {client_order_id}, which may be on its way: ask again"
            )
        if tracked is not None and self._tracked.get(client_order_id) is tracked:
            self._forget(client_order_id)
            words = "it never came there: the venue does not list it, and it can arrive no more"
            at_ns = self._clock.now_ns()
            self._say([Rejected(client_order_id=client_order_id, reason=RejectReason.OTHER, detail=words, at_ns=at_ns)])
        return None

    async def _instrument(self, symbol: str) -> Instrument:
        found = (await self.instruments()).get(symbol)
        if found is None:
            raise InvalidOrderError(f"{symbol} cannot be traded at {self.name}: see its instruments")
        return found

    async def _ask[T](self, what: str, question: Awaitable[T]) -> T:
        """For what changes nothing at the venue."""
        try:
            return await question
        except Exception as error:
            raise translated(error, f"{what} at {self.name}", changes=False) from None

    def _forget(self, client_order_id: str) -> None:
        self._tracked.pop(client_order_id, None)
        self._sent.forget(client_order_id)

    def _say(self, updates: list[OrderUpdate]) -> None:
        for update in updates:
            if self._take is not None:
                self._take(update)
