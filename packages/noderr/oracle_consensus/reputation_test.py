"""The ledger of reputations: each round once, in any repetition, through restarts and kills, the same on every node."""

from __future__ import annotations

import copy
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from noderr.oracle_consensus.errors import ReputationError, SettledError
from noderr.oracle_consensus.reputation import ReputationLedger, ReputationRules, SettledRound
from noderr.types.trading.errors import FieldError
from noderr.utils import seeded

TOPIC, OTHER_TOPIC = b"\1" * 32, b"\2" * 32
SHARP, EVEN, WRONG = b"\x0a" * 20, b"\x0b" * 20, b"\x0c" * 20


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@asynccontextmanager
async def ledger(folder: Path, rules: ReputationRules | None = None) -> AsyncIterator[ReputationLedger]:
    opened = ReputationLedger(folder, rules)
    try:
        yield opened
    finally:
        await opened.close()


def settled(round: int, happened: bool = True, topic: bytes = TOPIC, **forecasts: int) -> SettledRound:
    said = forecasts or {"sharp": 9000 if happened else 1000, "even": 5000, "wrong": 1000 if happened else 9000}
    oracles = {"sharp": SHARP, "even": EVEN, "wrong": WRONG}
    return SettledRound(
        topic=topic,
        epoch=1,
        round=round,
        happened=happened,
        forecasts={oracles[name]: probability for name, probability in said.items()},
    )


ROUNDS = [settled(number, happened=number % 2 == 0) for number in range(40)]


async def settled_at(folder: Path, rounds: list[SettledRound]) -> dict[bytes, int]:
    async with ledger(made(folder)) as opened:
        for one in rounds:
            await opened.settle(one)
        return await opened.reputations()


async def test_who_knows_gains_who_does_not_stays_and_who_errs_loses(tmp_path: Path) -> None:
    async with ledger(tmp_path, ReputationRules(memory=20)) as opened:
        assert await opened.reputation(SHARP) == 50
        for one in ROUNDS:
            await opened.settle(one)
        reputations = await opened.reputations()
    assert reputations[SHARP] > 85
    assert abs(reputations[EVEN] - 50) <= 1
    assert reputations[WRONG] == 0


async def test_what_always_happens_is_no_skill_to_forecast(tmp_path: Path) -> None:
    async with ledger(tmp_path, ReputationRules(memory=20, rate_memory=20)) as opened:
        for number in range(400):
            await opened.settle(settled(number, even=9990))
        assert abs(await opened.reputation(EVEN) - 50) <= 1


async def test_honesty_pays_better_than_exaggeration(tmp_path: Path) -> None:
    chance: random.Random = seeded(7, "outcomes")
    async with ledger(tmp_path, ReputationRules(memory=1000)) as opened:
        for number in range(2000):
            truth = chance.choice([3000, 5000, 7000])
            happened = chance.randrange(10_000) < truth
            extreme = 10_000 * (truth > 5000) if truth != 5000 else 5000
            await opened.settle(settled(number, happened, sharp=truth, wrong=extreme))
        reputations = await opened.reputations()
    assert reputations[SHARP] > 50 > reputations[WRONG]


async def test_a_round_counts_once_however_often_it_comes(tmp_path: Path) -> None:
    once = await settled_at(tmp_path / "once", ROUNDS)
    assert await settled_at(tmp_path / "often", [ROUNDS[0], *ROUNDS, *ROUNDS[:30], *ROUNDS[10:]]) == once


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    once = await settled_at(tmp_path / "once", ROUNDS)
    folder = made(tmp_path / "restarted")
    for one in ROUNDS:
        async with ledger(folder) as opened:
            await opened.settle(one)
    async with ledger(folder) as opened:
        assert await opened.reputations() == once


async def test_topics_may_be_settled_in_any_interleaving(tmp_path: Path) -> None:
    others = [copy.replace(one, topic=OTHER_TOPIC, happened=not one.happened) for one in ROUNDS[:10]]
    one_after_the_other = await settled_at(tmp_path / "a", [*ROUNDS, *others])
    mixed = [one for pair in zip(ROUNDS, others, strict=False) for one in pair] + ROUNDS[10:]
    assert await settled_at(tmp_path / "b", mixed) == one_after_the_other


@pytest.mark.parametrize(
    "changes",
    [{"happened": False}, {"forecasts": {SHARP: 9001, EVEN: 5000, WRONG: 1000}}, {"forecasts": {SHARP: 9000}}],
)
async def test_a_round_cannot_be_settled_otherwise(tmp_path: Path, changes: dict[str, Any]) -> None:
    async with ledger(tmp_path) as opened:
        await opened.settle(settled(5))
        before = await opened.reputations()
        with pytest.raises(SettledError, match="round 5 of epoch 1 of topic 0101.*the first stays"):
            await opened.settle(copy.replace(settled(5), **changes))
        assert await opened.reputations() == before


async def test_an_earlier_round_comes_too_late(tmp_path: Path) -> None:
    async with ledger(tmp_path, ReputationRules(kept_rounds=3)) as opened:
        await opened.settle(settled(5))
        with pytest.raises(SettledError, match="round 4 of epoch 1 .* after round 5 of epoch 1"):
            await opened.settle(settled(4))
        for number in (6, 7, 8):
            await opened.settle(settled(number))
        await opened.settle(settled(6))
        # No longer kept, so that nobody can tell whether this is a repetition.
        with pytest.raises(SettledError, match="round 5"):
            await opened.settle(settled(5))


async def test_who_abstains_keeps_what_they_have(tmp_path: Path) -> None:
    async with ledger(tmp_path) as opened:
        await opened.settle(settled(1))
        before = await opened.reputation(SHARP)
        await opened.settle(settled(2, even=5000))
        assert await opened.reputation(SHARP) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": b"short"},
        {"epoch": -1},
        {"round": 2**63},
        {"happened": 1},
        {"forecasts": {SHARP: 10_001}},
        {"forecasts": {SHARP: 0.5}},
        {"forecasts": {b"short": 1}},
    ],
)
def test_a_round_that_makes_no_sense(changes: dict[str, Any]) -> None:
    with pytest.raises((ReputationError, FieldError)):
        copy.replace(settled(1), **changes)


_CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from noderr.oracle_consensus import reputation
from noderr.oracle_consensus.reputation_test import ROUNDS

left, smoothed = int(sys.argv[2]), reputation.smoothed

def counted(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return smoothed(*arguments)

reputation.smoothed = counted

async def main():
    ledger = reputation.ReputationLedger(Path(sys.argv[1]))
    for number, settled in enumerate(ROUNDS):
        await ledger.settle(settled)
        print(number, flush=True)

asyncio.run(main())
"""


def killed_before_step(folder: Path, steps: int) -> int:
    """How many rounds a child told as settled before it killed itself, after so many steps, in the midst of one."""
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder), str(steps)],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    return len(child.stdout.splitlines())


# A round has four steps: how often it happens, and three oracles. Before each, in the first rounds and in a later one.
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 5, 41, 42, 43, 44])
async def test_a_kill_between_two_steps_leaves_whole_rounds(tmp_path: Path, steps: int) -> None:
    folder = made(tmp_path / "killed")
    told = killed_before_step(folder, steps)
    assert told == steps // 4
    async with ledger(folder) as opened:
        assert await opened.reputations() == await settled_at(tmp_path / "told", ROUNDS[:told])
        for one in ROUNDS:
            await opened.settle(one)
        assert await opened.reputations() == await settled_at(tmp_path / "whole", ROUNDS)
