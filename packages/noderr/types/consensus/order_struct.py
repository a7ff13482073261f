"""An order as a member of EIP-712 structs: what approves it and what reports it sign the same words."""

from __future__ import annotations

from collections.abc import Mapping

from noderr.types.trading.decimals import decimal_text
from noderr.types.trading.order import Order

ORDER_STRUCT = (
    "Order(string clientOrderId,string symbol,string side,string orderType,string quantity,string limitPrice,"
    "string timeInForce,uint64 expiresAtNs,uint64 createdAtNs)"
)


def order_struct(order: Order) -> Mapping[str, object]:
    """The members of `ORDER_STRUCT`."""
    # What is None has a writing that no value has: a price is above 0 and never empty, a time is after 2001.
    return {
        "clientOrderId": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "orderType": order.type.value,
        "quantity": decimal_text(order.quantity),
        "limitPrice": "" if order.limit_price is None else decimal_text(order.limit_price),
        "timeInForce": order.time_in_force.value,
        "expiresAtNs": order.expires_at_ns or 0,
        "createdAtNs": order.created_at_ns,
    }
