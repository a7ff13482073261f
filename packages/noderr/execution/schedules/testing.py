"""For tests: a parent order, a market that trades as told, and a driver that plays a schedule to its end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.schedule import Schedule, Slice
from noderr.market_data.events import Trade
from noderr.types.trading import Instrument, Order, OrderType, Side

SECOND_NS = 1_000_000_000
START_NS = 1_790_000_000 * SECOND_NS
SYMBOL = "BTC/USD"


def parent(lots: int = 1000, least_lots: int = 1, side: Side = Side.BUY, lot: str = "0.01", **changes: Any) -> Parent:
    instrument = Instrument(
        symbol=SYMBOL,
        tick_size=Decimal("0.01"),
        lot_size=Decimal(lot),
        min_quantity=Decimal(lot) * least_lots,
        min_notional=Decimal(0),
    )
    usual: dict[str, Any] = {
        "client_order_id": "parent-1",
        "symbol": SYMBOL,
        "side": side,
        "type": OrderType.LIMIT,
        "quantity": Decimal(lot) * lots,
        "limit_price": Decimal(100),
        "created_at_ns": START_NS,
    }
    return Parent(Order(**usual | changes), instrument)


def trade(seconds: float, quantity: Decimal | str | int, symbol: str = SYMBOL) -> Trade:
    """`seconds` after the start."""
    at_ns = moment(seconds)
    return Trade(
        venue="kraken",
        symbol=symbol,
        price=Decimal(100),
        quantity=Decimal(quantity),
        taker="buy",
        trade_id=None,
        event_ns=at_ns,
        received_ns=at_ns,
    )


def moment(seconds: float) -> int:
    return START_NS + round(seconds * SECOND_NS)


def fill_all(_slice: Slice) -> Decimal:
    """How much of a slice is filled: all."""
    return _slice.quantity


def fill_some(seed: int) -> Callable[[Slice], Decimal]:
    """How much of a slice is filled: lots by chance, often all, often nothing. Lots are 0.01."""
    generator = random.Random(seed)  # noqa: S311  (a test's own market)

    def some(made: Slice) -> Decimal:
        lots = int(made.quantity / Decimal("0.01"))
        return Decimal("0.01") * min(lots, max(0, generator.randint(-lots, 2 * lots)))

    return some


@dataclass
class Played:
    """What came of a schedule: each slice with the time at which it was handed out."""

    slices: list[tuple[int, Slice]] = field(default_factory=list)

    @property
    def quantities(self) -> list[Decimal]:
        return [made.quantity for _, made in self.slices]


def play(
    schedule: Schedule,
    trades: Iterable[Trade] = (),
    fills: Callable[[Slice], Decimal] = fill_all,
    fill_after_ns: int = 1_000_000,
    check: Callable[[], None] = lambda: None,
) -> Played:
    """Drive it from its start to its end, by events in order of time; `check` is called after each.

    Each slice is filled by what `fills` says, `fill_after_ns` after it came, and what is left is over at its end.
    """
    played = Played()
    events: list[tuple[int, int, str, Any]] = [
        (one.received_ns, number, "trade", one) for number, one in enumerate(trades)
    ]
    now_ns, count = schedule.start_ns, len(events)

    def take(made: list[Slice]) -> None:
        nonlocal count
        for one in made:
            played.slices.append((now_ns, one))
            quantity = fills(one)
            if quantity:
                events.append((min(now_ns + fill_after_ns, one.until_ns), count, "fill", (one, quantity)))
            if quantity != one.quantity:
                events.append((one.until_ns, count + 1, "over", one))
            count += 2
        check()

    take(schedule.on_start(now_ns))
    for _ in range(100_000):
        if schedule.is_done:
            return played
        events.sort(key=lambda event: event[:2])
        wanted_ns = schedule.next_time_ns
        if events and (wanted_ns is None or events[0][0] <= wanted_ns):
            now_ns, _, kind, what = events.pop(0)
            if kind == "trade":
                take(schedule.on_trade(what))
            elif kind == "fill":
                take(schedule.on_fill(what[0].number, what[1], now_ns))
            else:
                take(schedule.on_over(what.number, now_ns))
        elif wanted_ns is not None:
            assert wanted_ns > now_ns, "a schedule that asks for the present again would never end"
            now_ns = wanted_ns
            take(schedule.on_time(now_ns))
        else:
            raise AssertionError("the schedule waits for nothing and is not done")
    raise AssertionError("the schedule does not end")
