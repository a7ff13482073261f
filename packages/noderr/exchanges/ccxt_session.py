"""ccxt's object for one account, tamed: our clock, our limits, exact numbers, one try, no secrets in logs."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import ssl
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from noderr.exchanges.ccxt_credentials import VenueCredentials
from noderr.exchanges.ccxt_dialect import Dialect
from noderr.exchanges.ccxt_import import ccxt_errors, exchange_class
from noderr.exchanges.errors import ExchangeError
from noderr.exchanges.rate_limits import RateLimits
from noderr.utils import Clock

_HOLD_SECONDS = 10.0
"""After "too many requests" from a venue that does not say for how long."""


def open_exchange(
    dialect: Dialect,
    credentials: VenueCredentials,
    limits: RateLimits,
    clock: Clock,
    *,
    sandbox: bool,
    timeout_seconds: float,
    urls: Mapping[str, str] | None,
) -> Any:
    """Nothing is sent yet; whoever opens it closes it. Raises `ExchangeError`."""
    if sandbox and not dialect.has_sandbox:
        raise ExchangeError(f"{dialect.name} has no sandbox: say sandbox=False to trade there, with real money")
    config = {
        "apiKey": credentials.api_key.get_secret_value(),
        "secret": credentials.api_secret.get_secret_value(),
        "timeout": round(timeout_seconds * 1000),
        "enableRateLimit": False,  # Ours has several pools, and is fair.
        **dialect.options,
    }
    exchange = exchange_class(dialect.name)(config)
    if sandbox:
        exchange.set_sandbox_mode(True)
    if urls is not None:
        exchange.urls["api"] = dict(urls)
        if all(url.startswith("http://") for url in urls.values()):
            exchange.timeout_on_exit = 0  # Only encrypted connections need time to end.
    exchange.ssl_context = _tls()
    exchange.number = Decimal
    exchange.on_json_response = _exact_json
    exchange.logger.setLevel(logging.INFO)  # Below that it writes the key and the signature.
    exchange.milliseconds = lambda: clock.now_ns() // 1_000_000
    if dialect.one_at_a_time:
        exchange.nonce = _Nonces(clock)
    exchange.fetch2 = _Limited(dialect, limits, exchange)
    return exchange


@functools.cache
def _tls() -> ssl.SSLContext:
    """Of the system's certificates, or those of SSL_CERT_FILE; not of certifi, which an image does not renew."""
    return ssl.create_default_context()


def _exact_json(text: str) -> Any:
    """Numbers as the text that they were sent as."""
    return json.loads(text, parse_float=str, parse_int=str)


class _Nonces:
    """The time in milliseconds, and never twice the same."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def __call__(self) -> int:
        self._last = max(self._last + 1, self._clock.now_ns() // 1_000_000)
        return self._last


class _Limited:
    """In place of ccxt's `fetch2`, which signs and sends: waits for its turn first."""

    def __init__(self, dialect: Dialect, limits: RateLimits, exchange: Any) -> None:
        self._dialect = dialect
        self._limits = limits
        self._exchange = exchange
        self._send = exchange.fetch2
        self._one = asyncio.Lock() if dialect.one_at_a_time else None

    async def __call__(self, path: str, api: Any = "public", method: str = "GET", *rest: Any, **named: Any) -> Any:
        await self._limits.acquire(self._dialect.costs(path, method))
        e = ccxt_errors()
        async with self._one or contextlib.nullcontext():
            try:
                return await self._send(path, api, method, *rest, **named)
            except (e.RateLimitExceeded, e.DDoSProtection):
                self._limits.hold(_asked_seconds(self._exchange.last_response_headers))
                raise


def _asked_seconds(headers: Mapping[str, str] | None) -> float:
    for name, value in (headers or {}).items():
        if name.lower() == "retry-after" and value.isdecimal():
            return float(value)
    return _HOLD_SECONDS
