"""Order flow imbalance: by how much the buying pressure at the best prices grew from one view of a book to the next.

Cont, Kukanov and Stoikov (2014), "The price impact of order book events", J. Financial Econometrics 12(1), eq. (3):

    e = [P_b >= P_b'] q_b - [P_b <= P_b'] q_b' - [P_a <= P_a'] q_a + [P_a >= P_a'] q_a'

with the view before marked by '. The sum over deeper levels follows Xu, Gould and Howison (2018), "Multi-level
order-flow imbalance in a limit order book", whose level m does the same with the m-th best prices.
"""

from __future__ import annotations

from decimal import Decimal

from noderr.types.trading.decimals import add, multiply
from noderr.types.trading.market_view import MarketView, PriceLevel

_ZERO = Decimal(0)
_HALF = Decimal("0.5")


def order_flow(before: MarketView, now: MarketView, levels: int = 1) -> Decimal:
    """In base, exact, over those of the first `levels` that both views have on both sides. Raises `InexactError`."""
    total = _ZERO
    sides = zip(before.bids, now.bids, before.asks, now.asks, strict=False)
    for _, (bid_before, bid, ask_before, ask) in zip(range(levels), sides, strict=False):
        total = add(total, add(_bid_flow(bid_before, bid), _ask_flow(ask_before, ask)))
    return total


def depth(view: MarketView, levels: int = 1) -> Decimal:
    """What rests on a side on average, in base, over the first `levels`. Raises `InexactError`."""
    total = _ZERO
    for level in (*view.bids[:levels], *view.asks[:levels]):
        total = add(total, level.size)
    return multiply(total, _HALF)


def _bid_flow(before: PriceLevel, now: PriceLevel) -> Decimal:
    came = now.size if now.price >= before.price else _ZERO
    went = before.size if now.price <= before.price else _ZERO
    return add(came, went.copy_negate())


def _ask_flow(before: PriceLevel, now: PriceLevel) -> Decimal:
    came = now.size if now.price <= before.price else _ZERO
    went = before.size if now.price >= before.price else _ZERO
    return add(went, came.copy_negate())
