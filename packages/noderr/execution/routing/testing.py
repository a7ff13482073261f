"""Books and pools for tests of the router."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from noderr.execution.routing import ClobCurve, RoutePlan
from noderr.types.trading import Instrument, Side

FEES = st.sampled_from(["0", "0.0005", "0.001", "0.0026", "0.01", "-0.0001"]).map(Decimal)
SIDES = st.sampled_from(Side)


def instrument(
    lot: str = "1", *, tick: str = "0.01", min_quantity: str = "0", min_notional: str = "0", symbol: str = "ETH/USD"
) -> Instrument:
    return Instrument(
        symbol=symbol,
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        min_quantity=Decimal(min_quantity),
        min_notional=Decimal(min_notional),
    )


def book(
    levels: Iterable[tuple[str | int, str | int]],
    *,
    side: Side = Side.BUY,
    fee: str = "0",
    of: Instrument | None = None,
) -> ClobCurve:
    """The curve of levels given as price and size, the best first."""
    pairs = [(Decimal(price), Decimal(size)) for price, size in levels]
    return ClobCurve.of(side, pairs, taker_fee=Decimal(fee), instrument=of or instrument())


@st.composite
def levels(draw: st.DrawFn, side: Side, *, most: int = 6, largest: int = 9) -> list[tuple[Decimal, Decimal]]:
    """One to `most` levels around 100 in cents, of whole sizes."""
    prices = draw(st.lists(st.integers(9_900, 10_100), min_size=1, max_size=most, unique=True))
    return [
        (Decimal(price) / 100, Decimal(draw(st.integers(1, largest))))
        for price in sorted(prices, reverse=side is Side.SELL)
    ]


def shares(plan: RoutePlan) -> dict[str, Decimal]:
    """The quantity of each venue that gets some."""
    return {child.venue: child.quantity for child in plan.children}


def exact_sum(numbers: Iterable[Decimal]) -> Fraction:
    return sum(map(Fraction, numbers), Fraction(0))
