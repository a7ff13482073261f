"""ccxt's markets as instruments, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from noderr.types.trading import FieldError, Instrument


def instruments(markets: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """By symbol: the active spot pairs whose steps the venue tells. Others cannot be traded here.

    The markets have their numbers as Decimal (`number` of the exchange), made from the venue's own text.
    """
    found = {}
    for market in markets:
        if market.get("spot") and market.get("active") is not False:
            try:
                instrument = _instrument(market)
            except FieldError:
                continue  # Such as a market whose currency is no code of ours, or that has no lot.
            found[instrument.symbol] = instrument
    return found


def _instrument(market: Mapping[str, Any]) -> Instrument:
    """Raises `FieldError`."""
    precision, limits = market["precision"], market["limits"]
    tick = precision["price"]
    # Kraken tells digits and a tick, which may be coarser; ccxt takes the digits.
    if (text := market["info"].get("tick_size")) is not None:
        tick = Decimal(text)
    return Instrument(
        symbol=market["symbol"],
        tick_size=tick,
        lot_size=precision["amount"],
        min_quantity=limits["amount"]["min"] or Decimal(0),
        min_notional=limits["cost"]["min"] or Decimal(0),
    )
