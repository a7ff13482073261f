"""Requests are signed as the venues' own documents show it, and the servers of our tests check just that."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from pydantic import SecretStr

from noderr.exchanges import ccxt_binance_testing as binance
from noderr.exchanges import ccxt_kraken_testing as kraken
from noderr.exchanges.ccxt_binance import BinanceDialect
from noderr.exchanges.ccxt_credentials import VenueCredentials
from noderr.exchanges.ccxt_dialect import Dialect
from noderr.exchanges.ccxt_kraken import KrakenDialect
from noderr.exchanges.ccxt_session import open_exchange
from noderr.exchanges.ccxt_testing import JumpingClock, serving
from noderr.exchanges.rate_limits import RateLimits
from noderr.utils import ManualClock


def test_the_servers_check_what_is_published() -> None:
    assert binance.signature(binance.EXAMPLE) == binance.EXAMPLE_SIGNATURE
    assert kraken.signature(kraken.EXAMPLE_PATH, kraken.EXAMPLE) == kraken.EXAMPLE_SIGNATURE


async def test_krakens_example_comes_out_of_the_signer_to_the_byte() -> None:
    clock = ManualClock(int(kraken.EXAMPLE_NONCE) * 1_000_000)
    exchange = _exchange(KrakenDialect(), kraken.API_KEY, kraken.SECRET, clock)
    order = {"ordertype": "limit", "pair": "XBTUSD", "price": "37500", "type": "buy", "volume": "1.25"}
    signed = exchange.sign("AddOrder", "private", "POST", order)
    assert signed["body"] == kraken.EXAMPLE
    assert signed["headers"]["API-Sign"] == kraken.EXAMPLE_SIGNATURE
    again = exchange.sign("AddOrder", "private", "POST", order)
    assert dict(parse_qsl(again["body"]))["nonce"] == str(int(kraken.EXAMPLE_NONCE) + 1)


async def test_binances_example_has_its_signature_in_whatever_order_it_is_sent() -> None:
    clock = ManualClock(1499827319559 * 1_000_000)
    exchange = _exchange(BinanceDialect(), binance.API_KEY, binance.SECRET, clock)
    values = dict(parse_qsl(binance.EXAMPLE))
    sent = {name: value for name, value in values.items() if name not in ("timestamp", "recvWindow")}
    signed = exchange.sign("order", "private", "POST", {**sent, "newClientOrderId": "a"})
    body, _, signature = signed["body"].rpartition("&signature=")
    assert dict(parse_qsl(body)) == {**values, "newClientOrderId": "a"}
    assert signature == binance.signature(body)
    assert signed["headers"]["X-MBX-APIKEY"] == binance.API_KEY


def _exchange(dialect: Dialect, key: str, secret: str, clock: ManualClock | JumpingClock):  # type: ignore[no-untyped-def]
    return open_exchange(
        dialect,
        VenueCredentials(SecretStr(key), SecretStr(secret)),
        RateLimits(dialect.pools, clock),
        clock,
        sandbox=False,
        timeout_seconds=1,
        urls={"public": "http://127.0.0.1:9", "private": "http://127.0.0.1:9"},
    )


async def test_nonces_of_requests_at_the_same_time_arrive_in_their_order() -> None:
    server = kraken.KrakenServer()
    async with serving(server) as urls:
        dialect, clock = KrakenDialect(), JumpingClock()
        exchange = open_exchange(
            dialect,
            VenueCredentials(SecretStr(kraken.API_KEY), SecretStr(kraken.SECRET)),
            RateLimits(dialect.pools, clock),
            clock,
            sandbox=False,
            timeout_seconds=1,
            urls=urls,
        )
        await asyncio.gather(*(exchange.privatePostOpenOrders({}) for _ in range(10)))
        await exchange.close()
    nonces = [int(request.values["nonce"]) for request in server.requests]
    assert nonces == sorted(set(nonces))
