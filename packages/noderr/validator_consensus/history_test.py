"""The history of rounds: failed ones count, what was decided stays, and it does not grow."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.actions import Failure
from noderr.types.consensus import Choice
from noderr.validator_consensus.errors import HistoryError
from noderr.validator_consensus.history import FILE_NAME, PastRound, RoundHealth, RoundHistory

TOPIC = b"\1" * 32


def past(number: int, outcome: Choice | Failure = Choice.APPROVE, topic: bytes = TOPIC) -> PastRound:
    return PastRound(number, topic, outcome)


async def recorded(
    folder: Path, rounds: list[PastRound], keep: int = 1000
) -> tuple[tuple[PastRound, ...], RoundHealth]:
    history = RoundHistory(folder, keep)
    try:
        for one in rounds:
            await history.record(one)
        return await history.last(keep), await history.health()
    finally:
        await history.close()


@pytest.mark.parametrize(("failures", "healthy"), [(0, True), (2, True), (3, False), (10, False)])
async def test_eight_of_the_last_ten_are_healthy(tmp_path: Path, failures: int, healthy: bool) -> None:
    rounds = [past(number, Failure.TIMEOUT) for number in range(20)]
    rounds += [past(number) for number in range(20, 30 - failures)]
    rounds += [past(number, Failure.NO_MAJORITY) for number in range(30 - failures, 30)]
    _, health = await recorded(tmp_path, rounds)
    assert health == RoundHealth(10, 10 - failures)
    assert health.is_healthy == healthy


async def test_few_rounds_are_measured_by_what_they_are(tmp_path: Path) -> None:
    assert (await recorded(tmp_path, []))[1].is_healthy
    _, health = await recorded(tmp_path, [past(1, Failure.TIMEOUT)])
    assert (health, health.is_healthy) == (RoundHealth(1, 0), False)


async def test_a_rejection_is_decided(tmp_path: Path) -> None:
    _, health = await recorded(tmp_path, [past(1, Choice.REJECT)])
    assert health == RoundHealth(1, 1)


async def test_a_failed_round_may_be_decided_after_all_and_then_stays(tmp_path: Path) -> None:
    await recorded(tmp_path, [past(1, Failure.TIMEOUT), past(1, Failure.NO_MAJORITY)])
    assert (await recorded(tmp_path, []))[0] == (past(1, Failure.TIMEOUT),)
    found, _ = await recorded(tmp_path, [past(1, Choice.REJECT), past(1, Failure.TIMEOUT), past(1)])
    assert found == (past(1, Choice.REJECT),)


async def test_two_trades_of_one_slot_are_two_rounds(tmp_path: Path) -> None:
    other = past(1, Failure.TIMEOUT, b"\2" * 32)
    found, health = await recorded(tmp_path, [past(1), other])
    assert found == (other, past(1))
    assert health == RoundHealth(2, 1)


async def test_the_oldest_make_room(tmp_path: Path) -> None:
    found, _ = await recorded(tmp_path, [past(number) for number in (*range(10, 30), *range(10))], 12)
    assert [one.round for one in found] == list(range(29, 17, -1))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([Choice.APPROVE, Failure.TIMEOUT])), max_size=40))
async def test_the_newest_are_kept_whatever_the_order_and_the_restarts(
    tmp_path_factory: pytest.TempPathFactory, ended: list[tuple[int, Choice | Failure]]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    rounds = [past(number, outcome) for number, outcome in ended]
    half = len(rounds) // 2
    await recorded(folder, rounds[:half], 12)
    found, _ = await recorded(folder, rounds[half:], 12)
    assert [one.round for one in found] == sorted({one.round for one in rounds}, reverse=True)[:12]
    with sqlite3.connect(folder / FILE_NAME) as connection:
        assert connection.execute("SELECT count(*) FROM rounds").fetchone()[0] == len(found)
    connection.close()


@pytest.mark.parametrize("wrong", [past(-1), past(2**63), past(1, topic=b"")])
async def test_what_is_no_round_is_refused(tmp_path: Path, wrong: PastRound) -> None:
    with pytest.raises(HistoryError, match="it must be a slot, and 32"):
        await recorded(tmp_path, [wrong])


@pytest.mark.parametrize("keep", [9, 0, 1_000_001])
def test_too_short_a_memory_is_refused(tmp_path: Path, keep: int) -> None:
    with pytest.raises(HistoryError, match="keep is"):
        RoundHistory(tmp_path, keep)
