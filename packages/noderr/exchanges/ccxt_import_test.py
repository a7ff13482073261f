from __future__ import annotations

import subprocess
import sys

import pytest

from noderr.exchanges.ccxt_import import exchange_class
from noderr.exchanges.errors import ExchangeError

_ONE = """
import sys
import noderr.exchanges.ccxt_venue
assert not any(name.startswith(("ccxt", "aiohttp")) for name in sys.modules), "ccxt is loaded before it is needed"
from noderr.exchanges.ccxt_import import exchange_class
kraken = exchange_class("kraken")
assert kraken.__module__ == "ccxt.async_support.kraken"
assert "ccxt.async_support.binance" not in sys.modules and "ccxt.kraken" not in sys.modules
assert exchange_class("binance") is not kraken and exchange_class("kraken") is kraken
assert "ccxt.async_support.coinbase" not in sys.modules and "ccxt" not in sys.modules, "the others are loaded too"
import ccxt.async_support
assert ccxt.async_support.kraken is kraken and ccxt.InvalidOrder is ccxt.async_support.InvalidOrder
"""


def test_one_exchange_is_loaded_when_it_is_asked_for_and_whole_ccxt_still_works() -> None:
    done = subprocess.run([sys.executable, "-c", _ONE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_what_ccxt_does_not_have() -> None:
    with pytest.raises(ExchangeError, match="mtgox"):
        exchange_class("mtgox")
