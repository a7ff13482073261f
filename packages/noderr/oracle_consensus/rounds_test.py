"""Which slots an oracle opens rounds in, whatever its clock does."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.testing import DOMAIN, NOW_NS, SECOND_NS, keys, voter_set
from noderr.core.consensus.voter import Voter
from noderr.oracle_consensus.errors import CommitteeError
from noderr.oracle_consensus.market import Market
from noderr.oracle_consensus.rounds import MAX_ORACLES, Blind, OracleRounds
from noderr.types.consensus import AccountSignatures

KEYS = keys(4)
MARKET = Market(symbol="BTC/USD", horizon_seconds=300, models=frozenset())
STEP_NS = 1_000


class RestlessClock:
    """Goes on a little at every look, and wakes who sleeps `off_ns` off the time; the fifth time `held_ns` more."""

    def __init__(self, off_ns: int, held_ns: int = 0) -> None:
        self.time_ns = NOW_NS
        self._off_ns = off_ns
        self._held_ns = held_ns
        self._sleeps = 0

    def now_ns(self) -> int:
        self.time_ns += STEP_NS
        return self.time_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self._sleeps += 1
        self.time_ns += max(round(seconds * SECOND_NS) + self._off_ns, 0) + (self._sleeps == 5) * self._held_ns


class Slots:
    """As much of a `Voter` as opens rounds, and their numbers; enough of them end the test."""

    def __init__(self, clock: RestlessClock, genesis_ns: int) -> None:
        self.clock = clock
        self.context = RoundContext(KEYS[0].address, voter_set(KEYS), DOMAIN, AccountSignatures())
        self.membership = self
        self.oracle_draw = b""
        self.period_ns = SECOND_NS
        self.driver = self
        self.opened: list[int] = []
        self.on_decided: object = None
        self._genesis_ns = genesis_ns

    def round_now(self) -> int:
        return (self.clock.now_ns() - self._genesis_ns) // self.period_ns

    def start_ns(self, number: int) -> int:
        return self._genesis_ns + number * self.period_ns

    def open(self, round_: Any) -> None:
        self.opened.append(round_.round)
        assert round_.start_ns <= self.clock.time_ns
        if len(self.opened) == 10:
            raise EOFError

    def do(self, _round: object, _actions: object) -> None: ...


async def opened(clock: RestlessClock, genesis_ns: int) -> list[int]:
    slots = Slots(clock, genesis_ns)
    with pytest.RaisesGroup(EOFError):
        async with asyncio.timeout(5):
            await OracleRounds([MARKET], Blind()).run(cast(Voter, slots))
    return slots.opened


@pytest.mark.parametrize("off_ns", [0, STEP_NS, -STEP_NS, -2 * STEP_NS, -3 * STEP_NS, -1_000_000])
async def test_no_slot_is_left_out_because_a_sleep_ends_early_or_late(off_ns: int) -> None:
    assert await opened(RestlessClock(off_ns), NOW_NS - 5 * SECOND_NS) == list(range(6, 16))


async def test_who_is_held_up_goes_on_with_the_slot_that_it_is() -> None:
    clock = RestlessClock(0, held_ns=5 * SECOND_NS // 2)
    assert (await opened(clock, NOW_NS - 5 * SECOND_NS))[2:6] == [8, 9, 12, 13]


async def test_before_genesis_it_waits_for_round_0() -> None:
    assert (await opened(RestlessClock(0), NOW_NS + 3 * SECOND_NS))[:3] == [0, 1, 2]


async def test_more_oracles_than_a_report_has_room_for_do_not_begin() -> None:
    slots = Slots(RestlessClock(0), NOW_NS)
    slots.context = RoundContext(KEYS[0].address, voter_set(keys(MAX_ORACLES + 1)), DOMAIN, AccountSignatures())
    with pytest.raises(CommitteeError, match="81 oracles are in the voters' file: at most 80"):
        await OracleRounds([MARKET], Blind()).run(cast(Voter, slots))
    assert slots.opened == []
