"""What is kept of a market on the disk: its best prices, its trades, and from when to when both were known."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec


class Known(msgspec.Struct, frozen=True, array_like=True, tag="k"):
    """From here on every change is recorded; the `Quote` that stands is next."""

    received_ns: int


class Lost(msgspec.Struct, frozen=True, array_like=True, tag="x"):
    """From here to the next `Known` nobody knows, and what was recorded after `since_ns` may be wrong."""

    received_ns: int
    reason: str
    since_ns: int


class Quote(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """The best prices (quote per base) and their sizes (base) from now on; None where a side is empty."""

    received_ns: int
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None


class Print(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """A trade. `price` in quote per base, `quantity` in base, `event_ns` as the venue says."""

    received_ns: int
    event_ns: int
    price: Decimal
    quantity: Decimal
    taker: Literal["buy", "sell"]
    trade_id: str | None


type Record = Known | Lost | Quote | Print

_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Known | Lost | Quote | Print)
_encoder = msgspec.msgpack.Encoder()


def record_bytes(record: Record) -> bytes:
    return _encoder.encode(record)


def record_from(content: bytes) -> Record:
    """Raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    return _decoder.decode(content)
