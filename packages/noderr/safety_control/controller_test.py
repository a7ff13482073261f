"""Halting at once, resuming with a reason, and a lease that ends by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from noderr.risk_engine.trading_state import TradingState
from noderr.safety_control.errors import PermitError, RecordError
from noderr.safety_control.permit_file import permits_to_text
from noderr.safety_control.safety_log import FILE_NAME, Kind, SafetyLog
from noderr.safety_control.standing import Mode
from noderr.safety_control.testing import LIVE, PAPER, clock, controller, permit, permits
from noderr.utils import StoreError


async def test_a_halt_outlives_the_process_and_only_a_reason_ends_it(tmp_path: Path) -> None:
    first, log = controller(tmp_path, PAPER)
    assert (await first.look()).mode is Mode.PAPER
    assert (await first.halt("somebody", "smoke")).mode is Mode.HALTED
    await log.close()
    second, log = controller(tmp_path, PAPER)
    assert (await second.look()).reasons == ("halted by somebody: smoke",)
    with pytest.raises(RecordError):
        await second.resume("somebody", " ")
    assert (await second.look()).mode is Mode.HALTED
    assert (await second.resume("somebody", "a toaster")).mode is Mode.PAPER
    await log.close()


async def test_halting_again_changes_and_writes_nothing(tmp_path: Path) -> None:
    one, log = controller(tmp_path, PAPER)
    for number in range(50):
        await one.halt("http", f"reason {number}")
    assert [record.reason for record in await log.records()] == ["reason 0"]
    await log.close()


async def test_a_halt_that_cannot_be_written_holds_and_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, log = controller(tmp_path, PAPER)
    run = log._store.run

    async def refuse(_work: Callable[..., Any]) -> Any:
        raise StoreError("the disk is full")

    monkeypatch.setattr(log._store, "run", refuse)
    standing = await one.halt("somebody", "smoke")
    assert standing.mode is Mode.HALTED
    assert "the disk is full" in standing.reasons[0]
    monkeypatch.setattr(log._store, "run", run)
    assert (await one.look()).reasons == ("halted by somebody: smoke",)
    assert [record.kind for record in await log.records()] == [Kind.HALT]
    await log.close()


async def test_a_log_that_was_tampered_with_halts(tmp_path: Path) -> None:
    one, log = controller(tmp_path, PAPER)
    await one.halt("somebody", "smoke")
    await log.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE records SET kind = 'resume'")
    connection.close()
    one, log = controller(tmp_path, PAPER)
    standing = await one.look()
    assert standing.mode is Mode.HALTED
    assert "not what was written" in standing.reasons[0]
    await log.close()


async def test_reducing_is_less_than_active_and_more_than_halted(tmp_path: Path) -> None:
    one, log = controller(tmp_path, PAPER)
    assert (await one.reduce("somebody", "storm")).state is TradingState.REDUCING
    await one.halt("somebody", "smoke")
    with pytest.raises(RecordError, match="resume it first"):
        await one.reduce("somebody", "storm")
    assert (await one.look()).mode is Mode.HALTED
    await log.close()


async def test_a_lease_lasts_its_time_through_a_restart_and_no_longer(tmp_path: Path) -> None:
    time = clock()
    one, log = controller(tmp_path, LIVE, time)
    assert (await one.look()).mode is Mode.HALTED
    await one.renew(permits(), "somebody", "paper went well")
    assert (await one.look()).mode is Mode.LIVE
    await log.close()
    one, log = controller(tmp_path, LIVE, time)
    await time.advance(3_599)
    assert (await one.look()).mode is Mode.LIVE
    await time.advance(1)
    standing = await one.look()
    assert (standing.mode, standing.state) == (Mode.HALTED, TradingState.HALTED)
    await log.close()


async def test_a_lease_is_renewed_and_never_shortened(tmp_path: Path) -> None:
    time = clock()
    one, log = controller(tmp_path, LIVE, time)
    await one.renew(permits(), "somebody", "go")
    with pytest.raises(PermitError, match="already"):
        await one.renew(permits(permit(seconds=60)), "somebody", "go")
    await time.advance(3_000)
    await one.renew(permits(permit(since=permit().issued_at_s + 3_000)), "somebody", "on")
    await time.advance(3_500)
    assert (await one.look()).mode is Mode.LIVE
    await log.close()


async def test_too_few_guardians_give_no_lease(tmp_path: Path) -> None:
    one, log = controller(tmp_path, LIVE)
    with pytest.raises(PermitError, match="20 of 40"):
        await one.renew(permits(by=2), "somebody", "go")
    assert await log.records() == []
    await log.close()


async def test_a_lease_that_somebody_wrote_by_hand_is_none(tmp_path: Path) -> None:
    log = SafetyLog(tmp_path)
    await log.append(Kind.LEASE, "somebody", "trust me", 1, permits_to_text(permits(by=2)))
    one, mine = controller(tmp_path, LIVE)
    standing = await one.look()
    assert standing.mode is Mode.HALTED
    assert "record 1 is none: guardians of 20 of 40" in standing.reasons[-1]
    await log.append(Kind.LEASE, "somebody", "trust me", 2, "{}")
    assert "record 2 is none: it is no permit" in (await one.look()).reasons[-1]
    await mine.close()
    await log.close()


async def test_live_after_a_halt_needs_both_again(tmp_path: Path) -> None:
    time = clock()
    one, log = controller(tmp_path, LIVE, time)
    await one.renew(permits(), "somebody", "go")
    await one.halt("somebody", "smoke")
    await time.advance(4_000)
    assert (await one.resume("somebody", "a toaster")).mode is Mode.HALTED
    await log.close()


async def test_the_mode_is_written_down_when_it_changes(tmp_path: Path) -> None:
    one, log = controller(tmp_path, PAPER)
    for _ in range(3):
        await one.note_mode(await one.look())
    await one.note_mode(await one.halt("somebody", "smoke"))
    modes = [(record.detail, record.reason) for record in await log.records() if record.kind is Kind.MODE]
    assert modes == [("paper", "nothing stands against it"), ("halted", "halted by somebody: smoke")]
    await log.close()
