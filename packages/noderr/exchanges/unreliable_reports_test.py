"""A venue whose words come late, twice or never: what goes wrong is what was asked for, and can be replayed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from noderr.exchanges.errors import OutcomeUnknownError
from noderr.exchanges.testing import INSTRUMENT, NO_FEES, order
from noderr.exchanges.unreliable_reports import Mishaps, UnreliableReports
from noderr.exchanges.updates import Canceled, OrderUpdate, VenueOrder
from noderr.exchanges.venue import Balance, FeeSchedule, Venue
from noderr.market_data.testing import SYMBOL, T0
from noderr.types.trading import FieldError, Instrument, Order, Side
from noderr.utils import ManualClock


class Reliable:
    """Remembers what reached it, and tells what it is told to."""

    name = "kraken"
    post_only = True

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.take: Callable[[OrderUpdate], None] = lambda _update: None

    async def instruments(self) -> Mapping[str, Instrument]:
        return {SYMBOL: INSTRUMENT}

    async def fees(self, symbol: str) -> FeeSchedule:
        return NO_FEES

    async def submit(self, order: Order, *, post_only: bool = False) -> None:
        self.sent.append(order.client_order_id)

    async def cancel(self, client_order_id: str) -> None:
        self.sent.append(f"cancel {client_order_id}")

    async def order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        return None

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        return ()

    async def balances(self) -> Mapping[str, Balance]:
        return {}

    def on_update(self, take: Callable[[OrderUpdate], None]) -> None:
        self.take = take


def update(number: int) -> Canceled:
    return Canceled(client_order_id=f"o-{number}", at_ns=T0)


async def told(mishaps: Mishaps, seed: int = 1, count: int = 400) -> tuple[list[str], list[str]]:
    """At once, and when all the time has passed."""
    inner, clock, seen = Reliable(), ManualClock(T0), list[str]()
    outer = UnreliableReports(inner, mishaps, random.Random(seed), clock)
    outer.on_update(lambda one: seen.append(one.client_order_id))
    for number in range(count):
        inner.take(update(number))
    at_once = list(seen)
    await asyncio.sleep(0)
    await clock.advance(10)
    await outer.close()
    return at_once, seen


ALL = [f"o-{number}" for number in range(400)]


async def test_without_mishaps_every_word_comes_once_in_order() -> None:
    assert await told(Mishaps()) == (ALL, ALL)


async def test_lost_twice_and_late() -> None:
    _, lost = await told(Mishaps(update_lost=0.25))
    assert 250 < len(lost) < 350
    assert len(set(lost)) == len(lost)
    _, twice = await told(Mishaps(update_twice=0.25))
    assert set(twice) == set(ALL)
    assert set(Counter(twice).values()) == {1, 2}
    at_once, late = await told(Mishaps(update_late=0.25))
    assert 250 < len(at_once) < 350
    assert sorted(late) == sorted(ALL)
    assert late != ALL


async def test_one_seed_replays_it() -> None:
    mishaps = Mishaps(update_lost=0.2, update_twice=0.2, update_late=0.2)
    assert await told(mishaps) == await told(mishaps)
    assert await told(mishaps) != await told(mishaps, seed=2)


async def test_what_is_late_when_it_is_closed_is_never_told() -> None:
    inner, clock, seen = Reliable(), ManualClock(T0), list[OrderUpdate]()
    outer = UnreliableReports(inner, Mishaps(update_late=1), random.Random(1), clock)
    outer.on_update(seen.append)
    inner.take(update(1))
    await asyncio.sleep(0)
    await outer.close()
    await clock.advance(100)
    assert seen == []


async def test_a_lost_request_did_not_reach_it_and_a_lost_answer_did() -> None:
    for mishaps, reached in ((Mishaps(request_lost=1), []), (Mishaps(answer_lost=1), ["o-1", "cancel o-1"])):
        inner = Reliable()
        outer: Venue = UnreliableReports(inner, mishaps, random.Random(1), ManualClock(T0))
        with pytest.raises(OutcomeUnknownError, match="submit at kraken"):
            await outer.submit(order(1, Side.BUY, "1"))
        with pytest.raises(OutcomeUnknownError, match="cancel at kraken"):
            await outer.cancel("o-1")
        assert inner.sent == reached
    for question in (outer.order("o-1", SYMBOL), outer.open_orders(), outer.balances()):
        with pytest.raises(OutcomeUnknownError, match="no answer came"):
            await question


async def test_what_is_not_asked_over_a_connection_is_passed_on() -> None:
    outer: Venue = UnreliableReports(Reliable(), Mishaps(), random.Random(1), ManualClock(T0))
    assert (outer.name, outer.post_only) == ("kraken", True)
    assert await outer.instruments() == {SYMBOL: INSTRUMENT}
    assert await outer.fees(SYMBOL) == NO_FEES
    assert (await outer.order("o-1", SYMBOL), await outer.open_orders(), await outer.balances()) == (None, (), {})


@pytest.mark.parametrize("field", ["update_lost", "answer_lost", "late_s"])
def test_fractions_are_fractions(field: str) -> None:
    with pytest.raises(FieldError, match=field):
        Mishaps(**{field: -0.1})
