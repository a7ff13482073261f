"""A venue to which orders travel long, or whose reports do: trades end, are settled, and no money is made up."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.loop.options import ReplayOptions
from tests.loop.recorded_market import read_kraken
from tests.loop.replaying import lines_of, run_world

_SECOND_NS = 1_000_000_000
_LATE_NS = 1_500_000_000
"""Within what the oracles' certificate lives: what is filled after that, the chain does not take."""


@pytest.mark.parametrize(("order_ns", "report_ns"), [(_LATE_NS, 25_000_000), (25_000_000, _LATE_NS)])
def test_a_venue_that_answers_late(made_up: Path, tmp_path: Path, order_ns: int, report_ns: int) -> None:
    options = copy.replace(
        ReplayOptions(seed=7), venue_order_ns=order_ns, venue_report_ns=report_ns, tail_ns=10 * _SECOND_NS
    )
    watched = run_world(read_kraken(made_up), tmp_path, options)
    lines = lines_of(watched.journal.content)
    orders = {line.facts["order"]: line for line in lines if line.kind == "order"}
    fills = [line for line in lines if line.kind == "fill"]
    assert len(fills) >= 3
    cash = Fraction(options.cash)
    held: dict[str, Fraction] = defaultdict(Fraction)
    filled: Counter[str] = Counter()
    for line in fills:
        order = orders[line.facts["order"]]
        traded_ns, limit = int(line.facts["traded_ns"]), Fraction(order.facts["limit_price"])
        assert traded_ns >= order.at_ns + order_ns
        assert line.at_ns >= traded_ns + report_ns
        quantity, price = Fraction(line.facts["quantity"]), Fraction(line.facts["price"])
        assert price <= limit if order.facts["side"] == "buy" else price >= limit
        signed = quantity if order.facts["side"] == "buy" else -quantity
        held[order.facts["symbol"]] += signed
        cash -= signed * price + Fraction(line.facts["fee"])
        filled[order.facts["trade"]] += 1
    # Every trade that was begun has ended, once; what was filled is settled once, and no open order is forgotten.
    assert Counter(line.facts["trade"] for line in lines if line.kind == "finished") == Counter(
        line.facts["trade"] for line in lines if line.kind == "approved"
    )
    assert Counter(line.facts["trade"] for line in lines if line.kind == "settled") == Counter(filled.keys())
    trader = watched.world.traders[0]
    assert trader.venue.open_orders() == ()
    # What was paid and got does not depend on prices, so any will do.
    marks = {symbol: Decimal("49.37") for symbol in held}
    equity = cash + sum(quantity * Fraction(marks[symbol]) for symbol, quantity in held.items())
    assert equity == Fraction(trader.venue.account.equity("USD", marks).amount)


def test_what_is_filled_when_the_certificates_are_over_is_not_settled_and_says_so(
    made_up: Path, tmp_path: Path
) -> None:
    options = copy.replace(ReplayOptions(seed=7), venue_order_ns=9 * _SECOND_NS, tail_ns=15 * _SECOND_NS)
    watched = run_world(read_kraken(made_up), tmp_path, options)
    unsettled = {one.facts["trade"]: str(one.facts["reason"]) for one in watched.journal.of("not-settled")}
    assert unsettled
    assert all("Expired" in reason for reason in unsettled.values())
    attested = {one.facts["trade"] for one in watched.journal.of("attested")}
    assert not attested & unsettled.keys()
