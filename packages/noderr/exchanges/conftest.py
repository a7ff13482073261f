from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from noderr.exchanges.ccxt_binance_testing import BinanceServer
from noderr.exchanges.ccxt_kraken_testing import KrakenServer
from noderr.exchanges.ccxt_trading_testing import Server, Setup, trading


@pytest.fixture(params=[BinanceServer, KrakenServer])
async def live(request: pytest.FixtureRequest) -> AsyncIterator[Setup]:
    make: Callable[[], Server] = request.param
    async with trading(make()) as setup:
        yield setup
