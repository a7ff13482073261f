"""Killed between any two actions, at the venues' whim: no order is sent twice, none forgotten, and fills are exact."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from noderr.execution.crash_testing import Run
from noderr.execution.machine_testing import PARENT
from noderr.execution.records import FinishReason


def check(run: Run) -> None:
    finished = run.finished
    assert finished is not None
    assert [fault for fault in run.faults if fault.kind.halts] == []
    assert len(set(run.submitted)) == len(run.submitted), "an order was sent twice"
    assert len(set(run.arrived)) == len(run.arrived)
    at_venues = sorted(fill.fill_id for known in run.at_venue.values() for fill in known.fills)
    assert sorted(fill.fill_id for fill in finished.fills) == at_venues, "ours are not the venues' fills"
    total = sum((fill.quantity for fill in finished.fills), Decimal(0))
    assert total <= PARENT.quantity
    assert (total == PARENT.quantity) == (finished.reason is FinishReason.FILLED)


def test_without_a_crash_all_of_it_is_filled_at_once() -> None:
    run = Run(random.Random(1), honest=True).run()
    check(run)
    assert run.finished is not None
    assert run.finished.reason is FinishReason.FILLED
    assert len(run.submitted) == 2


@pytest.mark.parametrize("seed", range(6))
def test_killed_before_each_action_of_a_trade(seed: int) -> None:
    whole = Run(random.Random(seed)).run()
    check(whole)
    for crash in range(whole.done + 1):
        check(Run(random.Random(seed), crash_after=(crash,)).run())


def test_killed_before_each_action_of_an_honest_trade_nothing_is_lost() -> None:
    whole = Run(random.Random(1), honest=True).run()
    for crash in range(whole.done):
        run = Run(random.Random(1), honest=True, crash_after=(crash,)).run()
        check(run)
        assert run.finished is not None
        # Nothing but its opening was written: the engine writes both in one step, and begins it with all that it has.
        began = crash != 1
        assert run.finished.reason is (FinishReason.FILLED if began else FinishReason.INTERRUPTED)
        assert bool(run.submitted) == began


def test_hundreds_of_trades_at_bad_venues_killed_again_and_again() -> None:
    reasons = set()
    for seed in range(400):
        fate = random.Random(1000 + seed)
        run = Run(fate, crash_after=[fate.randrange(60) for _ in range(fate.randrange(5))]).run()
        check(run)
        assert run.finished is not None
        reasons.add(run.finished.reason)
    assert {FinishReason.FILLED, FinishReason.EXPIRED} <= reasons
