"""The service as a whole: what is not approved reaches no venue, and what is approved is executed once, ever."""

from __future__ import annotations

import asyncio
import copy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from noderr.core.consensus.testing import SECOND_NS
from noderr.core.consensus.trade_testing import EXPIRES_S, KEYS, ORDER, SignedTrade
from noderr.execution.bounds import EngineBounds
from noderr.execution.errors import HaltedError, NotApprovedError, TooManyTradesError
from noderr.execution.records import FinishReason
from noderr.execution.service_testing import Desk, approved, numbered
from noderr.types.consensus import Choice
from noderr.types.consensus.approval import Ground
from noderr.types.consensus.certificate_reference import CertificateReference

WHOLE = SignedTrade()
REAL = WHOLE.guardian_certificate
FORGED = copy.replace(
    REAL,
    signatures=(copy.replace(REAL.signatures[0], signature=b"\1" * 65), *REAL.signatures[1:]),
)
OTHER = copy.replace(WHOLE.proposal, order=copy.replace(ORDER, quantity=Decimal("0.6")))


@pytest.mark.parametrize(
    ("changes", "later_s", "ground"),
    [
        ({"oracle_certificate": None}, 0, Ground.NO_CERTIFICATE),
        ({"guardian_certificate": None}, 0, Ground.NO_CERTIFICATE),
        ({"guardian_certificate": FORGED}, 0, Ground.UNPROVEN),
        (
            {"oracle_certificate": SignedTrade(oracle_changes={"signers": KEYS[:2]}).oracle_certificate},
            0,
            Ground.UNPROVEN,
        ),
        (
            {"guardian_certificate": SignedTrade(guardian_changes={"choice": Choice.REJECT}).guardian_certificate},
            0,
            Ground.NOT_APPROVING,
        ),
        ({}, 60, Ground.PROPOSAL_EXPIRED),
        ({}, 61, Ground.CERTIFICATE_EXPIRED),
        ({"proposal": OTHER}, 0, Ground.OTHER_PROPOSAL),
    ],
)
async def test_no_order_leaves(tmp_path: Path, changes: dict[str, Any], later_s: int, ground: Ground) -> None:
    desk = Desk(tmp_path)
    async with desk.running() as service:
        await desk.clock.advance(later_s)
        with pytest.raises(NotApprovedError) as caught:
            await service.execute(approved(**changes))
        assert caught.value.ground is ground
        assert service.open_trades == 0
    assert desk.venue.submitted == []
    async with desk.running():
        assert (desk.venue.submitted, desk.venue.asked, desk.outcomes) == ([], [], [])


async def test_an_approved_trade_is_executed_and_told_with_what_proves_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running() as service:
        assert await service.execute(approved()) is None
        await desk.until(lambda: bool(desk.outcomes))
        (outcome,) = desk.outcomes
        assert outcome.finished.reason is FinishReason.FILLED
        stamps = outcome.finished.stamps
        assert stamps.first_fill_ns is not None
        execution = outcome.mandate.execution(KEYS[0].address, outcome.finished.fills)
        assert execution.order == ORDER
        assert execution.proposal == WHOLE.proposal.digest
        assert execution.guardians == CertificateReference.of(REAL)
        assert sum(fill.quantity for fill in execution.fills) == ORDER.quantity
        await desk.until(lambda: service.open_trades == 0)
        for name, labels, value in (
            ("noderr_execution_trades_total", {"outcome": "filled"}, 1),
            ("noderr_execution_orders_total", {"outcome": "sent"}, 1),
            ("noderr_execution_first_fill_seconds_count", {}, 1),
            ("noderr_execution_open_trades", {}, 0),
            ("noderr_execution_halted", {}, 0),
        ):
            assert desk.registry.get_sample_value(name, labels) == value, name
        assert await service.execute(approved()) == outcome, "approved twice is the same result"
    async with desk.running() as service:
        assert await service.execute(approved()) == outcome
    assert len(desk.venue.submitted) == 1
    assert len(desk.outcomes) == 1


async def test_the_same_trade_twice_at_once_is_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running() as service:
        for _ in range(5):
            assert await service.execute(approved()) is None
        await desk.until(lambda: bool(desk.outcomes))
    assert len(desk.venue.submitted) == 1


@pytest.mark.parametrize("fate", ["silent", "break"])
async def test_after_a_restart_what_may_have_been_sent_is_asked_for_and_not_sent_again(
    tmp_path: Path, fate: str
) -> None:
    desk = Desk(tmp_path, fate="silent")
    async with desk.running() as service:
        await service.execute(approved())
        await desk.until(lambda: bool(desk.venue.submitted))
    desk.venue.fate = fate
    async with desk.running():
        await desk.until(lambda: bool(desk.outcomes))
    assert len(desk.venue.submitted) == 1
    assert desk.venue.asked == [desk.venue.submitted[0].client_order_id]
    assert desk.outcomes[0].finished.reason is FinishReason.FILLED


async def test_trades_that_are_under_way_after_a_restart_are_counted(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fate="silent")
    async with desk.running() as service:
        await service.execute(approved())
        await desk.until(lambda: bool(desk.venue.submitted))
    again = desk.new_service()
    await again.start()
    assert (again.open_trades, desk.registry.get_sample_value("noderr_execution_open_trades")) == (1, 1)
    await again.stop()
    assert (again.open_trades, desk.registry.get_sample_value("noderr_execution_open_trades")) == (0, 0)


async def test_a_broken_connection_is_followed_by_a_question_and_not_by_another_order(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fate="break")
    async with desk.running() as service:
        await service.execute(approved())
        await desk.until(lambda: bool(desk.outcomes))
    assert len(desk.venue.submitted) == 1
    assert desk.outcomes[0].finished.reason is FinishReason.FILLED


async def test_a_halt_lasts_through_a_restart_until_somebody_resumes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running() as service:
        await service.halt("drill")
        with pytest.raises(HaltedError):
            await service.execute(approved())
    async with desk.running() as service:
        assert service.missing() == ("execution is halted: drill",)
        with pytest.raises(HaltedError):
            await service.execute(approved())
        await service.resume()
        await service.execute(approved())
        await desk.until(lambda: bool(desk.outcomes))
    assert len(desk.venue.submitted) == 1


async def test_a_trade_is_not_begun_when_a_halt_came_before_its_records_were_read(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running() as service:
        begun = asyncio.create_task(service.execute(approved()))
        await asyncio.sleep(0)
        await service.halt("drill")
        with pytest.raises(HaltedError, match="drill"):
            await begun
        assert service.open_trades == 0
        await service.resume()
        assert await service.execute(approved()) is None, "its id was not used up"
        await desk.until(lambda: bool(desk.outcomes))
    assert len(desk.venue.submitted) == 1


async def test_a_trade_is_not_begun_when_the_engine_ends_meanwhile(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running() as service:
        begun = asyncio.create_task(service.execute(approved()))
        await asyncio.sleep(0)
        await service.stop()
        with pytest.raises(HaltedError):
            await begun
    assert desk.venue.submitted == []


async def test_a_halt_takes_back_what_is_out_and_sends_nothing_more(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fate="silent")
    async with desk.running() as service:
        await service.execute(approved())
        await desk.until(lambda: bool(desk.venue.submitted))
        await service.halt("drill")
        await desk.until(lambda: bool(desk.venue.canceled))
        await desk.until(lambda: bool(desk.outcomes), seconds=0.1)
    assert len(desk.venue.submitted) == 1
    assert desk.venue.canceled == [desk.venue.submitted[0].client_order_id]


async def test_without_a_market_it_waits_until_its_time_is_over(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    service = desk.new_service()
    service._allot = lambda _wanted: ()
    desk.new_service = lambda: service  # type: ignore[method-assign]
    async with desk.running():
        await service.execute(approved())
        await desk.until(lambda: bool(desk.outcomes), seconds=0.5)
    (outcome,) = desk.outcomes
    assert outcome.finished.reason is FinishReason.NO_MARKET
    assert outcome.finished.stamps.finished_ns == EXPIRES_S * SECOND_NS - SECOND_NS // 2
    assert desk.venue.submitted == []


async def test_knights_morning_is_bounded(tmp_path: Path) -> None:
    """212 parents whose children are refused and tried again (SEC release 70694): Knight sent millions."""
    desk = Desk(tmp_path, fate="refuse", bounds=EngineBounds())
    async with desk.running() as service:
        refused = 0
        for number in range(1, 213):
            try:
                await service.execute(numbered(number))
            except TooManyTradesError:
                refused += 1
        assert refused == 212 - 64
        await desk.until(lambda: len(desk.outcomes) == 64, seconds=0.25)
    assert all(one.finished.fills == () for one in desk.outcomes)
    # Five tries for each of the 64; at most 20 at once and 5 a second in the minute that the approvals last.
    assert len(desk.venue.submitted) <= 64 * 5
    assert len(desk.venue.submitted) <= 20 + 5 * 60
    assert len({order.client_order_id for order in desk.venue.submitted}) == len(desk.venue.submitted)
