"""What the journal keeps of a trade: enough to know, after any crash, what may have been sent and what was filled.

Each is on the disk before what follows from it leaves the node.
"""

from __future__ import annotations

import enum
from decimal import Decimal

import msgspec

from noderr.execution.errors import JournalError
from noderr.execution.mandate import Mandate
from noderr.types.trading import Fill, Order, OrderState


class FinishReason(enum.StrEnum):
    """Why a trade ended: all of it was filled, or what kept the rest from being."""

    FILLED = "filled"
    EXPIRED = "expired"
    NO_MARKET = "no-market"
    """Its time was over, and no venue ever had a price that it could be sent at."""
    ATTEMPTS = "attempts"
    """As many tries as are allowed left a rest."""
    SCHEDULE = "schedule"
    """The schedule has no more to send."""
    INTERRUPTED = "interrupted"
    """The node stopped in the middle; what its schedule had not yet handed out was left."""
    HALTED = "halted"


class TradeOpened(msgspec.Struct, frozen=True, tag="opened"):
    """From here on the trade's id is used up."""

    mandate: Mandate
    at_ns: int

    @property
    def trade_id(self) -> bytes:
        return self.mandate.trade_id


class SliceOpened(msgspec.Struct, frozen=True, tag="slice"):
    """So much more of the order may be sent, until then."""

    trade_id: bytes
    number: int
    quantity: Decimal
    until_ns: int


class ChildPlaced(msgspec.Struct, frozen=True, tag="placed"):
    """It is about to be sent; whether it was, only the venue knows. `attempt` counts within the slice, from 0."""

    trade_id: bytes
    slice: int
    attempt: int
    venue: str
    order: Order
    post_only: bool
    at_ns: int


class FillKnown(msgspec.Struct, frozen=True, tag="fill"):
    """The venue said so, at `at_ns` of our clock."""

    trade_id: bytes
    fill: Fill
    at_ns: int


class ChildEnded(msgspec.Struct, frozen=True, tag="ended"):
    """Nothing more can come of it: the venue said so, or it was never there. After `shuns` the venue gets no more."""

    trade_id: bytes
    client_order_id: str
    state: OrderState
    why: str
    shuns: bool
    at_ns: int


class TradeHalted(msgspec.Struct, frozen=True, tag="halted"):
    """Nothing more is sent for it, after a restart either."""

    trade_id: bytes
    why: str
    at_ns: int


class TradeFinished(msgspec.Struct, frozen=True, tag="finished"):
    """Its fills are those before this record."""

    trade_id: bytes
    reason: FinishReason
    at_ns: int


type Record = TradeOpened | SliceOpened | ChildPlaced | FillKnown | ChildEnded | TradeHalted | TradeFinished

_DECODER: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(
    TradeOpened | SliceOpened | ChildPlaced | FillKnown | ChildEnded | TradeHalted | TradeFinished
)


def encode_record(record: Record) -> bytes:
    return msgspec.msgpack.encode(record)


def decode_record(data: bytes) -> Record:
    """Raises `JournalError` for what is no record."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise JournalError(f"a record of {len(data)} bytes cannot be read: {error}") from error
