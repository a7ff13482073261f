"""For tests: frames as the venues document them."""

from __future__ import annotations

import json
from typing import Any

# The example of Kraken's own guide, "Book checksum (WebSocket v1)".
ASKS = [
    ["0.05005", "0.00000500"],
    ["0.05010", "0.00000500"],
    ["0.05015", "0.00000500"],
    ["0.05020", "0.00000500"],
    ["0.05025", "0.00000500"],
    ["0.05030", "0.00000500"],
    ["0.05035", "0.00000500"],
    ["0.05040", "0.00000500"],
    ["0.05045", "0.00000500"],
    ["0.05050", "0.00000500"],
]
BIDS = [
    ["0.05000", "0.00000500"],
    ["0.04995", "0.00000500"],
    ["0.04990", "0.00000500"],
    ["0.04980", "0.00000500"],
    ["0.04975", "0.00000500"],
    ["0.04970", "0.00000500"],
    ["0.04965", "0.00000500"],
    ["0.04960", "0.00000500"],
    ["0.04955", "0.00000500"],
    ["0.04950", "0.00000500"],
]
CHECKSUM = 974947235
TIME = "1582905487.439814"


def kraken_frame(*parts: dict[str, Any], channel: str = "book-10", pair: str = "XBT/USD") -> bytes:
    return json.dumps([336, *parts, channel, pair]).encode()


def kraken_levels(side: list[list[str]]) -> list[list[str]]:
    return [[*level, TIME] for level in side]


SNAPSHOT = kraken_frame({"as": kraken_levels(ASKS), "bs": kraken_levels(BIDS)})
# Sets a level to what it is: the book, and so its checksum, stays the same.
SAME = {"a": kraken_levels(ASKS[:1]), "c": str(CHECKSUM)}


def binance_frame(kind: str, name: str = "btcusdt", **data: Any) -> bytes:
    return json.dumps({"stream": f"{name}@{kind}", "data": {"s": "BTCUSDT", "E": 1_633_998_512_068, **data}}).encode()


def binance_depth(
    first: int, last: int, bids: list[list[str]] | None = None, asks: list[list[str]] | None = None
) -> bytes:
    return binance_frame("depth@100ms", U=first, u=last, b=bids or [], a=asks or [])


def binance_ticker(update: int, bid: str, bid_size: str, ask: str, ask_size: str) -> bytes:
    return binance_frame("bookTicker", u=update, b=bid, B=bid_size, a=ask, A=ask_size)


def binance_trade(number: int, price: str = "100.5") -> bytes:
    return binance_frame("aggTrade", a=number, p=price, q="0.25", T=1_633_998_512_070, m=True)


def binance_snapshot(last: int) -> bytes:
    return json.dumps({"lastUpdateId": last, "bids": [["100", "1"], ["99", "2"]], "asks": [["101", "3"]]}).encode()
