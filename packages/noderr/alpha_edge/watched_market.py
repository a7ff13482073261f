"""The markets that an oracle forecasts, as its settings name them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from noderr.alpha_edge.errors import ParameterError

_MARKET = re.compile(r"([a-z][a-z0-9]{1,31}):([A-Z0-9]{2,12}/[A-Z0-9]{2,12})@([1-9][0-9]{0,4})", re.ASCII)
MOST_NAMES = 64
MOST_MARKETS = 16
LONGEST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class WatchedMarket:
    """A symbol, what its forecasts are for, and the venues that they are made of, in order; as text "BTC/USD@300"."""

    symbol: str
    horizon_seconds: int
    venues: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.symbol}@{self.horizon_seconds}"


def parse_markets(text: str) -> tuple[WatchedMarket, ...]:
    """The markets of "kraken:BTC/USD@300,binance:BTC/USD@300": here one. Raises `ParameterError`."""
    names = [_parse(part) for part in filter(None, map(str.strip, text.split(",")))]
    if len(set(names)) != len(names):
        raise ParameterError(f"{text[:200]!r} names a venue's market twice: name each once")
    if len(names) > MOST_NAMES:
        raise ParameterError(f"{len(names)} venues' markets are named: at most {MOST_NAMES} fit a node")
    markets = tuple(_joined(names))
    if len(markets) > MOST_MARKETS:
        raise ParameterError(f"{len(markets)} markets are named: at most {MOST_MARKETS} fit a slot")
    return markets


def _parse(part: str) -> tuple[str, str, int]:
    match = _MARKET.fullmatch(part)
    if match is None or int(match[3]) > LONGEST_SECONDS:
        raise ParameterError(
            f"{part[:80]!r} is no market: write <venue>:<BASE>/<QUOTE>@<seconds>, with 1 to {LONGEST_SECONDS} seconds, "
            f"such as kraken:BTC/USD@300"
        )
    return match[1], match[2], int(match[3])


def _joined(names: Iterable[tuple[str, str, int]]) -> Iterable[WatchedMarket]:
    venues: dict[tuple[str, int], list[str]] = {}
    for venue, symbol, horizon_seconds in names:
        venues.setdefault((symbol, horizon_seconds), []).append(venue)
    for (symbol, horizon_seconds), at in venues.items():
        yield WatchedMarket(symbol, horizon_seconds, tuple(sorted(at)))
