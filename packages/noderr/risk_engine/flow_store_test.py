"""What was approved survives its process."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from noderr.risk_engine.flow import Approved
from noderr.risk_engine.flow_store import FlowStore
from noderr.risk_engine.testing import NOW_NS, SECOND_NS, order


async def test_what_was_added_is_loaded_in_its_order_and_as_it_was(tmp_path: Path) -> None:
    added = [
        Approved(NOW_NS, order(1), Decimal("100.50"), "signal"),
        Approved(NOW_NS, order(2), Decimal(101), None),
        Approved(NOW_NS + 1, order(3), Decimal(102), "signal"),
    ]
    store = FlowStore(tmp_path, 10 * SECOND_NS)
    for each in added:
        await store.add(each)
    await store.close()
    store = FlowStore(tmp_path, 10 * SECOND_NS)
    assert await store.load(NOW_NS + SECOND_NS) == added
    assert await store.load(NOW_NS + 10 * SECOND_NS) == added[2:]
    await store.close()


async def test_the_file_holds_one_window_only(tmp_path: Path) -> None:
    store = FlowStore(tmp_path, 10 * SECOND_NS)
    for number in range(30):
        await store.add(Approved(NOW_NS + number * SECOND_NS, order(number), Decimal(100), None))
    assert len(await store.load(NOW_NS - 1000 * SECOND_NS)) == 10
    await store.close()
