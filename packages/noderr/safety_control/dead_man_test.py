from __future__ import annotations

import pytest

from noderr.safety_control.dead_man import DeadMansSwitch
from noderr.safety_control.errors import SafetyError
from noderr.utils import ManualClock


async def test_it_fires_at_its_limit_and_not_at_a_multiple_of_it() -> None:
    clock = ManualClock()
    switch = DeadMansSwitch(10, clock)
    await clock.advance(9.75)
    seen = [switch.over]
    switch.beat()
    await clock.advance(9.75)
    seen.append(switch.over)
    await clock.advance(0.25)
    assert [*seen, switch.over] == [False, False, True]
    assert switch.silent_s == 10


async def test_a_machine_s_clock_that_is_set_back_does_not_hold_it() -> None:
    clock = ManualClock(10**18)
    switch = DeadMansSwitch(10, clock)
    clock.set_back(1_000)
    await clock.advance(10)
    assert switch.over


@pytest.mark.parametrize("limit_s", [0, -1, float("inf"), float("nan")])
def test_a_limit_that_never_fires_is_refused(limit_s: float) -> None:
    with pytest.raises(SafetyError, match="limit_s"):
        DeadMansSwitch(limit_s, ManualClock())
