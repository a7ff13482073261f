"""Every check of the gate, at its limit and just beyond it."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from noderr.risk_engine import ReasonCode, TradingState
from noderr.risk_engine.testing import (
    NOW_NS,
    SECOND_NS,
    codes,
    instrument,
    judge,
    limits,
    open_order,
    position,
    reference,
    snapshot,
)
from noderr.types.trading import OrderType, Side, TimeInForce

D = Decimal
HELD = {"positions": (position("BTC/USD", "5"),)}
SELL = {"side": Side.SELL}
COARSE = instrument(instrument=copy.replace(instrument().instrument, min_quantity=D("1.001")))
MARKET = {"type": OrderType.MARKET, "limit_price": None, "time_in_force": TimeInForce.IOC}


def test_an_order_within_all_limits_passes() -> None:
    decision = judge()
    assert decision.approved
    assert decision.worst_price == 100
    assert decision.snapshot_digest == snapshot().digest
    assert decision.limits_digest == limits().digest


CASES: list[tuple[ReasonCode, dict[str, Any], dict[str, Any] | None]] = [
    # What is denied, and for this alone; what is at the limit still, and passes.
    (ReasonCode.TRADING_HALTED, {"state": TradingState.HALTED}, None),
    (
        ReasonCode.NOT_REDUCING,
        {"state": TradingState.REDUCING},
        {"state": TradingState.REDUCING, "changes": SELL, "portfolio": HELD},
    ),
    (ReasonCode.MARKET_ORDER, {"changes": MARKET}, {"changes": MARKET, "limited": {"allow_market": True}}),
    (ReasonCode.OFF_TICK, {"changes": {"limit_price": D("100.001")}}, {"changes": {"limit_price": D("100.010")}}),
    (ReasonCode.OFF_LOT, {"changes": {"quantity": D("0.9995")}}, {"changes": {"quantity": D("0.999")}}),
    (
        ReasonCode.QUANTITY_TOO_SMALL,
        {"limited": {"instruments": (COARSE,)}},
        {"limited": {"instruments": (COARSE,)}, "changes": {"quantity": D("1.001")}},
    ),
    (
        ReasonCode.NOTIONAL_TOO_SMALL,
        {"changes": {"quantity": D("0.099")}},
        {"changes": {"quantity": D("0.1")}},
    ),
    (
        ReasonCode.ORDER_STALE,
        {"changes": {"created_at_ns": NOW_NS - 10 * SECOND_NS - 1}},
        {"changes": {"created_at_ns": NOW_NS - 10 * SECOND_NS}},
    ),
    (
        ReasonCode.ORDER_FROM_FUTURE,
        {"changes": {"created_at_ns": NOW_NS + SECOND_NS + 1}},
        {"changes": {"created_at_ns": NOW_NS + SECOND_NS}},
    ),
    (
        ReasonCode.ORDER_EXPIRED,
        {
            "changes": {
                "created_at_ns": NOW_NS - 1,
                "time_in_force": TimeInForce.GTD,
                "expires_at_ns": NOW_NS,
            }
        },
        {"changes": {"time_in_force": TimeInForce.GTD, "expires_at_ns": NOW_NS + 1}},
    ),
    (
        ReasonCode.SNAPSHOT_STALE,
        {"portfolio": {"as_of_ns": NOW_NS - 30 * SECOND_NS - 1}},
        {"portfolio": {"as_of_ns": NOW_NS - 30 * SECOND_NS}},
    ),
    (
        ReasonCode.SNAPSHOT_FROM_FUTURE,
        {"portfolio": {"as_of_ns": NOW_NS + SECOND_NS + 1}},
        {"portfolio": {"as_of_ns": NOW_NS + SECOND_NS}},
    ),
    (ReasonCode.REFERENCE_MISSING, {"portfolio": {"references": (reference("ETH/USD"),)}}, None),
    (ReasonCode.REFERENCE_NOT_A_PRICE, {"portfolio": {"references": (reference(price="NaN"),)}}, None),
    (ReasonCode.REFERENCE_NOT_A_PRICE, {"portfolio": {"references": (reference(price="sNaN"),)}}, None),
    (ReasonCode.REFERENCE_NOT_A_PRICE, {"portfolio": {"references": (reference(price="Infinity"),)}}, None),
    (ReasonCode.REFERENCE_NOT_A_PRICE, {"portfolio": {"references": (reference(price="0"),)}}, None),
    (ReasonCode.REFERENCE_NOT_A_PRICE, {"portfolio": {"references": (reference(price="-100"),)}}, None),
    (
        ReasonCode.REFERENCE_STALE,
        {"portfolio": {"references": (reference(age_ns=5 * SECOND_NS + 1),)}},
        {"portfolio": {"references": (reference(age_ns=5 * SECOND_NS),)}},
    ),
    (
        ReasonCode.REFERENCE_FROM_FUTURE,
        {"portfolio": {"references": (reference(age_ns=-SECOND_NS - 1),)}},
        {"portfolio": {"references": (reference(age_ns=-SECOND_NS),)}},
    ),
    (
        ReasonCode.POSITION_UNPRICED,
        {"portfolio": {"positions": (position("ETH/USD", "1"),), "references": (reference(),)}},
        {"portfolio": {"positions": (position("ETH/USD", "0"),), "references": (reference(),)}},
    ),
    (
        ReasonCode.POSITION_UNPRICED,
        {
            "portfolio": {
                "positions": (position("ETH/USD", "1"),),
                "references": (reference(), reference("ETH/USD", age_ns=5 * SECOND_NS + 1)),
            }
        },
        None,
    ),
    (
        ReasonCode.QUANTITY_TOO_LARGE,
        {"limited": {"instruments": (instrument(max_quantity=D("0.999")),)}},
        {"limited": {"instruments": (instrument(max_quantity=D(1)),)}},
    ),
    (
        ReasonCode.NOTIONAL_TOO_LARGE,
        {"limited": {"order_notional": D("99.99")}},
        {"limited": {"order_notional": D(100)}},
    ),
    (
        ReasonCode.ORDER_FRACTION,
        {"limited": {"order_fraction": D("0.0099")}},
        {"limited": {"order_fraction": D("0.01")}},
    ),
    (
        ReasonCode.PRICE_COLLAR,
        {"changes": {"limit_price": D("105.01")}},
        {"changes": {"limit_price": D(105)}},
    ),
    (ReasonCode.PRICE_COLLAR, {"changes": {"limit_price": D("94.99")}}, {"changes": {"limit_price": D(95)}}),
    (
        ReasonCode.SYMBOL_EXPOSURE,
        {"limited": {"instruments": (instrument(fraction=D("0.0099")),)}},
        {"limited": {"instruments": (instrument(fraction=D("0.01")),)}},
    ),
    (
        # Not what is held alone: an open order counts as well.
        ReasonCode.SYMBOL_EXPOSURE,
        {"portfolio": {"open_orders": (open_order(quantity=D("9.001")),)}},
        {"portfolio": {"open_orders": (open_order(quantity=D(9)),)}},
    ),
    (
        ReasonCode.GROUP_EXPOSURE,
        {
            "limited": {
                "group_fraction": D("0.0499"),
                "instruments": (instrument(group="l1"), instrument("ETH/USD", group="l1")),
            },
            "portfolio": {"positions": (position("ETH/USD", "4"),)},
        },
        {
            "limited": {
                "group_fraction": D("0.05"),
                "instruments": (instrument(group="l1"), instrument("ETH/USD", group="l1")),
            },
            "portfolio": {"positions": (position("ETH/USD", "4"),)},
        },
    ),
    (
        ReasonCode.GROSS_EXPOSURE,
        {"limited": {"gross_fraction": D("0.0499")}, "portfolio": {"positions": (position("ETH/USD", "-4"),)}},
        {"limited": {"gross_fraction": D("0.05")}, "portfolio": {"positions": (position("ETH/USD", "-4"),)}},
    ),
    (
        ReasonCode.NET_EXPOSURE,
        {"limited": {"net_fraction": D("0.0499")}, "portfolio": {"positions": (position("ETH/USD", "4"),)}},
        {"limited": {"net_fraction": D("0.05")}, "portfolio": {"positions": (position("ETH/USD", "4"),)}},
    ),
    (ReasonCode.NOT_ENOUGH_CASH, {"portfolio": {"cash": D("99.99")}}, {"portfolio": {"cash": D(100)}}),
    (
        ReasonCode.NOT_ENOUGH_CASH,
        {"portfolio": {"cash": D("199.99"), "open_orders": (open_order(),)}},
        {"portfolio": {"cash": D(200), "open_orders": (open_order(),)}},
    ),
    (
        ReasonCode.SHORT_SALE,
        {"changes": SELL | {"quantity": D("5")}, "portfolio": {"positions": (position("BTC/USD", "4.999"),)}},
        {"changes": SELL | {"quantity": D("5")}, "portfolio": HELD},
    ),
    (
        # What is being sold already cannot be sold once more.
        ReasonCode.SHORT_SALE,
        {"changes": SELL, "portfolio": HELD | {"open_orders": (open_order(side=Side.SELL, quantity=D("4.5")),)}},
        {"changes": SELL, "portfolio": HELD | {"open_orders": (open_order(side=Side.SELL, quantity=D(4)),)}},
    ),
    (
        ReasonCode.TOO_MANY_OPEN_ORDERS,
        {"limited": {"open_orders": 1}, "portfolio": {"open_orders": (open_order(),)}},
        {"limited": {"open_orders": 2}, "portfolio": {"open_orders": (open_order(),)}},
    ),
    (
        ReasonCode.DAILY_LOSS,
        {"portfolio": {"equity": D(9_700)}},
        {"portfolio": {"equity": D("9_700.01")}},
    ),
    (
        ReasonCode.DRAWDOWN,
        {"portfolio": {"day_start_equity": D(8_500), "equity": D(8_500)}},
        {"portfolio": {"day_start_equity": D(8_500), "equity": D("8_500.01")}},
    ),
    (ReasonCode.DUPLICATE_ID, {"portfolio": {"open_orders": (open_order(client_order_id="a-0000001"),)}}, None),
]


@pytest.mark.parametrize(("code", "beyond", "at"), CASES, ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)])
def test_a_check_denies_beyond_its_limit_and_not_at_it(
    code: ReasonCode, beyond: dict[str, Any], at: dict[str, Any] | None
) -> None:
    denied = judge(**beyond)
    assert not denied.approved
    assert codes(denied) == {code}
    if at is not None:
        assert codes(judge(**at)) == set()


def test_every_reason_has_a_case() -> None:
    here = {case[0] for case in CASES}
    elsewhere = {
        ReasonCode.UNKNOWN_INSTRUMENT,
        ReasonCode.WRONG_CURRENCY,
        ReasonCode.EQUITY_NOT_POSITIVE,
        ReasonCode.DUPLICATE_ORDER,
        ReasonCode.REPEATED_ORDER,
        ReasonCode.TOO_MANY_CHILDREN,
        ReasonCode.ORDERS_PER_SECOND,
        ReasonCode.ORDERS_PER_MINUTE,
        ReasonCode.TURNOVER,
    }
    assert here | elsewhere == set(ReasonCode)
    assert not here & elsewhere


def test_a_reason_says_what_was_seen_what_the_limit_is_and_in_which_unit() -> None:
    [reason] = judge(limited={"order_notional": D("99.99")}).reasons
    assert (reason.observed, reason.limit, reason.unit) == (D(100), D("99.99"), "USD")


def test_what_nobody_listed_and_another_currency_are_refused() -> None:
    assert ReasonCode.UNKNOWN_INSTRUMENT in codes(judge(limited={"instruments": ()}))
    decision = judge(
        limited={"currency": "EUR", "instruments": (instrument("BTC/EUR"),)}, changes={"symbol": "BTC/EUR"}
    )
    assert ReasonCode.WRONG_CURRENCY in codes(decision)


def test_who_has_lost_everything_buys_nothing() -> None:
    assert ReasonCode.EQUITY_NOT_POSITIVE in codes(judge(portfolio={"equity": D(0)}))
    assert ReasonCode.EQUITY_NOT_POSITIVE in codes(judge(portfolio={"equity": D(-1)}))


def test_a_gain_is_no_loss() -> None:
    assert judge(portfolio={"equity": D(20_000), "peak_equity": D(20_000)}).approved


def test_what_only_reduces_gets_out_of_any_loss_and_any_exposure() -> None:
    ruined = HELD | {"equity": D(-50), "positions": (position("BTC/USD", "5"), position("DOGE/USD", "1000000"))}
    assert judge(changes=SELL | {"quantity": D(5)}, portfolio=ruined, state=TradingState.REDUCING).approved


def test_an_unknown_state_is_no_leave_to_trade() -> None:
    assert codes(judge(state="cheerful")) == {ReasonCode.TRADING_HALTED}  # type: ignore[arg-type]


def test_the_last_of_many_digits_breaks_a_limit() -> None:
    assert judge(limited={"order_notional": D(100)}).approved
    assert codes(judge(limited={"order_notional": D("99." + "9" * 71)})) == {ReasonCode.NOTIONAL_TOO_LARGE}
