"""Why an order is denied: stable names, for logs, metrics and reports."""

from __future__ import annotations

from enum import StrEnum


class ReasonCode(StrEnum):
    """A name that was ever given keeps its meaning."""

    # What trades at all.
    TRADING_HALTED = "trading-halted"
    NOT_REDUCING = "not-reducing"
    # The order by itself.
    UNKNOWN_INSTRUMENT = "unknown-instrument"
    WRONG_CURRENCY = "wrong-currency"
    MARKET_ORDER = "market-order"
    OFF_TICK = "off-tick"
    OFF_LOT = "off-lot"
    QUANTITY_TOO_SMALL = "quantity-too-small"
    NOTIONAL_TOO_SMALL = "notional-too-small"
    ORDER_STALE = "order-stale"
    ORDER_FROM_FUTURE = "order-from-future"
    ORDER_EXPIRED = "order-expired"
    # What it is judged by.
    SNAPSHOT_STALE = "snapshot-stale"
    SNAPSHOT_FROM_FUTURE = "snapshot-from-future"
    EQUITY_NOT_POSITIVE = "equity-not-positive"
    REFERENCE_MISSING = "reference-missing"
    REFERENCE_NOT_A_PRICE = "reference-not-a-price"
    REFERENCE_STALE = "reference-stale"
    REFERENCE_FROM_FUTURE = "reference-from-future"
    POSITION_UNPRICED = "position-unpriced"
    # Size and price.
    QUANTITY_TOO_LARGE = "quantity-too-large"
    NOTIONAL_TOO_LARGE = "notional-too-large"
    ORDER_FRACTION = "order-fraction"
    PRICE_COLLAR = "price-collar"
    # What would be held after it.
    SYMBOL_EXPOSURE = "symbol-exposure"
    GROUP_EXPOSURE = "group-exposure"
    GROSS_EXPOSURE = "gross-exposure"
    NET_EXPOSURE = "net-exposure"
    NOT_ENOUGH_CASH = "not-enough-cash"
    SHORT_SALE = "short-sale"
    TOO_MANY_OPEN_ORDERS = "too-many-open-orders"
    # What was lost.
    DAILY_LOSS = "daily-loss"
    DRAWDOWN = "drawdown"
    # What was approved before.
    DUPLICATE_ID = "duplicate-id"
    DUPLICATE_ORDER = "duplicate-order"
    REPEATED_ORDER = "repeated-order"
    TOO_MANY_CHILDREN = "too-many-children"
    ORDERS_PER_SECOND = "orders-per-second"
    ORDERS_PER_MINUTE = "orders-per-minute"
    TURNOVER = "turnover"
