from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from pydantic import SecretStr

from noderr.exchanges import ccxt_binance_testing as binance
from noderr.exchanges import ccxt_kraken_testing as kraken
from noderr.exchanges.ccxt_credentials import VenueCredentials
from noderr.exchanges.ccxt_testing import T0, Fault, JumpingClock, order, serving
from noderr.exchanges.ccxt_venue import CcxtVenue
from noderr.exchanges.errors import (
    AuthenticationError,
    ExchangeError,
    InvalidOrderError,
    OutcomeUnknownError,
    RateLimitedError,
    VenueDownError,
    VenueError,
)
from noderr.exchanges.updates import (
    Accepted,
    Canceled,
    CancelRejected,
    Expired,
    Filled,
    OrderUpdate,
    Rejected,
    RejectReason,
)
from noderr.exchanges.venue import Balance, FeeSchedule, Venue
from noderr.types.trading import Instrument, Money, OrderState, Side, TimeInForce

type Server = binance.BinanceServer | kraken.KrakenServer
_SECRETS = {"binance": (binance.API_KEY, binance.SECRET), "kraken": (kraken.API_KEY, kraken.SECRET)}
TIMEOUT_SECONDS = 0.3


@dataclass
class Setup:
    server: Server
    venue: CcxtVenue
    clock: JumpingClock
    updates: list[OrderUpdate] = field(default_factory=list)

    @property
    def creates(self) -> int:
        path = self.server.create_path
        return sum(one.method == "POST" and one.path.endswith("/" + path) for one in self.server.requests)

    def said(self) -> list[str]:
        return [type(update).__name__ for update in self.updates]


@contextlib.asynccontextmanager
async def trading(
    server: Server, *, key: str | None = None, secret: str | None = None, clock: JumpingClock | None = None
) -> AsyncIterator[Setup]:
    clock = clock or JumpingClock()
    api_key, api_secret = _SECRETS[server.name]
    async with serving(server) as urls:
        venue = CcxtVenue(
            server.name,
            VenueCredentials(SecretStr(key or api_key), SecretStr(secret or api_secret)),
            clock,
            sandbox=False,
            timeout_seconds=TIMEOUT_SECONDS,
            urls=urls,
        )
        setup = Setup(server, venue, clock)
        venue.on_update(setup.updates.append)
        try:
            yield setup
        finally:
            await venue.close()


@pytest.fixture(params=[binance.BinanceServer, kraken.KrakenServer])
async def live(request: pytest.FixtureRequest) -> AsyncIterator[Setup]:
    make: Callable[[], Server] = request.param
    async with trading(make()) as setup:
        yield setup


async def test_it_is_a_venue(live: Setup) -> None:
    venue: Venue = live.venue
    assert (venue.name, venue.post_only) == (live.server.name, True)
    assert live.server.requests == []  # Nothing is sent before somebody asks.


async def test_steps_and_minima_are_the_venues_own_to_the_digit(live: Setup) -> None:
    found = (await live.venue.instruments())[live.server.symbol]
    kraken_has = live.server.name == "kraken"
    assert found == Instrument(
        symbol=live.server.symbol,
        tick_size=Decimal("0.1" if kraken_has else "0.01"),
        lot_size=Decimal("0.00000001" if kraken_has else "0.00001"),
        min_quantity=Decimal("0.00005" if kraken_has else "0.00001"),
        min_notional=Decimal("0.5" if kraken_has else "1"),
    )


async def test_fees_and_balances(live: Setup) -> None:
    fees, balances = await live.venue.fees(live.server.symbol), await live.venue.balances()
    if live.server.name == "kraken":
        assert fees == FeeSchedule(maker=Decimal("0.0002"), taker=Decimal("0.001"))
        assert balances == {
            "USD": Balance(currency="USD", free=Decimal("17185.45"), reserved=Decimal("8249.76"))
        }  # What is staked has no code.
    else:
        assert fees == FeeSchedule(maker=Decimal("0.01000122"), taker=Decimal("0.02000134"))
        assert balances == {"BTC": Balance(currency="BTC", free=Decimal("4723846.89208129"), reserved=Decimal("0.1"))}


async def test_an_order_from_its_acceptance_through_its_fills(live: Setup) -> None:
    wanted = order(1, live.server.symbol)
    await live.venue.submit(wanted)
    await live.venue.poll()
    assert live.said() == ["Accepted"]
    listed = live.server.orders[0]
    assert (listed.client_id, listed.quantity, listed.price) == (wanted.client_order_id, Decimal("0.5"), Decimal(20000))
    live.server.fill(listed, "0.2", "19999.5")
    await live.venue.poll()
    await live.venue.poll()
    live.server.fill(listed, "0.3", "20000")
    await live.venue.poll()
    await live.venue.poll()
    assert live.said() == ["Accepted", "Filled", "Filled"]
    fills = [update.fill for update in live.updates if isinstance(update, Filled)]
    assert [(fill.price, fill.quantity, fill.side) for fill in fills] == [
        (Decimal("19999.5"), Decimal("0.2"), Side.BUY),
        (Decimal(20000), Decimal("0.3"), Side.BUY),
    ]
    if live.server.name == "kraken":
        assert fills[0].fee == Money(Decimal("0.26"), "USD")
        assert fills[0].at_ns == T0 + 901 * 10**6
    else:
        assert fills[0].fee == Money(Decimal("0.000101"), "BNB")
        assert fills[0].at_ns == T0 + 901 * 10**6
    told = await live.venue.order(wanted.client_order_id, wanted.symbol)
    assert told is not None
    assert (told.order, told.state, told.filled, told.fills) == (
        wanted,
        OrderState.FILLED,
        Decimal("0.5"),
        tuple(fills),
    )


@pytest.mark.parametrize(
    ("quantity", "limit", "post_only", "reason"),
    [
        ("101", "20000", False, RejectReason.INSUFFICIENT_FUNDS),
        ("0.0001", "20000", False, RejectReason.BELOW_MINIMUM),
        ("0.5", "50001", True, RejectReason.WOULD_TAKE),
    ],
)
async def test_what_the_venue_refuses(
    live: Setup, quantity: str, limit: str, post_only: bool, reason: RejectReason
) -> None:
    wanted = order(1, live.server.symbol, quantity=quantity, limit=limit)
    await live.venue.submit(wanted, post_only=post_only)
    assert [(type(one), one.reason) for one in live.updates if isinstance(one, Rejected)] == [(Rejected, reason)]
    await live.venue.poll()
    assert live.said() == ["Rejected"]


async def test_a_market_that_is_gone_since_the_markets_were_read(live: Setup) -> None:
    await live.venue.submit(order(1, "LTC/" + live.server.symbol.partition("/")[2], limit="100"))
    assert isinstance(live.updates[0], Rejected)
    assert live.updates[0].reason is RejectReason.UNKNOWN_SYMBOL


@pytest.mark.parametrize(
    ("quantity", "limit", "symbol", "named"),
    [
        ("0.5", "20000.001", None, "price"),
        ("0.000000001", "20000", None, "quantity"),
        ("0.00005", "1000", None, "notional"),
        ("0.5", "20000", "ETH/EUR", "ETH/EUR cannot be traded"),
    ],
)
async def test_what_can_never_trade_is_not_sent(
    live: Setup, quantity: str, limit: str, symbol: str | None, named: str
) -> None:
    with pytest.raises(InvalidOrderError, match=named):
        await live.venue.submit(order(1, symbol or live.server.symbol, quantity=quantity, limit=limit))
    assert live.creates == 0
    assert live.updates == []


async def test_times_in_force(live: Setup) -> None:
    symbol, on_kraken = live.server.symbol, live.server.name == "kraken"
    expires = T0 + 600 * 10**9
    refused = [TimeInForce.FOK] if on_kraken else [TimeInForce.GTD]
    for number, tif in enumerate(TimeInForce):
        wanted = order(number, symbol, tif=tif, expires_at_ns=expires if tif is TimeInForce.GTD else None)
        if tif in refused:
            with pytest.raises(InvalidOrderError, match=tif.value):
                await live.venue.submit(wanted)
        else:
            await live.venue.submit(wanted)
            assert live.server.orders[-1].tif == tif.name
    with pytest.raises(InvalidOrderError, match="has to rest"):
        await live.venue.submit(order(8, symbol, tif=TimeInForce.IOC), post_only=True)
    await live.venue.submit(order(9, symbol, limit=None))
    assert live.server.orders[-1].kind.lower() == "market"
    with pytest.raises(InvalidOrderError):
        await live.venue.submit(order(10, symbol, limit=None, tif=TimeInForce.FOK))


async def test_an_order_that_was_taken_while_nobody_answered_is_found(live: Setup) -> None:
    wanted = order(1, live.server.symbol)
    live.server.faults[live.server.create_path] = [Fault(acts=True, answer=(200, b"\x00garbage"))]
    with pytest.raises(OutcomeUnknownError):
        await live.venue.submit(wanted)
    assert live.updates == []
    told = await live.venue.order(wanted.client_order_id, wanted.symbol)
    assert told is not None
    assert told.state is OrderState.NEW
    assert live.said() == ["Accepted"]
    with pytest.raises(InvalidOrderError, match="has it already"):
        await live.venue.submit(wanted)
    assert live.creates == 1


@pytest.mark.parametrize("answer", [None, (504, b"gateway timeout"), (500, b""), (503, b"")])
async def test_an_order_that_was_taken_without_an_answer_is_found_by_asking(
    live: Setup, answer: tuple[int, bytes] | None
) -> None:
    live.server.faults[live.server.create_path] = [Fault(acts=True, answer=answer, silent=answer is None)]
    with pytest.raises(OutcomeUnknownError):
        await live.venue.submit(order(1, live.server.symbol))
    await live.venue.poll()
    assert live.said() == ["Accepted"]
    assert (live.creates, len(live.server.orders)) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [None, (500, b"oops"), (502, b""), (503, b"<html>maintenance</html>"), (200, b"{}"), (200, b"[1"), (200, b"")],
)
async def test_what_never_came_there_is_told_only_when_it_can_come_no_more(
    live: Setup, answer: tuple[int, bytes] | None
) -> None:
    wanted = order(1, live.server.symbol)
    live.server.faults[live.server.create_path] = [Fault(acts=False, answer=answer, silent=answer is None)]
    with pytest.raises(OutcomeUnknownError):
        await live.venue.submit(wanted)
    with pytest.raises(OutcomeUnknownError, match="on its way"):
        await live.venue.order(wanted.client_order_id, wanted.symbol)
    with pytest.raises(OutcomeUnknownError, match="on its way"):
        await live.venue.submit(wanted)
    await live.venue.poll()
    assert live.updates == []
    await live.clock.sleep(16)
    await live.venue.poll()
    assert live.said() == ["Rejected"]
    assert await live.venue.order(wanted.client_order_id, wanted.symbol) is None
    assert live.creates == 1
    await live.venue.submit(wanted)
    assert live.said() == ["Rejected", "Accepted"]


async def test_too_many_requests_are_not_done_and_slow_the_next(live: Setup) -> None:
    await live.venue.instruments()
    live.server.faults[live.server.create_path] = [
        Fault(acts=False, answer=(429, b'{"error":["EGeneral:Too many requests"]}'))
    ]
    with pytest.raises(RateLimitedError):
        await live.venue.submit(order(1, live.server.symbol))
    before = live.clock.monotonic()
    await live.venue.submit(order(1, live.server.symbol))
    assert live.said() == ["Accepted"]
    assert live.clock.monotonic() - before >= 29.9  # As its Retry-After said.


async def test_a_key_that_is_not_accepted() -> None:
    for server in (binance.BinanceServer(), kraken.KrakenServer()):
        async with trading(server, key="another-key") as live:
            with pytest.raises(AuthenticationError):
                await live.venue.submit(order(1, server.symbol))
            with pytest.raises(AuthenticationError):
                await live.venue.open_orders()
            assert server.orders == []


async def test_a_secret_that_is_not_the_keys() -> None:
    for server in (binance.BinanceServer(), kraken.KrakenServer()):
        async with trading(server, secret=kraken.SECRET[:44] * 2) as live:
            with pytest.raises(AuthenticationError):
                await live.venue.submit(order(1, server.symbol))
            assert (server.orders, live.updates) == ([], [])


async def test_maintenance_where_the_venue_says_so() -> None:
    async with trading(kraken.KrakenServer()) as live:
        said = (200, {"error": ["EService:Market in cancel_only mode"]})
        live.server.faults["AddOrder"] = [Fault(acts=False, answer=said)]
        with pytest.raises(VenueDownError):
            await live.venue.submit(order(1, live.server.symbol))
        await live.venue.submit(order(1, live.server.symbol))
        assert live.said() == ["Accepted"]


async def test_a_duplicate_is_no_rejection(live: Setup) -> None:
    wanted = order(1, live.server.symbol)
    async with trading(live.server, clock=live.clock) as other:  # Somebody else with this key.
        await other.venue.submit(wanted)
    await live.clock.sleep(1)
    with pytest.raises(OutcomeUnknownError, match=r"[Dd]uplicate"):
        await live.venue.submit(wanted)
    await live.venue.poll()
    assert live.said() == ["Accepted"]
    assert len(live.server.orders) == 1


async def test_a_cancel_and_one_that_comes_too_late(live: Setup) -> None:
    first, second = order(1, live.server.symbol), order(2, live.server.symbol)
    for wanted in (first, second):
        await live.venue.submit(wanted)
    live.server.fill(live.server.orders[0], "0.1", "20000")
    await live.venue.cancel(first.client_order_id)
    assert live.said() == ["Accepted", "Accepted", "Filled", "Canceled"]
    live.server.fill(live.server.orders[1], "0.5", "20000")
    await live.venue.cancel(second.client_order_id)
    assert live.said()[4:] == ["Filled", "CancelRejected"]
    last = live.updates[-1]
    assert isinstance(last, CancelRejected)
    assert last.reason is RejectReason.TOO_LATE
    await live.venue.cancel("nobody-sent-this")
    last = live.updates[-1]
    assert isinstance(last, CancelRejected)
    assert last.reason is RejectReason.UNKNOWN_ORDER


async def test_what_immediate_or_cancel_could_not_fill_is_canceled(live: Setup) -> None:
    await live.venue.submit(order(1, live.server.symbol, tif=TimeInForce.IOC))
    live.server.fill(live.server.orders[0], "0.1", "20000")
    # Binance calls this expired, Kraken canceled.
    live.server.orders[0].status = "expired" if live.server.name == "binance" else "canceled"
    await live.venue.poll()
    assert live.said() == ["Accepted", "Filled", "Canceled"]
    assert isinstance(live.updates[2], Canceled)


async def test_an_order_whose_time_is_over() -> None:
    async with trading(kraken.KrakenServer()) as live:
        await live.venue.submit(order(1, live.server.symbol, tif=TimeInForce.GTD, expires_at_ns=T0 + 60 * 10**9))
        live.server.orders[0].status = "expired"
        await live.venue.poll()
        assert isinstance(live.updates[1], Expired)
        with pytest.raises(InvalidOrderError, match="whole seconds"):
            await live.venue.submit(order(2, live.server.symbol, tif=TimeInForce.GTD, expires_at_ns=T0 + 1))


async def test_open_orders_are_all_of_the_account_also_after_a_restart(live: Setup) -> None:
    await live.venue.submit(order(1, live.server.symbol))
    await live.venue.submit(order(2, live.server.symbol, side=Side.SELL))
    live.server.fill(live.server.orders[0], "0.1", "20000")
    mine = {one.order.client_order_id: one for one in await live.venue.open_orders()}
    assert {one.order.side for one in mine.values()} == {Side.BUY, Side.SELL}
    await live.clock.sleep(1)
    async with trading(live.server, clock=live.clock) as later:
        again = {one.order.client_order_id: one for one in await later.venue.open_orders()}
        assert again.keys() == mine.keys()
        for name, one in again.items():
            assert (one.state, one.filled, one.fills) == (mine[name].state, mine[name].filled, mine[name].fills)
            assert (one.order.quantity, one.order.limit_price) == (Decimal("0.5"), Decimal(20000))
        with pytest.raises(OutcomeUnknownError, match="on its way"):
            # A request of the run before may arrive yet.
            await later.venue.order(order(3, live.server.symbol).client_order_id, live.server.symbol)
        await later.clock.sleep(16)
        assert await later.venue.order(order(3, live.server.symbol).client_order_id, live.server.symbol) is None
        await later.venue.cancel(order(2, live.server.symbol).client_order_id)
        assert live.server.orders[1].status == "canceled"


async def test_trades_that_lag_behind_their_order_are_waited_for_and_not_made_up(live: Setup) -> None:
    wanted = order(1, live.server.symbol)
    await live.venue.submit(wanted)
    live.server.fill(live.server.orders[0], "0.1", "20000")
    nothing: tuple[int, list[str]] | None
    path, nothing = ("myTrades", (200, [])) if live.server.name == "binance" else ("QueryTrades", None)
    if nothing is None:
        live.server.faults[path] = [Fault(acts=False, answer=(500, b""))]
        with pytest.raises(VenueError):
            await live.venue.poll()
    else:
        live.server.faults[path] = [Fault(acts=False, answer=nothing)] * 2
        await live.venue.poll()
        assert live.said() == ["Accepted", "Filled"]
        live.server.fill(live.server.orders[0], "0.1", "20000")
        live.server.faults[path] = [Fault(acts=False, answer=nothing)] * 4
        with pytest.raises(OutcomeUnknownError, match="another of its trades"):
            await live.venue.order(wanted.client_order_id, wanted.symbol)


async def test_thousands_of_trades_of_one_order(live: Setup) -> None:
    await live.venue.submit(order(1, live.server.symbol, quantity="1.2"))
    for _ in range(1200):
        live.server.fill(live.server.orders[0], "0.001", "20000")
    await live.venue.poll()
    assert live.said() == ["Accepted"] + ["Filled"] * 1200
    assert len({update.fill.fill_id for update in live.updates if isinstance(update, Filled)}) == 1200


async def test_neither_key_nor_secret_is_in_a_log_or_an_error(live: Setup, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await live.venue.submit(order(1, live.server.symbol))
    path = "order" if live.server.name == "binance" else "OpenOrders"
    live.server.faults[path] = [Fault(acts=False, answer=(500, b""))]
    with pytest.raises(VenueError) as caught:
        await live.venue.order(order(2, live.server.symbol).client_order_id, live.server.symbol)
    written = caplog.text + str(caught.value) + repr(caught.value.__cause__)
    for hidden in (*_SECRETS[live.server.name], "signature="):
        assert hidden not in written
    assert _SECRETS[live.server.name][1] not in repr(VenueCredentials(*map(SecretStr, _SECRETS[live.server.name])))


def test_without_a_sandbox_real_money_has_to_be_said() -> None:
    keys = VenueCredentials(SecretStr("key"), SecretStr("secret"))
    with pytest.raises(ExchangeError, match="has no sandbox"):
        CcxtVenue("kraken", keys, JumpingClock())
    with pytest.raises(ExchangeError, match="no venue that orders can go to"):
        CcxtVenue("mtgox", keys, JumpingClock())


async def test_an_order_that_nobody_follows_is_not_sent() -> None:
    async with serving(server := binance.BinanceServer()) as urls:
        keys = VenueCredentials(SecretStr(binance.API_KEY), SecretStr(binance.SECRET))
        venue = CcxtVenue("binance", keys, JumpingClock(), urls=urls)
        with pytest.raises(InvalidOrderError, match="on_update"):
            await venue.submit(order(1, server.symbol))
        await venue.close()
        assert server.orders == []


async def test_an_order_whose_sender_was_cancelled_is_followed_all_the_same(live: Setup) -> None:
    await live.venue.instruments()
    live.server.faults[live.server.create_path] = [Fault(acts=True, silent=True)]
    sending = asyncio.create_task(live.venue.submit(order(1, live.server.symbol)))
    while not live.server.orders:
        await asyncio.sleep(0.001)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert sending.cancelled()
    await live.venue.poll()
    assert [type(update) for update in live.updates] == [Accepted]


async def test_run_goes_on_after_a_venue_that_did_not_answer_and_ends_where_the_key_is_refused(live: Setup) -> None:
    await live.venue.submit(order(1, live.server.symbol))
    path = "order" if live.server.name == "binance" else "QueryOrders"
    live.server.faults[path] = [Fault(acts=False, answer=(500, b""))] * 2
    running = asyncio.create_task(live.venue.run())
    while live.server.faults[path]:
        await asyncio.sleep(0.001)
    live.server.fill(live.server.orders[0], "0.1", "20000")
    while live.said() != ["Accepted", "Filled"]:
        await asyncio.sleep(0.001)
    live.server.faults[path] = [Fault(acts=False, answer=(401, b""))]
    with pytest.raises(AuthenticationError):
        await asyncio.wait_for(running, 5)


async def test_a_full_queue_refuses_before_anything_is_sent() -> None:
    async with trading(binance.BinanceServer()) as live:
        await live.venue.instruments()
        done = await asyncio.gather(
            *(live.venue.submit(order(number, live.server.symbol)) for number in range(150)), return_exceptions=True
        )
        refused = [one for one in done if one is not None]
        assert refused
        assert all(isinstance(one, RateLimitedError) for one in refused)
        assert len(live.server.orders) == live.creates == 150 - len(refused) == len(live.updates)
