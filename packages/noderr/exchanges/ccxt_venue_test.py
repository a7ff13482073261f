from __future__ import annotations

from decimal import Decimal

import pytest

from noderr.exchanges import ccxt_kraken_testing as kraken
from noderr.exchanges.ccxt_testing import T0, order
from noderr.exchanges.ccxt_trading_testing import Setup, trading
from noderr.exchanges.errors import (
    InvalidOrderError,
    OutcomeUnknownError,
)
from noderr.exchanges.updates import (
    Canceled,
    CancelRejected,
    Expired,
    Filled,
    Rejected,
    RejectReason,
)
from noderr.exchanges.venue import Balance, FeeSchedule, Venue
from noderr.types.trading import Instrument, Money, OrderState, Side, TimeInForce


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


async def test_thousands_of_trades_of_one_order(live: Setup) -> None:
    await live.venue.submit(order(1, live.server.symbol, quantity="1.2"))
    for _ in range(1200):
        live.server.fill(live.server.orders[0], "0.001", "20000")
    await live.venue.poll()
    assert live.said() == ["Accepted"] + ["Filled"] * 1200
    assert len({update.fill.fill_id for update in live.updates if isinstance(update, Filled)}) == 1200
