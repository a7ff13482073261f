"""What a venue says about orders. Each names our own id of the order; times are ns UTC, the venue's where it tells one.

A fill that comes twice has the same `fill_id`. Updates of one order may come late, twice or in another order than they
happened; whoever reads them takes `noderr.types.trading.check_transition` as the judge.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading import Fill, Order, OrderState
from noderr.types.trading.checks import check_id, check_number, check_time
from noderr.types.trading.errors import FieldError


class RejectReason(enum.StrEnum):
    """Why a venue did not take an order or a cancel."""

    UNKNOWN_SYMBOL = "unknown-symbol"
    OFF_TICK = "off-tick"
    OFF_LOT = "off-lot"
    BELOW_MINIMUM = "below-minimum"
    INSUFFICIENT_FUNDS = "insufficient-funds"
    WOULD_TAKE = "would-take"
    """A post-only order that met the book."""
    CANNOT_FILL = "cannot-fill"
    """A fill-or-kill order that the book could not fill."""
    NO_MARKET = "no-market"
    """The book is not known at this moment."""
    DUPLICATE_ID = "duplicate-id"
    UNKNOWN_ORDER = "unknown-order"
    TOO_LATE = "too-late"
    """The order is over already."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfOrder:
    """What every word about an order has."""

    client_order_id: str
    at_ns: int

    def __post_init__(self) -> None:
        check_id(self, "client_order_id", self.client_order_id)
        check_time(self, "at_ns", self.at_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(_OfOrder):
    """The venue has the order."""

    venue_order_id: str

    def __post_init__(self) -> None:
        _OfOrder.__post_init__(self)
        check_id(self, "venue_order_id", self.venue_order_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(_OfOrder):
    """The venue does not have it, and never had. `detail` is the venue's own words."""

    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A part of it was traded, or all that was left."""

    fill: Fill

    @property
    def client_order_id(self) -> str:
        return self.fill.client_order_id

    @property
    def at_ns(self) -> int:
        return self.fill.at_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled(_OfOrder):
    """What was left is gone: on our wish, or what an IOC order could not fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired(_OfOrder):
    """What was left is gone: its time was over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRejected(_OfOrder):
    """The cancel had no effect."""

    reason: RejectReason
    detail: str


type OrderUpdate = Accepted | Rejected | Filled | Canceled | Expired | CancelRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """The venue's word on one order, when asked: `filled` in base, and its fills so far, ascending by time.

    `state` is one of NEW, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED and EXPIRED.
    """

    order: Order
    venue_order_id: str
    state: OrderState
    filled: Decimal
    fills: tuple[Fill, ...]
    as_of_ns: int

    def __post_init__(self) -> None:
        check_id(self, "venue_order_id", self.venue_order_id)
        check_number(self, "filled", self.filled, least=0)
        check_time(self, "as_of_ns", self.as_of_ns)
        if self.state in (OrderState.CREATED, OrderState.PENDING_NEW, OrderState.PENDING_CANCEL, OrderState.UNKNOWN):
            raise FieldError("VenueOrder", "state", self.state, "a state that a venue knows")
        if sum((fill.quantity for fill in self.fills), Decimal(0)) != self.filled:
            raise FieldError("VenueOrder", "filled", self.filled, "what its fills add up to")
        if self.filled > self.order.quantity:
            raise FieldError(
                "VenueOrder", "filled", self.filled, f"at most {self.order.quantity}, the order's quantity"
            )
