"""Assignments: each strategy once, through repetition, contracts that fail, and kills at every step."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from noderr.oracle_consensus.errors import AssignmentConflictError, ContractError
from noderr.oracle_consensus.strategy_assignment import Assignment, StrategyAssigner
from noderr.oracle_consensus.strategy_risk import StrategyProfile, StrategyType
from noderr.types.trading.errors import FieldError

STRATEGY, OTHER = b"\1" * 32, b"\2" * 32
PROFILE = StrategyProfile(
    kind=StrategyType.MARKET_NEUTRAL,
    max_drawdown_bps=2000,
    sharpe_e2=120,
    volatility_bps=3500,
    max_leverage_e2=300,
    correlation_e3=400,
    flash_loans=False,
)
ASSIGNED = Assignment(strategy=STRATEGY, risk=31, kind=StrategyType.MARKET_NEUTRAL)


class Killed(BaseException):
    """Stands for kill -9: nothing that handles errors sees it."""


class Contract:
    """Keeps what it is told, once for each strategy as the real one does; fails where it is told to."""

    def __init__(self) -> None:
        self.has: dict[bytes, Assignment] = {}
        self.told = 0
        self.fail: dict[str, BaseException] = {}

    async def assigned(self, strategy: bytes) -> Assignment | None:
        self._maybe("asked")
        return self.has.get(strategy)

    async def assign(self, assignment: Assignment) -> None:
        self._maybe("before it has it")
        self.told += 1
        if assignment.strategy in self.has:
            raise ContractError("reverted: already assigned")
        await asyncio.sleep(0)
        self.has[assignment.strategy] = assignment
        self._maybe("after it has it")

    def _maybe(self, step: str) -> None:
        if step in self.fail:
            raise self.fail.pop(step)


@asynccontextmanager
async def assigner(folder: Path, contract: Contract) -> AsyncIterator[StrategyAssigner]:
    opened = StrategyAssigner(folder, contract)
    try:
        yield opened
    finally:
        await opened.close()


async def test_a_strategy_is_assigned_by_its_risk_and_its_own_type(tmp_path: Path) -> None:
    contract = Contract()
    async with assigner(tmp_path, contract) as opened:
        assert await opened.assign(STRATEGY, PROFILE) == ASSIGNED
        assert contract.has == {STRATEGY: ASSIGNED}
        assert await opened.unconfirmed() == []


async def test_again_and_at_once_and_after_a_restart_it_is_told_once(tmp_path: Path) -> None:
    contract = Contract()
    async with assigner(tmp_path, contract) as opened:
        await asyncio.gather(*(opened.assign(STRATEGY, PROFILE) for _ in range(5)))
    async with assigner(tmp_path, contract) as opened:
        assert await opened.assign(STRATEGY, PROFILE) == ASSIGNED
        assert await opened.resume() == []
    assert contract.told == 1


@pytest.mark.parametrize("step", ["asked", "before it has it", "after it has it"])
async def test_a_kill_at_any_step_and_it_is_told_once(tmp_path: Path, step: str) -> None:
    contract = Contract()
    contract.fail[step] = Killed()
    async with assigner(tmp_path, contract) as opened:
        with pytest.raises(Killed):
            await opened.assign(STRATEGY, PROFILE)
    async with assigner(tmp_path, contract) as opened:
        assert await opened.unconfirmed() == [ASSIGNED], "it was on the disk before the contract was told"
        assert await opened.resume() == [ASSIGNED]
        assert await opened.unconfirmed() == []
    assert contract.has == {STRATEGY: ASSIGNED}
    assert contract.told == 1


@pytest.mark.parametrize("step", ["asked", "before it has it", "after it has it"])
async def test_a_contract_that_fails_is_told_later(tmp_path: Path, step: str) -> None:
    contract = Contract()
    contract.fail[step] = ContractError("the chain's node does not answer")
    async with assigner(tmp_path, contract) as opened:
        with pytest.raises(ContractError, match="does not answer"):
            await opened.assign(STRATEGY, PROFILE)
        # Asking again is as good as `resume`.
        assert await opened.assign(STRATEGY, PROFILE) == ASSIGNED
    assert contract.told == 1


async def test_one_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    contract = Contract()
    async with assigner(tmp_path, contract) as opened:
        for strategy in (STRATEGY, OTHER):
            contract.fail["asked"] = ContractError("away")
            with pytest.raises(ContractError):
                await opened.assign(strategy, PROFILE)
        contract.fail["asked"] = ContractError("still away")
        with pytest.raises(ExceptionGroup) as caught:
            await opened.resume()
        assert [str(error) for error in caught.value.exceptions] == ["still away"]
        assert contract.has.keys() == {OTHER}
        assert await opened.resume() == [ASSIGNED]


async def test_another_assignment_of_the_same_strategy_is_refused(tmp_path: Path) -> None:
    contract = Contract()
    async with assigner(tmp_path, contract) as opened:
        await opened.assign(STRATEGY, PROFILE)
        for changed in (
            copy.replace(PROFILE, flash_loans=True),
            copy.replace(PROFILE, kind=StrategyType.LONG_ONLY),
        ):
            with pytest.raises(AssignmentConflictError, match="with risk 31 as MARKET_NEUTRAL"):
                await opened.assign(STRATEGY, changed)
    assert contract.has == {STRATEGY: ASSIGNED}
    assert contract.told == 1


async def test_what_another_oracle_said_first_stays(tmp_path: Path) -> None:
    contract = Contract()
    contract.has[STRATEGY] = copy.replace(ASSIGNED, risk=90)
    contract.has[OTHER] = copy.replace(ASSIGNED, strategy=OTHER)
    async with assigner(tmp_path, contract) as opened:
        with pytest.raises(AssignmentConflictError, match="risk 90"):
            await opened.assign(STRATEGY, PROFILE)
        # It said the same: nothing to do.
        assert (await opened.assign(OTHER, PROFILE)).risk == 31
    assert contract.told == 0


async def test_a_strategy_without_an_id_is_refused(tmp_path: Path) -> None:
    async with assigner(tmp_path, Contract()) as opened:
        with pytest.raises(FieldError, match="Assignment.strategy"):
            await opened.assign(b"short", PROFILE)
        assert await opened.unconfirmed() == []
