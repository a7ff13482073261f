"""An account that lost what was never sold pauses new trades, until the venue's word is taken over, on record."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from noderr.execution.errors import HaltedError
from noderr.execution.execution_journal import ExecutionJournal
from noderr.execution.reconciler import Correction
from noderr.execution.service_testing import Desk, approved, numbered


async def test_what_was_traded_is_what_is_held(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running() as service:
        await desk.clock.advance(1)
        await service.execute(approved())
        await desk.until(lambda: bool(desk.outcomes))
        for _ in range(10):
            await desk.clock.advance(31)
        assert service.missing() == ()
    journal = ExecutionJournal(tmp_path)
    assert await journal.corrections() == []
    await journal.close()


async def test_what_is_missing_pauses_and_is_corrected_on_record(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running() as service:
        await desk.clock.advance(1)
        desk.venue.taken = Decimal("0.1")  # 1 % of ten.
        await desk.clock.advance(30)
        assert service.missing() == ("what A holds is not what was traded",)
        with pytest.raises(HaltedError, match="not what was traded"):
            await service.execute(approved())
        await desk.until(lambda: not service.missing(), seconds=1)
        await service.execute(numbered(1))
        await desk.until(lambda: bool(desk.outcomes))
    journal = ExecutionJournal(tmp_path)
    ((_, venue, correction),) = await journal.corrections()
    assert (venue, correction) == ("A", Correction("BTC", Decimal(10), Decimal("9.9")))
    await journal.close()
