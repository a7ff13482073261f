from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.schedule import Schedule, Slice
from noderr.execution.schedules.testing import SECOND_NS, START_NS, SYMBOL, moment, parent, trade
from noderr.execution.schedules.twap import twap
from noderr.types.trading import Instrument, Order, OrderType, Side, TimeInForce

END_NS = moment(100)


def amounts(schedule: Schedule) -> tuple[object, ...]:
    """Filled, working, open."""
    return (schedule.filled, schedule.working, schedule.open)


def done(schedule: Schedule) -> bool:
    return schedule.is_done


def test_a_slice_works_until_it_is_filled_or_over() -> None:
    schedule = twap(parent(100), START_NS, END_NS, 2)
    (first,) = schedule.on_start(START_NS)
    assert (first.number, first.quantity, first.until_ns) == (1, Decimal("0.50"), moment(50))
    assert amounts(schedule) == (0, Decimal("0.50"), Decimal("0.50"))
    assert schedule.on_fill(1, Decimal("0.20"), moment(1)) == []
    assert amounts(schedule) == (Decimal("0.20"), Decimal("0.30"), Decimal("0.50"))
    assert schedule.on_over(1, moment(2)) == []
    assert amounts(schedule) == (Decimal("0.20"), 0, Decimal("0.80"))
    (second,) = schedule.on_time(moment(50))
    assert (second.number, second.quantity, second.until_ns) == (2, Decimal("0.80"), END_NS)
    assert not done(schedule)
    schedule.on_fill(2, Decimal("0.80"), moment(60))
    assert done(schedule)
    assert schedule.next_time_ns is None
    assert schedule.filled == 1


@pytest.mark.parametrize(("number", "quantity"), [(1, "0.51"), (1, "0"), (1, "-0.1"), (2, "0.1"), (0, "0.1")])
def test_a_fill_of_more_than_works_is_refused(number: int, quantity: str) -> None:
    schedule = twap(parent(100), START_NS, END_NS, 2)
    schedule.on_start(START_NS)
    with pytest.raises(ScheduleError, match="tell each fill once"):
        schedule.on_fill(number, Decimal(quantity), moment(1))
    assert amounts(schedule)[:2] == (0, Decimal("0.50"))


def test_a_fill_after_over_is_refused_and_over_may_come_twice() -> None:
    schedule = twap(parent(100), START_NS, END_NS, 2)
    schedule.on_start(START_NS)
    schedule.on_over(1, moment(1))
    schedule.on_over(1, moment(2))
    assert schedule.open == 1
    with pytest.raises(ScheduleError):
        schedule.on_fill(1, Decimal("0.1"), moment(3))
    with pytest.raises(ScheduleError, match="no slice 2"):
        schedule.on_over(2, moment(3))


def test_nothing_is_sent_before_the_start_nor_without_being_started() -> None:
    schedule = twap(parent(100), START_NS, END_NS, 2)
    assert schedule.next_time_ns is None
    assert schedule.on_time(moment(60)) == []
    early = twap(parent(100), START_NS, END_NS, 2)
    assert early.on_start(START_NS - SECOND_NS) == []
    assert early.next_time_ns == START_NS
    assert len(early.on_time(START_NS)) == 1
    with pytest.raises(ScheduleError, match="starts once"):
        early.on_start(START_NS)


def test_a_pause_sends_nothing_and_what_was_missed_is_spread_over_the_rest() -> None:
    schedule = twap(parent(1000), START_NS, END_NS, 10)
    schedule.on_fill(schedule.on_start(START_NS)[0].number, Decimal(1), moment(1))
    schedule.pause()
    assert schedule.next_time_ns == END_NS
    for second in range(10, 60, 10):
        assert schedule.on_time(moment(second)) == []
    (resumed,) = schedule.resume(moment(55))
    assert (resumed.quantity, resumed.until_ns) == (Decimal("1.80"), moment(60))  # 9 in the 5 intervals that are left
    assert schedule.on_time(moment(56)) == []
    assert [made.quantity for made in schedule.on_time(moment(60))] == [Decimal("1.80")]


def test_a_pause_over_the_end_ends_with_the_rest_open() -> None:
    schedule = twap(parent(100), START_NS, END_NS, 2)
    schedule.on_fill(schedule.on_start(START_NS)[0].number, Decimal("0.5"), moment(1))
    schedule.pause()
    assert not done(schedule)
    assert schedule.on_time(END_NS) == []
    assert done(schedule)
    assert schedule.next_time_ns is None
    assert schedule.open == Decimal("0.5")


def test_a_cancel_ends_it_when_nothing_works() -> None:
    schedule = twap(parent(100), START_NS, END_NS, 2)
    schedule.on_start(START_NS)
    schedule.cancel()
    assert not done(schedule)
    assert schedule.next_time_ns is None
    schedule.on_fill(1, Decimal("0.1"), moment(1))
    assert schedule.on_over(1, moment(1)) == []
    assert done(schedule)
    assert (schedule.filled, schedule.open) == (Decimal("0.1"), Decimal("0.9"))
    assert schedule.on_time(moment(60)) == []
    for call in (schedule.pause, lambda: schedule.resume(moment(61)), lambda: schedule.on_start(moment(61))):
        with pytest.raises(ScheduleError, match="canceled"):
            call()


def test_time_never_goes_back() -> None:
    schedule = twap(parent(100), START_NS, END_NS, 2)
    schedule.on_start(moment(60))
    assert schedule.on_time(moment(10)) == []
    assert schedule.on_trade(trade(20, 1)) == []
    late = twap(parent(100), START_NS, END_NS, 2)
    late.on_over(late.on_start(START_NS)[0].number, moment(50) - 1)
    assert late.on_time(END_NS) == []
    assert late.on_time(moment(60)) == []
    assert done(late)
    with pytest.raises(ScheduleError, match="ETH/USD"):
        schedule.on_trade(trade(61, 1, "ETH/USD"))


def test_what_is_no_lot_and_what_is_too_small_can_never_be_sent() -> None:
    schedule = twap(parent(quantity=Decimal("1.005")), START_NS, END_NS, 1)
    assert schedule.unsendable == Decimal("0.005")
    schedule.on_fill(schedule.on_start(START_NS)[0].number, Decimal("1"), moment(1))
    assert done(schedule)
    assert schedule.unsendable == schedule.open == Decimal("0.005")

    small = twap(parent(lots=4, least_lots=5), START_NS, END_NS, 1)
    assert done(small)
    assert small.unsendable == Decimal("0.04")
    assert small.on_start(START_NS) == []


def test_the_minimum_notional_is_kept_at_the_limit() -> None:
    def made(price: Decimal | None, kind: OrderType, reference: Decimal | None = None) -> Parent:
        instrument = Instrument(
            symbol=SYMBOL,
            tick_size=Decimal("0.01"),
            lot_size=Decimal("0.001"),
            min_quantity=Decimal("0.005"),
            min_notional=Decimal(10),
        )
        order = Order(
            client_order_id="parent-1",
            symbol=SYMBOL,
            side=Side.SELL,
            type=kind,
            quantity=Decimal(1),
            limit_price=price,
            time_in_force=TimeInForce.GTC if price else TimeInForce.IOC,
            created_at_ns=START_NS,
        )
        return Parent(order, instrument, reference)

    assert made(Decimal(700), OrderType.LIMIT).least_lots == 15  # 0.0142857…, rounded up
    assert made(Decimal(50_000), OrderType.LIMIT).least_lots == 5
    assert made(None, OrderType.MARKET, Decimal(100)).least_lots == 100
    with pytest.raises(ScheduleError, match="reference_price"):
        made(None, OrderType.MARKET)


def test_what_cannot_be_spread_is_refused() -> None:
    with pytest.raises(ScheduleError, match="fill-or-kill"):
        parent(time_in_force=TimeInForce.FOK)
    with pytest.raises(ScheduleError, match="ETH/USD"):
        parent(symbol="ETH/USD")
    with pytest.raises(ScheduleError, match="expires"):
        twap(parent(time_in_force=TimeInForce.GTD, expires_at_ns=END_NS - 1), START_NS, END_NS)
    for slices, end_ns in ((0, END_NS), (10, START_NS), (10, START_NS - 1), (10, START_NS + 9)):
        with pytest.raises(ScheduleError):
            twap(parent(), START_NS, end_ns, slices)


def tell(schedule: Schedule, what: str, number: int, quantity: Decimal, now_ns: int) -> list[Slice]:
    match what:
        case "start":
            return schedule.on_start(now_ns)
        case "time":
            return schedule.on_time(now_ns)
        case "fill":
            return schedule.on_fill(number, quantity, now_ns)
        case "over":
            return schedule.on_over(number, now_ns)
        case "resume":
            return schedule.resume(now_ns)
    schedule.pause()
    return []


@given(st.data(), st.integers(0, 60), st.integers(1, 7))
def test_the_three_amounts_always_add_up(data: st.DataObject, lots: int, least_lots: int) -> None:
    """Whatever is told in whatever order, refusals included."""
    order = parent(lots + 1, least_lots)
    schedule = twap(order, START_NS, END_NS, 4)
    total = order.order.quantity
    handed_out = 0
    second = 0
    for _ in range(data.draw(st.integers(1, 30))):
        second += data.draw(st.integers(0, 12))
        number = data.draw(st.integers(0, 5))
        quantity = Decimal(data.draw(st.integers(1, 3000))) / 1000  # Off the lots, too.
        call = data.draw(st.sampled_from(["start", "time", "fill", "over", "pause", "resume"]))
        open_before = schedule.open
        try:
            made = tell(schedule, call, number, quantity, moment(second))
        except ScheduleError:
            assert schedule.open == open_before
            continue
        handed_out += len(made)
        assert [one.number for one in made] == list(range(handed_out - len(made) + 1, handed_out + 1))
        assert all(one.quantity >= order.quantity_of(least_lots) for one in made)
        assert schedule.filled + schedule.working + schedule.open == total
        assert min(schedule.filled, schedule.working, schedule.open) >= 0
