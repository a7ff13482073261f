"""The venue is the truth; thresholds are exact, and what was paused resumes only below the lower one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.exchanges.client_order_id import client_order_id
from noderr.execution.reconciler import Account, Level, is_our_form, reconcile

OURS = client_order_id(b"\1" * 32, 0, 0)


def account(btc: str = "100", *, orders: tuple[str, ...] = (), fills: tuple[str, ...] = ()) -> Account:
    return Account(totals={"BTC": Decimal(btc)}, open_orders=orders, fills=fills)


@pytest.mark.parametrize(
    ("venue", "was_paused", "level"),
    [
        ("100", False, Level.AGREES),
        ("99.91", False, Level.AGREES),
        ("99.9", False, Level.ALERT),
        ("100.1", False, Level.AGREES),  # 0.1 of 100.1 is less than 0.1 %.
        ("99.01", False, Level.ALERT),
        ("99", False, Level.PAUSE),
        ("-100", False, Level.PAUSE),
        ("0", False, Level.PAUSE),
        ("99.9", True, Level.PAUSE),
        ("99.91", True, Level.AGREES),
    ],
)
def test_levels(venue: str, was_paused: bool, level: Level) -> None:
    found = reconcile(account(), account(venue), was_paused=was_paused)
    assert found.level is level
    assert [(one.ours, one.venue) for one in found.corrections] == (
        [] if venue == "100" else [(Decimal(100), Decimal(venue))]
    )


def test_an_order_of_our_form_that_nobody_here_knows_pauses() -> None:
    found = reconcile(account(), account(orders=(OURS, "somebody-elses")))
    assert (found.level, found.unknown_orders) == (Level.PAUSE, (OURS,))


def test_a_fill_that_the_venue_does_not_have_pauses_and_one_that_we_lack_alerts() -> None:
    assert reconcile(account(fills=("f",)), account()).level is Level.PAUSE
    found = reconcile(account(), account(fills=("f",)))
    assert (found.level, found.missing_fills) == (Level.ALERT, ("f",))
    assert reconcile(account(orders=(OURS,)), account()).lost_orders == (OURS,)


def test_our_form() -> None:
    assert is_our_form(OURS)
    assert not is_our_form(OURS.upper())
    assert not is_our_form("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    assert not is_our_form("x")


TOTALS = st.dictionaries(st.sampled_from(["BTC", "ETH", "USD"]), st.integers(-(10**6), 10**6).map(Decimal))


@settings(max_examples=100, deadline=None)
@given(TOTALS, TOTALS)
def test_after_the_corrections_both_agree(ours: dict[str, Decimal], venue: dict[str, Decimal]) -> None:
    found = reconcile(Account(totals=ours, open_orders=()), Account(totals=venue, open_orders=()))
    corrected = ours | {one.currency: one.venue for one in found.corrections}
    assert reconcile(Account(totals=corrected, open_orders=()), Account(totals=venue, open_orders=())).drift == 0
