"""The queue model beside the truth: the same market with our order really in it, matched order by order.

The feed tells sizes and trades of the market without us. However it orders them, the simulation never fills more of our
order, or sooner, than the matching engine does. It fills just as much where nobody cancels and so much stands behind us
that whoever comes for more than is ahead of us is seen to trade.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.exchanges.matching_engine import MatchingEngine, NewOrder
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.testing import INSTRUMENT, order, simulated_venue, traded
from noderr.market_data.events import MarketEvent
from noderr.market_data.order_book import Level
from noderr.market_data.testing import T0, delta, moment, snapshot
from noderr.types.trading import Side, TimeInForce

OURS, LIMIT, SIZE = "o-1", 10_000, 6_000
BOOK_FIRST, TRADES_FIRST = True, False


@dataclass(frozen=True)
class Step:
    """What somebody does: offset is how far behind (makers) or beyond (takers) the touch they go."""

    kind: str
    side: Side
    size: int
    offset: int
    book_first: bool


def steps(*kinds: str, orders: st.SearchStrategy[bool]) -> st.SearchStrategy[list[Step]]:
    step = st.builds(
        Step,
        kind=st.sampled_from(kinds),
        side=st.sampled_from(Side),
        size=st.integers(1, 8).map(lambda lots: lots * 500),
        offset=st.integers(0, 3),
        book_first=orders,
    )
    return st.lists(step, min_size=5, max_size=40)


class World:
    """A market whose makers never meet the other side, so that others do the same with us and without us."""

    def __init__(self) -> None:
        self.engine = MatchingEngine(INSTRUMENT)
        self.made: list[str] = []

    def do(self, number: int, step: Step) -> list[tuple[int, int]]:
        """The trades, of a price and size each."""
        if step.kind == "cancel":
            if self.made:
                self.engine.cancel(self.made[step.size * 7 % len(self.made)])
            return []
        taker = step.kind == "take"
        touch = (LIMIT + 1 if step.side is Side.SELL else LIMIT) if not taker else LIMIT
        price = touch - step.side.sign * (step.offset if not taker else -step.offset)
        said = self.engine.submit(
            NewOrder(
                order_id=f"m-{number}",
                owner=f"m-{number}",
                side=step.side,
                size=step.size,
                price=price,
                time_in_force=TimeInForce.IOC if taker else TimeInForce.GTC,
                post_only=not taker,
            ),
            T0,
        )
        if said.resting:
            self.made.append(f"m-{number}")
        return [(one.price, one.size) for one in said.matches]

    def levels(self) -> tuple[dict[int, int], dict[int, int]]:
        return dict(self.engine.bids.levels(1000)), dict(self.engine.asks.levels(1000))


def changes(before: dict[int, int], after: dict[int, int]) -> tuple[Level, ...]:
    return tuple(
        (price, after.get(price, 0)) for price in before.keys() | after if before.get(price) != after.get(price)
    )


def tell(venue: SimulatedVenue, at: float, step: Step, world: World, number: int) -> None:
    """What a feed tells of that step, in the one order or in the other."""
    bids, asks = world.levels()
    trades = world.do(number, step)
    new_bids, new_asks = world.levels()
    book: list[MarketEvent] = [delta(at, changes(bids, new_bids), changes(asks, new_asks))]
    told: list[MarketEvent] = [
        traded(at, f"{price / 100:.2f}", f"{size / 1000:.3f}", step.side.value) for price, size in trades
    ]
    for event in [*book, *told] if step.book_first else [*told, *book]:
        venue.on_market(event, moment(at))


def compare(side: Side, before: list[Step], after: list[Step], exact: bool) -> int:
    """How much of our order was filled in truth."""
    alone, real, venue = World(), World(), simulated_venue("1000000", btc="1000000")
    venue.on_market(snapshot(0, (), ()), T0)
    # A bid and an ask so deep that the feed always tells what is at our price.
    for world in (alone, real):
        for number, (deep, price) in enumerate(((Side.BUY, LIMIT - 50), (Side.SELL, LIMIT + 50))):
            world.engine.submit(NewOrder(order_id=f"d-{number}", owner="d", side=deep, size=10**9, price=price), T0)
    bids, asks = alone.levels()
    venue.on_market(snapshot(0, tuple(bids.items()), tuple(asks.items())), T0)
    for number, step in enumerate(before):
        tell(venue, number / 100, step, alone, number)
        real.do(number, step)
    price = LIMIT if side is Side.BUY else LIMIT + 1
    at = len(before) / 100
    venue.submit(order(1, side, f"{SIZE / 1000}", f"{price / 100:.2f}"), moment(at))
    venue.on_time(moment(at))
    mine = NewOrder(order_id=OURS, owner="us", side=side, size=SIZE, price=price)
    assert real.engine.submit(mine, T0).resting == SIZE
    if exact:
        bids, asks = alone.levels()
        for world in (alone, real):
            world.engine.submit(NewOrder(order_id="behind", owner="b", side=side, size=10**8, price=price), T0)
        new_bids, new_asks = alone.levels()
        venue.on_market(delta(at, changes(bids, new_bids), changes(asks, new_asks)), moment(at))
    for number, step in enumerate(after, len(before)):
        tell(venue, (number + 1) / 100, step, alone, number)
        real.do(number, step)
        known = venue.order(OURS)
        assert known is not None
        simulated, true = known.filled * 1000, SIZE - real.engine.left(OURS)
        assert simulated == true if exact else simulated <= true
    return SIZE - real.engine.left(OURS)


ANY = st.booleans()


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(Side), steps("make", "take", "cancel", orders=ANY), steps("make", "take", "cancel", orders=ANY))
def test_never_more_and_never_sooner_than_in_truth(side: Side, before: list[Step], after: list[Step]) -> None:
    compare(side, before, after, exact=False)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(Side),
    steps("make", "take", "cancel", orders=ANY),
    steps("make", "take", orders=st.just(TRADES_FIRST)),
)
def test_just_as_in_truth_where_nobody_cancels(side: Side, before: list[Step], after: list[Step]) -> None:
    compare(side, before, after, exact=True)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(Side), steps("make", orders=ANY), steps("make", "take", orders=st.just(BOOK_FIRST)))
def test_just_as_in_truth_where_the_book_is_told_before_its_trades(
    side: Side, before: list[Step], after: list[Step]
) -> None:
    compare(side, before, after, exact=True)
