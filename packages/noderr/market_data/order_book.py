"""A level-2 order book in whole units: exact and sorted, the best prices last so that most changes are cheap."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass

from noderr.market_data.errors import BookError
from noderr.market_data.units import Scale

type Level = tuple[int, int]
"""Price and size, in the units of the book's scale."""


class BookSide:
    """One side. `direction` is 1 for bids, where the highest price is the best, and -1 for asks."""

    __slots__ = ("_direction", "_keys", "_sizes")

    def __init__(self, direction: int) -> None:
        self._direction = direction
        self._sizes: dict[int, int] = {}
        self._keys: list[int] = []  # price * direction, ascending: the best is the last.

    def __len__(self) -> int:
        return len(self._keys)

    def set(self, price: int, size: int) -> None:
        """The size at a price from now on; 0 takes the level away, and it need not be there."""
        sizes = self._sizes
        if size:
            if price not in sizes:
                insort(self._keys, price * self._direction)
            sizes[price] = size
        elif sizes.pop(price, None) is not None:
            del self._keys[bisect_left(self._keys, price * self._direction)]

    def load(self, levels: Iterable[Level]) -> None:
        """Replace everything. Raises `BookError` for a level twice, a size of 0 or a price that is not positive."""
        pairs = list(levels)
        sizes = dict(pairs)
        if len(sizes) != len(pairs) or not all(price > 0 and size > 0 for price, size in pairs):
            raise BookError("a snapshot has a price twice, or a price or size that is not positive: ask for it again")
        self._sizes = sizes
        self._keys = sorted(price * self._direction for price in sizes)

    def truncate(self, depth: int) -> None:
        """Keep the best `depth` levels."""
        if (extra := len(self._keys) - depth) > 0:
            for key in self._keys[:extra]:
                del self._sizes[key * self._direction]
            del self._keys[:extra]

    def best(self) -> Level | None:
        if not self._keys:
            return None
        price = self._keys[-1] * self._direction
        return price, self._sizes[price]

    def top(self, count: int) -> list[Level]:
        """The best first, at most `count`."""
        sizes, direction = self._sizes, self._direction
        return [(price, sizes[price]) for key in self._keys[: -count - 1 : -1] for price in (key * direction,)]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What taking a size from one side would meet: `cost` in price units x size units; nothing is rounded."""

    filled: int
    unfilled: int
    cost: int
    worst_price: int | None


class OrderBook:
    """Bids and asks of one market. `depth` is how many levels of a side are kept; all when None."""

    __slots__ = ("asks", "bids", "depth", "scale")

    def __init__(self, scale: Scale, depth: int | None = None) -> None:
        """Raises `BookError`."""
        if depth is not None and depth < 1:
            raise BookError(f"depth is {depth}: a book has at least one level")
        self.scale = scale
        self.depth = depth
        self.bids = BookSide(1)
        self.asks = BookSide(-1)

    def load(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace both sides. Raises `BookError`."""
        self.bids.load(bids)
        self.asks.load(asks)

    def apply(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Set the sizes at these prices, in this order; 0 removes. Raises `BookError` for what no level has."""
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                if price <= 0 or size < 0:
                    raise BookError(
                        f"a level of price {price} and size {size}: a price is positive, a size not below 0"
                    )
                side.set(price, size)
            if self.depth is not None:
                side.truncate(self.depth)

    def is_crossed(self) -> bool:
        """Whether somebody bids as much as somebody asks, which a matching engine does not leave so."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]

    def sweep(self, side: BookSide, size: int) -> Sweep:
        """What a market order of `size` units against that side of this book would meet. Raises `BookError`."""
        if size <= 0:
            raise BookError(f"size is {size}: it must be above 0")
        left, cost, worst = size, 0, None
        for price, there in side.top(len(side)):
            taken = min(left, there)
            left -= taken
            cost += taken * price
            worst = price
            if not left:
                break
        return Sweep(size - left, left, cost, worst)
