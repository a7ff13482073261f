"""How many orders a second of processor time the matching engine takes, beside peers in the same run.

    python -m noderr.exchanges.matching_bench [--orders 20000] [--repeats 3]

One stream for all: limit orders around a price that wanders, a third of which meet the other side, and cancels. The
naive book sorts one list anew for every order. lightmatchingengine 2019.1.4 (pure Python, no dependency of ours) takes
part where it is installed. Each gets its orders in the form it takes them, which is not counted. The books that they
end with must be the same.
"""

from __future__ import annotations

import argparse
import importlib
import random
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import ModuleType
from typing import Any

from noderr.exchanges.matching_engine import MatchingEngine, NewOrder
from noderr.exchanges.matching_testing import NaiveBook
from noderr.types.trading import Instrument, Side

_INSTRUMENT = Instrument(
    symbol="XMR/USD", tick_size=Decimal(1), lot_size=Decimal(1), min_quantity=Decimal(1), min_notional=Decimal(0)
)
_LEVELS = 1_000

type Levels = list[tuple[int, int]]
type Run = tuple[float, Levels, Levels]


def stream(count: int) -> list[NewOrder | str]:
    """Orders, and ids that are canceled; two cancels to five orders, as books stay about as deep as they are."""
    chosen = random.Random(7)  # noqa: S311  (a benchmark)
    price, made, steps = 10_000, 0, list[NewOrder | str]()
    while len(steps) < count:
        if made > 500 and chosen.random() < 0.4:
            steps.append(f"o{made - chosen.randrange(1, 500)}")
            continue
        price += chosen.choice((-1, 0, 1))
        side = chosen.choice(tuple(Side))
        away = chosen.randrange(-5, 12)
        steps.append(
            NewOrder(
                order_id=f"o{made}",
                owner=f"p{made}",
                side=side,
                size=chosen.randrange(1, 100),
                price=price - away * side.sign,
            )
        )
        made += 1
    return steps


def ours(steps: Sequence[NewOrder | str]) -> Run:
    engine = MatchingEngine(_INSTRUMENT)
    began = time.process_time()
    for step in steps:
        if isinstance(step, str):
            engine.cancel(step)
        else:
            engine.submit(step, 0)
    return time.process_time() - began, engine.bids.levels(_LEVELS), engine.asks.levels(_LEVELS)


def naive(steps: Sequence[NewOrder | str]) -> Run:
    book = NaiveBook()
    began = time.process_time()
    for step in steps:
        if isinstance(step, str):
            book.cancel(step)
        else:
            book.submit(step, 0)
    return time.process_time() - began, book.levels(Side.BUY), book.levels(Side.SELL)


def light(steps: Sequence[NewOrder | str], library: ModuleType) -> Run:
    engine, made = library.LightMatchingEngine(), dict[str, Any]()
    sides = {Side.BUY: library.Side.BUY, Side.SELL: library.Side.SELL}
    began = time.process_time()
    for step in steps:
        if not isinstance(step, str):
            made[step.order_id], _ = engine.add_order("XMR/USD", step.price, step.size, sides[step.side])
        elif made[step].leaves_qty:  # It cannot be asked to cancel what is filled.
            engine.cancel_order(made[step].order_id, "XMR/USD")
    took = time.process_time() - began
    book = engine.order_books["XMR/USD"]
    bids, asks = (
        sorted((price, size) for price, orders in side.items() if (size := sum(order.leaves_qty for order in orders)))
        for side in (book.bids, book.asks)
    )
    return took, bids[::-1], asks


def installed(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    steps = stream(options.orders)
    subjects: dict[str, Callable[[Sequence[NewOrder | str]], Run]] = {"ours": ours, "naive": naive}
    if (library := installed("lightmatchingengine.lightmatchingengine")) is not None:
        subjects["lightmatchingengine"] = lambda some: light(some, library)
    best: dict[str, float] = {}
    for _ in range(options.repeats):
        books = set()
        for name, run in subjects.items():
            took, bids, asks = run(steps)
            best[name] = min(best.get(name, float("inf")), took)
            books.add((tuple(bids), tuple(asks)))
        if len(books) != 1:
            raise SystemExit("the books that they end with differ")
    for name, seconds in best.items():
        print(f"{name:20} {len(steps) / seconds:10,.0f} orders/s  {best['ours'] / seconds:5.2f} x ours")


if __name__ == "__main__":
    main()
