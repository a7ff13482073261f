from __future__ import annotations

import asyncio
import logging

import pytest
from pydantic import SecretStr

from noderr.exchanges import ccxt_binance_testing as binance
from noderr.exchanges import ccxt_kraken_testing as kraken
from noderr.exchanges.ccxt_credentials import VenueCredentials
from noderr.exchanges.ccxt_testing import Fault, JumpingClock, order, serving
from noderr.exchanges.ccxt_trading_testing import KEYS, Setup, trading, until
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
)
from noderr.types.trading import OrderState


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


async def test_neither_key_nor_secret_is_in_a_log_or_an_error(live: Setup, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await live.venue.submit(order(1, live.server.symbol))
    path = "order" if live.server.name == "binance" else "OpenOrders"
    live.server.faults[path] = [Fault(acts=False, answer=(500, b""))]
    with pytest.raises(VenueError) as caught:
        await live.venue.order(order(2, live.server.symbol).client_order_id, live.server.symbol)
    written = caplog.text + str(caught.value) + repr(caught.value.__cause__)
    for hidden in (*KEYS[live.server.name], "signature="):
        assert hidden not in written
    assert KEYS[live.server.name][1] not in repr(VenueCredentials(*map(SecretStr, KEYS[live.server.name])))


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
    await until(lambda: bool(live.server.orders))
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
    await until(lambda: not live.server.faults[path])
    live.server.fill(live.server.orders[0], "0.1", "20000")
    await until(lambda: live.said() == ["Accepted", "Filled"])
    live.server.faults[path] = [Fault(acts=False, answer=(401, b""))]
    with pytest.raises(AuthenticationError):
        await asyncio.wait_for(running, 5)


async def test_a_full_queue_refuses_before_anything_is_sent() -> None:
    async with trading(binance.BinanceServer(), timeout_seconds=60) as live:
        await live.venue.instruments()
        done = await asyncio.gather(
            *(live.venue.submit(order(number, live.server.symbol)) for number in range(150)), return_exceptions=True
        )
        refused = [one for one in done if one is not None]
        assert refused
        assert all(isinstance(one, RateLimitedError) for one in refused)
        assert len(live.server.orders) == live.creates == 150 - len(refused) == len(live.updates)
