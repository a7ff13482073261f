"""A guardian that is killed between any two steps: what it told is so, and nothing is allowed that it did not write."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from noderr.guardian_consensus.store_testing import killed_before_each_statement
from noderr.risk_engine.flow import Approved
from noderr.risk_engine.flow_store import FlowStore
from noderr.risk_engine.testing import NOW_NS, SECOND_NS, order
from noderr.risk_engine.trading_state import TradingState
from noderr.safety_control.standing import Mode, restriction
from noderr.safety_control.testing import LIVE, clock, controller, permits

STATES = {
    (): {TradingState.ACTIVE, TradingState.HALTED},
    ("halted",): {TradingState.HALTED, TradingState.ACTIVE},
    ("halted", "resumed"): {TradingState.ACTIVE},
    ("halted", "resumed", "live"): {TradingState.ACTIVE, TradingState.REDUCING},
    ("halted", "resumed", "live", "reduced"): {TradingState.REDUCING, TradingState.HALTED},
    ("halted", "resumed", "live", "reduced", "halted"): {TradingState.HALTED},
}
"""After what was told, what may be found: that, or the step that was under way."""


async def day(folder: Path, tell: Callable[[str], object]) -> None:
    one, log = controller(folder, LIVE)
    await one.halt("somebody", "smoke")
    tell("halted")
    await one.resume("somebody", "a toaster")
    tell("resumed")
    await one.renew(permits(), "somebody", "go")
    tell("live")
    await one.reduce("somebody", "storm")
    tell("reduced")
    await one.halt("somebody", "fire")
    tell("halted")
    await log.close()


async def test_a_kill_between_any_two_steps_loses_no_halt_and_invents_no_leave(tmp_path: Path) -> None:
    runs = killed_before_each_statement(tmp_path, __name__, "day")
    assert len(runs) > 20
    assert {run.told for run in runs} == set(STATES)
    for run in runs:
        one, log = controller(run.folder, LIVE, clock())
        standing = await one.look()
        assert "cannot be used" not in "".join(standing.reasons)  # The log is whole.
        found = restriction(await log.records())[0]
        assert found in STATES[run.told]
        if len(run.told) < 2:
            assert standing.mode is Mode.HALTED  # Nobody had begun to renew the lease.
        if "live" in run.told and found is not TradingState.HALTED:
            assert standing.mode is Mode.LIVE
        await log.close()


async def approve_some(folder: Path, tell: Callable[[str], object]) -> None:
    store = FlowStore(folder, 60 * SECOND_NS)
    for number in range(3):
        await store.add(Approved(NOW_NS, order(number), Decimal(100), "signal"))
        tell(f"a-{number:07}")
    await store.close()


async def test_what_was_approved_before_a_kill_is_known_after_it(tmp_path: Path) -> None:
    runs = killed_before_each_statement(tmp_path, __name__, "approve_some")
    assert len(runs) > 10
    for run in runs:
        store = FlowStore(run.folder, 60 * SECOND_NS)
        known = [approved.order.client_order_id for approved in await store.load(NOW_NS)]
        assert known[: len(run.told)] == list(run.told)
        assert len(known) <= len(run.told) + 1
        await store.close()
