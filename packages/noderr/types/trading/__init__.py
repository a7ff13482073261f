"""Money, instruments, orders, fills, positions and signals: records that cannot hold a value which makes no sense."""

from noderr.types.trading.decimals import decimal_text, from_base_units, parse_decimal, to_base_units
from noderr.types.trading.errors import CurrencyError, FieldError, InexactError, TransitionError
from noderr.types.trading.fill import Fill, Liquidity
from noderr.types.trading.instrument import Instrument
from noderr.types.trading.money import Money
from noderr.types.trading.order import Order, OrderType, Side, TimeInForce
from noderr.types.trading.order_state import OrderState, check_transition
from noderr.types.trading.position import Position
from noderr.types.trading.signal import SIGNAL_TYPE, Direction, Signal

__all__ = [
    "SIGNAL_TYPE",
    "CurrencyError",
    "Direction",
    "FieldError",
    "Fill",
    "InexactError",
    "Instrument",
    "Liquidity",
    "Money",
    "Order",
    "OrderState",
    "OrderType",
    "Position",
    "Side",
    "Signal",
    "TimeInForce",
    "TransitionError",
    "check_transition",
    "decimal_text",
    "from_base_units",
    "parse_decimal",
    "to_base_units",
]
