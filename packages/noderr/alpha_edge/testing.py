"""Made-up markets whose law is known, as streams of views; and transformations that a market's forecast must follow."""

from __future__ import annotations

from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading import Side
from noderr.types.trading.market_view import MarketView, PriceLevel, TradePrint
from noderr.utils.randomness import seeded

START_NS = 1_790_000_000_000_000_000
SYMBOL = "BTC/USD"
VENUE = "kraken"
TICK = Decimal("0.001")


def level(price: Decimal | str, size: Decimal | str) -> PriceLevel:
    return PriceLevel(price=Decimal(price), size=Decimal(size))


def view(
    bid: tuple[str, str] | None, ask: tuple[str, str] | None, *, at_ns: int = START_NS, sequence: int = 1
) -> MarketView:
    """Of one level a side; without both the book is unknown."""
    return MarketView(
        venue=VENUE,
        symbol=SYMBOL,
        received_ns=at_ns,
        sequence=sequence,
        bids=(level(*bid),) if bid else (),
        asks=(level(*ask),) if ask else (),
        trades=(),
        known=bool(bid or ask),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A bar's flow moves the mid by `foretold` ticks a unit of flow / depth, spread evenly over the next bar's views.

    Noise of `noise` ticks a view comes on top. With `bursts` it is tenfold in some bars, whose flows are tenfold too.
    """

    foretold: float
    noise: float
    bursts: bool = False
    bars: int = 180
    views_a_bar: int = 5
    bar_ns: int = 1_000_000_000


def simulate(law: Law, seed: int) -> list[MarketView]:
    """The first bar begins at `START_NS`; the last view is of just the end of the last bar."""
    rng = seeded(seed, "market")
    bid = Decimal(20_000)
    sizes = [50, 50]
    views: list[MarketView] = []
    step_ns = law.bar_ns // law.views_a_bar
    told = 0.0
    for bar in range(law.bars):
        burst = 10 if law.bursts and rng.random() < 0.2 else 1
        push = rng.gauss(0, 0.6) * burst
        flows, depths = 0.0, float(sum(sizes)) / 2
        for part in range(law.views_a_bar):
            before, was = tuple(sizes), bid
            for side, sign in ((0, 1), (1, -1)):
                sizes[side] = max(5, min(400, round(sizes[side] * 0.8 + 10 + 8 * sign * push + rng.gauss(0, 4))))
            bid += TICK * round(law.foretold * told / law.views_a_bar + rng.gauss(0, law.noise * burst))
            flows += _flow(was, before, bid, (sizes[0], sizes[1]))
            depths += sum(sizes) / 2
            views.append(_book(bid, sizes, START_NS + bar * law.bar_ns + (part + 1) * step_ns, len(views) + 1))
        told = flows / (depths / (law.views_a_bar + 1))
    return views


def _flow(was: Decimal, before: tuple[int, ...], bid: Decimal, now: tuple[int, int]) -> int:
    """Case by case, for a spread that never changes."""
    if bid > was:
        return now[0] + before[1]
    if bid < was:
        return -before[0] - now[1]
    return now[0] - before[0] - now[1] + before[1]


def _book(bid: Decimal, sizes: Sequence[int], at_ns: int, sequence: int) -> MarketView:
    trade = TradePrint(price=bid, quantity=Decimal(1), taker=Side.SELL, at_ns=at_ns)
    return MarketView(
        venue=VENUE,
        symbol=SYMBOL,
        received_ns=at_ns,
        sequence=sequence,
        bids=(level(bid, str(sizes[0])), level(bid - TICK, "70")),
        asks=(level(bid + 3 * TICK, str(sizes[1])), level(bid + 4 * TICK, "70")),
        trades=(trade,),
        known=True,
    )


def mirrored(views: Sequence[MarketView]) -> list[MarketView]:
    """Bids and asks exchanged, prices mirrored at the last mid, which stays what it is."""
    twice_mid = views[-1].bids[0].price + views[-1].asks[0].price

    def mirror(levels: tuple[PriceLevel, ...]) -> tuple[PriceLevel, ...]:
        return tuple(PriceLevel(price=twice_mid - one.price, size=one.size) for one in levels)

    return [replace(one, bids=mirror(one.asks), asks=mirror(one.bids)) for one in views]


def scaled(views: Sequence[MarketView], price: Decimal, size: Decimal) -> list[MarketView]:
    """All prices and all sizes times a factor."""

    def scale(levels: tuple[PriceLevel, ...]) -> tuple[PriceLevel, ...]:
        return tuple(PriceLevel(price=one.price * price, size=one.size * size) for one in levels)

    return [replace(one, bids=scale(one.bids), asks=scale(one.asks)) for one in views]
