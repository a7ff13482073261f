"""What a simulated venue lists, and whether it takes an order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.exchanges.updates import RejectReason
from noderr.exchanges.venue import FeeSchedule
from noderr.types.trading import FieldError, InexactError, Instrument, Order
from noderr.types.trading.decimals import is_multiple


@dataclass(frozen=True, slots=True)
class Listing:
    """A market, and what it costs us there."""

    instrument: Instrument
    fees: FeeSchedule


def broken_rule(order: Order, instrument: Instrument, price: Decimal | None) -> tuple[RejectReason, str] | None:
    """The first rule that `order` breaks, and the words for it. `price` is what its least notional is reckoned at."""
    try:
        if order.limit_price is not None:
            instrument.check_price(order.limit_price)
    except FieldError as error:
        return RejectReason.OFF_TICK, str(error)
    try:
        instrument.check_quantity(order.quantity, price)
    except FieldError as error:
        on_lot = is_multiple(order.quantity, instrument.lot_size)
        return RejectReason.BELOW_MINIMUM if on_lot else RejectReason.OFF_LOT, str(error)
    except InexactError as error:
        return RejectReason.OTHER, str(error)
    return None
